import { createServer, connect as openSocket, type Server, type Socket } from 'node:net';
import type { NetworkBackend } from '../../ports/host.js';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

const LENGTH_BYTES = 4;
/** QEMU's limit of a packet on such a connection. */
const LONGEST_PACKET = 4096 + 65_536;
/** Bytes that wait for a peer that does not read; packets beyond are lost. */
const MOST_WAITING = 1024 * 1024;

/** A cable to another machine, and the port listened on, if any. */
export interface SocketNetwork extends NetworkBackend {
  readonly port: number;
}

/**
 * A cable between two machines over TCP, in the format of QEMU's `-netdev socket`: each frame after its length in
 * four bytes, high byte first. Waits for one peer at a time; `tell` gets a line when a peer comes or goes.
 * Rejects with InputError when the port cannot be had.
 */
export async function listenForPeer(at: Endpoint, tell: (line: string) => void): Promise<SocketNetwork> {
  const cable = new Cable(tell);
  const server = createServer({ noDelay: true }, socket => cable.plug(socket));
  await new Promise<void>((resolve, reject) => {
    server.once('listening', resolve);
    server.once('error', error =>
      reject(new InputError(`cannot listen on ${textOf(at)} for the network: ${systemErrorText(error)}`)),
    );
    server.listen(at.port, at.host);
  });
  server.on('error', () => {});
  cable.server = server;
  return cable;
}

/** The other end of `listenForPeer`. Rejects with InputError when nothing listens there. */
export async function connectToPeer(to: Endpoint, tell: (line: string) => void): Promise<SocketNetwork> {
  const cable = new Cable(tell);
  const socket = openSocket({ ...to, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', error =>
      reject(new InputError(`cannot connect the network to ${textOf(to)}: ${systemErrorText(error)}`)),
    );
  });
  cable.plug(socket);
  return cable;
}

const textOf = ({ host, port }: Endpoint) => `${host}:${port}`;

class Cable implements SocketNetwork {
  server: Server | undefined;
  #peer: Socket | undefined;
  #listener: (packet: Uint8Array) => void = () => {};
  #closed = false;

  constructor(readonly tell: (line: string) => void) {}

  get port(): number {
    const address = this.server?.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  plug(socket: Socket): void {
    if (this.#peer !== undefined || this.#closed) {
      socket.destroy();
      return;
    }
    this.#peer = socket;
    const frames = new FrameReader(packet => this.#listener(packet));
    socket.on('data', bytes => {
      if (frames.feed(new Uint8Array(bytes))) return;
      this.tell('the network peer sends what is no packet: disconnected');
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#peer = undefined;
      if (!this.#closed) this.tell('the network peer is gone');
    });
  }

  send(packet: Uint8Array): void {
    const peer = this.#peer;
    if (peer === undefined || packet.length > LONGEST_PACKET || peer.writableLength > MOST_WAITING) return;
    const framed = new Uint8Array(LENGTH_BYTES + packet.length);
    new DataView(framed.buffer).setUint32(0, packet.length);
    framed.set(packet, LENGTH_BYTES);
    peer.write(framed);
  }

  onReceive(listener: (packet: Uint8Array) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#closed = true;
    this.server?.close();
    const peer = this.#peer;
    peer?.end(() => peer.destroy());
  }
}

/** Cuts a stream into frames. */
class FrameReader {
  #rest = new Uint8Array();

  constructor(readonly deliver: (packet: Uint8Array) => void) {}

  /** False when a length makes no sense. */
  feed(bytes: Uint8Array): boolean {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    let at = 0;
    while (joined.length - at >= LENGTH_BYTES) {
      const length = new DataView(joined.buffer, at).getUint32(0);
      if (length > LONGEST_PACKET) return false;
      if (joined.length - at - LENGTH_BYTES < length) break;
      at += LENGTH_BYTES + length;
      if (length > 0) this.deliver(joined.slice(at - length, at));
    }
    this.#rest = joined.slice(at);
    return true;
  }
}
