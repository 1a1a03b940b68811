import type { SnapshotStore } from '../../snapshot/snapshot-store.js';

/** Beyond these the lists themselves would cost too much. */
const MOST_SNAPSHOTS = 4096;

/** A snapshot that may go, and the steps between its neighbours: what there would be a gap of without it. */
export interface Spare {
  readonly index: number;
  readonly gap: number;
}

/** The snapshots of one branch, as the room knows them. */
export interface Tenant {
  /** Its lasting snapshots. */
  readonly all: ArrayLike<unknown>;
  /** The lasting snapshot that is missed least; undefined when none may go. */
  spare(): Spare | undefined;
  giveUp(index: number): void;
  /** Gives one up that was left in passing; false when there is none. */
  givePassingUp(): boolean;
}

/**
 * The room that the snapshots of all branches share. When it is full, the one goes, of whichever branch, whose
 * neighbours are closest together: all histories stay covered alike.
 */
export class SnapshotRoom {
  readonly #lists = new Set<Tenant>();
  /** Whether snapshots were given up already: one more then costs another. */
  #full = false;
  /** Undefined: to be looked for. */
  #smallestGap: number | undefined;

  constructor(
    readonly store: SnapshotStore,
    /** Bytes of memory that unnamed snapshots may take. */
    readonly memoryBytes: number,
  ) {}

  get overfull(): boolean {
    return !this.store.fitsInto(this.memoryBytes);
  }

  admit(list: Tenant): void {
    this.#lists.add(list);
  }

  dismiss(list: Tenant): void {
    this.#lists.delete(list);
    this.changed();
  }

  /** To be called when a lasting snapshot was added, named, or has lost its name. */
  changed(): void {
    this.#smallestGap = undefined;
  }

  /**
   * Whether one more snapshot in a gap of this many steps would stay: where there is no room, a smaller gap is
   * opened.
   */
  hasRoomIn(gap: number): boolean {
    if (!this.#full) return true;
    this.#smallestGap ??= this.#spare()?.gap ?? Number.POSITIVE_INFINITY;
    return gap > this.#smallestGap;
  }

  /** Gives snapshots up until the others fit. */
  trim(): void {
    while (this.overfull || this.#count > MOST_SNAPSHOTS) {
      if (this.#givePassingUp()) continue;
      const spare = this.#spare();
      if (spare === undefined) return;
      spare.list.giveUp(spare.index);
      this.#full = true;
      this.changed();
    }
  }

  get #count(): number {
    let count = 0;
    for (const list of this.#lists) count += list.all.length;
    return count;
  }

  #givePassingUp(): boolean {
    for (const list of this.#lists) if (list.givePassingUp()) return true;
    return false;
  }

  #spare(): (Spare & { readonly list: Tenant }) | undefined {
    let best: (Spare & { readonly list: Tenant }) | undefined;
    for (const list of this.#lists) {
      const spare = list.spare();
      if (spare !== undefined && (best === undefined || spare.gap < best.gap)) best = { list, ...spare };
    }
    return best;
  }
}
