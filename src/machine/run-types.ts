/** What a machine is told when it runs, and what it tells. */

import type { DebugHit, WriteObserver } from './debug-hit.js';
import type { HartContext } from './hart.js';
import type { PointSet } from './point-set.js';
import type { TrapLoop } from './trap-loop.js';

/** Why `run` came back. */
export type MachineStop =
  /** The wanted icount is reached. */
  | { readonly kind: 'limit' }
  /** No hart is runnable; the next timer is due at `deadlineNs`, which may be Infinity. */
  | { readonly kind: 'idle'; readonly deadlineNs: number }
  | { readonly kind: 'power-off'; readonly code: number }
  | { readonly kind: 'hit'; readonly hit: DebugHit }
  /** A hart takes the same trap for ever: see `heedsTrapLoops`. */
  | { readonly kind: 'trap-loop'; readonly loop: TrapLoop };

export interface TakenInterrupt {
  /** Boundary before the step that enters the handler. */
  readonly icount: number;
  readonly context: HartContext;
}

export interface RunOptions {
  /** What to do when no hart is runnable and a timer is set: go there at once, as when not given, or come back. */
  readonly idle?: 'jump' | 'return';
  /** What it looks out for; nothing when not given, whatever a run before did. */
  readonly points?: PointSet;
  /** Hits are handed to `collect` and passed over; without it they stop the run. */
  readonly collect?: (hit: DebugHit) => void;
  readonly writes?: WriteObserver;
  /** Told of each interrupt before it is entered: hart and interrupt number. */
  readonly onInterrupt?: (hart: number, cause: number) => void;
  /** Stop as at a limit when the guest waits for something that the host is to send. */
  readonly heedsWants?: boolean;
  /** Stop when a hart traps for ever. Once a loop, and at the same icount wherever the run began before it. */
  readonly heedsTrapLoops?: boolean;
  /** Stop as at a limit when this hart is about to take a step. */
  readonly beforeHart?: number;
}
