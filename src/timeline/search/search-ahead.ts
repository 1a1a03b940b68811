import type { Interval } from '../history/navigator.js';
import type { IntervalFindings, RunningSearch, SearchPool, SearchTask } from './search-pool.js';

/** Finished searches that may wait for newer ones, for each one that can run. */
const AHEAD_FOR_EACH = 3;

type Outcome = IntervalFindings | 'cancelled' | 'failed';

interface Entry {
  readonly interval: Interval;
  readonly search: RunningSearch;
  readonly outcome: Promise<Outcome>;
  result: Outcome | undefined;
}

/** An interval that has to be run. */
export interface WantedInterval {
  readonly interval: Interval;
  task(): SearchTask;
}

/** Runs the intervals of one search on other machines, newest first, ahead of when their answers are asked for. */
export class SearchAhead {
  readonly #entries = new Map<number, Entry>();
  #open = true;

  constructor(
    readonly pool: SearchPool,
    /** Hands out what is to be run, newest first. */
    readonly wanted: Iterator<WantedInterval>,
    readonly interrupted: Promise<void>,
  ) {}

  /**
   * The findings in an interval, by the id of the snapshot at its start; undefined when it is not among those that
   * run here.
   */
  async take(id: number): Promise<IntervalFindings | 'interrupted' | 'failed' | undefined> {
    this.#fill();
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    const outcome = await Promise.race([entry.outcome, this.interrupted]);
    if (outcome === undefined || outcome === 'cancelled') return 'interrupted';
    this.#entries.delete(id);
    return outcome;
  }

  /** Cancels what still runs and waits until it has stopped; hands out what was found and not asked for. */
  async end(found: (interval: Interval, findings: IntervalFindings) => void): Promise<void> {
    this.#open = false;
    const entries = [...this.#entries.values()];
    for (const { search } of entries) search.cancel();
    for (const { interval, outcome } of entries) {
      const result = await outcome;
      if (typeof result === 'object') found(interval, result);
    }
  }

  #fill(): void {
    const { pool } = this;
    while (this.#open && this.#running < pool.size && this.#entries.size < AHEAD_FOR_EACH * pool.size) {
      const next = this.wanted.next();
      if (next.done) return;
      this.#start(next.value);
    }
  }

  #start({ interval, task }: WantedInterval): void {
    const search = this.pool.start(task());
    const outcome = search.findings.catch((): Outcome => 'failed');
    const entry: Entry = { interval, search, outcome, result: undefined };
    this.#entries.set(interval.start.id, entry);
    void outcome.then(result => {
      entry.result = result;
      this.#fill();
    });
  }

  get #running(): number {
    let running = 0;
    for (const { result } of this.#entries.values()) if (result === undefined) running++;
    return running;
  }
}
