import { BrokenInvariant } from '../state/invariant.js';
import { type PagePool, type PageSlot, ZERO_PAGE } from './page-pool.js';

const CHUNK_PAGES = 128;

/** A run of page slots, shared by the tables that agree on it. */
class Chunk {
  references = 1;
  constructor(readonly slots: Int32Array) {}
}

/**
 * Which stored page stands at each place of guest memory, at one moment. Tables share what they have in
 * common, so that a snapshot costs what changed. A copy is changed only by `replace`.
 */
export class PageTable {
  readonly #chunks: Chunk[];

  private constructor(
    readonly pool: PagePool,
    chunks: Chunk[],
  ) {
    this.#chunks = chunks;
  }

  /** A table of zero pages. */
  static empty(pool: PagePool, pages: number): PageTable {
    const chunks = Array.from(
      { length: Math.ceil(pages / CHUNK_PAGES) },
      () => new Chunk(new Int32Array(CHUNK_PAGES).fill(ZERO_PAGE)),
    );
    return new PageTable(pool, chunks);
  }

  copy(): PageTable {
    for (const chunk of this.#chunks) chunk.references++;
    return new PageTable(this.pool, [...this.#chunks]);
  }

  at(page: number): PageSlot {
    return this.#chunks[Math.floor(page / CHUNK_PAGES)].slots[page % CHUNK_PAGES];
  }

  /** Puts a slot, whose reference the table takes over, in the place of the one there. */
  replace(page: number, slot: PageSlot): void {
    const index = Math.floor(page / CHUNK_PAGES);
    let chunk = this.#chunks[index];
    if (chunk.references > 1) {
      chunk.references--;
      chunk = new Chunk(chunk.slots.slice());
      for (const held of chunk.slots) this.pool.retain(held);
      this.#chunks[index] = chunk;
    }
    this.pool.release(chunk.slots[page % CHUNK_PAGES]);
    chunk.slots[page % CHUNK_PAGES] = slot;
  }

  /** Gives back everything; the table must not be used afterwards. */
  release(): void {
    for (const chunk of this.#chunks) {
      if (--chunk.references > 0) continue;
      for (const slot of chunk.slots) this.pool.release(slot);
    }
    this.#chunks.length = 0;
  }

  /**
   * How many references to each stored page these tables hold together. Throws BrokenInvariant when they are not all
   * that hold what they share.
   */
  static references(tables: readonly PageTable[]): Map<PageSlot, number> {
    const sharers = new Map<Chunk, number>();
    for (const table of tables) {
      for (const chunk of table.#chunks) sharers.set(chunk, (sharers.get(chunk) ?? 0) + 1);
    }
    const held = new Map<PageSlot, number>();
    for (const [{ references, slots }, count] of sharers) {
      if (references !== count)
        throw new BrokenInvariant('the page tables', `a chunk counts ${references} tables of ${count}`);
      for (const slot of slots) if (slot !== ZERO_PAGE) held.set(slot, (held.get(slot) ?? 0) + 1);
    }
    return held;
  }

  /** Visits the pages in which two tables may differ. */
  differing(other: PageTable, visit: (page: number) => void): void {
    for (let index = 0; index < this.#chunks.length; index++) {
      const mine = this.#chunks[index];
      const theirs = other.#chunks[index];
      if (mine === theirs) continue;
      for (let i = 0; i < CHUNK_PAGES; i++) {
        if (mine.slots[i] !== theirs.slots[i]) visit(index * CHUNK_PAGES + i);
      }
    }
  }
}
