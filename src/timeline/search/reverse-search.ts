import type { DebugHit } from '../../machine/machine.js';
import type { DebugPoints } from '../debug-points.js';
import type { Interval, Navigator } from '../history/navigator.js';
import { HitCollector, type IntervalHits, lastOf, type ShownAt, shownToGdb } from './interval-hits.js';
import { SearchAhead, type WantedInterval } from './search-ahead.js';
import type { IntervalFindings, PointsData, SearchPool, SearchTask } from './search-pool.js';

/** Where a search backwards ends: the hit, and the boundary at which a debugger shall see it. */
export interface ReverseHit {
  readonly hit: DebugHit;
  readonly icount: number;
}

const MOST_KEPT_INTERVALS = 256;

/**
 * Searches backwards, from the newest snapshot interval back. Each interval is run forward once and its hits
 * are kept, so that the next search over it with the same points costs nothing; an interval that touched no
 * page of any point is not run at all. With a pool, all but the newest run on machines of their own, several at
 * once, and the machine that the user sees is left alone.
 */
export class ReverseSearch {
  readonly #known = new Map<string, IntervalHits>();

  constructor(
    readonly navigator: Navigator,
    readonly points: DebugPoints,
    readonly pool: SearchPool | undefined,
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
    let ahead: SearchAhead | undefined;
    const endAhead = async () => {
      await ahead?.end((id, findings) => this.#keep(id, findings));
      ahead = undefined;
    };
    try {
      for (const interval of this.navigator.intervalsBefore(present)) {
        const newest = interval.end === present;
        for (const piece of newest ? this.#piecesOf(interval) : [interval]) {
          let best = this.#knownHit(piece, shownAt);
          if (best === 'unknown') {
            const elsewhere = await ahead?.take(piece.start.id);
            const here = elsewhere === undefined || elsewhere === 'failed';
            // Nobody else may read the snapshots while the machine moves.
            if (here) await endAhead();
            const found = here ? await this.#run(piece) : elsewhere;
            if (found === 'interrupted') return 'interrupted';
            best = this.#note(piece, found, shownAt);
          }
          if (best !== undefined) return { hit: best, icount: shownAt(best) };
        }
        progress(interval.start.icount);
        // Most answers are in the newest interval, which ends with the machine where it was; threads start after it.
        if (newest) ahead = this.#searchAhead(interval.start.icount, shownAt);
      }
      return 'none';
    } finally {
      await endAhead();
    }
  }

  /**
   * The newest interval, cut where snapshots were left in passing: a hit is often close by, as a function's first
   * instruction is. Newest first, each piece at least as long as all newer ones together.
   */
  *#piecesOf(interval: Interval): Generator<Interval, void> {
    const { branch } = this.navigator;
    const { start, end: present } = interval;
    let { end, cursorEnd } = interval;
    do {
      const before = Math.min(end - 1, present - 2 * (present - end));
      const from = branch.floor(Math.max(start.icount, before));
      const whole = end === present && from.id === start.id;
      // Where memory is full, the pass itself may have cost the snapshot at its start.
      const touched = from.icount < start.icount ? undefined : interval.touched;
      yield whole ? interval : { start: from, next: undefined, end, cursorEnd, touched };
      end = from.icount;
      cursorEnd = from.cursor;
    } while (end > start.icount);
  }

  /** The last hit of a step of an interval, as far as that can be said without running it. */
  #knownHit({ start, end, touched }: Interval, shownAt: ShownAt): DebugHit | undefined | 'unknown' {
    if (touched !== undefined && !this.points.mayTouch(touched)) return undefined;
    const known = this.#known.get(this.#keyOf(start.id));
    if (known === undefined || known.end < end) return 'unknown';
    if (known.end === end && known.events !== this.navigator.history.log.indexAfter(end)) return 'unknown';
    const best = lastOf(known.hits, end, shownAt);
    // Before the oldest hit that was kept there may be others.
    return best === undefined && known.completeFrom > start.icount ? 'unknown' : best;
  }

  #note(
    { start, next, end }: Interval,
    found: IntervalHits | IntervalFindings,
    shownAt: ShownAt,
  ): DebugHit | undefined {
    if (next !== undefined && 'touched' in found && found.end === next.icount) {
      next.touchedBefore ??= found.touched;
    }
    this.#keep(start.id, found);
    return lastOf(found.hits, end, shownAt);
  }

  async #run({ start, next, end }: Interval): Promise<IntervalHits | 'interrupted'> {
    const { navigator, points } = this;
    const found = new HitCollector(start.icount);
    navigator.restore(start);
    const pass = { idle: 'jump', collect: found.collect, points: points.for('search') } as const;
    const stop = await navigator.advance(end, pass);
    if (stop.kind === 'interrupted') return 'interrupted';
    navigator.noteInterval(next);
    return found.upTo(end);
  }

  /** Undefined when it is better to search in this thread. */
  #searchAhead(present: number, shownAt: ShownAt): SearchAhead | undefined {
    const { pool, navigator } = this;
    if (pool === undefined || pool.size === 0) return undefined;
    const points = this.points.data;
    if (points === undefined) return undefined;
    const second = this.#wanted(present, shownAt, points);
    second.next();
    if (second.next().done) return undefined;
    return new SearchAhead(pool, this.#wanted(present, shownAt, points), navigator.pace.interruption());
  }

  *#wanted(present: number, shownAt: ShownAt, points: PointsData): Generator<WantedInterval, void> {
    for (const interval of this.navigator.intervalsBefore(present)) {
      const hit = this.#knownHit(interval, shownAt);
      if (hit === 'unknown') yield { id: interval.start.id, task: () => this.#taskOf(interval, points) };
      else if (hit !== undefined) return;
    }
  }

  #taskOf({ start, end }: Interval, points: PointsData): SearchTask {
    const { navigator } = this;
    const { log } = navigator.history;
    return {
      points,
      start: start.icount,
      snapshot: navigator.store.share(start.snapshot),
      events: log.slice(start.cursor, log.indexAfter(end)),
      end,
    };
  }

  #keyOf(startId: number): string {
    return `${startId} ${this.points.key}`;
  }

  #keep(startId: number, { end, completeFrom, hits }: IntervalHits): void {
    const events = this.navigator.history.log.indexAfter(end);
    const key = this.#keyOf(startId);
    this.#known.delete(key);
    this.#known.set(key, { end, events, completeFrom, hits });
    if (this.#known.size <= MOST_KEPT_INTERVALS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}
