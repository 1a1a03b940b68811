/**
 * Moments are in order, those within idle time too; and a run looks out for what it was given, and for nothing else.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import { buildMachine } from '../../src/boards/build-machine.js';
import { compareMoments, type Moment } from '../../src/timeline/history/moment.js';
import { Pace } from '../../src/timeline/live/pace.js';
import * as asm from '../lockstep/encode.js';
import { bootBytes, MemoryFile, replay } from '../support/sessions.js';

const START = 0x8000_0000;
const RAM = { ramBytes: 1 << 22 };
const LOOP = asm.assemble([asm.jal(0, 0)]);

const opened: Session[] = [];
const booted = (program: Uint8Array): Session => {
  const { session } = bootBytes('image', program, { config: RAM });
  opened.push(session);
  return session;
};
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

describe('moments', () => {
  test('go by steps, then by the events that have entered, then by idle time', async () => {
    const session = booted(LOOP);
    const { navigator } = session;
    const moments = [navigator.now];
    session.writeMemory(0, BigInt(START + 64), Uint8Array.of(1));
    moments.push(navigator.now, { ...navigator.now, warpNs: 5 });
    session.writeMemory(0, BigInt(START + 64), Uint8Array.of(2));
    moments.push(navigator.now);
    await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
    moments.push(navigator.now);
    for (const [i, one] of moments.entries())
      for (const [j, other] of moments.entries())
        expect(Math.sign(compareMoments(one, other))).toBe(Math.sign(i - j));
    expect(compareMoments(navigator.branch.boundary(0), moments[3])).toBe(0);
  });

  test('of a branch are in order with those before it, and with no others', async () => {
    const session = booted(LOOP);
    await session.runToEnd({ maxIcount: 100 });
    for (const value of [1, 2]) {
      await session.seek(50);
      session.writeMemory(0, BigInt(START + 64), Uint8Array.of(value));
      await session.branches.switchTo('main');
    }
    const forks: Moment[] = [];
    for (const name of ['main', 'branch1', 'branch2']) {
      await session.branches.switchTo(name);
      forks.push(session.navigator.branch.boundary(50));
    }
    const [main, one, other] = forks;
    expect(compareMoments(main, one)).toBeLessThan(0);
    expect(compareMoments(other, main)).toBeGreaterThan(0);
    expect(() => compareMoments(one, other)).toThrow('branch1 and branch2 have no moments in order');
  });
});

describe('a run without points', () => {
  const points = { breakpoints: [{ low: START, high: 0 }], watchpoints: [] };

  test('passes those that the run before it had, compiled or not', () => {
    const { source } = booted(LOOP);
    for (const jit of [true, false]) {
      const machine = buildMachine(source.config, source.images, { serial: { write: () => {} } }, { jit });
      machine.run(100_000, {});
      expect(machine.run(200_000, { points })).toMatchObject({ kind: 'hit' });
      expect(machine.run(200_000, {}).kind).toBe('limit');
      expect(machine.icount).toBe(200_000);
      expect(machine.run(300_000, { points })).toMatchObject({ kind: 'hit' });
    }
  });
});

test('a pace interrupts when it is told to, besides being asked to', () => {
  let cancelled = false;
  const pace = new Pace({ nowMs: () => 0, sleep: async () => {} }, () => cancelled);
  pace.begin();
  expect(pace.interrupted).toBe(false);
  cancelled = true;
  expect(pace.interrupted).toBe(true);
});

/** Sets a timer 1 ms ahead that wakes nobody, and sleeps. */
const SLEEPER = (() => {
  const [T0, T1, T2] = [5, 6, 7];
  return asm.assemble([
    ...asm.loadConstant(T0, 10_000),
    ...asm.loadConstant(T2, 0x0200_4000),
    asm.STORES.sw(T0, T2, 0),
    asm.STORES.sw(0, T2, 4),
    asm.IMMEDIATE_OPS.addi(T1, T1, 1),
    asm.WFI,
    asm.jal(0, -8),
  ]);
})();

test('an end within idle time is a moment of the history: come to again, gone back from, and recorded', async () => {
  const session = booted(SLEEPER);
  const file = new MemoryFile();
  session.record(file);
  const run = session.runToEnd({});
  await expect.poll(() => session.machine.asleep && session.status().virtualNs >= 1_000_000).toBe(true);
  session.interrupt();
  expect(await run).toEqual({ kind: 'interrupt' });
  const { icount, virtualNs } = session.status();
  expect(virtualNs).toBeGreaterThanOrEqual(1_000_000);
  const toAndFro = async (one: Session) => {
    await one.seek('start');
    await one.seek('end');
    expect(one.status()).toMatchObject({ icount, virtualNs });
    const back = await one.resume({ kind: 'step', direction: 'backward', hart: undefined });
    expect(back.kind).toBe('step');
    expect(one.status().icount).toBe(icount - 1);
    await one.seek('end');
    expect(one.status()).toMatchObject({ icount, virtualNs });
  };
  await toAndFro(session);
  session.close();
  const again = replay(file.read()).session;
  opened.push(again);
  await toAndFro(again);
});
