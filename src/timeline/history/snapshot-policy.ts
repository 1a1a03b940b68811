/**
 * When snapshots are taken and which one goes when there is no room: pure functions of moments and costs.
 */

/** Share of the run time that taking snapshots may cost. */
const COST_SHARE = 0.02;
/** Bounds for the host time between two snapshots. */
const SHORTEST_MS = 10;
const LONGEST_MS = 500;

/**
 * Steps to the next snapshot, when the last one cost `costMs` and the machine ran `steps` steps in `runMs`.
 */
export function intervalSteps(steps: number, runMs: number, costMs: number): number {
  const wantedMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, costMs / COST_SHARE));
  const perMs = steps / Math.max(runMs, 0.05);
  // One measurement may be far off on a busy host: change by at most a factor of 4.
  const wanted = Math.round(perMs * wantedMs);
  return Math.max(10_000, Math.floor(Math.min(4 * steps, Math.max(steps / 4, wanted))));
}

/**
 * The snapshot to give up: the one whose neighbours are closest together, of those that may go (not the first,
 * not the last, not pinned), and the gap it leaves. Undefined when none may. `moments` ascend.
 *
 * Kept up while snapshots arrive at a steady pace, no gap grows beyond 4 times the average; and when one is taken
 * only in a gap that is wider than the one it costs, none grows beyond the widest there was.
 */
export function victim(
  moments: readonly number[],
  pinned: (index: number) => boolean,
): { readonly index: number; readonly gap: number } | undefined {
  let index = -1;
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < moments.length - 1; i++) {
    const left = moments[i + 1] - moments[i - 1];
    if (left >= gap || pinned(i)) continue;
    index = i;
    gap = left;
  }
  return index < 0 ? undefined : { index, gap };
}
