/** Stands for any page, as `board.touched` uses it. */
export { UNKNOWN_PAGE } from '../machine/device-writes.js';

/** Which virtual pages a machine fetched from and wrote to in an interval of its history; sorted. */
export interface IntervalPages {
  readonly executed: Float64Array;
  readonly written: Float64Array;
}

export function sortedPages(pages: Iterable<number>): Float64Array {
  return Float64Array.from(pages).sort();
}

export function mergeTouched(a: IntervalPages, b: IntervalPages): IntervalPages {
  return {
    executed: sortedPages(new Set([...a.executed, ...b.executed])),
    written: sortedPages(new Set([...a.written, ...b.written])),
  };
}

/** Whether a sorted set has a page from `first` to `last`. */
export function touches(pages: Float64Array, first: number, last: number): boolean {
  let low = 0;
  let high = pages.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (pages[middle] < first) low = middle + 1;
    else high = middle;
  }
  return low < pages.length && pages[low] <= last;
}
