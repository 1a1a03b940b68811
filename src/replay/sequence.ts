/**
 * What stands in an order and is looked at one by one: a list, or something that is read from a file as it is asked
 * for.
 */
export interface Sequence<T> extends Iterable<T> {
  readonly length: number;
  at(index: number): T | undefined;
}

/** A sequence whose members are made when they are asked for; the index is within it. */
export function sequence<T>(length: number, make: (index: number) => T): Sequence<T> {
  return {
    length,
    at: index => (index >= 0 && index < length ? make(index) : undefined),
    *[Symbol.iterator]() {
      for (let index = 0; index < length; index++) yield make(index);
    },
  };
}

/** Index of the first member that is not before the wanted place; the length when there is none. */
export function firstNotBefore(length: number, isBefore: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2);
    if (isBefore(middle)) low = middle + 1;
    else high = middle;
  }
  return low;
}
