import type { WatchKind } from '../engine/watch-list.js';

/** A breakpoint or watchpoint that was reached; the address as two words. */
export interface DebugHit {
  readonly kind: 'breakpoint' | 'watchpoint';
  /** The boundary before the step that runs the instruction or makes the access. */
  readonly icount: number;
  readonly hart: number;
  readonly access: WatchKind | undefined;
  readonly low: number;
  readonly high: number;
}
