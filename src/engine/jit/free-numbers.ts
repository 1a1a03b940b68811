/** The numbers from 0 to `count` - 1 that are not taken. */
export class FreeNumbers {
  readonly #returned: number[] = [];
  /** From here on, none was ever taken. */
  #fresh = 0;

  constructor(readonly count: number) {}

  /** How many there are. */
  get size(): number {
    return this.count - this.#fresh + this.#returned.length;
  }

  /** Throws when all are taken. */
  take(): number {
    const returned = this.#returned.pop();
    if (returned !== undefined) return returned;
    if (this.#fresh === this.count) throw new Error('every number is taken');
    return this.#fresh++;
  }

  release(number: number): void {
    this.#returned.push(number);
  }
}
