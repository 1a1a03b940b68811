import type { GuestMemory } from '../memory/guest-memory.js';
import { PagePool, ZERO_PAGE } from './page-pool.js';
import { PageTable } from './page-table.js';

/** A machine at one boundary: its declared state and its memory. */
export interface Snapshot {
  /** Counts up with each snapshot that is taken. */
  readonly id: number;
  readonly state: Uint8Array;
  readonly pages: PageTable;
  /** Pages that were copied for it. */
  readonly copiedPages: number;
}

/**
 * Takes and restores snapshots of one machine's memory and declared state. Incremental: a snapshot copies
 * the pages written since the last one, a restore those that differ from the present.
 * It knows nothing of time or policy.
 */
export class SnapshotStore {
  readonly pool = new PagePool();
  /** What memory holds, for every page that was not written since. */
  #present: PageTable;
  #taken = 0;

  constructor(readonly memory: GuestMemory) {
    this.#present = PageTable.empty(this.pool, memory.pageCount);
  }

  /** Bytes held by all snapshots together, declared state not counted. */
  get usedBytes(): number {
    return this.pool.usedBytes;
  }

  take(): Snapshot {
    const { memory, pool } = this;
    const copiedPages = memory.sinceSnapshot.size;
    memory.sinceSnapshot.drain(page => {
      const bytes = memory.pageBytes(page);
      this.#present.replace(page, isZero(memory, page) ? ZERO_PAGE : pool.store(bytes));
    });
    memory.startEpoch();
    return { id: this.#taken++, state: memory.stateBytes.slice(), pages: this.#present.copy(), copiedPages };
  }

  /** Puts the snapshot's bytes back. What is derived from them has to be told by the caller. */
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
    for (const page of written) put(page);
    snapshot.pages.differing(this.#present, page => {
      if (!written.has(page)) put(page);
    });
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
  }
}

function isZero(memory: GuestMemory, page: number): boolean {
  const start = memory.hostAddressOfPage(page) >> 2;
  for (let i = start; i < start + 1024; i++) if (memory.u32[i] !== 0) return false;
  return true;
}
