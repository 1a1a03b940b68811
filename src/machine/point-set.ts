import type { CodePoint, WatchRange } from '../ports/points.js';
import type { WriteWatch } from '../ports/write-watch.js';

/** All that a run looks out for, given to it as one value that never changes: the same value costs nothing again. */
export interface PointSet {
  /** At most one at an address. */
  readonly breakpoints: readonly CodePoint[];
  readonly watchpoints: readonly WatchRange[];
  /** Writes that the run's observer hears of. */
  readonly observed?: WriteWatch | undefined;
}

/** Of a run that nothing is to stop. */
export const NO_POINTS: PointSet = { breakpoints: [], watchpoints: [] };
