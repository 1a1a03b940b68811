/** A pass over history leaves snapshots, whoever makes it, and they lie alike over all of it. */

import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import type { Recording } from '../../src/replay/recording.js';
import { bisect } from '../../src/timeline/search/bisection.js';
import { assemble, IMMEDIATE_OPS, jal, loadConstant, REGISTER_OPS, STORES } from '../lockstep/encode.js';
import { bootBytes, MemoryFile, replay } from '../support/sessions.js';

const { addi } = IMMEDIATE_OPS;
const [X5, X6, X7, X8] = [5, 6, 7, 8];
const START = 0x8000_0000n;
const LOOP = START + 16n;
/** Steps of the boot ROM. */
const BEFORE_START = 6;
const INTERVAL = 10_000;
const LENGTH = 1_000_000;
const MACHINE = { cpu: 'rv32imac', ramBytes: 1 << 22 } as const;

/** Writes one word after the other of four pages, round and round. */
const PROGRAM = assemble([
  ...loadConstant(X5, 0x8001_0000 | 0),
  ...loadConstant(X6, 0x3ffc),
  addi(X7, X7, 4),
  REGISTER_OPS.and(X8, X6, X7),
  REGISTER_OPS.add(X8, X8, X5),
  STORES.sw(X7, X8, 0),
  jal(0, -16),
]);

const opened: Session[] = [];
const given = { back: new Set<unknown>() };

/** No snapshot is gone back to after it was given up. */
function guarded(session: Session): Session {
  opened.push(session);
  const { store } = session.navigator;
  const { release, restore } = store;
  store.release = snapshot => {
    given.back.add(snapshot);
    release.call(store, snapshot);
  };
  store.restore = snapshot => {
    if (given.back.has(snapshot)) throw new Error(`snapshot ${snapshot.id} was given up`);

    restore.call(store, snapshot);
  };
  return session;
}

afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

function live(options: { snapshotMemoryBytes?: number } = {}): Session {
  const { session } = bootBytes('image', PROGRAM, {
    config: MACHINE,
    snapshotIntervalSteps: INTERVAL,
    ...options,
  });
  return guarded(session);
}

async function recorded(): Promise<Recording> {
  const { session } = bootBytes('image', PROGRAM, { config: MACHINE });
  const file = new MemoryFile();
  session.record(file);
  await session.runToEnd({ maxIcount: LENGTH });
  session.close();
  return file.read();
}

const recording = await recorded();

function reopened(options: { snapshotMemoryBytes?: number } = {}): Session {
  const { session } = replay(recording, { snapshotIntervalSteps: INTERVAL, ...options });
  return guarded(session);
}

const momentsOf = (session: Session) => session.snapshots().map(({ icount }) => icount);

/** The widest distance of two neighbours, and how often the average goes into it. */
function widest(session: Session) {
  const moments = momentsOf(session);
  const gaps = moments.slice(1).map((moment, i) => moment - moments[i]);
  const gap = Math.max(...gaps, session.status().end - moments.at(-1)!);
  return { gap, ofAverage: (gap * gaps.length) / (moments.at(-1)! - moments[0]) };
}

describe('a pass over a recording that nobody has been in yet leaves snapshots all along', () => {
  const passes: Record<string, (session: Session) => Promise<unknown>> = {
    'a seek': session => session.seek('end'),
    'a seek to a named snapshot': async session => {
      session.navigator.branch.take(session.navigator.branch.first.at, undefined, 'first');
      await session.seek(LENGTH);
      session.saveSnapshot('last');
      await session.seek('start');
      await session.seek({ snapshot: 'last' });
    },
    'a question': session => session.questions.writes(0x8001_0000n, 4),
    'a run to the end': session => session.resume({ kind: 'continue', direction: 'forward' }),
    'a bisection': async session => {
      const other = reopened();
      await bisect(session, other, 0, LENGTH);
      expect(widest(other).gap).toBeLessThanOrEqual(2 * INTERVAL);
    },
  };
  test.each(Object.keys(passes))('%s', async name => {
    const session = reopened();
    await passes[name](session);
    expect(widest(session).gap).toBeLessThanOrEqual(2 * INTERVAL);
  });

  test('and a debugger that comes afterwards finds them', async () => {
    const session = reopened();
    await session.seek('end');
    session.attach();
    const before = momentsOf(session);
    await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
    await session.resume({ kind: 'continue', direction: 'backward' });
    await session.seek('end');
    expect(momentsOf(session)).toEqual(before);
  });
});

describe('a gap in the middle of what is known', () => {
  /** A machine that went to the end without leaving any, as `run` does, and then was given to a debugger. */
  async function withGap(): Promise<Session> {
    const session = live();
    await session.runToEnd({ maxIcount: LENGTH });
    session.attach();
    expect(momentsOf(session)).toEqual([0, LENGTH]);
    return session;
  }

  test('is filled by a search backwards', async () => {
    const session = await withGap();
    session.insertBreakpoint(START);
    await session.resume({ kind: 'continue', direction: 'backward' });
    expect(session.status().icount).toBe(BEFORE_START);
    expect(widest(session).gap).toBeLessThanOrEqual(2 * INTERVAL);
  });

  test('is filled by a seek into it, as far as that goes', async () => {
    const session = await withGap();
    await session.seek(LENGTH / 2);
    const moments = momentsOf(session);
    expect(moments.filter(moment => moment <= LENGTH / 2).length).toBeGreaterThan(LENGTH / 2 / INTERVAL - 3);
    expect(moments.filter(moment => moment > LENGTH / 2)).toEqual([LENGTH]);
  });

  test('is filled also when the pass is interrupted, which leaves the machine where it was', async () => {
    const session = await withGap();
    const { navigator } = session;
    const before = session.checkpoint().digests;
    // Interrupted in the middle, whatever the host's speed.
    vi.spyOn(navigator.pace, 'steps', 'get').mockReturnValue(30_000);
    const take = navigator.takeSnapshot.bind(navigator);
    navigator.takeSnapshot = name => {
      if (navigator.machine.icount > LENGTH / 2) session.interrupt();
      return take(name);
    };
    await expect(session.seek('start').then(() => session.seek(LENGTH - 1))).rejects.toThrow('interrupted');
    navigator.takeSnapshot = take;
    expect(session.status().icount).toBe(0);
    const left = momentsOf(session);
    expect(left.length).toBeGreaterThan(LENGTH / 2 / INTERVAL - 3);
    // Each of them is the machine of its moment.
    for (const moment of left.slice(-3)) {
      await session.seek(moment);
      const { digests } = session.checkpoint();
      const fresh = reopened();
      await fresh.seek(moment);
      expect(digests).toEqual(fresh.checkpoint().digests);
    }
    await session.seek(LENGTH);
    expect(session.checkpoint().digests).toEqual(before);
  });

  test('has hits on both sides of every new snapshot found, each once', async () => {
    const session = await withGap();
    session.insertBreakpoint(LOOP);
    const searched = await withoutGap();
    searched.insertBreakpoint(LOOP);
    for (let i = 0; i < 5; i++) {
      const jump = Math.floor(session.status().icount / 1.7);
      for (const one of [session, searched]) {
        await one.seek(jump);
        await one.resume({ kind: 'continue', direction: 'backward' });
      }
      expect(session.status().icount).toBe(searched.status().icount);
    }
  });

  async function withoutGap(): Promise<Session> {
    const session = live();
    session.attach();
    await session.runToEnd({ maxIcount: LENGTH });
    return session;
  }
});

describe('with memory for few snapshots', () => {
  const FEW = 20;
  const MEMORY_FOR_FEW = { snapshotMemoryBytes: FEW * 20_480 };

  const move = fc.oneof(
    fc.record({ kind: fc.constant('seek' as const), to: fc.integer({ min: 0, max: LENGTH }) }),
    fc.record({ kind: fc.constant('back' as const) }),
    fc.record({ kind: fc.constant('to-start' as const) }),
    fc.record({ kind: fc.constant('to-hit' as const) }),
    fc.record({ kind: fc.constant('on' as const) }),
    fc.record({ kind: fc.constant('again' as const) }),
  );

  test('no gap grows beyond four times the average, whatever the order of moves', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 3, maxLength: 12 }), async moves => {
        const session = reopened(MEMORY_FOR_FEW);
        await session.seek('end');
        const atFirst = momentsOf(session).length;
        expect(atFirst).toBeLessThan(LENGTH / INTERVAL / 2);
        for (const one of moves) {
          session.clearBreakpoints();
          if (one.kind === 'seek') await session.seek(one.to);
          else if (one.kind === 'again') {
            session.detach();
            session.attach();
          } else if (one.kind === 'on') await session.resume({ kind: 'continue', direction: 'forward' });
          else if (one.kind === 'back')
            await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
          else {
            if (one.kind === 'to-hit') session.insertBreakpoint(START);
            await session.resume({ kind: 'continue', direction: 'backward' });
          }
          expect(widest(session).ofAverage).toBeLessThanOrEqual(4);
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  /** Dense at its end, and none in its first half. */
  async function withWideGap(): Promise<Session> {
    const session = live(MEMORY_FOR_FEW);
    await session.runToEnd({ maxIcount: LENGTH / 2 });
    session.attach();
    await session.runToEnd({ maxIcount: LENGTH });
    expect(widest(session).gap).toBe(LENGTH / 2);
    return session;
  }

  const NEVER_RUN = START + 0x100n;
  const backward = { kind: 'continue', direction: 'backward' } as const;
  test.each<[string, (session: Session) => Promise<unknown>]>([
    ['a question from the beginning', session => session.questions.firstExecution(NEVER_RUN)],
    ['a question from the end', session => session.questions.writes(0x8001_0000n, 4, { limit: 1e6 })],
    ['a question for interrupts', session => session.questions.interrupts()],
    [
      'a search backwards',
      session => {
        session.insertBreakpoint(NEVER_RUN + 0x1000n);
        session.insertBreakpoint(START);
        return session.resume(backward);
      },
    ],
    ['a seek', session => session.seek(LENGTH / 2 - 1)],
  ])('%s through a gap that others have to make room for goes back to none of them', async (_name, pass) => {
    const session = await withWideGap();
    await pass(session);
    await session.seek(LENGTH);
    expect(widest(session).ofAverage).toBeLessThanOrEqual(4);
  });

  test('those of a branch and of what it left share the room', async () => {
    const session = live(MEMORY_FOR_FEW);
    session.attach();
    await session.runToEnd({ maxIcount: LENGTH });
    await session.seek(LENGTH / 10);
    session.writeMemory(0, 0x8003_0000n, Uint8Array.of(1));
    session.attach();
    await session.runToEnd({ maxIcount: LENGTH });
    const onBranch = momentsOf(session);
    expect(onBranch.length).toBeGreaterThan(FEW / 4);
    expect(widest(session).ofAverage).toBeLessThanOrEqual(4);
    await session.branches.switchTo('main');
    expect(momentsOf(session).length).toBeGreaterThan(FEW / 4);
    expect(widest(session).ofAverage).toBeLessThanOrEqual(4);
  });

  test('moving about keeps to the memory', async () => {
    const session = reopened(MEMORY_FOR_FEW);
    await session.seek('end');
    for (let i = 0; i < 40; i++) await session.seek((i * 7_919_317) % LENGTH);
    const { memoryBytes } = session.navigator.store;
    expect(memoryBytes).toBeLessThanOrEqual(MEMORY_FOR_FEW.snapshotMemoryBytes * 1.5);
  });
});

test('a history of no steps has its one snapshot, and a seek to the same moment leaves no second', async () => {
  const session = live();
  await session.seek('end');
  await session.seek('start');
  session.attach();
  expect(momentsOf(session)).toEqual([0]);
  await session.resume({ kind: 'step', direction: 'backward', hart: undefined });
  expect(momentsOf(session)).toEqual([0]);
});

test('a hit close by is found in the last steps, not in all of the interval', async () => {
  const session = reopened();
  await session.seek('end');
  const present = LENGTH / 2 + INTERVAL / 2;
  await session.seek(present);
  session.insertBreakpoint(LOOP);
  const ran: number[] = [];
  const { navigator } = session;
  const restore = navigator.restore.bind(navigator);
  navigator.restore = placed => {
    ran.push(placed.at.icount);
    restore(placed);
  };
  await session.resume({ kind: 'continue', direction: 'backward' });
  expect(session.status().icount).toBeGreaterThan(present - 6);
  expect(Math.min(...ran)).toBeGreaterThanOrEqual(present - 64);
});
