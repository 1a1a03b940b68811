import type { Machine, MachineStop, RunOptions } from '../../machine/machine.js';
import { describeEvent, type InputEvent } from '../../ports/input-event.js';
import { ReplayMismatch } from '../debug-target.js';
import type { Pace } from '../live/pace.js';
import type { History } from './history.js';

export type PassStop = MachineStop | { readonly kind: 'interrupted' } | { readonly kind: 'enough' };

/**
 * What a pass over the history looks out for. It begins with nothing: points that a pass before it had are none of its.
 */
export interface Pass extends RunOptions {
  /** Asked between slices: whether the pass has seen what it was for. */
  readonly enough?: () => boolean;
}

/** Where a pass ends: a boundary, after the events that stand before an index in the log. */
export type PassEnd = { readonly icount: number; readonly cursor: number };

/** A machine that runs forward along a log of inputs, as far as it was recorded. */
export abstract class Replayer {
  /** Input events that have entered. */
  cursor = 0;
  /** Whether an event is entering that the history has at `cursor`. */
  entering = false;

  constructor(
    readonly machine: Machine,
    readonly pace: Pace,
  ) {}

  abstract get history(): Pick<History, 'log' | 'end'>;

  /** The boundary at which `atDue` is to be called next; Infinity when nowhere. */
  due(): number {
    return Number.POSITIVE_INFINITY;
  }

  atDue(): void {}

  get atEnd(): boolean {
    return this.machine.icount >= this.history.end && this.cursor >= this.history.log.length;
  }

  /** Runs on to a moment of the history. The pace gives the host its turn meanwhile, and interrupts. */
  async advance(to: PassEnd, pass: Pass): Promise<PassStop> {
    const { machine, pace } = this;
    // Many short ones shall not keep the host from its turn.
    if (pace.due) await pace.between(0);
    if (pace.interrupted) return { kind: 'interrupted' };
    for (;;) {
      const from = machine.icount;
      const stop = this.slice(Math.min(to.icount, from + pace.steps), pass, to.cursor);
      if (stop.kind !== 'limit' || machine.icount >= to.icount) return stop;
      if (pass.beforeHart !== undefined && machine.nextHart === pass.beforeHart) return stop;
      if (pass.enough?.() === true) return { kind: 'enough' };
      await pace.between(machine.icount - from);
      if (pace.interrupted) return { kind: 'interrupted' };
    }
  }

  /** Runs on to a boundary without looking at the host; of the events there those before `cursorEnd` enter. */
  slice(until: number, pass: Pass, cursorEnd = Number.POSITIVE_INFINITY): MachineStop {
    const { machine, history } = this;
    for (;;) {
      this.applyEvents(pass, cursorEnd);
      const hit = machine.takeForeignHit();
      if (hit !== undefined) return { kind: 'hit', hit };
      if (machine.icount >= until) return { kind: 'limit' };
      const bound = Math.min(until, this.due(), history.log.nextIcount(this.cursor));
      const stop = machine.run(bound, pass);
      if (stop.kind === 'limit') {
        if (machine.icount < bound) return stop;
        this.applyEvents(pass, cursorEnd);
        this.atDue();
        continue;
      }
      if (stop.kind === 'power-off' || stop.kind === 'idle') this.#expectEnd(stop.kind);
      return stop;
    }
  }

  /** Lets the recorded events of the present boundary enter. The pass hears of what they write. */
  applyEvents(pass: Pass, cursorEnd = Number.POSITIVE_INFINITY): void {
    const { machine, history } = this;
    if (history.log.nextIcount(this.cursor) !== machine.icount) return;
    while (this.cursor < cursorEnd && history.log.nextIcount(this.cursor) === machine.icount) {
      const { event } = history.log.get(this.cursor);
      this.#expectPossible(event);
      this.take(event, pass);
    }
  }

  /** Lets the event enter that the history has at `cursor`. */
  take(event: InputEvent, pass: Pass): void {
    this.entering = true;
    try {
      this.machine.apply(event, pass);
      this.cursor++;
    } finally {
      this.entering = false;
    }
  }

  #expectPossible(event: InputEvent): void {
    const { machine } = this;
    const why = machine.refusal(event);
    if (why === undefined) return;
    throw new ReplayMismatch(
      `the replay differs from the recording: at icount ${machine.icount} this machine cannot take the input "${describeEvent(event)}": ${why}`,
    );
  }

  #expectEnd(kind: 'power-off' | 'idle'): void {
    const { machine, history } = this;
    if (machine.icount >= history.end) return;
    const what = kind === 'power-off' ? 'the machine powered off' : 'every hart sleeps for ever';
    const next = this.cursor < history.log.length ? history.log.get(this.cursor) : undefined;
    const expected = next && `, next with an input at icount ${next.icount}: ${describeEvent(next.event)}`;
    throw new ReplayMismatch(
      `the replay differs from the recording: ${what} at icount ${machine.icount}, the recording goes on to ${history.end}${expected ?? ''}`,
    );
  }
}
