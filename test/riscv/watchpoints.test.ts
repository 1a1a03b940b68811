import { describe, expect, test } from 'vitest';
import { LOADS_64, STORES, STORES_64 } from '../lockstep/encode.js';
import { Bench, CODE, DATA } from './bench.js';

const WATCHED = DATA + 16;

describe('a watched word whose page is cached', () => {
  // Every access that overlaps the word's 4 bytes, and the two that end or begin right beside them.
  test.each([
    ['sd', STORES_64.sd(6, 5, 0), 8],
    ['sw', STORES.sw(6, 5, 0), 4],
    ['sh', STORES.sh(6, 5, 0), 2],
    ['sb', STORES.sb(6, 5, 0), 1],
  ] as const)('%s from the first byte that reaches it to the last', (_, store, size) => {
    const bench = new Bench();
    const warm = STORES_64.sd(6, 7, 0);
    bench.load(CODE, warm, store);
    bench.machine.setWatchpoints([{ kind: 'write', low: WATCHED, high: 0, length: 4 }]);
    for (let at = WATCHED - size; at <= WATCHED + 4; at++) {
      bench.set({ x5: at, x6: -1n, x7: DATA + 64, pc: CODE });
      const from = bench.machine.icount;
      const stop = bench.machine.run(from + 2, { idle: 'jump' });
      const touches = at + size > WATCHED && at < WATCHED + 4;
      expect([at - WATCHED, stop.kind]).toEqual([at - WATCHED, touches ? 'hit' : 'limit']);
      // The hit is told of before the store.
      expect(bench.machine.icount - from).toBe(touches ? 1 : 2);
    }
  });

  test('ld from the first byte that reaches it to the last', () => {
    const bench = new Bench();
    bench.load(CODE, LOADS_64.ld(6, 7, 0), LOADS_64.ld(6, 5, 0));
    bench.machine.setWatchpoints([{ kind: 'read', low: WATCHED, high: 0, length: 4 }]);
    for (let at = WATCHED - 8; at <= WATCHED + 4; at++) {
      bench.set({ x5: at, x7: DATA + 64, pc: CODE });
      const stop = bench.machine.run(bench.machine.icount + 2, { idle: 'jump' });
      const touches = at + 8 > WATCHED && at < WATCHED + 4;
      expect([at - WATCHED, stop.kind]).toEqual([at - WATCHED, touches ? 'hit' : 'limit']);
    }
  });
});
