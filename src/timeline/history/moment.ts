/** A branch, as far as the order of its moments asks for it. */
export interface Course {
  readonly name: string;
  readonly parent: Course | undefined;
}

/**
 * A moment of a history: whoever carries one about neither takes it apart nor makes it up. They are ordered, and the
 * machine is in two different states at no one of them. `Navigator.now` and `Branch.boundary` make them.
 */
export interface Moment {
  readonly branch: Course;
  /** Steps taken. */
  readonly icount: number;
  /** Input events of the history that have entered. */
  readonly cursor: number;
  /** Virtual time, in ns, that was skipped since the last of either, while the guest sleeps. */
  readonly warpNs: number;
}

/**
 * Negative when `a` comes first, 0 when they are one. Those of a branch are ordered, together with those before it; of
 * branches that only share a beginning there is no order.
 */
export function compareMoments(a: Moment, b: Moment): number {
  if (!descends(a.branch, b.branch) && !descends(b.branch, a.branch))
    throw new RangeError(`${a.branch.name} and ${b.branch.name} have no moments in order`);
  return compareOnBranch(a, b);
}

function descends(from: Course | undefined, branch: Course): boolean {
  return from !== undefined && (from === branch || descends(from.parent, branch));
}

/** The same of moments that are known to be of one branch. */
export function compareOnBranch(a: Omit<Moment, 'branch'>, b: Omit<Moment, 'branch'>): number {
  return a.icount - b.icount || a.cursor - b.cursor || a.warpNs - b.warpNs;
}
