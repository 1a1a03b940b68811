import { PAGE_BYTES } from '../memory/memory-plan.js';
import { BrokenInvariant } from '../state/invariant.js';
import { AgeOrder } from './age-order.js';
import type { PageFile } from './page-file.js';

const SEGMENT_PAGES = 1024;
/** Pages that are moved to the file at once, at most, and the share of those in memory. */
const MOST_SPILLED_AT_ONCE = 64;
const SPILLED_SHARE = 1 / 16;

/** Number of a stored page; ZERO_PAGE needs no storage. */
export type PageSlot = number;
export const ZERO_PAGE: PageSlot = -1;

/**
 * Storage for page contents, shared by all snapshots and reference counted. Segments are preallocated
 * SharedArrayBuffers, so that a snapshot never allocates page by page and a worker can read them.
 * With a file, what was stored first goes there when memory is full; a page that is there stays there.
 */
export class PagePool {
  /** Pages that may be in memory; more are only when the file is full, or when there is none. */
  memoryPages = Number.POSITIVE_INFINITY;
  readonly #segments: Uint8Array<SharedArrayBuffer>[] = [];
  /** Those that were used before; from `#frames` and `#slots` on, none was. */
  readonly #freeFrames: number[] = [];
  readonly #freeSlots: PageSlot[] = [];
  #frames = 0;
  #slots = 0;
  /** For each slot, where its page is: the frame in memory, or the complement of the place in the file. */
  #where = new Int32Array(0);
  #references = new Uint32Array(0);
  #contents = new Float64Array(0);
  #stored = 0;
  readonly #inMemory = new AgeOrder();
  readonly #file: FilePlaces | undefined;
  /** The page read last from the file. */
  readonly #cache = new Uint8Array(PAGE_BYTES);

  constructor(file?: PageFile) {
    this.#file = file === undefined ? undefined : new FilePlaces(file);
  }

  /** Bytes of the pages in memory. */
  get memoryBytes(): number {
    return this.#inMemory.size * PAGE_BYTES;
  }

  /** Bytes of the pages in the file. */
  get fileBytes(): number {
    return (this.#file?.used ?? 0) * PAGE_BYTES;
  }

  /** Stores a copy of a page, with one reference. Throws nothing when the file fails: memory then grows. */
  store(page: Uint8Array): PageSlot {
    if (this.#inMemory.size >= this.memoryPages) {
      const share = Math.ceil(this.memoryPages * SPILLED_SHARE);
      this.#spill(Math.min(MOST_SPILLED_AT_ONCE, Math.max(1, share)));
    }
    const frame = this.#freeFrames.pop() ?? this.#newFrame();
    const slot = this.#freeSlots.pop() ?? this.#newSlot();
    this.#where[slot] = frame;
    this.#references[slot] = 1;
    this.#contents[slot] = ++this.#stored;
    this.#inMemory.add(slot);
    this.#frame(frame).set(page);
    return slot;
  }

  /** The page's bytes, until the next call. Throws InputError when the file cannot be read. */
  read(slot: PageSlot): Uint8Array {
    const where = this.#where[slot];
    if (where >= 0) return this.#frame(where);
    this.#file?.file.read(~where, this.#cache);
    return this.#cache;
  }

  isInMemory(slot: PageSlot): boolean {
    return this.#where[slot] >= 0;
  }

  /** The memory in which pages stand, for another thread. */
  get segments(): readonly SharedArrayBuffer[] {
    return this.#segments.map(({ buffer }) => buffer);
  }

  /** Names the file in another thread. */
  get fileHandle(): number | undefined {
    return this.#file?.file.handle;
  }

  /** Byte offset of a page in `segments`, end to end; or the complement of its place in the file. */
  whereabouts(slot: PageSlot): number {
    const where = this.#where[slot];
    return where >= 0 ? where * PAGE_BYTES : where;
  }

  /** A number from 1 up that no other page content of this pool ever has. */
  contentOf(slot: PageSlot): number {
    return this.#contents[slot];
  }

  retain(slot: PageSlot): void {
    if (slot !== ZERO_PAGE) this.#references[slot]++;
  }

  release(slot: PageSlot): void {
    if (slot === ZERO_PAGE || --this.#references[slot] > 0) return;
    const where = this.#where[slot];
    if (where >= 0) {
      this.#freeFrames.push(where);
      this.#inMemory.remove(slot);
    } else {
      this.#file?.free(~where);
    }
    this.#freeSlots.push(slot);
  }

  /** Moves pages to the file until no more than `memoryPages` are in memory, as far as there is room. */
  fit(): void {
    while (this.#inMemory.size > this.memoryPages) {
      if (!this.#spill(Math.min(MOST_SPILLED_AT_ONCE, this.#inMemory.size - this.memoryPages))) return;
    }
  }

  /** Throws BrokenInvariant when these are not all the references that each stored page has. */
  check(held: ReadonlyMap<PageSlot, number>): void {
    const free = new Set(this.#freeSlots);
    const frames = new Set<number>();
    let inMemory = 0;
    for (let slot = 0; slot < this.#slots; slot++) {
      const [counted, expected] = [this.#references[slot], held.get(slot) ?? 0];
      if (counted !== expected)
        throw new BrokenInvariant(
          'the page pool',
          `slot ${slot} counts ${counted} references of ${expected}`,
        );
      if ((expected === 0) !== free.has(slot))
        throw new BrokenInvariant(
          'the page pool',
          `slot ${slot} has ${expected} references and is free or not`,
        );
      if (expected === 0 || !this.isInMemory(slot)) continue;
      inMemory++;
      frames.add(this.#where[slot]);
    }
    if (inMemory !== frames.size || inMemory !== this.#inMemory.size)
      throw new BrokenInvariant('the page pool', `${inMemory} pages stand in ${frames.size} frames`);
  }

  /** Gives the file back. What is in it cannot be read any more. */
  close(): void {
    this.#file?.file.close();
  }

  #spill(count: number): boolean {
    if (this.#file === undefined) return false;
    const slots = this.#inMemory.first(Math.min(count, this.#file.room));
    if (slots.length === 0) return false;
    const places = this.#file.put(slots.map(slot => this.#frame(this.#where[slot])));
    if (places === undefined) return false;
    for (const [i, slot] of slots.entries()) {
      this.#inMemory.remove(slot);
      this.#freeFrames.push(this.#where[slot]);
      this.#where[slot] = ~places[i];
    }
    return true;
  }

  #frame(frame: number): Uint8Array {
    const at = (frame % SEGMENT_PAGES) * PAGE_BYTES;
    return this.#segments[Math.floor(frame / SEGMENT_PAGES)].subarray(at, at + PAGE_BYTES);
  }

  #newFrame(): number {
    if (this.#frames === this.#segments.length * SEGMENT_PAGES)
      this.#segments.push(new Uint8Array(new SharedArrayBuffer(SEGMENT_PAGES * PAGE_BYTES)));
    return this.#frames++;
  }

  #newSlot(): PageSlot {
    if (this.#slots === this.#where.length) this.#growSlots();
    return this.#slots++;
  }

  #growSlots(): void {
    const count = Math.max(SEGMENT_PAGES, 2 * this.#where.length);
    const where = new Int32Array(count);
    where.set(this.#where);
    this.#where = where;
    const references = new Uint32Array(count);
    references.set(this.#references);
    this.#references = references;
    const contents = new Float64Array(count);
    contents.set(this.#contents);
    this.#contents = contents;
    this.#inMemory.grow(count);
  }
}

/** Which places of a file are taken. */
class FilePlaces {
  readonly #free: number[] = [];
  #next = 0;
  #full = false;

  constructor(readonly file: PageFile) {}

  get used(): number {
    return this.#next - this.#free.length;
  }

  /** Pages that can still be put. */
  get room(): number {
    return this.#full ? 0 : this.file.capacity - this.used;
  }

  /** Writes pages, at most as many as there is room for; their places, or undefined when writing failed. */
  put(pages: readonly Uint8Array[]): number[] | undefined {
    const places = pages.map(() => this.#free.pop() ?? this.#next++).sort((a, b) => a - b);
    for (let from = 0; from < places.length; ) {
      let to = from + 1;
      while (to < places.length && places[to] === places[to - 1] + 1) to++;
      if (!this.file.write(places[from], pages.slice(from, to))) {
        this.#free.push(...places);
        this.#full = true;
        return undefined;
      }
      from = to;
    }
    return places;
  }

  free(place: number): void {
    this.#free.push(place);
  }
}
