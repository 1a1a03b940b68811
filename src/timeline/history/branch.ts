import type { IntervalPages } from '../search/page-set.js';
import type { History } from './history.js';
import { type Course, compareMoments, type Moment } from './moment.js';
import type { PlacedSnapshot, SnapshotList } from './snapshot-list.js';

/**
 * One course of events. The first is what really happened; others begin where a debugger changed something in
 * the past, and share with their parent everything before that moment.
 */
export class Branch implements Course {
  constructor(
    readonly name: string,
    readonly history: History,
    /** Snapshots of this branch alone; the first one stands where it begins. */
    readonly snapshots: SnapshotList,
    readonly parent: Branch | undefined,
  ) {}

  /** An icount names the moment after all of its events. */
  boundary(icount: number): Moment {
    return { branch: this, icount, cursor: this.history.log.indexAfter(icount), warpNs: 0 };
  }

  /** Where it left its parent. */
  get forkedAt(): Moment {
    return this.snapshots.all[0].at;
  }

  /** The snapshot at the very beginning of the history. */
  get first(): PlacedSnapshot {
    return this.parent?.first ?? this.snapshots.all[0];
  }

  /** The last snapshot at or before a moment, passing ones included. */
  floor(at: Moment): PlacedSnapshot {
    return this.#ownerOf(at).snapshots.floor(at);
  }

  /** The last lasting snapshot at or before a moment. */
  lasting(at: Moment): PlacedSnapshot {
    return this.#ownerOf(at).snapshots.lasting(at);
  }

  /** The last lasting snapshot before a moment: none at the very beginning. */
  before(at: Moment): PlacedSnapshot | undefined {
    const ownsSome = this.parent === undefined || compareMoments(at, this.forkedAt) > 0;
    return ownsSome ? this.snapshots.before(at) : this.parent.before(at);
  }

  /** The first lasting snapshot after a moment. */
  next(at: Moment): PlacedSnapshot | undefined {
    if (this.#ownerOf(at) === this) return this.snapshots.next(at);
    const own = this.snapshots.all[0];
    const inherited = this.parent?.next(at);
    return inherited !== undefined && compareMoments(inherited.at, own.at) <= 0 ? inherited : own;
  }

  /** Whether a lasting snapshot at a moment would stay. */
  hasRoomAt(at: Moment): boolean {
    return this.#ownerOf(at).snapshots.hasRoomAt(at);
  }

  /** Of a parent, those that this branch shares with it. */
  named(name: string): PlacedSnapshot | undefined {
    const own = this.snapshots.named(name);
    if (own !== undefined || this.parent === undefined) return own;
    const inherited = this.parent.named(name);
    return inherited !== undefined && compareMoments(inherited.at, this.forkedAt) <= 0
      ? inherited
      : undefined;
  }

  take(at: Moment, touchedBefore: IntervalPages | undefined, name?: string): PlacedSnapshot {
    return this.#ownerOf(at).snapshots.take(at, touchedBefore, name);
  }

  takePassing(at: Moment): void {
    this.#ownerOf(at).snapshots.takePassing(at);
  }

  /** The branch whose own history a moment belongs to. */
  #ownerOf(at: Moment): Branch {
    if (this.parent === undefined || compareMoments(at, this.forkedAt) >= 0) return this;
    return this.parent.#ownerOf(at);
  }
}
