const NONE = -1;

/** Small numbers in the order in which they were added; adding and removing cost the same however many there are. */
export class AgeOrder {
  #older = new Int32Array(0);
  #younger = new Int32Array(0);
  #oldest = NONE;
  #youngest = NONE;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Numbers below `count` can be added from now on. */
  grow(count: number): void {
    this.#older = grown(this.#older, count);
    this.#younger = grown(this.#younger, count);
  }

  /** Adds a number that is not there. */
  add(number: number): void {
    this.#older[number] = this.#youngest;
    this.#younger[number] = NONE;
    if (this.#youngest === NONE) this.#oldest = number;
    else this.#younger[this.#youngest] = number;
    this.#youngest = number;
    this.#size++;
  }

  /** Removes a number that is there. */
  remove(number: number): void {
    const older = this.#older[number];
    const younger = this.#younger[number];
    if (older === NONE) this.#oldest = younger;
    else this.#younger[older] = younger;
    if (younger === NONE) this.#youngest = older;
    else this.#older[younger] = older;
    this.#size--;
  }

  /** The `count` numbers that were added first, or all. */
  first(count: number): number[] {
    const found: number[] = [];
    for (let at = this.#oldest; at !== NONE && found.length < count; at = this.#younger[at]) found.push(at);
    return found;
  }
}

function grown(numbers: Int32Array<ArrayBuffer>, count: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(count);
  copy.set(numbers);
  return copy;
}
