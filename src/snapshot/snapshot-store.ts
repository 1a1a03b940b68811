import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import { BrokenInvariant } from '../state/invariant.js';
import type { PageFile } from './page-file.js';
import { PagePool, ZERO_PAGE } from './page-pool.js';
import { PageTable } from './page-table.js';
import type { SharedSnapshot } from './shared-snapshot.js';

/** A machine at one boundary: its declared state and its memory. */
export interface Snapshot {
  /** Counts up with each snapshot that is taken. */
  readonly id: number;
  readonly state: Uint8Array;
  readonly pages: PageTable;
  /** Pages that were copied for it. */
  readonly copiedPages: number;
}

/** Bytes of a snapshot that no earlier one holds, by where they are. */
export interface SnapshotPlaces {
  readonly memoryBytes: number;
  readonly fileBytes: number;
}

/** What a snapshot costs besides pages and state: tables that it shares with its neighbours. */
const OVERHEAD_BYTES = 4096;

/**
 * Takes and restores snapshots of one machine's memory and declared state. Incremental: a snapshot copies
 * the pages written since the last one, a restore those that differ from the present.
 * It knows nothing of time or policy.
 */
export class SnapshotStore {
  readonly pool: PagePool;
  /** What memory holds, for every page that was not written since. */
  #present: PageTable;
  #taken = 0;
  #kept = 0;

  /** `file`: where pages go that memory has no room for. */
  constructor(
    readonly memory: GuestMemory,
    file?: PageFile,
  ) {
    this.pool = new PagePool(file);
    this.#present = PageTable.empty(this.pool, memory.pageCount);
  }

  /** Bytes of memory that all snapshots together take. */
  get memoryBytes(): number {
    return this.pool.memoryBytes + this.#besidesPages;
  }

  get #besidesPages(): number {
    return this.#kept * (this.memory.plan.stateBytes + OVERHEAD_BYTES);
  }

  /** Whether all snapshots fit into this much memory, once what may go to the file has gone there. */
  fitsInto(memoryBytes: number): boolean {
    this.pool.memoryPages = Math.max(0, Math.floor((memoryBytes - this.#besidesPages) / PAGE_BYTES));
    this.pool.fit();
    return this.memoryBytes <= memoryBytes;
  }

  take(): Snapshot {
    const { memory, pool } = this;
    const copiedPages = memory.sinceSnapshot.size;
    memory.sinceSnapshot.drain(page => {
      const bytes = memory.pageBytes(page);
      this.#present.replace(page, memory.isZeroPage(page) ? ZERO_PAGE : pool.store(bytes));
    });
    memory.startEpoch();
    this.#kept++;
    return { id: this.#taken++, state: memory.stateBytes.slice(), pages: this.#present.copy(), copiedPages };
  }

  /**
   * Puts the snapshot's bytes back. What is derived from them has to be told by the caller. Throws InputError when
   * the file cannot be read; memory is then in no state until a snapshot is restored.
   */
  restore(snapshot: Snapshot): void {
    const { memory } = this;
    const put = (page: number) => {
      const slot = snapshot.pages.at(page);
      memory.replacePage(page, slot === ZERO_PAGE ? undefined : this.pool.read(slot));
    };
    const written = new Set<number>();
    memory.sinceSnapshot.drain(page => {
      written.add(page);
    });
    try {
      for (const page of written) put(page);
      snapshot.pages.differing(this.#present, page => {
        if (!written.has(page)) put(page);
      });
    } catch (error) {
      for (const page of written) memory.sinceSnapshot.add(page);
      throw error;
    }
    // replacePage notes its writes as any other; from here they are what the snapshot holds.
    memory.sinceSnapshot.drain(() => {});
    memory.startEpoch();
    const present = snapshot.pages.copy();
    this.#present.release();
    this.#present = present;
    memory.stateBytes.set(snapshot.state);
  }

  release(snapshot: Snapshot): void {
    snapshot.pages.release();
    this.#kept--;
  }

  /** Where the bytes of a snapshot are that differ from those of the one before it. */
  placesOf(snapshot: Snapshot, before: Snapshot | undefined): SnapshotPlaces {
    let memoryBytes = snapshot.state.length;
    let fileBytes = 0;
    const count = (page: number) => {
      const slot = snapshot.pages.at(page);
      if (slot === ZERO_PAGE) return;
      if (this.pool.isInMemory(slot)) memoryBytes += PAGE_BYTES;
      else fileBytes += PAGE_BYTES;
    };
    if (before !== undefined) snapshot.pages.differing(before.pages, count);
    else for (let page = 0; page < this.memory.pageCount; page++) count(page);
    return { memoryBytes, fileBytes };
  }

  /** A snapshot for another thread, which may read it until something is taken, restored or released here. */
  share(snapshot: Snapshot): SharedSnapshot {
    const { pool } = this;
    const contents = new Float64Array(this.memory.pageCount);
    const where = new Float64Array(this.memory.pageCount);
    for (let page = 0; page < contents.length; page++) {
      const slot = snapshot.pages.at(page);
      if (slot === ZERO_PAGE) continue;
      contents[page] = pool.contentOf(slot);
      where[page] = pool.whereabouts(slot);
    }
    return { state: snapshot.state, segments: pool.segments, file: pool.fileHandle, contents, where };
  }

  /** Throws BrokenInvariant when what is stored is not what these snapshots and the present hold: all there are. */
  check(snapshots: readonly Snapshot[]): void {
    if (snapshots.length !== this.#kept)
      throw new BrokenInvariant(
        'the snapshot store',
        `${this.#kept} snapshots are counted of ${snapshots.length}`,
      );
    this.pool.check(PageTable.references([this.#present, ...snapshots.map(({ pages }) => pages)]));
  }

  /** Gives the file back, after which nothing can be restored. */
  close(): void {
    this.pool.close();
  }
}
