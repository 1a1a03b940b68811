import type { Machine, MachineStop, RunOptions } from '../machine/machine.js';
import { SnapshotStore } from '../snapshot/snapshot-store.js';
import type { History } from './history.js';
import type { Pace } from './pace.js';
import { type PlacedSnapshot, type SnapshotBudget, SnapshotList } from './snapshot-list.js';

export type PlayStop = MachineStop | { readonly kind: 'interrupted' };

/** Steps before the target of a seek at which snapshots are left: the next step back starts from one. */
const PASSING_DISTANCES = [262_144, 16_384, 1_024, 64];

/** Thrown when a replay does something its recording did not. */
export class ReplayMismatch extends Error {
  override readonly name = 'ReplayMismatch';
}

/**
 * A machine on a history: it runs forward along the recorded inputs, leaves snapshots on its way, and goes
 * back by restoring one. It never goes past the history's end.
 */
export class Player {
  readonly snapshots: SnapshotList;
  /** Input events applied so far. */
  cursor = 0;

  constructor(
    readonly machine: Machine,
    readonly history: History,
    readonly pace: Pace,
    budget: SnapshotBudget,
  ) {
    this.snapshots = new SnapshotList(new SnapshotStore(machine.board.memory), budget);
    this.snapshots.take(machine.icount, 0);
  }

  get atEnd(): boolean {
    return this.machine.icount >= this.history.end && this.cursor >= this.history.log.length;
  }

  /** Runs to the boundary `until`, at most the end of the history, and past all of its events. */
  async advance(until: number, options: RunOptions): Promise<PlayStop> {
    for (;;) {
      const stop = this.slice(Math.min(until, this.machine.icount + this.pace.steps), options);
      if (stop.kind !== 'limit' || this.machine.icount >= until) return stop;
      if (options.beforeHart !== undefined && this.machine.nextHart === options.beforeHart) return stop;
      await this.pace.between();
      if (this.pace.interrupted) return { kind: 'interrupted' };
    }
  }

  /** As `advance`, without looking at the host. */
  slice(until: number, options: RunOptions): MachineStop {
    const { machine, history } = this;
    for (;;) {
      this.applyEvents();
      if (machine.icount >= until) return { kind: 'limit' };
      const due = this.snapshots.nextDue(machine.icount);
      const stop = machine.run(Math.min(until, due, history.log.nextIcount(this.cursor)), options);
      if (stop.kind === 'limit') {
        if (machine.icount >= due) {
          this.applyEvents();
          this.takeSnapshot();
        } else if (machine.icount < Math.min(until, history.log.nextIcount(this.cursor))) {
          return stop;
        }
        continue;
      }
      if (stop.kind === 'power-off' || stop.kind === 'idle') this.#expectEnd(stop.kind);
      return stop;
    }
  }

  /** Lets the recorded events of the present boundary enter. */
  applyEvents(): void {
    const { machine, history } = this;
    while (history.log.nextIcount(this.cursor) === machine.icount) {
      machine.apply(history.log.at(this.cursor).event);
      this.cursor++;
    }
  }

  takeSnapshot(): PlacedSnapshot {
    return this.snapshots.take(this.machine.icount, this.cursor);
  }

  restore(placed: PlacedSnapshot): void {
    this.snapshots.store.restore(placed.snapshot);
    this.machine.afterRestore();
    this.cursor = placed.cursor;
  }

  /** Goes to a boundary of the history, after all of its events. */
  async seek(icount: number): Promise<PlayStop> {
    const from = this.snapshots.floor(icount);
    const onTheWay = this.machine.icount <= icount && this.machine.icount >= from.icount;
    if (!onTheWay || this.machine.warpedHere) this.restore(from);
    for (const distance of PASSING_DISTANCES) {
      if (icount - distance <= this.machine.icount) continue;
      const stop = await this.advance(icount - distance, { idle: 'jump' });
      if (stop.kind !== 'limit') return stop;
      this.snapshots.takePassing(this.machine.icount, this.cursor);
    }
    return this.advance(icount, { idle: 'jump' });
  }

  #expectEnd(kind: 'power-off' | 'idle'): void {
    const { machine, history } = this;
    if (machine.icount >= history.end) return;
    const what = kind === 'power-off' ? 'the machine powered off' : 'every hart sleeps for ever';
    throw new ReplayMismatch(
      `the replay differs from the recording: ${what} at icount ${machine.icount}, the recording goes on to ${history.end}`,
    );
  }
}
