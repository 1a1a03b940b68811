import type { TimerPort, VirtualClock } from '../ports/device.js';
import { count, counts, defineState, type StateOf } from '../state/layout.js';
import type { Scheduler } from './scheduler.js';

/** Virtual time of the machine: steps scaled, plus idle time that was skipped; and every timer's deadline. */
export const timeState = (timers: number) =>
  defineState('time', {
    /** Steps of the whole machine since it was built. */
    icount: count(),
    /** Nanoseconds skipped while no hart was runnable. */
    warpNs: count(),
    deadlines: counts(timers, Array<number>(timers).fill(Number.POSITIVE_INFINITY)),
  });

export type TimeState = StateOf<ReturnType<typeof timeState>>;

export class VirtualTime implements VirtualClock {
  readonly #nsPerStep: number;
  /** `state.warpNs` when the last step was taken or the last event had entered. */
  #steadyWarpNs = 0;

  constructor(
    readonly state: TimeState,
    icountShift: number,
    readonly scheduler: Scheduler,
  ) {
    this.#nsPerStep = 2 ** icountShift;
  }

  /** Right also in the middle of a run. */
  get icount(): number {
    return this.state.icount + this.scheduler.stepsThisRun;
  }

  nowNs(): number {
    return this.icount * this.#nsPerStep + this.state.warpNs;
  }

  /** How far `warpNs` has come since a step was taken or an event entered last. */
  get idleNs(): number {
    return this.state.warpNs - this.#steadyWarpNs;
  }

  /** Idle time is counted from here on; `ns` of it are behind already. */
  idleFor(ns = 0): void {
    this.#steadyWarpNs = this.state.warpNs - ns;
  }

  timer(index: number): TimerPort {
    return {
      arm: deadlineNs => {
        if (this.state.deadlines[index] === deadlineNs) return;
        this.state.deadlines[index] = deadlineNs;
        this.scheduler.lookSoon();
      },
    };
  }

  /** The earliest deadline in ns, or Infinity. */
  nextDeadline(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const deadline of this.state.deadlines) if (deadline < earliest) earliest = deadline;
    return earliest;
  }

  /** Steps until a deadline is reached: at least 1. */
  stepsUntil(deadlineNs: number): number {
    return Math.max(1, Math.ceil((deadlineNs - this.nowNs()) / this.#nsPerStep));
  }

  /** Takes the earliest timer that is due off the list: its index, or -1. Ties go to the lower index. */
  takeDue(): number {
    const { deadlines } = this.state;
    let due = -1;
    for (let i = 0; i < deadlines.length; i++) {
      if (deadlines[i] <= this.nowNs() && (due < 0 || deadlines[i] < deadlines[due])) due = i;
    }
    if (due >= 0) deadlines[due] = Number.POSITIVE_INFINITY;
    return due;
  }

  /** Idle: the clock jumps to this time, if it is ahead. */
  warpTo(ns: number): void {
    const ahead = ns - this.nowNs();
    if (ahead > 0) this.state.warpNs += ahead;
  }
}
