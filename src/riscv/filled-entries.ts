import { TLB_BANK_BYTES, TLB_ENTRY_BYTES, TLB_TABLE } from '../engine/engine-layout.js';
import { type GuestMemory, PAGE_FLAG } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import { BrokenInvariant } from '../state/invariant.js';
import { MOST_LEVELS } from './page-walker.js';

/** Beyond so many entries the banks are cleared as a whole. */
const MOST_LISTED = 2048;

/**
 * The entries of some banks that were filled, unless there were too many, each with the page-table entries behind it.
 */
export class FilledEntries {
  readonly #entries = new Int32Array(MOST_LISTED);
  readonly #leaves = new Int32Array(MOST_LISTED);
  /** Pages of the page-table entries that led to each, the leaf's included; -1: none. */
  readonly #tables = new Int32Array(MOST_LISTED * MOST_LEVELS);
  /** How often each page stands in `tables`. */
  readonly #uses: Uint16Array;
  /** MOST_LISTED: any entry may be filled. */
  #count = MOST_LISTED;

  constructor(
    readonly memory: GuestMemory,
    readonly start: number,
    readonly bytes: number,
  ) {
    this.#uses = new Uint16Array(memory.pageCount);
  }

  note(entry: number, path: Int32Array, depth: number): void {
    if (this.#count === MOST_LISTED) return;
    const index = this.#count++;
    this.#entries[index] = entry;
    this.#leaves[index] = depth === 0 ? 0 : path[depth - 1];
    for (let level = 0; level < MOST_LEVELS; level++) {
      const table = level < depth ? this.memory.pageOf(path[level]) : -1;
      this.#tables[index * MOST_LEVELS + level] = table;
      if (table >= 0) this.#uses[table]++;
    }
  }

  /** Returns true: what is invalid now may have been fetched from. */
  invalidateAll(): true {
    if (this.#count === MOST_LISTED) {
      this.memory.fill(0xff, this.start, this.start + this.bytes);
      this.#uses.fill(0);
    } else {
      for (let i = 0; i < this.#count; i++) this.#invalidate(i);
    }
    this.#count = 0;
    return true;
  }

  /** Invalidates what this page-table entry maps; true when code was fetched so. */
  invalidateLeaf(leaf: number): boolean {
    let fetched = false;
    for (let i = 0; i < this.#count; i++) {
      if (this.#leaves[i] !== leaf) continue;
      this.#invalidate(i);
      if ((this.#entries[i] - this.start) % TLB_BANK_BYTES >= TLB_TABLE.fetch) fetched = true;
    }
    return fetched;
  }

  /** Whether any was found by way of page-table entries on this page. */
  dependOn(page: number): boolean {
    if (this.#count === MOST_LISTED) this.invalidateAll();
    return this.#uses[page] !== 0;
  }

  /** Visits the entries that hold something, each with its offset in its bank. */
  visit(visit: (entry: number, offset: number) => void): void {
    const { i32 } = this.memory;
    const each = (entry: number) => {
      // What an invalid entry holds is no address of a page.
      if ((i32[entry >> 2] & (PAGE_BYTES - 1)) === 0) visit(entry, (entry - this.start) % TLB_BANK_BYTES);
    };
    if (this.#count < MOST_LISTED) for (const entry of this.#entries.subarray(0, this.#count)) each(entry);
    else for (let at = 0; at < this.bytes; at += TLB_ENTRY_BYTES) each(this.start + at);
  }

  /** Throws BrokenInvariant when an entry would outlive a change of the tables that it came out of. */
  check(): void {
    if (this.#count === MOST_LISTED) return;
    const uses = new Map<number, number>();
    for (const page of this.#tables.subarray(0, this.#count * MOST_LEVELS)) {
      if (page >= 0) uses.set(page, (uses.get(page) ?? 0) + 1);
    }
    for (const [page, count] of uses) {
      if (count !== this.#uses[page])
        throw new BrokenInvariant(
          'the TLB',
          `page ${page} is a table ${count} times and counts ${this.#uses[page]}`,
        );
      if ((this.memory.flags[page] & PAGE_FLAG.pageTable) === 0)
        throw new BrokenInvariant(
          'the TLB',
          `translations came out of page ${page}, which is not flagged as a table`,
        );
    }
  }

  #invalidate(index: number): void {
    const { i32 } = this.memory;
    const entry = this.#entries[index];
    i32[entry >> 2] = -1;
    i32[(entry >> 2) + 1] = -1;
    this.#leaves[index] = 0;
    for (let at = index * MOST_LEVELS; at < (index + 1) * MOST_LEVELS; at++) {
      const table = this.#tables[at];
      if (table >= 0) this.#uses[table]--;
      this.#tables[at] = -1;
    }
  }
}
