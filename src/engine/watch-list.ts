import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { WatchKind, WatchRange } from '../ports/points.js';
import type { WriteWatch } from '../ports/write-watch.js';

/** The watched ranges, asked on the slow path of accesses to pages that hold one. */
export class WatchList {
  #ranges: readonly WatchRange[] = [];
  #observed: WriteWatch | undefined;

  /** `observed`: writes that somebody wants to hear of, beside those that the ranges are for. */
  set(ranges: readonly WatchRange[], observed?: WriteWatch): void {
    this.#ranges = ranges;
    this.#observed = observed;
  }

  get observed(): WriteWatch | undefined {
    return this.#observed;
  }

  get ranges(): readonly WatchRange[] {
    return this.#ranges;
  }

  /** Whether any load has to be looked at. */
  get watchesReads(): boolean {
    return this.#ranges.some(range => concerns(range.kind, false));
  }

  get empty(): boolean {
    return this.#ranges.length === 0 && this.#observed === undefined;
  }

  find(wanted: (range: WatchRange) => boolean): WatchRange | undefined {
    return this.#ranges.find(wanted);
  }

  /** Whether a page must not be cached for loads or stores. */
  touchesPage(low: number, high: number, write: boolean): boolean {
    const page = (low & -PAGE_BYTES) >>> 0;
    for (const range of this.#ranges) {
      if (concerns(range.kind, write) && overlaps(range, page, high, PAGE_BYTES)) return true;
    }
    return write && this.#observed?.touches(page, high, PAGE_BYTES) === true;
  }

  /** Whether stores to a page of memory must be seen by whatever address they go. */
  observesPage(physical: number): boolean {
    const page = physical - (physical % PAGE_BYTES);
    return this.#observed?.touchesMemory(page, PAGE_BYTES) === true;
  }

  /** The first range that an access of `size` bytes by a hart touches, its condition holding. */
  match(
    low: number,
    high: number,
    size: number,
    reads: boolean,
    writes: boolean,
    hart: number,
  ): WatchRange | undefined {
    for (const range of this.#ranges) {
      const concerned = (writes && concerns(range.kind, true)) || (reads && concerns(range.kind, false));
      if (!concerned || !overlaps(range, low, high, size)) continue;
      if (range.condition === undefined || range.condition.holds(hart)) return range;
    }
    return undefined;
  }
}

function concerns(kind: WatchKind, write: boolean): boolean {
  return kind === 'access' || (kind === 'write') === write;
}

/** Whether [high:low, + size) and the range share a byte; ranges do not wrap around the address space. */
function overlaps(range: WatchRange, low: number, high: number, size: number): boolean {
  const distance = (high - range.high) * 2 ** 32 + (low - range.low);
  return distance < range.length && distance > -size;
}
