/** Bytes of output that are remembered; the older half goes when there is more. */
const LONGEST_TRANSCRIPT = 2 ** 22;

/**
 * Guest output on its way to the host. What the guest prints again while the history is replayed was shown
 * before, and is dropped: only output from beyond the furthest boundary ever reached is new.
 */
export class ConsoleOutput {
  #furthest = 0;
  readonly #buffer = new Uint8Array(4096);
  #length = 0;
  /** Everything printed, and the step that printed each byte. */
  #transcript = new Uint8Array(4096);
  #icounts = new Float64Array(4096);
  #printed = 0;

  constructor(
    readonly show: (bytes: Uint8Array) => void,
    /** Icount of the step under way. */
    readonly icount: () => number,
  ) {}

  write(byte: number): void {
    const icount = this.icount();
    if (icount < this.#furthest) return;
    this.#remember(byte, icount);
    if (this.#length === this.#buffer.length) this.flush();
    this.#buffer[this.#length++] = byte;
  }

  /** Output of steps before this boundary has been seen. */
  reached(icount: number): void {
    if (icount > this.#furthest) this.#furthest = icount;
    this.flush();
  }

  /** The step that printed the last byte of the last occurrence of a text printed before a boundary. */
  lastPrinted(text: string, before: number): number | undefined {
    const wanted = new TextEncoder().encode(text);
    if (wanted.length === 0) return undefined;
    for (let at = this.#printed - wanted.length; at >= 0; at--) {
      const last = at + wanted.length - 1;
      if (this.#icounts[last] >= before) continue;
      if (wanted.every((byte, i) => this.#transcript[at + i] === byte)) return this.#icounts[last];
    }
    return undefined;
  }

  #remember(byte: number, icount: number): void {
    if (this.#printed === this.#transcript.length) {
      if (this.#printed === LONGEST_TRANSCRIPT) this.#forgetHalf();
      else this.#resize(this.#printed * 2);
    }
    this.#transcript[this.#printed] = byte;
    this.#icounts[this.#printed++] = icount;
  }

  #forgetHalf(): void {
    this.#transcript.copyWithin(0, this.#printed / 2);
    this.#icounts.copyWithin(0, this.#printed / 2);
    this.#printed /= 2;
  }

  #resize(length: number): void {
    const transcript = new Uint8Array(length);
    const icounts = new Float64Array(length);
    transcript.set(this.#transcript);
    icounts.set(this.#icounts);
    this.#transcript = transcript;
    this.#icounts = icounts;
  }

  flush(): void {
    if (this.#length === 0) return;
    this.show(this.#buffer.slice(0, this.#length));
    this.#length = 0;
  }
}
