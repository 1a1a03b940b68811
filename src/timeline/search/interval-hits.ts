import type { DebugHit } from '../../machine/machine.js';

/** Hits of one interval that are kept for the next search; older ones are found again when needed. */
const MOST_KEPT_HITS = 4096;

/** The last hits of an interval, in order of time. */
export interface IntervalHits {
  /** Hits before this boundary may be missing. */
  readonly completeFrom: number;
  readonly hits: readonly DebugHit[];
}

/** Gathers the hits of an interval while it runs. */
export class HitCollector {
  readonly #hits: DebugHit[] = [];
  #completeFrom: number;

  constructor(start: number) {
    this.#completeFrom = start;
  }

  readonly collect = (hit: DebugHit): void => {
    this.#hits.push(hit);
    if (this.#hits.length < 2 * MOST_KEPT_HITS) return;
    this.#hits.splice(0, MOST_KEPT_HITS);
    this.#completeFrom = this.#hits[0].icount;
  };

  get found(): IntervalHits {
    return { completeFrom: this.#completeFrom, hits: this.#hits };
  }
}

/** The boundary at which a hit is shown when going backwards. */
export type ShownAt = (hit: DebugHit) => number;

/** At a breakpoint the instruction is undone, at a watchpoint the access is not yet: GDB does that by a step. */
export const shownToGdb: ShownAt = hit => (hit.kind === 'breakpoint' ? hit.icount : hit.icount + 1);

export const shownBefore: ShownAt = hit => hit.icount;

/** Of two hits, the one that comes first when going backwards; a breakpoint before a watchpoint. */
function later(a: DebugHit | undefined, b: DebugHit, shownAt: ShownAt): DebugHit {
  if (a === undefined || shownAt(b) > shownAt(a)) return b;
  if (shownAt(b) < shownAt(a)) return a;
  return a.kind === 'breakpoint' ? a : b;
}

/** The hit that comes first when going backwards from `end`. */
export function lastOf(hits: readonly DebugHit[], end: number, shownAt: ShownAt): DebugHit | undefined {
  let best: DebugHit | undefined;
  for (let i = hits.length - 1; i >= 0; i--) {
    if (hits[i].icount >= end) continue;
    best = later(best, hits[i], shownAt);
    // Hits ascend: one that is shown before the best so far cannot be followed by a later one.
    if (hits[i].icount + 1 < shownAt(best)) break;
  }
  return best;
}
