import type { Snapshot, SnapshotStore } from '../snapshot/snapshot-store.js';

/** A snapshot and the moment it belongs to. */
export interface PlacedSnapshot {
  readonly icount: number;
  /** Input events already applied. */
  readonly cursor: number;
  readonly snapshot: Snapshot;
  name: string | undefined;
}

export interface SnapshotBudget {
  /** Steps between snapshots that are taken by themselves. */
  readonly intervalSteps: number;
  /** Bytes of page contents that unnamed snapshots may hold. */
  readonly memoryBytes: number;
}

const MOST_PASSING = 24;

/**
 * The snapshots of one history in order of time. When they hold more than the budget, every second unnamed
 * one of the older half goes, so that they stay near-uniform over the whole history.
 */
export class SnapshotList {
  readonly #placed: PlacedSnapshot[] = [];
  /** Left on the way to a target, so that the next step back is short; oldest first. */
  readonly #passing: PlacedSnapshot[] = [];

  constructor(
    readonly store: SnapshotStore,
    readonly budget: SnapshotBudget,
  ) {}

  get all(): readonly PlacedSnapshot[] {
    return this.#placed;
  }

  named(name: string): PlacedSnapshot | undefined {
    return this.#placed.find(one => one.name === name);
  }

  /** The last snapshot at or before a boundary. The first boundary always has one. */
  floor(icount: number): PlacedSnapshot {
    let best = this.#placed[this.#indexOfFloor(icount)];
    for (const one of this.#passing) if (one.icount <= icount && one.icount > best.icount) best = one;
    return best;
  }

  /** The boundary at which a machine that runs on from `icount` should take its next snapshot. */
  nextDue(icount: number): number {
    const at = this.#indexOfFloor(icount);
    const due = this.#placed[at].icount + this.budget.intervalSteps;
    for (let i = at + 1; i < this.#placed.length && this.#placed[i].icount <= due; i++) {
      if (this.#placed[i].icount > icount) return this.nextDue(this.#placed[i].icount);
    }
    return Math.max(due, icount + 1);
  }

  /** Takes a snapshot of the present unless that moment has one. */
  take(icount: number, cursor: number): PlacedSnapshot {
    const at = this.#placed.length === 0 ? -1 : this.#indexOfFloor(icount);
    const before = at < 0 ? undefined : this.#placed[at];
    if (before !== undefined && before.icount === icount && before.cursor === cursor) return before;
    const placed = { icount, cursor, snapshot: this.store.take(), name: undefined };
    this.#placed.splice(at + 1, 0, placed);
    this.#trim(placed);
    return placed;
  }

  /** Takes a snapshot that only the next few moves need. */
  takePassing(icount: number, cursor: number): void {
    if (this.floor(icount).icount === icount) return;
    this.#passing.push({ icount, cursor, snapshot: this.store.take(), name: undefined });
    if (this.#passing.length > MOST_PASSING) this.store.release(this.#passing.shift()!.snapshot);
  }

  /** Removes a name; the snapshot stays until memory is needed. */
  forgetName(name: string): boolean {
    const placed = this.named(name);
    if (placed === undefined) return false;
    placed.name = undefined;
    return true;
  }

  #indexOfFloor(icount: number): number {
    let low = 0;
    let high = this.#placed.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#placed[middle].icount <= icount) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  #trim(keep: PlacedSnapshot): void {
    if (this.store.usedBytes + this.#stateBytes() <= this.budget.memoryBytes) return;
    const half = Math.max(2, Math.ceil(this.#placed.length / 2));
    let drop = false;
    for (let i = 1; i < Math.min(half, this.#placed.length); ) {
      const placed = this.#placed[i];
      drop = !drop;
      if (drop && placed.name === undefined && placed !== keep) {
        this.#placed.splice(i, 1);
        this.store.release(placed.snapshot);
      } else {
        i++;
      }
    }
  }

  #stateBytes(): number {
    return this.#placed.length * (this.#placed[0]?.snapshot.state.length ?? 0);
  }
}
