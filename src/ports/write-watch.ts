/** A part of physical memory. */
export interface MemoryRange {
  readonly start: number;
  readonly length: number;
}

/** A store about to happen: its virtual address as two words, and where its bytes go. */
export interface StoreAccess {
  readonly low: number;
  readonly high: number;
  readonly size: number;
  /** Physical address of the first `firstBytes` bytes; of the others, where it goes over a page, `second`. */
  readonly physical: number;
  readonly firstBytes: number;
  readonly second: number;
}

/**
 * Whose writes are observed: every write to some physical memory, whatever address it goes by, and every store to
 * some virtual addresses, whatever memory is there.
 */
export class WriteWatch {
  /** Of the memory, in order and apart. */
  readonly #starts: Float64Array;
  readonly #ends: Float64Array;

  constructor(
    readonly virtual: { readonly low: number; readonly high: number; readonly length: number },
    readonly memory: readonly MemoryRange[],
  ) {
    const apart: { start: number; end: number }[] = [];
    for (const { start, length } of [...memory].sort((a, b) => a.start - b.start)) {
      const last = apart.at(-1);
      if (last !== undefined && start <= last.end) last.end = Math.max(last.end, start + length);
      else apart.push({ start, end: start + length });
    }
    this.#starts = Float64Array.from(apart, ({ start }) => start);
    this.#ends = Float64Array.from(apart, ({ end }) => end);
  }

  concerns({ low, high, size, physical, firstBytes, second }: StoreAccess): boolean {
    return (
      this.touches(low, high, size) ||
      this.touchesMemory(physical, firstBytes) ||
      (firstBytes < size && this.touchesMemory(second, size - firstBytes))
    );
  }

  /** Whether [high:low, + size) and the virtual addresses share a byte. */
  touches(low: number, high: number, size: number): boolean {
    const { virtual } = this;
    const distance = (high - virtual.high) * 2 ** 32 + (low - virtual.low);
    return virtual.length > 0 && distance < virtual.length && distance > -size;
  }

  touchesMemory(physical: number, length: number): boolean {
    let low = 0;
    let high = this.#starts.length;
    // The first range that ends behind the address is the only one that may begin before its end.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ends[middle] <= physical) low = middle + 1;
      else high = middle;
    }
    return low < this.#starts.length && this.#starts[low] < physical + length;
  }
}
