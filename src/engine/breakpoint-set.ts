import type { CodePoint } from '../ports/points.js';
import { BrokenInvariant } from '../state/invariant.js';

/** Breakpoints, at most one at an address. Found by the million: the key is a small integer. */
export class BreakpointSet {
  readonly #byHalfOfLow = new Map<number, CodePoint[]>();
  #points: readonly CodePoint[] = [];

  get points(): readonly CodePoint[] {
    return this.#points;
  }

  set(points: readonly CodePoint[]): void {
    this.#points = points;
    this.#byHalfOfLow.clear();
    for (const point of points) {
      const same = this.#byHalfOfLow.get(point.low >>> 1);
      if (same === undefined) this.#byHalfOfLow.set(point.low >>> 1, [point]);
      else same.push(point);
    }
  }

  /** Throws BrokenInvariant when one is not found at its address. */
  check(): void {
    for (const point of this.#points) {
      if (this.at(point.low, point.high) !== point)
        throw new BrokenInvariant('the breakpoints', `none is found at 0x${point.low.toString(16)}`);
    }
  }

  at(low: number, high: number): CodePoint | undefined {
    const same = this.#byHalfOfLow.get(low >>> 1);
    if (same === undefined) return undefined;
    for (const point of same) if (point.high === high && point.low === low) return point;
    return undefined;
  }
}
