/**
 * A part of a recording starts with the machine as it is at some moment. From there on it has to be the same as what
 * it was taken from, whatever that moment is, and it has to be whole: nothing of what came before is needed.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { continuedSession, momentOf } from '../../src/assembly/session.js';
import { systemClock } from '../../src/host/clock.js';
import { type Recording, startIcount } from '../../src/replay/recording.js';
import { compareRecordings } from '../../src/replay/recording-diff.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { Random } from '../lockstep/random.js';
import {
  boardOf,
  bootFixture,
  digestsOf,
  fixture,
  type Live,
  MemoryFile,
  REPOSITORY,
  replay,
  savedPart,
} from '../support/sessions.js';
import { virt } from '../support/virt.js';
import { type Digests, disturb, someMoments, straightRun } from './moments.js';
import { ScriptedHost } from './scripted-host.js';
import { EACH_SUBJECT } from './subject.js';

const RUNS = process.env.BACKSTUB_FULL ? 300 : 10;
const RAM = 4 << 20;

/** Moments of a recording where something is under way: inputs, what is just before and behind them. */
function busyMoments({ header, events, end }: Recording, random: Random, count: number): number[] {
  const around = Array.from({ length: events.length === 0 ? 0 : count }, () => {
    return random.pick([...events]).icount + random.below(3) - 1;
  });
  return around.filter(icount => icount >= startIcount(header) && icount <= end.icount);
}

/** The part verifies, and whatever way leads to a moment of it, the machine is the one of the whole there. */
async function expectSame(part: Recording, expected: ReadonlyMap<number, Digests>, random: Random) {
  const { session: verifier } = replay(part);
  const { checkpoints } = await verifier.verify();
  expect(checkpoints).toBe(part.checkpoints.length);
  const begin = startIcount(part.header);
  const moments = [...expected.keys()].filter(icount => icount >= begin);
  for (const jit of [true, false]) {
    const { session } = replay(part, { jit, snapshotIntervalSteps: 1 + random.below(20_000) });
    expect(session.status()).toMatchObject({ begin, icount: begin, end: part.end.icount });
    session.attach();
    for (let i = 0; i < moments.length; i++) {
      const moment = random.pick(moments);
      await session.seek(moment);
      expect(digestsOf(session), `icount ${moment}, from ${begin} on`).toEqual(expected.get(moment));
    }
    await expect(session.seek(begin - 1)).rejects.toThrow('is outside the history');
  }
}

/** Takes parts of a recording from several moments, and parts of these parts. */
async function expectPartsSame(recording: Recording, random: Random, cuts: number): Promise<void> {
  const { end, header } = recording;
  const begin = startIcount(header);
  const moments = [...someMoments(random, end.icount, 4, begin), ...busyMoments(recording, random, 4)];
  const expected = await straightRun(replay(recording), moments);
  for (let i = 0; i < cuts; i++) {
    const live = replay(recording);
    const from = random.pick(moments);
    const part = await savedPart(live, { from });
    expect(digestsOf(live.session)).toEqual(expected.get(begin));
    expect(part.header.start?.icount).toBe(from === 0 ? undefined : from);
    expect(part.end).toEqual(end);
    await expectSame(part, expected, random);
    const plan = () => live.session.machine.board.plan;
    expect(compareRecordings(recording, part, plan)).toMatchObject({ difference: undefined, from });

    const later = random.pick(moments.filter(icount => icount >= from));
    const [direct, indirect] = [replay(recording), replay(part)];
    await savedPart(direct, { from: later });
    await savedPart(indirect, { from: later });
    const bytes = ({ files }: Live) => files.get('part')!.bytes;
    expect(Buffer.compare(bytes(indirect), bytes(direct))).toBe(0);
  }
}

async function recorded(live: Live, maxIcount: number): Promise<Recording> {
  const file = new MemoryFile();
  live.session.record(file);
  await live.session.runToEnd({ maxIcount });
  live.session.close();
  return file.read();
}

const readFixture = (file: string): Recording =>
  readRecording(new Uint8Array(readFileSync(join(REPOSITORY, 'fixtures/recordings', file))), { name: file });

const DISK = Uint8Array.from({ length: 64 * 512 }, (_, i) => (i * 7) ^ (i >> 9));
const disks = [{ name: 'disk', sectors: 64, extents: [{ offset: 0, bytes: DISK }] }];

describe.each(EACH_SUBJECT)('of %s, parts of a recording are the same as the whole', (_, subject) => {
  test('random programs on 1 to 4 harts, from icounts and from named moments', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          harts: fc.integer({ min: 1, max: 4 }),
        }),
        async ({ seed, harts }) => {
          const random = new Random(seed);
          const live = subject.random(seed, {
            harts,
            hostClock: new ScriptedHost(seed),
            snapshotIntervalSteps: 1 + random.below(400),
          });
          const { session } = live;
          const file = new MemoryFile();
          session.record(file);
          session.attach();
          await disturb(live, random, subject);
          await session.runToEnd({ maxIcount: session.status().icount + 3000 });
          const whole = file.read();
          const end = whole.end.icount;
          const expected = await straightRun(replay(whole), someMoments(random, end, 8));
          for (const { name, icount } of session.snapshots()) {
            if (name === undefined) continue;
            const part = await savedPart(live, { from: { snapshot: name } });
            expect(part.header.start ?? { icount: 0, snapshot: name }).toMatchObject({
              icount,
              snapshot: name,
            });
            await expectSame(part, expected, random);
          }
          await expectPartsSame(await savedPart(live, {}), random, 1);
          expect(digestsOf(session)).toEqual(expected.get(end));
        },
      ),
      { numRuns: Math.ceil(RUNS * subject.share) },
    );
  });

  test('a named moment between two inputs of one icount', async () => {
    const live = subject.echo();
    const { session } = live;
    session.attach();
    await session.runToEnd({ maxIcount: 5000 });
    const write = (value: number) =>
      session.writeMemory(0, BigInt(subject.scratch + 0x100), Uint8Array.of(value));
    write(1);
    session.saveSnapshot('between');
    const between = digestsOf(session);
    write(2);
    session.writeRegister(0, subject.registers[2], new Uint8Array(subject.registerBytes(live)).fill(3));
    await session.runToEnd({ maxIcount: 9000 });
    const expected = await straightRun(live, [5000, 7000, 9000]);
    const part = await savedPart(live, { from: { snapshot: 'between' } });
    expect([...part.events].map(({ icount, event }) => [icount, event.kind])).toEqual([
      [5000, 'write-memory'],
      [5000, 'write-register'],
    ]);
    expect(digestsOf(replay(part).session)).toEqual(between);
    await expectSame(part, expected, new Random(1));
    const all = await savedPart(live, { from: 5000 });
    expect([...all.events]).toEqual([]);
    await expectSame(all, expected, new Random(2));
    const { plan } = session.machine.board;
    expect(compareRecordings(await savedPart(live, {}), part, () => plan)).toMatchObject({
      ...{ difference: undefined, from: 5000, events: 2 },
    });
  });

  test.each(subject.ticks)('%s asleep, with idle time ahead that is cut short later', async (_name, boot) => {
    const host = new ScriptedHost(4, 60);
    const recorder = boot({ clock: 'realtime', hostClock: host });
    host.happens = () => recorder.console.type(new TextEncoder().encode('typed\r'));
    const whole = await recorded(recorder, subject.typing.steps);
    expect([...whole.events].some(({ event }) => event.kind === 'warp')).toBe(true);
    const live = replay(whole);
    const { machine, navigator } = live.session;
    const asleep: number[] = [];
    for (const { icount } of [...whole.events].filter(({ event }) => event.kind === 'warp')) {
      await live.session.seek(Math.max(0, icount - 200_000));
      machine.run(navigator.history.log.nextIcount(navigator.cursor), { idle: 'return' });
      await live.session.seek(machine.icount);
      if (machine.asleep) asleep.push(machine.icount);
    }
    expect(asleep.length).toBeGreaterThan(0);
    const random = new Random(4);
    const expected = await straightRun(replay(whole), [
      ...someMoments(random, whole.end.icount, 4),
      ...asleep.slice(-2),
    ]);
    for (const from of [random.pick(asleep), ...asleep.slice(-2)]) {
      const part = await savedPart(live, { from });
      expect(replay(part).session.machine.asleep).toBe(true);
      await expectSame(part, expected, random);
    }
  });

  test('three harts that wake each other, on a host whose time passes', async () => {
    const live = subject.sleepers({ clock: 'realtime', hostClock: new ScriptedHost(3, 100) });
    await expectPartsSame(await recorded(live, 20_000), new Random(3), 3);
  });
});

describe('parts of a recording of the virt board are the same as the whole', () => {
  test.each([1, 3])('processes behind page tables that wait for a disk, %i harts', async harts => {
    const live = bootFixture(fixture('rv64', 'kernel'), { config: { harts, ramBytes: RAM }, disks });
    const whole = await recorded(live, 3_000_000);
    const again = replay(whole);
    const { board } = virt(again.session.machine);
    const random = new Random(harts);
    const working: number[] = [];
    for (const from of someMoments(random, whole.end.icount, 300).sort((a, b) => a - b)) {
      await again.session.seek(from);
      const translated = board.harts.some(hart => hart.state.satp[1] !== 0);
      // The disk has the last timer, which is armed while it works on a request.
      if (translated && Number.isFinite(board.time.state.deadlines.at(-1))) working.push(from);
    }
    expect(working.length).toBeGreaterThan(0);
    const expected = await straightRun(replay(whole), someMoments(random, whole.end.icount, 6));
    for (let i = 0; i < 3; i++) {
      await expectSame(await savedPart(again, { from: random.pick(working) }), expected, random);
    }
    await expectPartsSame(whole, random, 2);
  });

  test('all devices, with requests to a disk in flight', async () => {
    const whole = readFixture('v1.bst');
    const random = new Random(5);
    const live = replay(whole);
    const waiting: number[] = [];
    for (const { icount } of whole.events) {
      await live.session.seek(icount);
      if (live.session.machine.awaitsHost) waiting.push(icount);
    }
    expect(waiting.length).toBeGreaterThan(0);
    const expected = await straightRun(replay(whole), someMoments(random, whole.end.icount, 5));
    for (const from of [random.pick(waiting), random.pick(waiting), whole.end.icount]) {
      await expectSame(await savedPart(live, { from }), expected, random);
    }
    await expectPartsSame(readFixture('v2.bst'), random, 2);
  });
});

describe.each(EACH_SUBJECT)('on %s, a machine that goes on from a moment of a recording', (_, subject) => {
  const goOn = async (recording: Recording, at: number | 'start' | 'end') => {
    const board = boardOf(recording.header.config);
    const start = await momentOf(recording, at, board);
    const console = new MemoryConsole();
    const session = continuedSession(
      recording,
      start,
      { clock: 'virtual', ...board },
      { console, clock: systemClock },
    );
    return { session, console, files: new Map() };
  };
  const echo = async () => recorded(subject.echo(), subject.echoSteps);

  test('takes new inputs, which are recorded with it, again and again', async () => {
    const random = new Random(12);
    let recording = await echo();
    for (const text of ['one\r', 'two\r', 'three\r']) {
      const at =
        startIcount(recording.header) + random.below(recording.end.icount - startIcount(recording.header));
      const live = await goOn(recording, at);
      const file = new MemoryFile();
      live.session.record(file);
      live.session.attach();
      live.session.saveSnapshot('here');
      live.session.typeConsole(new TextEncoder().encode(text));
      await live.session.runToEnd({ maxIcount: at + subject.echoSteps });
      expect(live.console.text).toContain(text.trim());
      const digests = digestsOf(live.session);
      await live.session.seek({ snapshot: 'here' });
      expect(live.session.status()).toMatchObject({ mode: 'live', icount: at, begin: at });
      await live.session.seek('end');
      expect(digestsOf(live.session)).toEqual(digests);
      live.session.close();
      recording = file.read();
      const { session, console } = replay(recording);
      await session.verify();
      expect(digestsOf(session)).toEqual(digests);
      expect(console.text).toBe(live.console.text);
    }
  });

  test('at the start, has none of the inputs that came in there', async () => {
    const live = await echo();
    const typed = { icount: 0, event: { kind: 'console', port: 0, bytes: Uint8Array.of(65, 13) } } as const;
    const recording = { ...live, events: [typed, ...live.events], checkpoints: [] };
    const fresh = await goOn(recording, 'start');
    expect(digestsOf(fresh.session)).toEqual(live.checkpoints.at(0)!.digests);
    const after = await goOn(recording, 0);
    expect(digestsOf(after.session)).not.toEqual(live.checkpoints.at(0)!.digests);
  });

  test('is reset as any other', async () => {
    const recording = await echo();
    const live = await goOn(recording, 'end');
    const file = new MemoryFile();
    live.session.record(file);
    live.session.reset();
    await live.session.runToEnd({ maxIcount: recording.end.icount + subject.echoSteps });
    expect(live.console.text).not.toBe('');
    live.session.close();
    const { session } = replay(file.read());
    await session.verify();
    expect(digestsOf(session)).toEqual(digestsOf(live.session));
  });

  test('does so only where the recording has a machine that is on', async () => {
    const recording = await recorded(subject.ends(), 10_000_000);
    await expect(goOn(recording, 'end')).rejects.toThrow(
      `the machine is powered off at icount ${recording.end.icount}: go on from an earlier moment`,
    );
    await expect(goOn(recording, 1e12)).rejects.toThrow('icount 1000000000000 is outside the history');
    const [first, ...others] = recording.checkpoints;
    const wrong = { ...first, digests: { ...first.digests, ram: '0123456789abcdef' } };
    await expect(
      goOn({ ...recording, checkpoints: [wrong, ...others] }, recording.end.icount - 1),
    ).rejects.toThrow(/^replay diverges from the recording after icount 0 and up to 0, in ram/);
  });
});
