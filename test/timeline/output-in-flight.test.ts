/**
 * What a device sends when its timer fires leaves once: at a boundary where a run ends, is gone back to, or branches.
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { continuedSession, momentOf, type Session } from '../../src/assembly/session.js';
import { bootFixture, fixture, type Live, liveWith, MemoryFile } from '../support/sessions.js';

/** Ends of runs, counted from the boundary at which a packet leaves: before it, the packet is in flight. */
const AROUND = [-300, -1, 0, 1];
const RAM = 0x8000_0000n;

/** What left for the network, and at which boundary. */
class Wire {
  readonly packets: string[] = [];
  readonly boundaries: number[] = [];
  session: Session | undefined;
  readonly network = {
    send: (packet: Uint8Array) => {
      this.packets.push(Buffer.from(packet).toString('hex'));
      this.boundaries.push(this.session?.machine.icount ?? -1);
    },
    onReceive() {},
    close() {},
  };
}

/** It asks three times who has an address, which nobody has; the rest is silence. */
function guest(): Live & { readonly wire: Wire } {
  const wire = new Wire();
  const live = bootFixture(fixture('rv64', 'net'), {
    network: wire.network,
    config: { network: true, ramBytes: 4 << 20 },
  });
  wire.session = live.session;
  live.console.answer('net: 52:54:00:12:34:56', 'ping 10.0.2.9 1\n');
  live.console.answer('ping:', 'quit\n');
  return { ...live, wire };
}

let whole: Wire;
/** A packet leaves here, by a timer. */
let leaving: number;

beforeAll(async () => {
  const { session, wire } = guest();
  expect(await session.runToEnd({ timeoutMs: 20_000 })).toEqual({ kind: 'power-off', code: 0 });
  session.close();
  whole = wire;
  leaving = wire.boundaries[2];
});

describe.each(AROUND)('a run that ends %i steps from where a packet leaves', distance => {
  const halted = async () => {
    const live = guest();
    const file = new MemoryFile();
    live.session.record(file);
    live.session.attach();
    live.session.stopAtIcount(leaving + distance);
    await live.session.resume({ kind: 'continue', direction: 'forward' });
    expect(live.session.machine.icount).toBe(leaving + distance);
    expect(live.wire.packets.length).toBe(distance < 0 ? 2 : 3);
    return { ...live, file };
  };

  test('sends nothing again when it is gone over, and the rest once when it goes on', async () => {
    const { session, wire } = await halted();
    for (const steps of [1, 400, 5000]) {
      await session.seek(leaving + distance - steps);
      await session.seek('end');
    }
    expect(wire.packets.length).toBe(distance < 0 ? 2 : 3);
    await session.runToEnd({ timeoutMs: 20_000 });
    await session.seek('start');
    await session.seek('end');
    expect(wire.packets).toEqual(whole.packets);
    session.close();
  });

  test('is continued by another process, which sends the rest and nothing else', async () => {
    const { session, wire, file } = await halted();
    session.close();
    const recording = file.read();
    const start = await momentOf(recording, 'end', {});
    const rest = new Wire();
    const live = liveWith(
      host => continuedSession(recording, start, { clock: 'virtual' }, host),
      undefined,
      rest.network,
    );
    live.console.answer('ping:', 'quit\n');
    await live.session.runToEnd({ timeoutMs: 20_000 });
    await live.session.seek('start');
    await live.session.seek('end');
    live.session.close();
    expect([...wire.packets, ...rest.packets]).toEqual(whole.packets);
  });

  test('begins a branch there, on which only what comes after it leaves', async () => {
    const { session, wire } = await halted();
    session.stopAtIcount(leaving + 2000);
    await session.resume({ kind: 'continue', direction: 'forward' });
    const before = wire.packets.length;
    await session.seek(leaving + distance);
    session.writeMemory(0, RAM + 0x3f_0000n, Uint8Array.of(1));
    session.saveSnapshot('changed');
    for (let i = 0; i < 2; i++) {
      await session.resume({ kind: 'step', direction: 'backward', hart: 0 });
      await session.resume({ kind: 'step', direction: 'forward', hart: 0 });
      await session.resume({ kind: 'step', direction: 'forward', hart: 0 });
    }
    await session.seek('start');
    await session.seek('end');
    expect(wire.packets.length - before).toBe(distance === -1 ? 1 : 0);
    await session.runToEnd({ timeoutMs: 20_000 });
    const own = whole.packets.slice(distance < 0 ? 2 : 3);
    expect(wire.packets.slice(before)).toEqual(own);
    session.close();
  });
});
