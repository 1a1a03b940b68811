import type { Machine } from '../../machine/machine.js';

/** Which pages a machine fetched from and wrote to in an interval of its history; sorted. */
export interface IntervalPages {
  /** By virtual address. */
  readonly executed: Float64Array;
  readonly written: Float64Array;
  /** By place in RAM, from 0: all that were written, by whomever. */
  readonly ram: Float64Array;
}

/** What a machine has touched since it began to note it. */
export function touchedPages(machine: Machine): IntervalPages {
  const { touched } = machine;
  const { sinceNoting, ramPages } = machine.memory;
  return {
    executed: sortedPages(touched.executed),
    written: sortedPages(touched.written),
    ram: sortedPages(sinceNoting.pages.filter(page => page < ramPages)),
  };
}

function sortedPages(pages: Iterable<number>): Float64Array {
  return Float64Array.from(pages).sort();
}

export function mergeTouched(a: IntervalPages, b: IntervalPages): IntervalPages {
  return {
    executed: sortedPages(new Set([...a.executed, ...b.executed])),
    written: sortedPages(new Set([...a.written, ...b.written])),
    ram: sortedPages(new Set([...a.ram, ...b.ram])),
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
