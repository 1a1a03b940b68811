import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputLog } from '../../src/replay/input-log.js';
import { typed } from './recordings.js';

const icounts = fc
  .array(fc.oneof(fc.nat(20), fc.maxSafeNat()), { maxLength: 200 })
  .map(list => list.sort((a, b) => a - b));

describe('the input log', () => {
  test('finds the events of any boundary', () => {
    fc.assert(
      fc.property(icounts, fc.oneof(fc.nat(25), fc.maxSafeNat()), (list, icount) => {
        const log = new InputLog(list.map(n => typed(n, 'x')));
        expect(log.indexAt(icount)).toBe(list.filter(n => n < icount).length);
        expect(log.indexAfter(icount)).toBe(list.filter(n => n <= icount).length);
        expect(log.countAt(icount)).toBe(list.filter(n => n === icount).length);
      }),
    );
  });

  test('gives the next icount at each cursor, and any slice', () => {
    const events = [typed(1, 'a'), typed(5, 'b'), typed(5, 'c'), typed(2 ** 50, 'd')];
    const log = new InputLog(events);
    expect([0, 1, 2, 3, 4].map(cursor => log.nextIcount(cursor))).toEqual([1, 5, 5, 2 ** 50, Infinity]);
    expect(log.slice(log.indexAt(5), log.indexAfter(5))).toEqual([typed(5, 'b'), typed(5, 'c')]);
    expect(log.at(3)).toBe(events[3]);
    expect(() => log.at(4)).toThrow(RangeError);
  });

  test('grows at the end only', () => {
    const log = new InputLog();
    for (let i = 0; i < 1000; i++) expect(log.append(typed(i * 3, 'x'))).toBe(i);
    expect(() => log.append(typed(2996, 'x'))).toThrow('icount 2996 after 2997');
    expect(() => log.append(typed(3000.5, 'x'))).toThrow('out of order');
    expect(log.length).toBe(1000);
    expect(log.indexAt(1500)).toBe(500);
  });
});
