import type { SnapshotBudget } from './history/snapshot-list.js';
import type { IdleClock } from './live/live-driver.js';
import type { SearchPool } from './search/search-pool.js';

export interface TimelineOptions {
  /** Whether code that runs often is compiled; true when not given. No difference to the guest. */
  readonly jit?: boolean | undefined;
  readonly idleClock: IdleClock;
  readonly budget: SnapshotBudget;
  /** Whether a live machine stops when a hart traps for ever (see TrapLoopWatch); true when not given. */
  readonly trapLoopCheck?: boolean | undefined;
  /** Machines that search backwards beside this one; without them, this one does it alone. */
  readonly searchPool?: SearchPool | undefined;
  /** Whether to look at every rest of the machine that all is as the code relies on (see RestCheck). */
  readonly checked?: boolean | undefined;
}

/** Steps, host time and bytes of the recording after which a run ends; none when not given. */
export interface RunToEndLimits {
  readonly maxIcount?: number | undefined;
  readonly timeoutMs?: number | undefined;
  readonly maxRecordedBytes?: number | undefined;
}

export type EndOfRun =
  | { readonly kind: 'power-off'; readonly code: number }
  /** `trapLoop`: what looks like one, in words, and has not lasted long enough to end the run. */
  | {
      readonly kind: 'limit';
      readonly which: 'icount' | 'timeout' | 'size';
      readonly trapLoop?: string;
    }
  /** A hart traps for ever; `text` says which, where and why. */
  | { readonly kind: 'trap-loop'; readonly text: string }
  | { readonly kind: 'interrupt' };
