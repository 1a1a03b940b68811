import type { HartView } from '../machine/hart-view.js';

export type { HartView } from '../machine/hart-view.js';

/**
 * What has to hold at a hit for it to count, forwards and backwards alike. It sees the hart that caused the
 * hit just before the instruction, must depend on the machine alone and must not change it.
 */
export interface Condition {
  /** Equal for conditions that always agree: hits that a search has found are kept under it. */
  readonly key: string;
  holds(hart: HartView): boolean;
}

/** What is done at a breakpoint instead of stopping, when running forwards. Must not change the machine. */
export type HitAction = (hart: HartView) => void;

export interface BreakpointOptions {
  readonly condition?: Condition | undefined;
  readonly action?: HitAction | undefined;
}
