import type { HartContext } from '../machine/hart.js';
import {
  type DebugHit,
  type Machine,
  type MachineStop,
  NO_POINTS,
  type PointSet,
} from '../machine/machine.js';
import type { DebugPoints } from './debug-points.js';
import {
  type DebugStop,
  HARTS_MOVE_TOGETHER,
  type PresentPoints,
  type Resume,
  TargetError,
} from './debug-target.js';
import type { History } from './history/history.js';
import type { Moment } from './history/moment.js';
import type { Navigator } from './history/navigator.js';
import type { LiveDriver } from './live/live-driver.js';
import type { Pace } from './live/pace.js';
import type { GuestOutput } from './output/guest-output.js';
import { InterruptHiding } from './search/interrupt-hiding.js';
import { shownBefore, shownToGdb } from './search/interval-hits.js';
import { ReverseSearch } from './search/reverse-search.js';
import type { SearchPool } from './search/search-pool.js';
import type { Whereabouts } from './whereabouts.js';

/** Why `run` came back. `end`: there is nothing further, neither recorded nor live. */
export type RunStop =
  | Exclude<MachineStop, { kind: 'idle' } | { kind: 'power-off' }>
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'size' }
  | { readonly kind: 'end' };

export interface RunLimits {
  /** None when not given. */
  readonly points?: PointSet;
  /** Boundary to stop at. */
  readonly until: number;
  /** Stop when this hart is about to take a step. */
  readonly beforeHart?: number;
  /** Host time, as the clock counts it, at which to give up. */
  readonly deadlineMs?: number;
  /** Bytes of the recording at which to give up. */
  readonly recordedBytes?: number | undefined;
}

const PROGRESS_MS = 1000;
const WRITERS = {
  debugger: 'the debugger',
  device: 'a device',
  reset: 'a reset',
  'page-walk': 'a page walk',
};

/** Moves the machine for a debugger: forward along the history and beyond, backward by restoring. */
export class RunControl {
  readonly search: ReverseSearch;
  readonly hiding: InterruptHiding;
  /** Running forwards ends once at this icount. */
  stopAt: number | undefined;

  constructor(
    readonly navigator: Navigator,
    readonly live: LiveDriver,
    readonly points: DebugPoints,
    readonly output: GuestOutput,
    readonly whereabouts: Whereabouts,
    pool: SearchPool | undefined,
  ) {
    this.search = new ReverseSearch(navigator, points, pool);
    this.hiding = new InterruptHiding(navigator, points);
  }

  get pace(): Pace {
    return this.navigator.pace;
  }

  get #machine(): Machine {
    return this.navigator.machine;
  }

  get #history(): History {
    return this.navigator.history;
  }

  get #begin(): Moment {
    return this.navigator.branch.boundary(this.#history.begin);
  }

  get canGoOnLive(): boolean {
    return this.#history.mode === 'live' && this.#history.powerOff === undefined;
  }

  /** Throws TargetError for an icount that does not come. */
  stopOnceAt(icount: number | undefined): void {
    if (icount !== undefined) {
      const { icount: now } = this.#machine;
      const { end } = this.#history;
      if (!Number.isSafeInteger(icount)) throw new TargetError(`${icount} is no icount`);
      if (icount <= now) throw new TargetError(`icount ${icount} is not ahead: this is icount ${now}`);
      if (icount > end && !this.canGoOnLive)
        throw new TargetError(`icount ${icount} is never reached: the history ends at ${end}`);
    }
    this.stopAt = icount;
  }

  async resume(request: Resume, tell: (line: string) => void): Promise<DebugStop> {
    const stop = await this.#move(request, tell);
    if (stop.kind === 'trap-loop') tell(stop.text);
    if (stop.kind === 'watchpoint' && stop.by !== undefined) {
      tell(`written by ${WRITERS[stop.by]} at icount ${this.#machine.icount}, not by an instruction`);
    }
    return stop;
  }

  async #move(request: Resume, tell: (line: string) => void): Promise<DebugStop> {
    switch (request.kind) {
      case 'continue':
        return request.direction === 'forward'
          ? this.#continueForward(request.points)
          : this.#continueBackward(tell, request.points);
      case 'step':
        return request.direction === 'forward'
          ? this.#stepForward(request.hart, request.points, request.alone)
          : this.#stepBackward(request.hart, request.points, request.alone);
      case 'range-step':
        return this.#rangeStep(request.hart, request.start, request.end);
    }
  }

  /** Runs forward: through the history, then live. */
  async run(limits: RunLimits): Promise<RunStop> {
    const { until, beforeHart, points } = limits;
    const pass = { ...(points && { points }), ...(beforeHart === undefined ? {} : { beforeHart }) };
    const { deadlineMs = Number.POSITIVE_INFINITY, recordedBytes = Number.POSITIVE_INFINITY } = limits;
    const { navigator, pace, live } = this;
    const machine = this.#machine;
    for (;;) {
      if (pace.interrupted) return { kind: 'interrupted' };
      navigator.applyEvents(pass);
      if (machine.icount >= until) return { kind: 'limit' };
      if (beforeHart !== undefined && machine.nextHart === beforeHart && !machine.asleep) {
        return { kind: 'limit' };
      }
      const from = machine.icount;
      const target = Math.min(until, from + pace.steps);
      const recorded = !navigator.atEnd;
      if (!recorded && !this.canGoOnLive) return { kind: 'end' };
      const stop = recorded
        ? navigator.slice(Math.min(target, this.#history.end), pass)
        : live.slice(target, pass);
      this.output.reached();
      if (stop.kind === 'hit' || stop.kind === 'trap-loop') return stop;
      const leftMs = deadlineMs - live.clock.nowMs();
      if (leftMs <= 0) return { kind: 'timeout' };
      if ((live.recorder?.bytesWritten ?? 0) >= recordedBytes) return { kind: 'size' };
      if (stop.kind === 'idle') await live.sleep(stop.deadlineNs, leftMs, () => pace.interrupted);
      else await pace.between(machine.icount - from);
    }
  }

  /** Goes back to a moment, or forward within the history; interrupted, it stays where it started. */
  async seek(to: Moment): Promise<'there' | 'interrupted'> {
    const from = this.navigator.now;
    const stop = await this.navigator.seek(to);
    if (stop.kind !== 'interrupted') return 'there';
    await this.#returnTo(from);
    return 'interrupted';
  }

  async #continueForward(present: PresentPoints = 'protocol'): Promise<DebugStop> {
    const { stopAt = -1 } = this;
    const until = stopAt > this.#machine.icount ? stopAt : Number.POSITIVE_INFINITY;
    if (present === 'elsewhere') {
      const stop = await this.run({ until: this.#machine.icount + 1 });
      if (stop.kind !== 'limit') return this.#describe(stop, undefined);
    }
    const stop = await this.run({ points: this.points.for('forward'), until });
    return stop.kind === 'limit' ? this.#momentReached(stopAt) : this.#describe(stop, undefined);
  }

  async #momentReached(icount: number): Promise<DebugStop> {
    this.stopAt = undefined;
    await this.settle();
    return { kind: 'moment', hart: this.#machine.nextHart, icount };
  }

  async #stepForward(
    hart: number | undefined,
    present: PresentPoints = 'protocol',
    alone = false,
  ): Promise<DebugStop> {
    const { nextHart, asleep } = this.#machine;
    if (alone && (nextHart !== hart || asleep)) throw new TargetError(HARTS_MOVE_TOGETHER);
    // A step runs the instruction at a breakpoint; what it accesses is still watched.
    const points = present === 'protocol' ? this.points.for('watchpoints') : NO_POINTS;
    if (hart !== undefined) {
      const stop = await this.run({ points, until: Number.POSITIVE_INFINITY, beforeHart: hart });
      if (stop.kind !== 'limit') return this.#describe(stop, hart);
    }
    const stop = await this.run({ points, until: this.#machine.icount + 1 });
    const interrupted = this.hiding.enabled ? this.hiding.justInterrupted(hart) : undefined;
    if (stop.kind === 'limit' && interrupted !== undefined) return this.#finishHandler(interrupted);
    return this.#describe(stop, hart);
  }

  /** Runs on until the interrupted context goes on, or something in its handler stops. */
  async #finishHandler(context: HartContext): Promise<DebugStop> {
    const stop = await this.run(this.hiding.untilReturn(context));
    const back = stop.kind === 'hit' && stop.hit.kind === 'breakpoint' && this.hiding.standsIn(context);
    const described = await this.#describe(stop, context.hart);
    return back ? { kind: 'step', hart: context.hart } : described;
  }

  async #rangeStep(hart: number, start: bigint, end: bigint): Promise<DebugStop> {
    for (;;) {
      const stop = await this.#stepForward(hart);
      if (stop.kind !== 'step') return stop;
      const pc = this.#machine.debug.programCounter(hart);
      if (pc < start || pc >= end) return stop;
      if (this.#machine.icount === this.stopAt) return this.#momentReached(this.stopAt);
      if (this.points.stopsAt(pc, hart)) return { kind: 'breakpoint', hart, address: pc };
    }
  }

  async #continueBackward(
    tell: (line: string) => void,
    present: PresentPoints = 'protocol',
  ): Promise<DebugStop> {
    const from = this.navigator.now;
    // With nothing to stop at, going back ends at the beginning.
    if (!this.points.empty) {
      const shownAt = present === 'protocol' ? shownToGdb : shownBefore;
      const found = await this.search.findBefore(from, this.#progress(from, tell), shownAt);
      if (found === 'interrupted') return this.#interruptedAt(from);
      if (found !== 'none') {
        if ((await this.#land(found.at)) === 'interrupted') return this.#interruptedAt(from);
        return stopOf(found.hit);
      }
    }
    if ((await this.seek(this.#begin)) === 'interrupted') return this.#interruptedAt(from);
    return { kind: 'history', edge: 'begin', hart: this.#machine.nextHart };
  }

  /** Tells once a second how far back a search is. */
  #progress({ icount: from }: Moment, tell: (line: string) => void): (icount: number) => void {
    const { clock } = this.live;
    let dueMs = clock.nowMs() + PROGRESS_MS;
    return icount => {
      if (clock.nowMs() < dueMs) return;
      dueMs = clock.nowMs() + PROGRESS_MS;
      const percent = Math.round((100 * (from - icount)) / Math.max(1, from - this.#history.begin));
      tell(`searching back: ${percent}% of the history before here, at icount ${icount}`);
    };
  }

  async #stepBackward(
    hart: number | undefined,
    present: PresentPoints = 'protocol',
    alone = false,
  ): Promise<DebugStop> {
    const from = this.navigator.now;
    const contexts = this.hiding.enabled ? this.hiding.contexts() : [];
    const target = await this.#stepToUndo(hart);
    if (target === 'interrupted') return this.#interruptedAt(from);
    if (alone && target?.icount !== from.icount - 1) {
      await this.#returnTo(from);
      throw new TargetError(HARTS_MOVE_TOGETHER);
    }
    if (target === undefined) {
      await this.#land(this.#begin);
      return { kind: 'history', edge: 'begin', hart: hart ?? this.#machine.nextHart };
    }
    if ((await this.#land(target)) === 'interrupted') return this.#interruptedAt(from);
    const undone = this.#machine.nextHart;
    if (this.points.anyWatchpoint && present === 'protocol') {
      const hit = this.#accessOfNextStep();
      // The access is reported before it is undone: the machine stands behind it now.
      if (hit !== undefined && target.icount + 1 === from.icount) return stopOf(hit);
      await this.#land(target);
    }
    if (this.hiding.enabled && this.hiding.returnsFromTrap(undone)) {
      return this.#undoHandler(contexts[undone], from, target);
    }
    return { kind: 'step', hart: hart ?? undone };
  }

  /** The step that was undone, back to `target`, is a trap's return: of an interrupt all of the handler goes. */
  async #undoHandler(context: HartContext, from: Moment, target: Moment): Promise<DebugStop> {
    const start = await this.hiding.findEntry(context, from);
    if (start.kind === 'interrupted') return this.#interruptedAt(from);
    const { branch } = this.navigator;
    const landing =
      start.kind === 'entry' ? start.icount : start.kind === 'hit' ? shownToGdb(start.hit) : undefined;
    if ((await this.#land(landing === undefined ? target : branch.boundary(landing))) === 'interrupted')
      return this.#interruptedAt(from);
    return start.kind === 'hit' ? stopOf(start.hit) : { kind: 'step', hart: context.hart };
  }

  /** The boundary before the last step, of a hart or of any; undefined when there is none. */
  async #stepToUndo(hart: number | undefined): Promise<Moment | undefined | 'interrupted'> {
    const { navigator } = this;
    const { branch, machine, now } = navigator;
    if (hart === undefined || machine.config.harts === 1)
      return now.icount > this.#history.begin ? branch.boundary(now.icount - 1) : undefined;
    for (const { start, end } of navigator.intervalsBefore(now)) {
      const stop = await navigator.pass(start, end);
      if (stop.kind === 'interrupted') return 'interrupted';
      if (machine.lastStepOf[hart] >= 0) return branch.boundary(machine.lastStepOf[hart]);
    }
    return undefined;
  }

  /** Takes the next step of the history and tells what watched memory it touches. */
  #accessOfNextStep(): DebugHit | undefined {
    let found: DebugHit | undefined;
    this.navigator.slice(this.#machine.icount + 1, {
      points: this.points.for('watchpoints'),
      collect: hit => {
        found ??= hit;
      },
    });
    return found;
  }

  async #land(to: Moment): Promise<'there' | 'interrupted'> {
    return (await this.navigator.seek(to)).kind === 'interrupted' ? 'interrupted' : 'there';
  }

  async #describe(stop: RunStop, hart: number | undefined): Promise<DebugStop> {
    const machine = this.#machine;
    await this.settle();
    switch (stop.kind) {
      case 'hit':
        return stopOf(stop.hit);
      case 'limit':
      case 'timeout':
      case 'size':
        return { kind: 'step', hart: hart ?? Math.max(0, machine.lastStepOf.indexOf(machine.icount - 1)) };
      case 'trap-loop':
        return { kind: 'trap-loop', hart: stop.loop.hart, text: this.whereabouts.trapLoop(stop.loop) };
      case 'interrupted':
        return { kind: 'interrupt', hart: hart ?? machine.nextHart };
      case 'end':
        return {
          kind: 'history',
          edge: 'end',
          hart: hart ?? machine.nextHart,
          ...this.#history.atItsEnd,
        };
    }
  }

  /**
   * At a stop, the icount alone tells the moment: idle time since the last step becomes an event, or is undone.
   * It may last, and a recorder that is killed meanwhile shall have lost nothing.
   */
  async settle(): Promise<void> {
    const machine = this.#machine;
    if (this.navigator.warped && !machine.poweredOff) {
      if (this.navigator.atEnd && this.canGoOnLive) this.live.settle();
      else await this.#returnTo(this.navigator.branch.boundary(machine.icount));
    }
    this.live.rest();
  }

  async #interruptedAt(from: Moment): Promise<DebugStop> {
    await this.#returnTo(from);
    return { kind: 'interrupt', hart: this.#machine.nextHart };
  }

  /** Back to where the user was. It is as far as the search came, and is not interrupted again. */
  async #returnTo(to: Moment): Promise<void> {
    this.pace.begin();
    await this.#land(to);
  }
}

function stopOf(hit: DebugHit): DebugStop {
  const address = (BigInt(hit.high) << 32n) | BigInt(hit.low);
  if (hit.access === undefined) return { kind: 'breakpoint', hart: hit.hart, address };
  const { hart, access, by } = hit;
  return { kind: 'watchpoint', hart, access, address, ...(by === undefined ? {} : { by }) };
}
