/** What going back has to get right while caches are warm, and at the edges of what they keep. */

import { afterEach, describe, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import { HitCollector } from '../../src/timeline/search/interval-hits.js';
import { assemble, IMMEDIATE_OPS, jal, loadConstant, STORES } from '../lockstep/encode.js';
import { bootBytes } from '../support/sessions.js';

const { addi } = IMMEDIATE_OPS;
const START = 0x8000_0000n;
const X7 = 7;

let session: Session;

afterEach(() => session?.close());

function run(...program: number[]): Session {
  session = bootBytes('image', assemble(program), {
    config: { cpu: 'rv32imac', ramBytes: 1 << 22 },
    snapshotIntervalSteps: 20_000,
  }).session;
  session.attach();
  return session;
}

const register = (number: number) =>
  new DataView(session.readRegister(0, number)!.slice().buffer).getUint32(0, true);

describe('code that the debugger changes in the first bytes of a page', () => {
  test('is as it was when the machine goes back past the change, and as it is when it comes again', async () => {
    run(addi(7, 7, 1), jal(0, -4));
    await session.runToEnd({ maxIcount: 1000 });
    const before = register(X7);
    session.writeMemory(0, START, assemble([addi(7, 7, 2)]));
    await session.runToEnd({ maxIcount: 2000 });
    expect(register(X7)).toBe(before + 1000);
    await session.seek(1000);
    expect(register(X7)).toBe(before);
    await session.seek('start');
    await session.seek(998);
    // Half of the steps add one.
    expect(register(X7)).toBe(before - 1);
    await session.seek(2000);
    expect(register(X7)).toBe(before + 1000);
  });
});

describe('a loop that stores a byte', () => {
  const STORE = START + 8n;
  const loop = [
    ...loadConstant(5, 0x8000_5000 | 0),
    STORES.sb(6, 5, 0),
    addi(7, 7, 1),
    addi(7, 7, 1),
    jal(0, -4),
  ];

  test.each([8n, 12n, 16n])('a range step ends at the first address behind the range: +%i', async bytes => {
    const adds = Array<number>(5).fill(addi(7, 7, 1));
    run(...adds, jal(0, -20));
    session.insertBreakpoint(START);
    await session.resume({ kind: 'continue', direction: 'forward' });
    session.clearBreakpoints();
    await session.resume({ kind: 'range-step', hart: 0, start: START, end: START + bytes });
    expect(session.machine.debug.programCounter(0)).toBe(START + bytes);
  });

  test('backwards, a breakpoint is told of before a watchpoint that is shown at the same boundary', async () => {
    run(...loop);
    await session.runToEnd({ maxIcount: 1000 });
    session.insertWatchpoint('write', 0x8000_5000n, 1);
    session.insertBreakpoint(STORE + 4n);
    const stop = await session.resume({ kind: 'continue', direction: 'backward' });
    expect(stop).toMatchObject({ kind: 'breakpoint', address: STORE + 4n });
  });
});

describe('a watched range over two pages', () => {
  // Only one of the pages is written, once, and long before the present.
  test.each([
    ['first', 0x8000_4fff, 0x8000_4ff8n, 16],
    ['second', 0x8000_5000, 0x8000_4ffcn, 8],
    ['second, whose last byte it is', 0x8000_5003, 0x8000_4ffcn, 8],
  ])('is found backwards when only the %s was written', async (_, written, address, length) => {
    run(...loadConstant(5, written | 0), STORES.sb(6, 5, 0), addi(7, 7, 1), jal(0, -4));
    await session.runToEnd({ maxIcount: 200_000 });
    session.insertWatchpoint('write', address, length);
    const stop = await session.resume({ kind: 'continue', direction: 'backward' });
    expect(stop.kind).toBe('watchpoint');
  });
});

describe('a named snapshot', () => {
  test("is one of a branch only when it stands before the branch's fork, of which events at the same icount count", async () => {
    run(addi(7, 7, 1), jal(0, -4));
    session.saveSnapshot('before');
    session.writeMemory(0, START + 64n, Uint8Array.of(1));
    session.saveSnapshot('after');
    await session.runToEnd({ maxIcount: 1000 });
    session.saveSnapshot('later');
    await session.seek(500);
    session.writeMemory(0, START + 64n, Uint8Array.of(2));
    expect(() => session.saveSnapshot('after')).toThrow('there is a snapshot after already');
    expect(() => session.saveSnapshot('later')).not.toThrow();
    await session.branches.switchTo('main');
    // At the very beginning, where the first change has not been made yet.
    session.navigator.enter(session.navigator.branch);
    session.writeMemory(0, START + 64n, Uint8Array.of(3));
    expect(session.branches.list().find(branch => branch.current)).toMatchObject({
      parent: 'main',
      forkedAt: 0,
    });
    expect(() => session.saveSnapshot('before')).toThrow('there is a snapshot before already');
    expect(() => session.saveSnapshot('after')).not.toThrow();
  });
});

describe('hits of an interval that are too many to keep', () => {
  const collected = (count: number) => {
    const collector = new HitCollector(5);
    for (let icount = 5; icount < 5 + count; icount++) {
      collector.collect({ kind: 'breakpoint', icount, hart: 0, access: undefined, low: 0, high: 0 });
    }
    return collector.found;
  };

  test('are known to be missing before the first one that is kept', () => {
    const { completeFrom, hits } = collected(8192);
    expect(hits).toHaveLength(4096);
    expect(completeFrom).toBe(hits[0].icount);
  });

  test("one fewer, and all of them are there from the interval's start", () => {
    const { completeFrom, hits } = collected(8191);
    expect(hits).toHaveLength(8191);
    expect(completeFrom).toBe(5);
  });
});
