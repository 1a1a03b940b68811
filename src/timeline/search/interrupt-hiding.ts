import type { HartContext } from '../../machine/hart.js';
import type { DebugHit, Machine, PointSet } from '../../machine/machine.js';
import type { CodePoint } from '../../ports/points.js';
import { type DebugPoints, withPoint } from '../debug-points.js';
import type { Moment } from '../history/moment.js';
import type { Navigator } from '../history/navigator.js';

/** A handler that has not returned after so many steps is shown: it may have switched to another task. */
const LONGEST_HANDLER = 10_000_000;

/** Where a step back over a handler ends. */
export type HandlerStart =
  | { readonly kind: 'entry'; readonly icount: number }
  /** A point of the debugger in the handler. */
  | { readonly kind: 'hit'; readonly hit: DebugHit }
  | { readonly kind: 'none' | 'interrupted' };

/**
 * Steps that hide interrupt handlers. A handler begins where a hart enters an interrupt, and ends when that
 * hart is about to run the interrupted instruction in the same mode and with the same stack pointer.
 */
export class InterruptHiding {
  enabled = false;

  constructor(
    readonly navigator: Navigator,
    readonly points: DebugPoints,
  ) {}

  get #machine(): Machine {
    return this.navigator.machine;
  }

  contexts(): HartContext[] {
    return this.#machine.contexts();
  }

  /** What the step just taken has interrupted, if it entered an interrupt of this hart, or of any. */
  justInterrupted(hart: number | undefined): HartContext | undefined {
    const last = this.#machine.icount - 1;
    const taken = this.#machine.interrupted.find(
      (one, id) => one?.icount === last && (hart === undefined || hart === id),
    );
    return taken?.context;
  }

  /** A run to the handler's end: what stops it, and the boundary where to give up. */
  untilReturn(context: HartContext): { readonly points: PointSet; readonly until: number } {
    const points = withPoint(this.points.for('forward'), this.#pointAt(context));
    return { points, until: this.#machine.icount + LONGEST_HANDLER };
  }

  standsIn(context: HartContext): boolean {
    return this.#machine.standsIn(context);
  }

  returnsFromTrap(hart: number): boolean {
    return this.#machine.debug.view(hart).returnsFromTrap;
  }

  /**
   * Where the handler was entered whose return is the last step before the boundary `from`, at which the hart
   * stands in `context`. None when that step returned from something else, as a system call.
   */
  async findEntry(context: HartContext, from: Moment): Promise<HandlerStart> {
    const { navigator } = this;
    const machine = this.#machine;
    const oldest = from.icount - LONGEST_HANDLER;
    const points = withPoint(this.points.for('search'), this.#pointAt(context));
    let hit: DebugHit | undefined;
    for (const { start, end } of navigator.intervalsBefore(from)) {
      if (end.icount <= oldest) break;
      let entry: number | undefined;
      let wentOn = false;
      let hitHere: DebugHit | undefined;
      const stop = await navigator.pass(start, end, {
        points,
        collect: found => {
          if (found.kind === 'breakpoint' && found.hart === context.hart && this.standsIn(context)) {
            entry = undefined;
            wentOn = true;
          } else {
            hitHere = found;
          }
        },
        onInterrupt: hart => {
          if (hart !== context.hart || entry !== undefined || !this.standsIn(context)) return;
          entry = machine.icount;
          hitHere = undefined;
        },
      });
      if (stop.kind === 'interrupted') return { kind: 'interrupted' };
      hit ??= hitHere;
      if (entry !== undefined)
        return hit === undefined ? { kind: 'entry', icount: entry } : { kind: 'hit', hit };
      if (wentOn) break;
    }
    return { kind: 'none' };
  }

  #pointAt(context: HartContext): CodePoint {
    return {
      low: context.pcLow,
      high: context.pcHigh,
      condition: { holds: hart => hart === context.hart && this.#machine.standsIn(context) },
    };
  }
}
