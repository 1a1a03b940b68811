import type { Machine } from '../../machine/machine.js';
import { SnapshotStore } from '../../snapshot/snapshot-store.js';
import { InputError } from '../../state/input-error.js';
import { TargetError } from '../debug-target.js';
import type { Pace } from '../live/pace.js';
import { type IntervalPages, touchedPages } from '../search/page-set.js';
import { Branch } from './branch.js';
import { History } from './history.js';
import { compareMoments, type Moment } from './moment.js';
import { type Pass, type PassStop, Replayer } from './replayer.js';
import { type PlacedSnapshot, type SnapshotBudget, SnapshotList } from './snapshot-list.js';
import { intervalSteps } from './snapshot-policy.js';
import { SnapshotRoom } from './snapshot-room.js';

/** What happens from a snapshot up to a moment: the next lasting snapshot, or where a search begins. */
export interface Interval {
  readonly start: PlacedSnapshot;
  readonly end: Moment;
  /** What it touched, when that is known. */
  readonly touched: IntervalPages | undefined;
}

/** Steps before the target of a seek at which snapshots are left: the next step back starts from one. */
const PASSING_DISTANCES = [262_144, 16_384, 1_024, 64];
/** First guess of the steps between snapshots, before the machine's speed is known. */
const FIRST_INTERVAL = 1_000_000;

/**
 * A machine on a history: it runs forward along the recorded inputs, leaves snapshots on its way, and goes
 * back by restoring one. It never goes past the history's end.
 */
export class Navigator extends Replayer {
  readonly store: SnapshotStore;
  /** The course of events the machine is on. */
  branch: Branch;
  /** Whether a debugger has come: somebody who may want to go back. */
  visited = false;
  /** Whether snapshots are taken by themselves. */
  #automatic = true;
  readonly #room: SnapshotRoom;
  #intervalSteps: number;
  #lastTakenMs: number;
  #lastTakenAt: number;
  /** Since when the machine has noted every page it touched. */
  #notedSince: Moment;

  constructor(
    machine: Machine,
    history: History,
    pace: Pace,
    readonly budget: SnapshotBudget,
  ) {
    super(machine, pace);
    this.store = new SnapshotStore(machine.memory, budget.file);
    this.#room = new SnapshotRoom(this.store, budget.memoryBytes);
    this.branch = new Branch('main', history, new SnapshotList(this.#room), undefined);
    this.#intervalSteps = budget.intervalSteps ?? FIRST_INTERVAL;
    this.#lastTakenMs = pace.clock.nowMs();
    this.#lastTakenAt = history.begin;
    this.#notedSince = this.now;
    this.takeSnapshot();
  }

  get history(): History {
    return this.branch.history;
  }

  /** The present. */
  get now(): Moment {
    const { branch, machine, cursor } = this;
    return { branch, icount: machine.icount, cursor, warpNs: machine.idleNs };
  }

  /** Whether what happens now ends the step, or the idle time, that leads to `now`: timers fire. */
  get arriving(): boolean {
    return this.machine.firesTimers && !this.entering;
  }

  /** Whether idle time was skipped behind the last step and event: no moment of the history, until an event says so. */
  get warped(): boolean {
    return this.machine.idleNs > 0;
  }

  /**
   * Makes a pass from one end to the other; without snapshots where nobody has come who may want to go back over it.
   */
  async straightOn<T>(pass: () => Promise<T>): Promise<T> {
    this.#automatic = this.visited;
    try {
      return await pass();
    } finally {
      this.#automatic = true;
    }
  }

  /**
   * One pass over a part of the history: from a snapshot, which is restored, to a moment. Where that is an interval
   * from end to end, what it touched is known from then on.
   */
  async pass(from: PlacedSnapshot, to: Moment, pass: Pass = {}): Promise<PassStop> {
    this.restore(from);
    const stop = await this.advance(to, pass);
    if (compareMoments(this.now, to) === 0) this.noteTouched(to, this.#touchedSinceLast());
    return stop;
  }

  /** What the interval that ends at a moment has touched. */
  noteTouched(end: Moment, touched: IntervalPages | undefined): void {
    const last = this.branch.lasting(end);
    if (compareMoments(last.at, end) === 0) last.touchedBefore ??= touched;
  }

  /**
   * The history before a moment, newest interval first. `pieces`: the newest is cut where snapshots were left in
   * passing, since what is looked for is often close by; each piece is at least as long as all newer ones together.
   */
  *intervalsBefore(present: Moment, newest: 'whole' | 'pieces' = 'pieces'): Generator<Interval, void> {
    for (let end = present; ; ) {
      const start = this.branch.before(end);
      if (start === undefined) return;
      const interval = this.#interval(start, end);
      if (end === present && newest === 'pieces') yield* this.#piecesOf(interval);
      else yield interval;
      end = start.at;
    }
  }

  *#piecesOf(interval: Interval): Generator<Interval, void> {
    const { branch } = this;
    const { start, end: present } = interval;
    for (let end = present; compareMoments(end, start.at) > 0; ) {
      const before = Math.min(end.icount - 1, present.icount - 2 * (present.icount - end.icount));
      const close =
        before <= start.at.icount ? branch.lasting(start.at) : branch.floor(branch.boundary(before));
      // Where memory is full, the passes themselves may have cost the snapshot at its start.
      const touched = compareMoments(close.at, start.at) < 0 ? undefined : interval.touched;
      yield { start: close, end, touched };
      end = close.at;
    }
  }

  /** The history up to a moment, oldest interval first; each as the snapshots lie when its turn comes. */
  *intervalsUpTo(last: Moment): Generator<Interval, void> {
    const { branch } = this;
    for (let at = branch.first.at; compareMoments(at, last) < 0; ) {
      const next = branch.next(at);
      const end = next === undefined || compareMoments(next.at, last) > 0 ? last : next.at;
      yield this.#interval(branch.lasting(at), end);
      at = end;
    }
  }

  #interval(start: PlacedSnapshot, end: Moment): Interval {
    return { start, end, touched: this.branch.next(start.at)?.touchedBefore };
  }

  /** Keeps the present, to be given back by `returnTo`. */
  hold(): PlacedSnapshot {
    const snapshot = this.store.take();
    return { id: snapshot.id, at: this.now, snapshot, name: undefined, touchedBefore: undefined };
  }

  /** Goes back to what was held, which nothing can interrupt. */
  returnTo(held: PlacedSnapshot): void {
    this.restore(held);
    this.store.release(held.snapshot);
  }

  /** The boundary at which the next snapshot is to be taken; Infinity when none is. */
  override due(): number {
    if (!this.#automatic) return Number.POSITIVE_INFINITY;
    const { now } = this;
    const last = this.#lastBeforeDue(now);
    return last === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(last.at.icount + this.#intervalSteps, now.icount + 1);
  }

  /** The snapshot that the next one has to be an interval behind; undefined in a gap that is narrow enough. */
  #lastBeforeDue(now: Moment): PlacedSnapshot | undefined {
    const { branch } = this;
    const last = branch.lasting(now);
    const next = branch.next(now);
    if (next !== undefined && next.at.icount - last.at.icount <= 2 * this.#intervalSteps) return undefined;
    return branch.hasRoomAt(now) ? last : branch.floor(now);
  }

  /**
   * Takes the snapshot that is due here, whatever this pass is for: a lasting one, or where memory is full and the gap
   * no wider than others one in passing.
   */
  override atDue(): void {
    if (!this.#automatic || this.warped) return;
    const { now } = this;
    const last = this.#lastBeforeDue(now);
    if (last === undefined || now.icount - last.at.icount < this.#intervalSteps) return;
    if (!this.branch.hasRoomAt(now)) {
      this.branch.takePassing(now);
      return;
    }
    const { clock } = this.pace;
    const beforeMs = clock.nowMs();
    this.takeSnapshot();
    const afterMs = clock.nowMs();
    if (this.budget.intervalSteps === undefined) {
      const steps = Math.max(1, now.icount - this.#lastTakenAt);
      this.#intervalSteps = intervalSteps(steps, beforeMs - this.#lastTakenMs, afterMs - beforeMs);
    }
    this.#lastTakenMs = afterMs;
    this.#lastTakenAt = now.icount;
  }

  /** Takes a lasting snapshot of the present. */
  takeSnapshot(name?: string): PlacedSnapshot {
    const placed = this.branch.take(this.now, this.#touchedSinceLast(), name);
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
    this.machine.afterRestore(placed.at.warpNs);
    this.cursor = placed.at.cursor;
    this.#startNoting();
    this.#lastTakenMs = this.pace.clock.nowMs();
    this.#lastTakenAt = placed.at.icount;
  }

  /** Leaves the present branch here: what happens from now on is another course of events. */
  fork(name: string): Branch {
    const history = History.fork(this.history, this.cursor, this.machine.icount);
    const snapshots = new SnapshotList(this.#room);
    this.branch = new Branch(name, history, snapshots, this.branch);
    snapshots.take(this.now, undefined);
    this.#startNoting();
    return this.branch;
  }

  /** Goes to where a branch begins, or to the very beginning, as a step of that branch. */
  enter(branch: Branch): void {
    this.branch = branch;
    this.restore(branch.snapshots.all[0]);
  }

  /** Goes to a moment of the history. */
  async seek(to: Moment): Promise<PassStop> {
    const { branch, machine } = this;
    const from = branch.floor(to);
    const { now } = this;
    const onTheWay = compareMoments(now, to) <= 0 && compareMoments(now, from.at) >= 0;
    if (!onTheWay || this.warped) this.restore(from);
    for (const distance of PASSING_DISTANCES) {
      if (to.icount - distance <= machine.icount) continue;
      const stop = await this.advance(branch.boundary(to.icount - distance), {});
      if (stop.kind !== 'limit') return stop;
      branch.takePassing(this.now);
    }
    return this.advance(to, {});
  }

  /** Pages touched since the lasting snapshot before the present, when all of them were noted. */
  #touchedSinceLast(): IntervalPages | undefined {
    const last = this.branch.before(this.now);
    if (last === undefined || compareMoments(this.#notedSince, last.at) > 0) return undefined;
    return touchedPages(this.machine);
  }

  #startNoting(): void {
    this.machine.startNoting();
    this.#notedSince = this.now;
  }
}
