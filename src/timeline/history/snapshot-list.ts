import type { PageFile } from '../../snapshot/page-file.js';
import type { Snapshot } from '../../snapshot/snapshot-store.js';
import { BrokenInvariant } from '../../state/invariant.js';
import type { SnapshotStatus } from '../debug-target.js';
import { type IntervalPages, mergeTouched } from '../search/page-set.js';
import { compareMoments, type Moment } from './moment.js';
import { victim } from './snapshot-policy.js';
import type { SnapshotRoom, Spare, Tenant } from './snapshot-room.js';

/** A snapshot and the moment it belongs to. */
export interface PlacedSnapshot {
  /** Unlike that of any other snapshot of the store. */
  readonly id: number;
  readonly at: Moment;
  readonly snapshot: Snapshot;
  name: string | undefined;
  /** What was touched between the snapshot before and this one; undefined when not known. */
  touchedBefore: IntervalPages | undefined;
}

export interface SnapshotBudget {
  /** Steps between snapshots that are taken by themselves; found from host time when undefined. */
  readonly intervalSteps: number | undefined;
  /** Bytes of memory that unnamed snapshots may take. */
  readonly memoryBytes: number;
  /** Where pages go that memory has no room for; without it, snapshots are given up instead. */
  readonly file?: PageFile | undefined;
}

/** Snapshots left on the way to a target: as many as a few moves to and fro need. */
const MOST_PASSING = 64;
/** Those of one seek: they are kept also where there is no room. */
const FEWEST_PASSING = 4;

/** The snapshots of one history in order of time, near-uniform over it when there is no room for all. */
export class SnapshotList implements Tenant {
  readonly #placed: PlacedSnapshot[] = [];
  /** Left on the way to a target, so that the next step back is short; oldest first. */
  readonly #passing: PlacedSnapshot[] = [];

  constructor(readonly room: SnapshotRoom) {
    room.admit(this);
  }

  get all(): readonly PlacedSnapshot[] {
    return this.#placed;
  }

  /** What a user sees of them. */
  status(): SnapshotStatus[] {
    return this.#placed.map(({ name, at: { icount }, snapshot }, i) => {
      const { memoryBytes, fileBytes } = this.room.store.placesOf(snapshot, this.#placed[i - 1]?.snapshot);
      return { name, icount, pages: snapshot.copiedPages, bytes: memoryBytes, diskBytes: fileBytes };
    });
  }

  named(name: string): PlacedSnapshot | undefined {
    return this.#placed.find(one => one.name === name);
  }

  /** The last snapshot at or before a moment. The first moment always has one. */
  floor(at: Moment): PlacedSnapshot {
    let best = this.lasting(at);
    for (const one of this.#passing) {
      if (compareMoments(one.at, at) <= 0 && compareMoments(one.at, best.at) > 0) best = one;
    }
    return best;
  }

  /** As `floor`, passing snapshots left out: intervals of the history are between lasting ones. */
  lasting(at: Moment): PlacedSnapshot {
    return this.#placed[this.#countUpTo(at) - 1];
  }

  /** The last lasting snapshot before a moment. */
  before(at: Moment): PlacedSnapshot | undefined {
    let last = this.#countUpTo(at) - 1;
    // One that has two names stands there twice.
    while (last >= 0 && compareMoments(this.#placed[last].at, at) === 0) last--;
    return this.#placed[last];
  }

  /** The first lasting snapshot after a moment. */
  next(at: Moment): PlacedSnapshot | undefined {
    return this.#placed[this.#countUpTo(at)];
  }

  /** Whether a lasting snapshot at a moment would stay: at the end always, else where the gap is wide for its room. */
  hasRoomAt(at: Moment): boolean {
    const next = this.next(at);
    return next === undefined || this.room.hasRoomIn(next.at.icount - this.lasting(at).at.icount);
  }

  /** Takes a snapshot of the present unless that moment has one; one with a name does not count for a new name. */
  take(at: Moment, touchedBefore: IntervalPages | undefined, name?: string): PlacedSnapshot {
    const count = this.#countUpTo(at);
    const before = this.#placed[count - 1];
    const same = before !== undefined && compareMoments(before.at, at) === 0;
    if (same && (name === undefined || before.name === undefined)) {
      before.name ??= name;
      this.room.changed();
      return before;
    }
    const placed = this.#place(at, touchedBefore);
    placed.name = name;
    this.#placed.splice(count, 0, placed);
    const after = this.#placed[count + 1];
    // What lies between this one and the next is a part of what was known for both together.
    if (after !== undefined && touchedBefore === undefined) placed.touchedBefore = after.touchedBefore;
    this.room.changed();
    this.room.trim();
    return placed;
  }

  /** Takes a snapshot that only the next few moves need. */
  takePassing(at: Moment): void {
    if (compareMoments(this.floor(at).at, at) === 0) return;
    this.#passing.push(this.#place(at, undefined));
    const { length } = this.#passing;
    if (length > MOST_PASSING || (length > FEWEST_PASSING && this.room.overfull)) this.givePassingUp();
  }

  /** Gives the oldest up of those left in passing; false when there is none. */
  givePassingUp(): boolean {
    const oldest = this.#passing.shift();
    if (oldest === undefined) return false;
    this.room.store.release(oldest.snapshot);
    return true;
  }

  /** The lasting snapshot that is missed least; undefined when none may go. */
  spare(): Spare | undefined {
    return victim(
      this.#placed.map(({ at: { icount } }) => icount),
      i => this.#placed[i].name !== undefined,
    );
  }

  /** Gives a lasting snapshot up: the steps before and behind it are one interval. */
  giveUp(index: number): void {
    const [gone] = this.#placed.splice(index, 1);
    const after = this.#placed[index];
    after.touchedBefore =
      gone.touchedBefore === undefined || after.touchedBefore === undefined
        ? undefined
        : mergeTouched(gone.touchedBefore, after.touchedBefore);
    this.room.store.release(gone.snapshot);
  }

  /** Removes a name; the snapshot stays until memory is needed. */
  forgetName(name: string): boolean {
    const placed = this.named(name);
    if (placed === undefined) return false;
    placed.name = undefined;
    this.room.changed();
    return true;
  }

  /** Every snapshot that it holds, in no order. */
  get held(): readonly Snapshot[] {
    return [...this.#placed, ...this.#passing].map(({ snapshot }) => snapshot);
  }

  /** Throws BrokenInvariant when the snapshots are not in order of time, each moment and name once. */
  check(): void {
    const names = new Set<string>();
    for (const [i, { at, name }] of this.#placed.entries()) {
      const before = this.#placed[i - 1];
      if (before !== undefined && compareMoments(before.at, at) > 0)
        throw new BrokenInvariant('the snapshots', `${at.icount} stands behind ${before.at.icount}`);
      if (name === undefined) continue;
      if (names.has(name)) throw new BrokenInvariant('the snapshots', `two are called ${name}`);
      names.add(name);
    }
  }

  /** Gives back every snapshot, for good. */
  clear(): void {
    this.room.dismiss(this);
    for (const { snapshot } of [...this.#placed, ...this.#passing]) this.room.store.release(snapshot);
    this.#placed.length = 0;
    this.#passing.length = 0;
  }

  #place(at: Moment, touchedBefore: IntervalPages | undefined): PlacedSnapshot {
    const snapshot = this.room.store.take();
    return { id: snapshot.id, at, snapshot, name: undefined, touchedBefore };
  }

  /** How many lasting snapshots stand at or before a moment. */
  #countUpTo(at: Moment): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareMoments(this.#placed[middle].at, at) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
