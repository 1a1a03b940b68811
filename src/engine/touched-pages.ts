/** Number of a virtual page, from the words of an address in it. */
export const virtualPage = (low: number, high: number): number => (high >>> 0) * 2 ** 20 + (low >>> 12);

/**
 * Virtual pages that were fetched from and written to since the last restart. Noted where translations are
 * looked up, so it costs nothing while they are cached; a restart therefore empties the TLBs.
 */
export class TouchedPages {
  readonly executed = new Set<number>();
  readonly written = new Set<number>();

  restart(): void {
    this.executed.clear();
    this.written.clear();
  }
}
