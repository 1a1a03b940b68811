import type { LoggedEvent } from '../../ports/input-event.js';
import type { SharedSnapshot } from '../../snapshot/shared-snapshot.js';
import type { ConditionSource } from '../condition.js';
import type { WatchAccess } from '../debug-target.js';
import type { IntervalHits } from './interval-hits.js';
import type { IntervalPages } from './page-set.js';

/** What a search looks for, as data. */
export interface PointsData {
  /** Equal for equal points. */
  readonly key: string;
  readonly breakpoints: readonly {
    readonly address: bigint;
    readonly condition: ConditionSource | undefined;
  }[];
  readonly watchpoints: readonly {
    readonly access: WatchAccess;
    readonly address: bigint;
    readonly length: number;
    readonly condition: ConditionSource | undefined;
  }[];
}

/** One interval of a history to run, as data for another thread. */
export interface SearchTask {
  readonly points: PointsData;
  /** Boundary at which the interval begins, and the machine there. */
  readonly start: number;
  readonly snapshot: SharedSnapshot;
  /** Input events that enter from then on, up to `end`. */
  readonly events: readonly LoggedEvent[];
  readonly end: number;
}

/** What a run from one end of an interval to the other showed. */
export interface IntervalFindings extends IntervalHits {
  readonly touched: IntervalPages;
}

export interface RunningSearch {
  /** Settles soon after `cancel` too; only then nothing of the task is looked at any more. Rejects on a failure. */
  readonly findings: Promise<IntervalFindings | 'cancelled'>;
  cancel(): void;
}

/** Machines beside the one that the user sees, which run intervals of its history at the same time. */
export interface SearchPool {
  /** Searches that can run at once; 0 when none can, or can no longer. */
  readonly size: number;
  /** To be called while fewer than `size` run. */
  start(task: SearchTask): RunningSearch;
  /** Ends every search. */
  close(): void;
}
