/** What a debugger asks a machine to look out for, in addresses as harts see them: two words each. */

/** Decides at each hit whether it counts. Must not change the machine; `hart` is the one that caused it. */
export interface HitCondition {
  holds(hart: number): boolean;
}

/** A breakpoint, and what has to hold for it to count. */
export interface CodePoint {
  readonly low: number;
  readonly high: number;
  readonly condition?: HitCondition | undefined;
}

export type WatchKind = 'write' | 'read' | 'access';

/** A range of virtual addresses under watch. */
export interface WatchRange {
  readonly kind: WatchKind;
  readonly low: number;
  readonly high: number;
  readonly length: number;
  /** Accesses count only when it holds just before them. */
  readonly condition?: HitCondition | undefined;
}

/** Stands for any page in a list of virtual ones: something was written that has no known virtual address. */
export const UNKNOWN_PAGE = -1;
