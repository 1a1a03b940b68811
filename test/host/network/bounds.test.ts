/** What a guest may make the user-mode network keep, and what it may not reach. No file of the host is touched. */
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { answerDhcp } from '../../../src/host/network/dhcp.js';
import { PROTOCOL, parseFrame, parseIpv4 } from '../../../src/host/network/ipv4.js';
import { Neighbours } from '../../../src/host/network/neighbours.js';
import { Reassembly } from '../../../src/host/network/reassembly.js';
import { SendBuffer } from '../../../src/host/network/send-buffer.js';
import { buildTcp, FLAG, parseTcp } from '../../../src/host/network/tcp-segment.js';
import { buildUdp, parseUdp } from '../../../src/host/network/udp.js';
import { UdpProxy } from '../../../src/host/network/udp-proxy.js';
import { openUserNetwork } from '../../../src/host/network/user-network.js';
import { arpRequest, GUEST_CARD, ipv4Frame } from '../../network/frames.js';

const GUEST = 0x0a00_020f;
const GATEWAY = 0x0a00_0202;
const DNS = 0x0a00_0203;
const GATEWAY_CARD = Uint8Array.of(0x52, 0x55, 10, 0, 2, 2);
const FROM = { card: GUEST_CARD, address: GUEST };

const packetOf = (frame: Uint8Array) => {
  const parsed = parseIpv4(parseFrame(frame)?.payload ?? new Uint8Array());
  if (parsed === undefined) throw new Error('no packet');
  return parsed;
};

const udpFrame = (destination: number, destinationPort: number, payload: Uint8Array, sourcePort = 4000) => {
  const udp = { source: GUEST, sourcePort, destination, destinationPort, payload };
  return ipv4Frame(FROM, GATEWAY_CARD, destination, PROTOCOL.udp, buildUdp(udp).payload);
};

const synFrame = (destination: number, destinationPort: number) => {
  const segment = {
    sequence: 7,
    acknowledgment: 0,
    flags: FLAG.syn,
    window: 1000,
    payload: new Uint8Array(),
  };
  const { payload } = buildTcp(GUEST, destination, { sourcePort: 5000, destinationPort, ...segment });
  return ipv4Frame(FROM, GATEWAY_CARD, destination, PROTOCOL.tcp, payload);
};

async function network(rules: Parameters<typeof openUserNetwork>[0], restricted: boolean) {
  const opened = await openUserNetwork(rules, { restricted });
  onTestFinished(() => opened.close());
  const received: Uint8Array[] = [];
  opened.onReceive(frame => received.push(frame));
  return { opened, received };
}

test('a guest with a million addresses is known by the last ones', () => {
  const neighbours = new Neighbours();
  const datagram = (destination: number) => ({
    source: GATEWAY,
    destination,
    protocol: 17,
    payload: new Uint8Array(),
  });
  for (let i = 0; i < 1_000_000; i++) neighbours.learn(i, GUEST_CARD);
  for (let i = 2_000_000; i < 2_001_000; i++) neighbours.wait(datagram(i));
  for (let i = 0; i < 100; i++) neighbours.wait(datagram(3_000_000));
  expect(neighbours.size).toBe(64 + 16);
  expect(neighbours.cardOf(999_999)).toBe(GUEST_CARD);
  expect(neighbours.cardOf(999_935)).toBeUndefined();
  expect(neighbours.learn(3_000_000, GUEST_CARD)).toHaveLength(16);
});

test('an address that is in use stays known', () => {
  const neighbours = new Neighbours();
  for (let i = 0; i < 1000; i++) {
    neighbours.learn(GUEST, GUEST_CARD);
    neighbours.learn(1000 + i, GUEST_CARD);
  }
  expect(neighbours.cardOf(GUEST)).toBe(GUEST_CARD);
});

test('the last part of a datagram in too many parts completes nothing', () => {
  const pieces = new Reassembly();
  const part = { source: 1, destination: 2, protocol: 17, identification: 3 };
  const bytes = new Uint8Array(8);
  // 1400 parts are as many as there may be; with the last one they would be one too many.
  for (let i = 0; i < 1401; i++) pieces.take({ ...part, offset: 8 * i, more: true, payload: bytes });
  expect(pieces.take({ ...part, offset: 8 * 1401, more: false, payload: bytes })).toBeUndefined();
  for (let i = 0; i < 1399; i++)
    pieces.take({ ...part, identification: 4, offset: 8 * i, more: true, payload: bytes });
  const whole = pieces.take({ ...part, identification: 4, offset: 8 * 1399, more: false, payload: bytes });
  expect(whole?.payload).toHaveLength(8 * 1400);
});

test('what comes byte by byte reads the same', () => {
  const buffer = new SendBuffer();
  for (let i = 0; i < 5000; i++) buffer.append(Uint8Array.of(i & 255));
  buffer.dropFirst(1500);
  expect(buffer.length).toBe(3500);
  expect([...buffer.slice(1000, 3)]).toEqual([2500, 2501, 2502].map(i => i & 255));
});

test('packets that the host cannot send yet are bounded, and what is sent makes room', async () => {
  const target = createSocket('udp4');
  onTestFinished(() => void target.close());
  let bytes = 0;
  target.on('message', message => {
    bytes += message.length;
  });
  await new Promise<void>(resolve => target.bind(0, '127.0.0.1', resolve));
  const proxy = new UdpProxy(() => {});
  onTestFinished(() => proxy.close());
  const send = () =>
    proxy.receive({
      source: GUEST,
      sourcePort: 4000,
      destination: GATEWAY,
      destinationPort: target.address().port,
      payload: new Uint8Array(60_000),
    });
  // The socket is not bound before the event loop turns: all of them wait.
  for (let i = 0; i < 10_000; i++) send();
  await vi.waitFor(() => expect(bytes).toBeGreaterThan(0));
  await new Promise(resolve => setImmediate(resolve));
  expect(bytes).toBeLessThanOrEqual(2 ** 20);
  const before = bytes;
  await vi.waitFor(() => {
    send();
    expect(bytes).toBeGreaterThan(before);
  });
});

test('a restricted guest reaches neither the host nor a name server, and learns of no router', async () => {
  const heard: string[] = [];
  const server = createServer(socket => {
    heard.push('tcp');
    socket.destroy();
  }).listen(0, '127.0.0.1');
  const socket = createSocket('udp4').on('message', () => heard.push('udp'));
  onTestFinished(() => {
    server.close();
    socket.close();
  });
  await new Promise<void>(resolve => server.once('listening', resolve));
  await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const { port: tcpPort } = server.address() as { port: number };

  for (const restricted of [true, false]) {
    const { opened, received } = await network([], restricted);
    opened.send(arpRequest(FROM, GATEWAY));
    opened.send(synFrame(GATEWAY, tcpPort));
    opened.send(synFrame(0xc000_0201, 80));
    opened.send(udpFrame(GATEWAY, socket.address().port, Uint8Array.of(1)));
    const query = Uint8Array.of(
      0,
      9,
      1,
      0,
      0,
      1,
      0,
      0,
      0,
      0,
      0,
      0,
      9,
      ...Buffer.from('localhost'),
      0,
      0,
      1,
      0,
      1,
    );
    opened.send(udpFrame(DNS, 53, query));
    if (restricted) {
      // Both connections are reset at once; nothing else is under way.
      expect(received.slice(1).map(frame => parseTcp(packetOf(frame))?.flags)).toEqual([
        FLAG.rst | FLAG.ack,
        FLAG.rst | FLAG.ack,
      ]);
    } else {
      await vi.waitFor(() => expect(heard.toSorted()).toEqual(['tcp', 'udp']));
    }
  }
  const discover = new Uint8Array(300);
  discover.set([1, 1, 6]);
  discover.set([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255], 236);
  const options = (restricted: boolean) => [...(answerDhcp(discover, restricted)?.subarray(240) ?? [])];
  expect(options(false).join()).toContain('3,4,10,0,2,2,6,4,10,0,2,3');
  expect(options(true).join()).not.toContain('4,10,0,2,2,6,4,10,0,2,3');
});

test('forwarded ports lead to a restricted guest, and it answers there and nowhere else', async () => {
  const rule = (protocol: 'tcp' | 'udp', port: number) =>
    ({ protocol, host: '127.0.0.1', port, guest: GUEST, guestPort: 7 }) as const;
  const probe = createSocket('udp4');
  const stranger = createSocket('udp4');
  onTestFinished(() => {
    probe.close();
    stranger.close();
  });
  const heard: string[] = [];
  probe.on('message', bytes => heard.push(`probe ${bytes}`));
  stranger.on('message', bytes => heard.push(`stranger ${bytes}`));
  for (const socket of [probe, stranger])
    await new Promise<void>(resolve => socket.bind(0, '127.0.0.1', resolve));
  const free = createSocket('udp4');
  await new Promise<void>(resolve => free.bind(0, '127.0.0.1', resolve));
  const udpPort = free.address().port;
  await new Promise<void>(resolve => free.close(resolve));

  const { opened, received } = await network([rule('tcp', 0), rule('udp', udpPort)], true);
  opened.send(arpRequest(FROM, GATEWAY));
  const client = connect(opened.tcpPorts[0], '127.0.0.1').on('error', () => {});
  onTestFinished(() => void client.destroy());
  await vi.waitFor(() =>
    expect(received.some(frame => parseTcp(safely(frame))?.flags === FLAG.syn)).toBe(true),
  );
  probe.send('ask', udpPort, '127.0.0.1');
  await vi.waitFor(() => expect(received.some(frame => parseUdp(safely(frame)) !== undefined)).toBe(true));
  opened.send(udpFrame(GATEWAY, stranger.address().port, Buffer.from('leak'), 7));
  opened.send(udpFrame(GATEWAY, probe.address().port, Buffer.from('answer'), 7));
  await vi.waitFor(() => expect(heard).toEqual(['probe answer']));
});

const NOTHING = { source: 0, destination: 0, protocol: 0, payload: new Uint8Array() };
const safely = (frame: Uint8Array) => parseIpv4(parseFrame(frame)?.payload ?? new Uint8Array()) ?? NOTHING;
