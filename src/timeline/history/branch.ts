import type { IntervalPages } from '../search/page-set.js';
import type { History } from './history.js';
import type { PlacedSnapshot, SnapshotList } from './snapshot-list.js';

/**
 * One course of events. The first is what really happened; others begin where a debugger changed something in
 * the past, and share with their parent everything before that moment.
 */
export class Branch {
  constructor(
    readonly name: string,
    readonly history: History,
    /** Snapshots of this branch alone; the first one stands where it begins. */
    readonly snapshots: SnapshotList,
    readonly parent: Branch | undefined,
  ) {}

  /** Boundary at which it left its parent. */
  get forkedAt(): number {
    return this.snapshots.all[0]?.icount ?? 0;
  }

  /** The snapshot at the very beginning of the history. */
  get first(): PlacedSnapshot {
    return this.parent?.first ?? this.snapshots.all[0];
  }

  /** Events that had entered when it left its parent. */
  get forkCursor(): number {
    return this.snapshots.all[0]?.cursor ?? 0;
  }

  /** The last snapshot at or before a boundary, passing ones included. */
  floor(icount: number): PlacedSnapshot {
    return this.#ownerOf(icount).snapshots.floor(icount);
  }

  /** The last lasting snapshot at or before a boundary. */
  lasting(icount: number): PlacedSnapshot {
    return this.#ownerOf(icount).snapshots.lasting(icount);
  }

  /** The lasting snapshot after a boundary. */
  next(icount: number): PlacedSnapshot | undefined {
    if (this.#ownerOf(icount) === this) return this.snapshots.next(icount);
    const own = this.snapshots.all[0];
    const inherited = this.parent?.next(icount);
    return inherited !== undefined && inherited.icount <= own.icount ? inherited : own;
  }

  /** Whether a lasting snapshot at a boundary would stay. */
  hasRoomAt(icount: number): boolean {
    return this.#ownerOf(icount).snapshots.hasRoomAt(icount);
  }

  /** Of a parent, those that this branch shares with it. */
  named(name: string): PlacedSnapshot | undefined {
    const own = this.snapshots.named(name);
    if (own !== undefined || this.parent === undefined) return own;
    const inherited = this.parent.named(name);
    const [start] = this.snapshots.all;
    return inherited !== undefined && inherited.icount <= start.icount && inherited.cursor <= start.cursor
      ? inherited
      : undefined;
  }

  take(
    icount: number,
    cursor: number,
    touchedBefore: IntervalPages | undefined,
    name?: string,
  ): PlacedSnapshot {
    return this.#ownerOf(icount).snapshots.take(icount, cursor, touchedBefore, name);
  }

  takePassing(icount: number, cursor: number): void {
    this.#ownerOf(icount).snapshots.takePassing(icount, cursor);
  }

  /** The branch whose own history a boundary belongs to. */
  #ownerOf(icount: number): Branch {
    if (this.parent === undefined || icount >= this.forkedAt) return this;
    return this.parent.#ownerOf(icount);
  }
}
