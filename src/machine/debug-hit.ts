import type { WatchKind } from '../ports/points.js';
import type { StoreAccess } from '../ports/write-watch.js';

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

/** A write to memory that is observed, just before it is made. */
export interface ObservedWrite {
  /** Undefined: an instruction of the hart. */
  readonly by: Writer | undefined;
  /** The boundary before the step that makes it, or before the boundary that brings it. */
  readonly icount: number;
  readonly hart: number;
  /** How the instruction's store goes. */
  readonly store: StoreAccess | undefined;
  readonly physical: number;
  readonly length: number;
}

/** Hears of writes to what `Machine.observeWrites` names. */
export interface WriteObserver {
  before(write: ObservedWrite): void;
  /** All writes that were told of are made, and nothing else has been. Not called between writes of one step. */
  after(): void;
}

/** Who is told of writes: a part of a run's options. */
export interface WriteListener {
  readonly collect?: (hit: DebugHit) => void;
  readonly writes?: WriteObserver;
}
