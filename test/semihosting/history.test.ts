/** Calls by semihosting in a history: recorded, replayed, gone back over; files are written once. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ScriptedHost } from '../laws/scripted-host.js';
import { Random } from '../lockstep/random.js';
import { digestsOf, MemoryFile, replay } from '../support/sessions.js';
import { bootCaller } from './caller.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
const LIMIT = { maxIcount: 20_000_000 };
/** Of the scripted host's time. */
const UNTIL_IT_WAITS = { timeoutMs: 20_000 };

const contents = (path: string) =>
  Object.fromEntries(readdirSync(path).map(name => [name, readFileSync(join(path, name), 'latin1')]));

describe('a recording', () => {
  test.each([32, 64] as const)('of rv%i replays without the folder, and writes nothing', async xlen => {
    const { live, path } = bootCaller('f', { xlen });
    writeFileSync(join(path, 'input.txt'), 'line of input\n');
    const file = new MemoryFile();
    live.session.record(file);
    expect(await live.session.runToEnd(LIMIT)).toEqual({ kind: 'power-off', code: 7 });
    live.session.close();
    rmSync(path, { recursive: true });
    const recording = file.read();
    const { session, console } = replay(recording);
    const verified = await session.verify();
    expect(verified.end).toMatchObject({ kind: 'power-off', code: 7 });
    expect(console.text).toBe(live.console.text);
    expect(console.text).toContain('input: left 16 "line of input\n"');
    expect(existsSync(path)).toBe(false);
    expect([...recording.events].every(({ event }) => event.kind === 'semihosting')).toBe(true);
  });

  test('of a program that is typed at has what it read', async () => {
    const host = new ScriptedHost(1);
    const { live } = bootCaller('e', { hostClock: host });
    const file = new MemoryFile();
    live.session.record(file);
    // "l" has it read what there is, at most 20 bytes.
    const typed = ['ab', 'cl', 'some words', 'l', '0123456789012345678901\x04'];
    host.happens = () => live.console.type(typed.shift() ?? '');
    await live.session.runToEnd(LIMIT);
    const lines = 'abclline: left 10 "some words"\nlline: left 0 "01234567890123456789"\n01';
    expect(live.console.text).toBe(`mode e\ntype\n${lines}\n7 typed\n`);
    expect(live.session.status().powerOff).toEqual({ code: 7 });
    const { session, console } = replay(file.read());
    await session.verify();
    expect(console.text).toBe(live.console.text);
  });
});

test('what is typed before the guest reads is not lost, and the hart sleeps until something is', async () => {
  const { live } = bootCaller('e', { hostClock: new ScriptedHost(1) });
  live.console.type('ab');
  const { session } = live;
  expect(await session.runToEnd(UNTIL_IT_WAITS)).toEqual({ kind: 'limit', which: 'timeout' });
  expect(live.console.text).toBe('mode e\ntype\nab');
  expect(session.harts()[0].text).toContain('waiting for the end of its call by semihosting');
  const { icount } = session.status();
  live.console.type('c\x04');
  await session.runToEnd(LIMIT);
  expect(live.console.text).toBe('mode e\ntype\nabc\n3 typed\n');
  await session.seek(icount - 1);
  expect(session.harts()[0].text).not.toContain('waiting for');
});

test('each file is written once, on the way there, however often the history is gone over', async () => {
  const { live, path } = bootCaller('r400', { snapshotIntervalSteps: 5000 });
  live.console.type('x'.repeat(500));
  const { session } = live;
  session.attach();
  await session.runToEnd(LIMIT);
  const { icount } = session.status();
  const text = live.console.text;
  for (const name of readdirSync(path)) writeFileSync(join(path, name), `spoilt ${name}`);
  const spoilt = contents(path);
  await session.seek('start');
  await session.resume({ kind: 'continue', direction: 'forward' });
  expect(session.status().icount).toBe(icount);
  await session.resume({ kind: 'continue', direction: 'backward' });
  await session.seek('end');
  expect(contents(path)).toEqual(spoilt);
  expect(live.console.text).toBe(text);
});

test('a branch reads files as they are and writes nowhere', async () => {
  const { live, path } = bootCaller('f');
  writeFileSync(join(path, 'input.txt'), 'line of input\n');
  const { session } = live;
  session.attach();
  await session.runToEnd(LIMIT);
  const before = contents(path);
  await session.seek(100);
  // A register that the program does not need: the past has changed, another course of events begins.
  session.writeRegister(0, 31, new Uint8Array(8).fill(1));
  await session.resume({ kind: 'continue', direction: 'forward' });
  expect(session.branches.list().find(({ current }) => current)?.name).toBe('branch1');
  expect(session.status().powerOff).toEqual({ code: 7 });
  expect(contents(path)).toEqual(before);
  expect(before).toEqual({ 'input.txt': 'line of input\n' });
  expect(live.console.text.match(/write: 12|create: -?\d+|input: left .*/g)).toContain('create: 1');
});

test.each(FULL ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 2])(
  'random calls, seed %i: every moment is the same whichever way leads there',
  async seed => {
    const random = new Random(seed);
    const host = new ScriptedHost(seed, 40);
    const xlen = random.below(2) === 0 ? 32 : 64;
    const { live } = bootCaller(`r${150 + random.below(150)}`, {
      xlen,
      hostClock: host,
      snapshotIntervalSteps: 500 + random.below(5000),
      config: { ramBytes: 4 << 20 },
    });
    host.happens = chance => live.console.type('typed'.slice(0, 1 + chance.below(5)));
    const file = new MemoryFile();
    live.session.record(file);
    live.session.attach();
    expect(await live.session.runToEnd(LIMIT)).toEqual({ kind: 'power-off', code: 7 });
    const recording = file.read();
    const verifier = replay(recording).session;
    await verifier.verify();
    const end = verifier.status().icount;
    // Straight on, interpreted, is the judge.
    const judge = replay(recording, { jit: false, snapshotIntervalSteps: 2 ** 40 });
    const calls = recording.events.length === 0 ? [] : [...recording.events].map(({ icount }) => icount);
    const moments = [
      ...Array.from({ length: 30 }, () => random.below(end)),
      ...Array.from({ length: 20 }, () => random.pick(calls) + random.below(3) - 1),
    ].sort((a, b) => a - b);
    const expected = new Map<number, ReturnType<typeof digestsOf>>();
    for (const moment of moments) {
      await judge.session.seek(moment);
      expected.set(moment, digestsOf(judge.session));
    }
    for (const session of [live.session, replay(recording, { snapshotIntervalSteps: 777 }).session]) {
      for (let i = 0; i < 80; i++) {
        const moment = random.pick(moments);
        if (random.below(3) === 0) {
          await session.seek(Math.min(end, moment + 1));
          await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
        } else await session.seek(moment);
        expect(digestsOf(session), `icount ${moment}`).toEqual(expected.get(moment));
      }
    }
  },
  60_000,
);
