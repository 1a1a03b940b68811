import type { DebugHit } from '../machine/machine.js';
import type { DebugPoints } from './debug-points.js';
import type { Player } from './player.js';
import type { PlacedSnapshot } from './snapshot-list.js';

/** Where a search backwards ends: the hit, and the boundary at which a debugger shall see it. */
export interface ReverseHit {
  readonly hit: DebugHit;
  readonly icount: number;
}

/** Hits of one interval that are kept for the next search; older ones are found again when needed. */
const MOST_KEPT_HITS = 4096;
const MOST_KEPT_INTERVALS = 256;

/** The last hits of an interval that was run up to `end`, in order of time. */
interface IntervalHits {
  readonly end: number;
  /** Hits before this boundary may be missing. */
  readonly completeFrom: number;
  readonly hits: readonly DebugHit[];
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

/**
 * Searches backwards, from the newest snapshot interval back. Each interval is run forward once and its hits
 * are kept, so that the next search over it with the same points costs nothing; an interval that touched no
 * page of any point is not run at all.
 */
export class ReverseSearch {
  readonly #known = new Map<string, IntervalHits>();

  constructor(
    readonly player: Player,
    readonly points: DebugPoints,
  ) {}

  /** Forgets what was found: the history changed. */
  clear(): void {
    this.#known.clear();
  }

  /**
   * The nearest hit before the boundary `present`. A breakpoint at `present` was reported already and does
   * not count; an access of the step just behind it does. `progress` hears how far back the search is.
   */
  async findBefore(
    present: number,
    progress: (icount: number) => void,
    shownAt = shownToGdb,
  ): Promise<ReverseHit | 'none' | 'interrupted'> {
    const { player } = this;
    for (let end = present; end > player.history.begin; ) {
      const start = player.branch.lasting(end - 1);
      const best = await this.#lastHit(start, end, shownAt);
      if (best === 'interrupted') return 'interrupted';
      if (best !== undefined) return { hit: best, icount: shownAt(best) };
      end = start.icount;
      progress(end);
    }
    return 'none';
  }

  /** The last hit of a step in [start, end). */
  async #lastHit(
    start: PlacedSnapshot,
    end: number,
    shownAt: ShownAt,
  ): Promise<DebugHit | undefined | 'interrupted'> {
    const next = this.player.branch.next(start.icount);
    const touched = next?.touchedBefore;
    if (touched !== undefined && !this.points.mayTouch(touched)) return undefined;
    const key = `${start.id} ${this.points.key}`;
    const known = this.#known.get(key);
    if (known !== undefined && known.end >= end) {
      const best = lastOf(known.hits, end, shownAt);
      // Before the oldest hit that was kept there may be others.
      if (best !== undefined || known.completeFrom <= start.icount) return best;
    }
    const found = await this.#runInterval(start, end);
    if (found === 'interrupted') return 'interrupted';
    this.player.noteInterval(next);
    this.#keep(key, found);
    return lastOf(found.hits, end, shownAt);
  }

  async #runInterval(start: PlacedSnapshot, end: number): Promise<IntervalHits | 'interrupted'> {
    const { player, points } = this;
    const hits: DebugHit[] = [];
    let completeFrom = start.icount;
    points.arm('search');
    player.restore(start);
    const stop = await player.advance(end, {
      idle: 'jump',
      collect: hit => {
        hits.push(hit);
        if (hits.length < 2 * MOST_KEPT_HITS) return;
        hits.splice(0, MOST_KEPT_HITS);
        completeFrom = hits[0].icount;
      },
    });
    return stop.kind === 'interrupted' ? 'interrupted' : { end, completeFrom, hits };
  }

  #keep(key: string, found: IntervalHits): void {
    this.#known.delete(key);
    this.#known.set(key, found);
    if (this.#known.size <= MOST_KEPT_INTERVALS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}

/** The hit that comes first when going backwards from `end`. */
function lastOf(hits: readonly DebugHit[], end: number, shownAt: ShownAt): DebugHit | undefined {
  let best: DebugHit | undefined;
  for (let i = hits.length - 1; i >= 0; i--) {
    if (hits[i].icount >= end) continue;
    best = later(best, hits[i], shownAt);
    // Hits ascend: one that is shown before the best so far cannot be followed by a later one.
    if (hits[i].icount + 1 < shownAt(best)) break;
  }
  return best;
}
