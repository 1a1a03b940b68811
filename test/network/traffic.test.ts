import { describe, expect, onTestFinished, test } from 'vitest';
import { connectToPeer, listenForPeer } from '../../src/host/network/socket-network.js';
import { openUserNetwork, type UserNetwork } from '../../src/host/network/user-network.js';
import type { NetworkBackend } from '../../src/ports/host.js';
import { ByteWriter } from '../../src/replay/byte-codec.js';
import { encodeEvent } from '../../src/replay/event-codec.js';
import type { Recording } from '../../src/replay/recording.js';
import { Random } from '../lockstep/random.js';
import { bootFixture, digestsOf, fixture, MemoryFile, replay, type Width } from '../support/sessions.js';
import { closedPort, exchange, tcpAnswer, udpEcho } from './loopback.js';

const ANSWER = Uint8Array.from({ length: 150_000 }, (_, i) => (i * 31 + (i >> 7)) & 0xff);

async function userNetwork(...forwards: Parameters<typeof openUserNetwork>[0]): Promise<UserNetwork> {
  const network = await openUserNetwork(forwards);
  onTestFinished(() => network.close());
  return network;
}

/** A guest with commands typed at its console, one after the other. */
function guest(
  network: NetworkBackend,
  width: Width,
  virtio: 'legacy' | 'modern',
  commands: readonly string[],
) {
  const live = bootFixture(fixture(width, 'net'), {
    network,
    clock: 'realtime',
    config: { network: true, virtio, ramBytes: 4 << 20 },
    snapshotIntervalSteps: 50_000,
  });
  const lines = ['net: 52:54:00:12:34:56', ...commands.slice(0, -1).map(promptAfter)];
  for (const [i, command] of commands.entries()) live.console.answer(lines[i], `${command}\n`);
  return live;
}

/** The last line that a command prints starts so. */
function promptAfter(command: string): string {
  const [name] = command.split(' ');
  return name === 'dhcp' ? 'dhcp: name server' : `${name}:`;
}

async function recordTraffic(width: Width, virtio: 'legacy' | 'modern') {
  const [udp, tcp, nobody] = await Promise.all([udpEcho(), tcpAnswer(ANSWER), closedPort()]);
  const network = await userNetwork();
  const sent: Uint8Array[] = [];
  const counting: NetworkBackend = {
    send: packet => {
      sent.push(packet);
      network.send(packet);
    },
    onReceive: listener => network.onReceive(listener),
    close: () => network.close(),
  };
  const live = guest(counting, width, virtio, [
    'dhcp',
    'resolve localhost',
    'ping 10.0.2.2 10',
    'ping 10.0.2.9 1',
    `udp ${udp} 40`,
    `fetch ${tcp}`,
    `fetch ${nobody}`,
    'quit',
  ]);
  const file = new MemoryFile();
  live.session.record(file);
  live.session.attach();
  const end = await live.session.runToEnd({ timeoutMs: 60_000 });
  return { ...live, end, file, sent };
}

/** Events that say that a packet came, with the ones that only say when. */
function costs({ events }: Recording): { readonly payload: number; readonly logged: number }[] {
  const found: { payload: number; logged: number }[] = [];
  let before = 0;
  let pending = 0;
  for (const { icount, event } of events) {
    const out = new ByteWriter();
    out.varint(icount - before);
    encodeEvent(out, event);
    before = icount;
    pending += out.take().length;
    if (event.kind === 'warp') continue;
    if (event.kind === 'network') found.push({ payload: event.bytes.length, logged: pending });
    pending = 0;
  }
  return found;
}

describe.each([
  ['rv64', 'legacy'],
  ['rv32', 'modern'],
] as const)('a guest on the host’s network: %s, %s', (width, virtio) => {
  test('works, is recorded, and replays with no network', async () => {
    const { session, console, end, file, sent } = await recordTraffic(width, virtio);
    expect(end).toEqual({ kind: 'power-off', code: 0 });
    const text = console.text.replaceAll('\r\n', '\n');
    expect(text).toContain('dhcp: address 10.0.2.15\ndhcp: gateway 10.0.2.2\ndhcp: name server 10.0.2.3\n');
    expect(text).toContain('resolve: 10.0.2.2\n');
    expect(text).toContain('ping: 10 of 10\nping: 0 of 1\nudp: 40 of 40 echoes\n');
    expect(text).toContain(`fetch: ${ANSWER.length} bytes\nfetch: refused\nnet: checksum`);

    const packets = sent.length;
    await session.seek('start');
    await session.seek('end');
    expect(sent.length, 'nothing is sent twice').toBe(packets);
    session.close();

    const recording = file.read();
    const again = replay(recording, { snapshotIntervalSteps: 80_000 });
    await again.session.verify();
    expect(again.console.text).toBe(console.text);

    const all = costs(recording);
    expect(all.length).toBeGreaterThan(100);
    expect(all.filter(({ payload, logged }) => logged > payload + 16)).toEqual([]);
  });

  test('moments are the same from whatever snapshot they are reached', async () => {
    const { session, file } = await recordTraffic(width, virtio);
    session.close();
    const recording = file.read();
    const straight = replay(recording).session;
    const jumping = replay(recording, { snapshotIntervalSteps: 30_000 }).session;
    jumping.attach();
    const random = new Random(7);
    const moments = Array.from({ length: 12 }, () => random.below(straight.history.end + 1));
    const expected = new Map<number, object>();
    for (const moment of moments.toSorted((a, b) => a - b)) {
      await straight.seek(moment);
      expected.set(moment, digestsOf(straight));
    }
    await jumping.seek('end');
    for (const moment of moments) {
      await jumping.seek(moment);
      expect(digestsOf(jumping), `icount ${moment}`).toEqual(expected.get(moment));
    }
  });
});

test('a forwarded port leads into the guest', async () => {
  const rule = { host: '127.0.0.1', port: 0, guest: 0x0a00_020f, guestPort: 7000 };
  const network = await userNetwork({ protocol: 'tcp', ...rule });
  const live = guest(network, 'rv64', 'legacy', ['dhcp', 'accept 7000', 'quit']);
  const sent = Uint8Array.from({ length: 40_000 }, (_, i) => i * 3);
  const echoed = exchange(network.tcpPorts[0], sent);
  const end = await live.session.runToEnd({ timeoutMs: 60_000 });
  expect(end).toEqual({ kind: 'power-off', code: 0 });
  expect(Buffer.compare(await echoed, sent)).toBe(0);
  expect(live.console.text).toContain('accept: echoed 40000 bytes');
});

test('a port that is taken is an error that says so', async () => {
  const port = await tcpAnswer(ANSWER);
  const rule = { protocol: 'tcp', host: '127.0.0.1', port, guest: 0x0a00_020f, guestPort: 1 } as const;
  await expect(openUserNetwork([rule])).rejects.toThrow(
    `cannot forward tcp:127.0.0.1:${port} to the guest: the address is in use`,
  );
});

test('two machines on one cable', async () => {
  const told: string[] = [];
  const first = await listenForPeer({ host: '127.0.0.1', port: 0 }, line => told.push(line));
  const second = await connectToPeer({ host: '127.0.0.1', port: first.port }, line => told.push(line));
  onTestFinished(() => {
    first.close();
    second.close();
  });
  const answering = guest(first, 'rv64', 'legacy', ['static 10.1.0.1 10.1.0.2', 'accept 80', 'quit']);
  const asking = guest(second, 'rv32', 'modern', [
    'static 10.1.0.2 10.1.0.1',
    'ping 10.1.0.1 20',
    'fetch 80',
    'quit',
  ]);
  const files = [answering, asking].map(({ session }) => {
    const file = new MemoryFile();
    session.record(file);
    return file;
  });
  const ends = await Promise.all(
    [answering, asking].map(({ session }) => session.runToEnd({ timeoutMs: 60_000 })),
  );
  expect(ends.map(end => end.kind)).toEqual(['power-off', 'power-off']);
  expect(asking.console.text).toContain('ping: 20 of 20');
  expect(asking.console.text).toContain('fetch: 18 bytes');
  for (const { session } of [answering, asking]) session.close();
  for (const file of files) await replay(file.read()).session.verify();
});
