import fc from 'fast-check';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { answerDhcp } from '../../../src/host/network/dhcp.js';
import { answerDns } from '../../../src/host/network/dns-server.js';
import {
  buildFrame,
  buildIpv4,
  ETHERTYPE,
  PROTOCOL,
  parseAddress,
  parseFrame,
  parseIpv4,
  viewOf,
} from '../../../src/host/network/ipv4.js';
import { Reassembly } from '../../../src/host/network/reassembly.js';
import { buildTcp, FLAG, parseTcp } from '../../../src/host/network/tcp-segment.js';
import { buildUdp, parseUdp } from '../../../src/host/network/udp.js';
import { openUserNetwork } from '../../../src/host/network/user-network.js';
import { arpRequest, echoRequest, GUEST_CARD, ipv4Frame } from '../../network/frames.js';
import { udpEcho } from '../../network/loopback.js';

const GUEST = 0x0a00_020f;
const GATEWAY = 0x0a00_0202;
const GATEWAY_CARD = Uint8Array.of(0x52, 0x55, 10, 0, 2, 2);
const FROM = { card: GUEST_CARD, address: GUEST };

async function network() {
  const opened = await openUserNetwork([]);
  onTestFinished(() => opened.close());
  const received: Uint8Array[] = [];
  let arrived = () => {};
  opened.onReceive(packet => {
    received.push(packet);
    arrived();
  });
  return {
    received,
    send: (packet: Uint8Array) => opened.send(packet),
    next: () =>
      new Promise<Uint8Array>(resolve => {
        arrived = () => resolve(received[received.length - 1]);
      }),
  };
}

const udpFrame = (destination: number, destinationPort: number, payload: Uint8Array) => {
  const udp = { source: GUEST, sourcePort: 4000, destination, destinationPort, payload };
  return ipv4Frame(FROM, GATEWAY_CARD, destination, PROTOCOL.udp, buildUdp(udp).payload);
};

describe('the network’s own addresses', () => {
  test('answer ARP, and only for themselves', async () => {
    const { send, received } = await network();
    send(arpRequest(FROM, GATEWAY));
    expect(Buffer.from(received[0]).toString('hex')).toBe(
      '52540012345652550a0002020806000108000604000252550a0002020a0002025254001234560a00020f',
    );
    send(arpRequest(FROM, 0x0a00_0209));
    expect(received).toHaveLength(1);
  });

  test('answer echo requests with what was sent', async () => {
    const { send, received } = await network();
    const data = Uint8Array.from({ length: 1000 }, (_, i) => i);
    send(echoRequest(FROM, GATEWAY, 77, data, GATEWAY_CARD));
    const frame = parseFrame(received[0]);
    const reply = parseIpv4(frame?.payload ?? new Uint8Array());
    expect(frame?.to).toEqual(GUEST_CARD);
    expect([reply?.source, reply?.destination]).toEqual([GATEWAY, GUEST]);
    expect(reply?.payload[0]).toBe(0);
    expect(reply?.payload.slice(8)).toEqual(data);
  });

  test('a datagram to the gateway reaches the loopback, and its answer comes from the gateway', async () => {
    const { send, next } = await network();
    const port = await udpEcho();
    const answer = next();
    send(udpFrame(GATEWAY, port, Uint8Array.of(1, 2, 3)));
    const datagram = parseIpv4(parseFrame(await answer)?.payload ?? new Uint8Array());
    expect(datagram && parseUdp(datagram)).toEqual({
      source: GATEWAY,
      sourcePort: port,
      destination: GUEST,
      destinationPort: 4000,
      payload: Uint8Array.of(1, 2, 3),
    });
  });

  test('a datagram in fragments is put together, in whatever order they come', async () => {
    const { send, next, received } = await network();
    const port = await udpEcho();
    const payload = Uint8Array.from({ length: 4000 }, (_, i) => i * 7);
    const udp = buildUdp({
      source: GUEST,
      sourcePort: 4000,
      destination: GATEWAY,
      destinationPort: port,
      payload,
    });
    const fragments = buildIpv4(udp, 77).map(packet =>
      buildFrame({ to: GATEWAY_CARD, from: GUEST_CARD, type: ETHERTYPE.ipv4, payload: packet }),
    );
    expect(fragments).toHaveLength(3);
    const answer = next();
    // One that never gets its end, one twice, and the last one first.
    send(
      buildFrame({
        to: GATEWAY_CARD,
        from: GUEST_CARD,
        type: ETHERTYPE.ipv4,
        payload: buildIpv4(udp, 78)[0],
      }),
    );
    for (const i of [2, 1, 1, 0]) send(fragments[i]);
    await answer;
    await vi.waitFor(() => expect(received).toHaveLength(3));
    const whole = new Reassembly();
    const datagrams = received.map(frame => {
      const packet = parseIpv4(parseFrame(frame)?.payload ?? new Uint8Array());
      return packet && whole.take(packet);
    });
    expect(datagrams[2] && parseUdp(datagrams[2])?.payload).toEqual(payload);
  });

  test('a connection to an address that leads nowhere is reset', async () => {
    const { send, received } = await network();
    const syn = {
      sourcePort: 5000,
      destinationPort: 80,
      sequence: 7,
      acknowledgment: 0,
      flags: FLAG.syn,
      window: 1000,
      payload: new Uint8Array(),
    };
    const { payload } = buildTcp(GUEST, 0x0a00_0263, syn);
    send(ipv4Frame(FROM, GATEWAY_CARD, 0x0a00_0263, PROTOCOL.tcp, payload));
    const datagram = parseIpv4(parseFrame(received[0])?.payload ?? new Uint8Array());
    const reply = datagram && parseTcp(datagram);
    expect([reply?.flags, reply?.acknowledgment]).toEqual([FLAG.rst | FLAG.ack, 8]);
  });
});

test('whatever a guest sends, the network stands', async () => {
  const { send } = await network();
  const noise = fc.uint8Array({ maxLength: 200 });
  const frame = fc.oneof(
    noise,
    fc
      .record({ type: fc.constantFrom(0x0800, 0x0806), payload: noise })
      .map(({ type, payload }) => buildFrame({ to: GATEWAY_CARD, from: GUEST_CARD, type, payload })),
    fc
      .record({
        protocol: fc.constantFrom(PROTOCOL.icmp, PROTOCOL.udp),
        destination: fc.constantFrom(GATEWAY, 0x0a00_0203, 0xffff_ffff),
        payload: noise,
      })
      .map(({ protocol, destination, payload }) =>
        ipv4Frame(FROM, GATEWAY_CARD, destination, protocol, payload),
      ),
    noise.map(payload => udpFrame(0xffff_ffff, 67, payload)),
    noise.map(payload => {
      const message = { source: GUEST, destination: 0x0a00_0263, protocol: PROTOCOL.tcp, payload };
      const [packet] = buildIpv4(message, 1);
      return buildFrame({ to: GATEWAY_CARD, from: GUEST_CARD, type: ETHERTYPE.ipv4, payload: packet });
    }),
  );
  fc.assert(
    fc.property(frame, bytes => send(Uint8Array.from(bytes))),
    { numRuns: 2000 },
  );
  fc.assert(
    fc.property(noise, bytes => {
      answerDhcp(Uint8Array.from(bytes));
    }),
  );
  await fc.assert(
    fc.asyncProperty(noise, async bytes => {
      await answerDns(Uint8Array.from(bytes), async () => []);
    }),
  );
});

test('a long datagram is cut into fragments that make it up', () => {
  const payload = Uint8Array.from({ length: 4000 }, (_, i) => i);
  const packets = buildIpv4({ source: 1, destination: 2, protocol: 17, payload }, 9);
  const places = packets.map(packet => viewOf(packet).getUint16(6));
  expect(places).toEqual([0x2000, 0x2000 | 185, 370]);
  expect(Uint8Array.from(packets.flatMap(packet => [...packet.slice(20)]))).toEqual(payload);
});

describe('names', () => {
  const query = (name: string, type = 1) => {
    const labels = name.split('.').flatMap(label => [label.length, ...Buffer.from(label)]);
    return Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, type, 0, 1]);
  };
  const ask = async (bytes: Uint8Array, resolve: (name: string) => Promise<readonly string[]>) => {
    const answer = (await answerDns(bytes, resolve)) ?? new Uint8Array();
    const view = viewOf(answer);
    const count = view.getUint16(6);
    const addresses = Array.from({ length: count }, (_, i) => view.getUint32(bytes.length + 16 * i + 12));
    return { code: answer[3] & 15, addresses };
  };
  const failing = (code: string) => async () => {
    throw Object.assign(new Error(code), { code });
  };

  test('have the addresses that the host knows; its loopback is the gateway', async () => {
    const resolve = async (name: string) => (name === 'host.test' ? ['93.184.216.34', '127.0.1.1'] : []);
    expect(await ask(query('host.test'), resolve)).toEqual({
      code: 0,
      addresses: [parseAddress('93.184.216.34'), GATEWAY],
    });
  });

  test('that do not exist, and resolvers that fail, are told apart', async () => {
    expect(await ask(query('no.test'), failing('ENOTFOUND'))).toEqual({ code: 3, addresses: [] });
    expect(await ask(query('no.test'), failing('EAI_AGAIN'))).toEqual({ code: 2, addresses: [] });
  });

  test('have no IPv6 addresses here', async () => {
    expect(await ask(query('host.test', 28), failing('unexpected'))).toEqual({ code: 0, addresses: [] });
  });
});
