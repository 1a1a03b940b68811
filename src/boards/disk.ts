import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { BootImage } from '../ports/config.js';
import type { BlockPort } from '../ports/device.js';

const SECTOR_BYTES = 512;
/** How much of a disk a guest may change before its writes fail: 256 MiB. */
const MOST_CHANGED_PAGES = 65_536;

interface Shape {
  readonly mapBytes: number;
  readonly slots: number;
}

function shapeOf(sectors: number): Shape {
  const pages = Math.ceil((sectors * SECTOR_BYTES) / PAGE_BYTES);
  return {
    mapBytes: Math.ceil((pages * 4) / PAGE_BYTES) * PAGE_BYTES,
    slots: Math.min(pages, MOST_CHANGED_PAGES),
  };
}

/** Bytes of backing memory that a disk of this size takes. */
export function backingBytes(sectors: number): number {
  const { mapBytes, slots } = shapeOf(sectors);
  return PAGE_BYTES + mapBytes + slots * PAGE_BYTES;
}

/**
 * A disk: an image that never changes, and over it the pages that the guest changed. These stand in guest
 * memory that no hart reaches, so that snapshots and digests have them as they have RAM: a page with the number of
 * slots in use, a map (for each page of the disk its slot + 1, or 0), and the slots.
 */
export class Disk implements BlockPort {
  readonly #image: SparseImage;
  readonly #map: number;
  readonly #slots: number;
  readonly #capacity: number;

  /** `base`: host address of its backing memory. */
  constructor(
    readonly sectors: number,
    image: readonly BootImage[],
    private readonly memory: GuestMemory,
    private readonly base: number,
  ) {
    const { mapBytes, slots } = shapeOf(sectors);
    this.#image = new SparseImage(image);
    this.#map = base + PAGE_BYTES;
    this.#slots = this.#map + mapBytes;
    this.#capacity = slots;
  }

  /** A write may change one page more than its length, in part. */
  get mostChangedBytes(): number {
    return this.#capacity * PAGE_BYTES;
  }

  read(offset: number, to: Uint8Array): void {
    eachPage(offset, to.length, (page, inPage, length, done) => {
      const host = this.#changed(page);
      const part = to.subarray(done, done + length);
      if (host === 0) this.#image.read(page * PAGE_BYTES + inPage, part);
      else part.set(this.memory.u8.subarray(host + inPage, host + inPage + length));
    });
  }

  write(offset: number, from: Uint8Array): boolean {
    if (!this.#hasRoom(offset, from.length)) return false;
    eachPage(offset, from.length, (page, inPage, length, done) => {
      const host = this.#change(page);
      this.memory.beforeWrite(host + inPage, length);
      this.memory.u8.set(from.subarray(done, done + length), host + inPage);
    });
    return true;
  }

  zero(offset: number, length: number): boolean {
    if (!this.#hasRoom(offset, length)) return false;
    eachPage(offset, length, (page, inPage, part) => {
      if (this.#changed(page) === 0 && this.#image.isZero(page * PAGE_BYTES, PAGE_BYTES)) return;
      const host = this.#change(page) + inPage;
      this.memory.beforeWrite(host, part);
      this.memory.fill(0, host, host + part);
    });
    return true;
  }

  /** Host address of a page that the guest changed, or 0. */
  #changed(page: number): number {
    const slot = this.memory.u32[(this.#map >>> 2) + page];
    return slot === 0 ? 0 : this.#slots + (slot - 1) * PAGE_BYTES;
  }

  #hasRoom(offset: number, length: number): boolean {
    let needed = this.memory.u32[this.base >>> 2];
    eachPage(offset, length, page => {
      if (this.#changed(page) === 0) needed++;
    });
    return needed <= this.#capacity;
  }

  /** Host address of a page's own copy, which is made if need be. */
  #change(page: number): number {
    const known = this.#changed(page);
    if (known !== 0) return known;
    const { memory } = this;
    const slot = memory.u32[this.base >>> 2];
    memory.beforeWrite(this.base, 4);
    memory.u32[this.base >>> 2] = slot + 1;
    const entry = this.#map + 4 * page;
    memory.beforeWrite(entry, 4);
    memory.u32[entry >>> 2] = slot + 1;
    const host = this.#slots + slot * PAGE_BYTES;
    memory.beforeWrite(host, PAGE_BYTES);
    this.#image.read(page * PAGE_BYTES, memory.u8.subarray(host, host + PAGE_BYTES));
    return host;
  }
}

/** Visits the pages that [offset, offset + length) touches: page, place in it, bytes there, bytes before. */
function eachPage(
  offset: number,
  length: number,
  visit: (page: number, inPage: number, length: number, done: number) => void,
): void {
  for (let done = 0; done < length; ) {
    const page = Math.floor((offset + done) / PAGE_BYTES);
    const inPage = (offset + done) % PAGE_BYTES;
    const part = Math.min(PAGE_BYTES - inPage, length - done);
    visit(page, inPage, part, done);
    done += part;
  }
}

/** Extents in order; zeros between and after them. */
class SparseImage {
  readonly #extents: readonly BootImage[];

  constructor(extents: readonly BootImage[]) {
    this.#extents = [...extents].sort((a, b) => a.address - b.address);
  }

  read(offset: number, to: Uint8Array): void {
    to.fill(0);
    this.#overlapping(offset, to.length, ({ address, bytes }) => {
      const from = Math.max(offset, address);
      const end = Math.min(offset + to.length, address + bytes.length);
      to.set(bytes.subarray(from - address, end - address), from - offset);
    });
  }

  isZero(offset: number, length: number): boolean {
    let zero = true;
    this.#overlapping(offset, length, ({ address, bytes }) => {
      const part = bytes.subarray(Math.max(offset - address, 0), offset + length - address);
      zero &&= part.every(byte => byte === 0);
    });
    return zero;
  }

  #overlapping(offset: number, length: number, visit: (extent: BootImage) => void): void {
    let low = 0;
    let high = this.#extents.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const { address, bytes } = this.#extents[middle];
      if (address + bytes.length <= offset) low = middle + 1;
      else high = middle;
    }
    for (; low < this.#extents.length && this.#extents[low].address < offset + length; low++) {
      visit(this.#extents[low]);
    }
  }
}
