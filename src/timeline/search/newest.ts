/** The last `limit` things that were added, in order; adding costs the same however many there were. */
export class Newest<T> {
  #kept: T[] = [];
  /** How many were added. */
  total = 0;

  constructor(readonly limit: number) {}

  add(one: T): void {
    this.total++;
    this.#kept.push(one);
    if (this.#kept.length >= 2 * this.limit) this.#kept = this.#kept.slice(-this.limit);
  }

  get list(): readonly T[] {
    return this.#kept.slice(-this.limit);
  }
}
