/**
 * Guest output on its way to the host. What the guest prints again while the history is replayed was shown
 * before, and is dropped: only output from beyond the furthest boundary ever reached is new.
 */
export class ConsoleOutput {
  #furthest = 0;
  readonly #buffer = new Uint8Array(4096);
  #length = 0;

  constructor(
    readonly show: (bytes: Uint8Array) => void,
    /** Icount of the step under way. */
    readonly icount: () => number,
  ) {}

  write(byte: number): void {
    if (this.icount() < this.#furthest) return;
    if (this.#length === this.#buffer.length) this.flush();
    this.#buffer[this.#length++] = byte;
  }

  /** Output of steps before this boundary has been seen. */
  reached(icount: number): void {
    if (icount > this.#furthest) this.#furthest = icount;
    this.flush();
  }

  flush(): void {
    if (this.#length === 0) return;
    this.show(this.#buffer.slice(0, this.#length));
    this.#length = 0;
  }
}
