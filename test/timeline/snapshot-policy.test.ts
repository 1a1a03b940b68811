import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { intervalSteps, victim } from '../../src/timeline/history/snapshot-policy.js';

/** Keeps at most `room` moments while they arrive, as a snapshot list does. */
function thinned(moments: readonly number[], room: number, pinned = new Set<number>()): number[] {
  const kept: number[] = [];
  for (const moment of moments) {
    kept.push(moment);
    if (kept.length <= room) continue;
    const gone = victim(kept, i => pinned.has(kept[i]));
    if (gone !== undefined) kept.splice(gone.index, 1);
  }
  return kept;
}

const gaps = (moments: readonly number[]) => moments.slice(1).map((moment, i) => moment - moments[i]);

describe('which snapshot goes when there is no room', () => {
  it('leaves no gap beyond 4 times the average while they arrive at a steady pace', () => {
    fc.assert(
      fc.property(fc.integer({ min: 4, max: 60 }), fc.integer({ min: 1, max: 3000 }), (room, count) => {
        const kept = thinned(
          Array.from({ length: count }, (_, i) => i * 1000),
          room,
        );
        const span = (count - 1) * 1000;
        expect(kept[0]).toBe(0);
        expect(kept.at(-1)).toBe(span);
        expect(kept.length).toBe(Math.min(room, count));
        const average = span / Math.max(1, kept.length - 1);
        for (const gap of gaps(kept)) expect(gap).toBeLessThanOrEqual(4 * average);
      }),
    );
  });

  it('never is the first, the last or a pinned one', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 10_000 }), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 3, max: 20 }),
        (unsorted, room) => {
          const moments = [...unsorted].sort((a, b) => a - b);
          const pinned = new Set(moments.filter(moment => moment % 7 === 0));
          const kept = thinned(moments, room, pinned);
          expect(kept[0]).toBe(moments[0]);
          expect(kept.at(-1)).toBe(moments.at(-1));
          for (const moment of pinned) expect(kept).toContain(moment);
        },
      ),
    );
  });
});

describe('the interval between snapshots', () => {
  it('keeps their cost within its share, in whole steps, and changes by at most a factor of 4', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 40_000, max: 1_000_000_000 }),
        fc.double({ min: 0.1, max: 10_000, noNaN: true }),
        fc.double({ min: 0, max: 50, noNaN: true }),
        (steps, runMs, costMs) => {
          const next = intervalSteps(steps, runMs, costMs);
          expect(Number.isInteger(next)).toBe(true);
          expect(next).toBeLessThanOrEqual(4 * steps);
          expect(next).toBeGreaterThanOrEqual(Math.floor(steps / 4));
          const wantedMs = Math.min(500, Math.max(10, costMs / 0.02));
          const wanted = (steps / runMs) * wantedMs;
          if (wanted > steps / 4 && wanted < 4 * steps) expect(next / wanted).toBeCloseTo(1, 1);
        },
      ),
    );
  });
});
