import type { DebugHit } from '../../machine/machine.js';
import type { DebugPoints } from '../debug-points.js';
import { compareMoments, type Moment } from '../history/moment.js';
import type { Interval, Navigator } from '../history/navigator.js';
import { HitCollector, type IntervalHits, lastOf, type ShownAt, shownToGdb } from './interval-hits.js';
import { SearchAhead, type WantedInterval } from './search-ahead.js';
import type { IntervalFindings, PointsData, SearchPool, SearchTask } from './search-pool.js';

/** Where a search backwards ends: the hit, and the moment at which a debugger shall see it. */
export interface ReverseHit {
  readonly hit: DebugHit;
  readonly at: Moment;
}

/** What an interval holds up to a moment. */
interface KnownHits extends IntervalHits {
  readonly end: Moment;
}

const MOST_KEPT_INTERVALS = 256;

/**
 * Searches backwards, from the newest snapshot interval back. Each interval is run forward once and its hits
 * are kept, so that the next search over it with the same points costs nothing; an interval that touched no
 * page of any point is not run at all. With a pool, all but the newest run on machines of their own, several at
 * once, and the machine that the user sees is left alone.
 */
export class ReverseSearch {
  readonly #known = new Map<string, KnownHits>();

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
   * The nearest hit before the moment `present`. A breakpoint at `present` was reported already and does
   * not count; an access of the step just behind it does. `progress` hears how far back the search is.
   */
  async findBefore(
    present: Moment,
    progress: (icount: number) => void,
    shownAt = shownToGdb,
  ): Promise<ReverseHit | 'none' | 'interrupted'> {
    const { navigator } = this;
    let ahead: SearchAhead | undefined;
    const endAhead = async () => {
      await ahead?.end((interval, findings) => this.#keep(interval, findings));
      ahead = undefined;
    };
    try {
      const newest = navigator.branch.before(present)?.at;
      for (const interval of navigator.intervalsBefore(present)) {
        let best = this.#knownHit(interval, shownAt);
        if (best === 'unknown') {
          const elsewhere = await ahead?.take(interval.start.id);
          const here = elsewhere === undefined || elsewhere === 'failed';
          // Nobody else may read the snapshots while the machine moves.
          if (here) await endAhead();
          const found = here ? await this.#run(interval) : elsewhere;
          if (found === 'interrupted') return 'interrupted';
          this.#note(interval, found);
          best = lastOf(found.hits, interval.end.icount, shownAt);
        }
        if (best !== undefined) return { hit: best, at: navigator.branch.boundary(shownAt(best)) };
        const { at } = interval.start;
        progress(at.icount);
        // Most answers are in the newest interval, which ends with the machine where it was; threads start after it.
        if (newest !== undefined && compareMoments(at, newest) <= 0) ahead ??= this.#searchAhead(at, shownAt);
      }
      return 'none';
    } finally {
      await endAhead();
    }
  }

  /** The last hit of a step of an interval, as far as that can be said without running it. */
  #knownHit({ start, end, touched }: Interval, shownAt: ShownAt): DebugHit | undefined | 'unknown' {
    if (touched !== undefined && !this.points.mayTouch(touched)) return undefined;
    const known = this.#known.get(this.#keyOf(start.id));
    if (known === undefined || compareMoments(known.end, end) < 0) return 'unknown';
    const best = lastOf(known.hits, end.icount, shownAt);
    // Before the oldest hit that was kept there may be others.
    return best === undefined && known.completeFrom > start.at.icount ? 'unknown' : best;
  }

  #note(interval: Interval, found: IntervalHits | IntervalFindings): void {
    if ('touched' in found) this.navigator.noteTouched(interval.end, found.touched);
    this.#keep(interval, found);
  }

  async #run({ start, end }: Interval): Promise<IntervalHits | 'interrupted'> {
    const hits = new HitCollector(start.at.icount);
    const points = this.points.for('search');
    const stop = await this.navigator.pass(start, end, { points, collect: hits.collect });
    return stop.kind === 'interrupted' ? 'interrupted' : hits.found;
  }

  /** Undefined when it is better to search in this thread. */
  #searchAhead(present: Moment, shownAt: ShownAt): SearchAhead | undefined {
    const { pool, navigator } = this;
    if (pool === undefined || pool.size === 0) return undefined;
    const points = this.points.data;
    if (points === undefined) return undefined;
    const second = this.#wanted(present, shownAt, points);
    second.next();
    if (second.next().done) return undefined;
    return new SearchAhead(pool, this.#wanted(present, shownAt, points), navigator.pace.interruption());
  }

  *#wanted(present: Moment, shownAt: ShownAt, points: PointsData): Generator<WantedInterval, void> {
    for (const interval of this.navigator.intervalsBefore(present, 'whole')) {
      const hit = this.#knownHit(interval, shownAt);
      if (hit === 'unknown') yield { interval, task: () => this.#taskOf(interval, points) };
      else if (hit !== undefined) return;
    }
  }

  #taskOf({ start, end }: Interval, points: PointsData): SearchTask {
    const { store, history } = this.navigator;
    return {
      points,
      start: start.at.icount,
      snapshot: store.share(start.snapshot),
      events: history.log.slice(start.at.cursor, end.cursor),
      end: end.icount,
    };
  }

  #keyOf(startId: number): string {
    return `${startId} ${this.points.key}`;
  }

  #keep({ start, end }: Interval, { completeFrom, hits }: IntervalHits): void {
    const key = this.#keyOf(start.id);
    this.#known.delete(key);
    this.#known.set(key, { end, completeFrom, hits });
    if (this.#known.size <= MOST_KEPT_INTERVALS) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }
}
