import { describe, expect, test } from 'vitest';
import { LOADS, LOADS_64, STORES, STORES_64 } from '../lockstep/encode.js';
import { Bench, CODE, DATA } from './bench.js';

/**
 * Watched bytes at every place of a doubleword: aligned accesses reach some of them from before, some only from
 * within.
 */
const WATCHED = [0, 1, 2, 3, 4, 5, 6, 7].flatMap(offset =>
  [1, 2, 4, 8].map(length => ({ low: DATA + 16 + offset, high: 0, length })),
);

describe('watched bytes whose page is cached', () => {
  test.each([
    ['sd', 'write', STORES_64.sd, 8],
    ['sw', 'write', STORES.sw, 4],
    ['sh', 'write', STORES.sh, 2],
    ['sb', 'write', STORES.sb, 1],
    ['ld', 'read', LOADS_64.ld, 8],
    ['lb', 'read', LOADS.lb, 1],
  ] as const)('%s from the first place that reaches them to the last', (_, kind, instruction, size) => {
    const bench = new Bench();
    // The first access only brings the page into the TLB.
    bench.load(CODE, instruction(6, 7, 0), instruction(6, 5, 0));
    for (const range of WATCHED) {
      const points = { breakpoints: [], watchpoints: [{ kind, ...range }] };
      for (let at = range.low - size; at <= range.low + range.length; at++) {
        bench.set({ x5: at, x7: DATA + 64, pc: CODE });
        const from = bench.machine.icount;
        const stop = bench.machine.run(from + 2, { points });
        const touches = at + size > range.low && at < range.low + range.length;
        // A hit is told of before the access.
        const seen = { at, range, stop: stop.kind, steps: bench.machine.icount - from };
        expect(seen).toEqual({ at, range, stop: touches ? 'hit' : 'limit', steps: touches ? 1 : 2 });
      }
    }
  });
});
