/** Services on the loopback for guests to talk to; they end with the test. */
import { createSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer } from 'node:net';
import { onTestFinished } from 'vitest';

/** Sends every datagram back; its port. */
export async function udpEcho(): Promise<number> {
  const socket = createSocket('udp4');
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address));
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  onTestFinished(() => void socket.close());
  return socket.address().port;
}

/** Answers the first thing a connection sends, then ends its side; its port. */
export async function tcpAnswer(answer: Uint8Array): Promise<number> {
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A port where nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise(resolve => server.close(resolve));
  return port;
}

/** Connects, sends all, and returns all that comes back until the other side ends. */
export function exchange(port: number, bytes: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('data', part => received.push(part));
    socket.on('error', reject);
    socket.on('end', () => resolve(Buffer.concat(received)));
    socket.end(bytes);
  });
}
