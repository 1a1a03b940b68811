import type { Machine, MachineStop, RunOptions } from '../../machine/machine.js';
import type { InputEvent } from '../../ports/input-event.js';
import { describeEvent } from '../../ports/input-event.js';
import { SnapshotStore } from '../../snapshot/snapshot-store.js';
import { InputError } from '../../state/input-error.js';
import { DebugPoints, type PassPoints } from '../debug-points.js';
import { ReplayMismatch, TargetError } from '../debug-target.js';
import type { Pace } from '../live/pace.js';
import { type IntervalPages, touchedPages } from '../search/page-set.js';
import { Branch } from './branch.js';
import { History } from './history.js';
import { type PlacedSnapshot, type SnapshotBudget, SnapshotList } from './snapshot-list.js';
import { intervalSteps } from './snapshot-policy.js';
import { SnapshotRoom } from './snapshot-room.js';

export type PassStop = MachineStop | { readonly kind: 'interrupted' } | { readonly kind: 'enough' };

/** How the machine runs in one pass over the history, and what it looks out for: never what another pass did. */
export interface Pass extends RunOptions {
  readonly points: PassPoints;
  /** Asked between slices of `advance`: whether the pass has seen what it was for. */
  readonly enough?: () => boolean;
}

/** The steps from a lasting snapshot up to the next one, or up to where a search begins. */
export interface Interval {
  readonly start: PlacedSnapshot;
  readonly next: PlacedSnapshot | undefined;
  readonly end: number;
  /** Of the events that enter at `end`, those before this index belong to it: the others to the interval behind. */
  readonly cursorEnd: number;
  /** What it touched, when that is known. */
  readonly touched: IntervalPages | undefined;
}

/** A moment to come back to, wherever the machine goes meanwhile. */
export interface HeldMoment {
  readonly placed: PlacedSnapshot;
}

/** Steps before the target of a seek at which snapshots are left: the next step back starts from one. */
const PASSING_DISTANCES = [262_144, 16_384, 1_024, 64];
/** First guess of the steps between snapshots, before the machine's speed is known. */
const FIRST_INTERVAL = 1_000_000;

/**
 * A machine on a history: it runs forward along the recorded inputs, leaves snapshots on its way, and goes
 * back by restoring one. It never goes past the history's end.
 */
export class Navigator {
  readonly store: SnapshotStore;
  /** The course of events the machine is on. */
  branch: Branch;
  /** Input events applied so far. */
  cursor = 0;
  /** Whether an event is entering that the history has at `cursor`. */
  entering = false;
  /** Whether a debugger has come: somebody who may want to go back. */
  visited = false;
  /** Whether snapshots are taken by themselves. */
  #automatic = true;
  readonly #room: SnapshotRoom;
  /** Of a pass that nothing shall stop. */
  readonly noPoints: PassPoints;
  #intervalSteps: number;
  #lastTakenMs: number;
  #lastTakenAt: number;
  /** Boundary since which the machine has noted every page it touched. */
  #notedSince: number;

  constructor(
    readonly machine: Machine,
    history: History,
    readonly pace: Pace,
    readonly budget: SnapshotBudget,
  ) {
    this.store = new SnapshotStore(machine.memory, budget.file);
    this.noPoints = new DebugPoints(machine).for('none');
    this.#room = new SnapshotRoom(this.store, budget.memoryBytes);
    this.branch = new Branch('main', history, new SnapshotList(this.#room), undefined);
    this.#intervalSteps = budget.intervalSteps ?? FIRST_INTERVAL;
    this.#lastTakenMs = pace.clock.nowMs();
    this.#lastTakenAt = history.begin;
    this.#notedSince = history.begin;
    this.takeSnapshot();
  }

  get history(): History {
    return this.branch.history;
  }

  get atEnd(): boolean {
    return this.machine.icount >= this.history.end && this.cursor >= this.history.log.length;
  }

  /** Runs to the boundary `until`, at most the end of the history, and past all of its events. */
  async advance(until: number, pass: Pass): Promise<PassStop> {
    // Many short ones shall not keep the host from its turn.
    if (this.pace.due) await this.pace.between(0);
    if (this.pace.interrupted) return { kind: 'interrupted' };
    for (;;) {
      const from = this.machine.icount;
      const stop = this.slice(Math.min(until, from + this.pace.steps), pass);
      if (stop.kind !== 'limit' || this.machine.icount >= until) return stop;
      if (pass.beforeHart !== undefined && this.machine.nextHart === pass.beforeHart) return stop;
      if (pass.enough?.() === true) return { kind: 'enough' };
      await this.pace.between(this.machine.icount - from);
      if (this.pace.interrupted) return { kind: 'interrupted' };
    }
  }

  /** Makes a pass from one end to the other; without snapshots where nobody has come who may want to go back over it. */
  async straightOn<T>(pass: () => Promise<T>): Promise<T> {
    this.#automatic = this.visited;
    try {
      return await pass();
    } finally {
      this.#automatic = true;
    }
  }

  /** As `advance`, without looking at the host. */
  slice(until: number, pass: Pass): MachineStop {
    const { machine, history } = this;
    pass.points.arm();
    for (;;) {
      this.applyEvents(pass);
      const hit = machine.takeForeignHit();
      if (hit !== undefined) return { kind: 'hit', hit };
      if (machine.icount >= until) return { kind: 'limit' };
      const bound = Math.min(until, this.snapshotDue(), history.log.nextIcount(this.cursor));
      const stop = machine.run(bound, pass);
      if (stop.kind === 'limit') {
        if (machine.icount < bound) return stop;
        this.applyEvents(pass);
        this.snapshotIfDue();
        continue;
      }
      if (stop.kind === 'power-off' || stop.kind === 'idle') this.#expectEnd(stop.kind);
      return stop;
    }
  }

  /** Lets the recorded events of the present boundary enter; a pass hears of what they write. */
  applyEvents(pass?: Pass): void {
    const { machine, history } = this;
    if (history.log.nextIcount(this.cursor) !== machine.icount) return;
    this.entering = true;
    try {
      while (history.log.nextIcount(this.cursor) === machine.icount) {
        const { event } = history.log.get(this.cursor);
        this.#expectPossible(event);
        machine.apply(event, pass);
        this.cursor++;
      }
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

  /** The intervals of the history before a boundary, newest first. */
  *intervalsBefore(present: number): Generator<Interval, void> {
    const { branch, history } = this;
    let cursorEnd = Number.POSITIVE_INFINITY;
    let end = present;
    for (; end > history.begin; ) {
      const start = branch.lasting(end - 1);
      yield this.#interval(start, end, cursorEnd);
      end = start.icount;
      cursorEnd = start.cursor;
    }
    // What entered at the very beginning, before any step.
    const { first } = branch;
    if (end === history.begin && history.log.nextIcount(first.cursor) === end && first.cursor < cursorEnd) {
      yield this.#interval(first, end, cursorEnd);
    }
  }

  /** The same up to a boundary, oldest first; each as the snapshots lie when its turn comes. */
  *intervalsUpTo(last: number): Generator<Interval, void> {
    const { branch, history } = this;
    const { first } = branch;
    const { cursor } = branch.lasting(history.begin);
    if (first.cursor < cursor) yield this.#interval(first, history.begin, cursor);
    for (let at = history.begin; at < last; ) {
      const end = Math.min(branch.next(at)?.icount ?? last, last);
      const cursorEnd = end === last ? Number.POSITIVE_INFINITY : branch.lasting(end).cursor;
      yield this.#interval(branch.lasting(at), end, cursorEnd);
      at = end;
    }
  }

  #interval(start: PlacedSnapshot, end: number, cursorEnd: number): Interval {
    const next = this.branch.next(start.icount);
    // Events that entered behind the next snapshot, at its boundary, are not in what it knows.
    const more =
      next === undefined ||
      (next.icount === end && next.cursor < cursorEnd && this.history.log.nextIcount(next.cursor) === end);
    return { start, next, end, cursorEnd, touched: more ? undefined : next.touchedBefore };
  }

  /** Keeps the present, to be given back by `returnTo`. */
  hold(): HeldMoment {
    const { icount } = this.machine;
    const snapshot = this.store.take();
    const { id } = snapshot;
    return {
      placed: { id, icount, cursor: this.cursor, snapshot, name: undefined, touchedBefore: undefined },
    };
  }

  /** Goes back to a moment that was held, which nothing can interrupt. */
  returnTo({ placed }: HeldMoment): void {
    this.restore(placed);
    this.store.release(placed.snapshot);
  }

  /** The boundary at which the next snapshot is to be taken; Infinity when none is. */
  snapshotDue(): number {
    if (!this.#automatic) return Number.POSITIVE_INFINITY;
    const { icount } = this.machine;
    const last = this.#lastBeforeDue(icount);
    return last === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(last.icount + this.#intervalSteps, icount + 1);
  }

  /** The snapshot that the next one has to be an interval behind; undefined in a gap that is narrow enough. */
  #lastBeforeDue(icount: number): PlacedSnapshot | undefined {
    const { branch } = this;
    const last = branch.lasting(icount);
    const next = branch.next(icount);
    if (next !== undefined && next.icount - last.icount <= 2 * this.#intervalSteps) return undefined;
    return branch.hasRoomAt(icount) ? last : branch.floor(icount);
  }

  /**
   * Takes the snapshot that is due here, whatever this pass is for: a lasting one, or where memory is full and the gap
   * no wider than others one in passing.
   */
  snapshotIfDue(): void {
    if (!this.#automatic || this.machine.warpedHere) return;
    const { icount } = this.machine;
    const last = this.#lastBeforeDue(icount);
    if (last === undefined || icount - last.icount < this.#intervalSteps) return;
    if (!this.branch.hasRoomAt(icount)) {
      this.branch.takePassing(icount, this.cursor);
      return;
    }
    const { clock } = this.pace;
    const beforeMs = clock.nowMs();
    this.takeSnapshot();
    const afterMs = clock.nowMs();
    if (this.budget.intervalSteps === undefined) {
      const steps = Math.max(1, icount - this.#lastTakenAt);
      this.#intervalSteps = intervalSteps(steps, beforeMs - this.#lastTakenMs, afterMs - beforeMs);
    }
    this.#lastTakenMs = afterMs;
    this.#lastTakenAt = icount;
  }

  /** Takes a lasting snapshot of the present. */
  takeSnapshot(name?: string): PlacedSnapshot {
    const { icount } = this.machine;
    const placed = this.branch.take(icount, this.cursor, this.#touchedSinceLast(), name);
    this.#startNoting();
    return placed;
  }

  /** Throws TargetError when the snapshot cannot be read back from its file. */
  restore(placed: PlacedSnapshot): void {
    try {
      this.store.restore(placed.snapshot);
    } catch (error) {
      throw error instanceof InputError ? new TargetError(error.message) : error;
    }
    this.machine.afterRestore();
    this.cursor = placed.cursor;
    this.#startNoting();
    this.#lastTakenMs = this.pace.clock.nowMs();
    this.#lastTakenAt = placed.icount;
  }

  /** Leaves the present branch here: what happens from now on is another course of events. */
  fork(name: string): Branch {
    const history = History.fork(this.history, this.cursor, this.machine.icount);
    const snapshots = new SnapshotList(this.#room);
    const branch = new Branch(name, history, snapshots, this.branch);
    snapshots.take(this.machine.icount, this.cursor, undefined);
    this.branch = branch;
    this.#startNoting();
    return branch;
  }

  /** Goes to where a branch begins, or to the very beginning, as a step of that branch. */
  enter(branch: Branch): void {
    this.branch = branch;
    this.restore(branch.snapshots.all[0]);
  }

  /** Goes to a boundary of the history, after all of its events. */
  async seek(icount: number): Promise<PassStop> {
    const from = this.branch.floor(icount);
    const onTheWay = this.machine.icount <= icount && this.machine.icount >= from.icount;
    if (!onTheWay || this.machine.warpedHere) this.restore(from);
    const pass = { idle: 'jump', points: this.noPoints } as const;
    for (const distance of PASSING_DISTANCES) {
      if (icount - distance <= this.machine.icount) continue;
      const stop = await this.advance(icount - distance, pass);
      if (stop.kind !== 'limit') return stop;
      this.branch.takePassing(this.machine.icount, this.cursor);
    }
    return this.advance(icount, pass);
  }

  /** Once an interval was run from end to end, what it touched is known: fills it in where it was not. */
  noteInterval(end: PlacedSnapshot | undefined): void {
    if (end === undefined || end.touchedBefore !== undefined) return;
    if (this.machine.icount === end.icount) end.touchedBefore = this.#touchedSinceLast();
  }

  /** Pages touched since the lasting snapshot before the present, when all of them were noted. */
  #touchedSinceLast(): IntervalPages | undefined {
    const { icount } = this.machine;
    if (this.branch.snapshots.all.length === 0 || icount === this.history.begin) return undefined;
    if (this.#notedSince > this.branch.lasting(icount - 1).icount) return undefined;
    return touchedPages(this.machine);
  }

  #startNoting(): void {
    this.machine.startNoting();
    this.#notedSince = this.machine.icount;
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
