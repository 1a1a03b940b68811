import type { WatchKind } from '../engine/watch-list.js';

/** What writes memory beside the stores of harts; a `page-walk` sets the A and D bits of page tables. */
export type Writer = 'device' | 'debugger' | 'reset' | 'page-walk';

/** A breakpoint or watchpoint that was reached; the address as two words. */
export interface DebugHit {
  readonly kind: 'breakpoint' | 'watchpoint';
  /** The boundary before the step that runs the instruction or makes the access. */
  readonly icount: number;
  readonly hart: number;
  readonly access: WatchKind | undefined;
  readonly low: number;
  readonly high: number;
  /** Who made the access, when it was no instruction of the hart. */
  readonly by?: Writer;
}
