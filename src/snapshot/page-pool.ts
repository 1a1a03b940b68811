import { PAGE_BYTES } from '../memory/memory-plan.js';

const SEGMENT_PAGES = 1024;

/** Number of a stored page; ZERO_PAGE needs no storage. */
export type PageSlot = number;
export const ZERO_PAGE: PageSlot = -1;

/**
 * Storage for page contents, shared by all snapshots and reference counted. Segments are preallocated
 * SharedArrayBuffers, so that a snapshot never allocates page by page and a worker can read them.
 */
export class PagePool {
  readonly #segments: Uint8Array[] = [];
  readonly #free: PageSlot[] = [];
  #references = new Uint32Array(0);
  #used = 0;

  /** Pages held at present. */
  get used(): number {
    return this.#used;
  }

  get usedBytes(): number {
    return this.#used * PAGE_BYTES;
  }

  /** Stores a copy of a page, with one reference. */
  store(page: Uint8Array): PageSlot {
    const slot = this.#free.pop() ?? this.#grow();
    this.read(slot).set(page);
    this.#references[slot] = 1;
    this.#used++;
    return slot;
  }

  read(slot: PageSlot): Uint8Array {
    const segment = this.#segments[Math.floor(slot / SEGMENT_PAGES)];
    const at = (slot % SEGMENT_PAGES) * PAGE_BYTES;
    return segment.subarray(at, at + PAGE_BYTES);
  }

  retain(slot: PageSlot): void {
    if (slot !== ZERO_PAGE) this.#references[slot]++;
  }

  release(slot: PageSlot): void {
    if (slot === ZERO_PAGE || --this.#references[slot] > 0) return;
    this.#free.push(slot);
    this.#used--;
  }

  #grow(): PageSlot {
    const first = this.#segments.length * SEGMENT_PAGES;
    this.#segments.push(new Uint8Array(new SharedArrayBuffer(SEGMENT_PAGES * PAGE_BYTES)));
    const references = new Uint32Array(first + SEGMENT_PAGES);
    references.set(this.#references);
    this.#references = references;
    for (let slot = first + SEGMENT_PAGES - 1; slot > first; slot--) this.#free.push(slot);
    return first;
  }
}
