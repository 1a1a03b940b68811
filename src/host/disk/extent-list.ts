import type { DiskContents } from '../../ports/config.js';
import { InputError } from '../../state/input-error.js';

/** What is not zero is looked for in blocks of this many bytes. */
const BLOCK_BYTES = 4096;
/** Zeros up to this many bytes do not start a new extent. */
const JOINED_GAP_BYTES = 2 ** 18;
/** All that is not zero is held in memory, and copied into recordings. */
const MOST_BYTES = 2 ** 30;

const ZEROS = new Uint8Array(BLOCK_BYTES);

/** Collects a disk's contents, front to back, leaving zeros out. */
export class ExtentList {
  readonly #extents: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #parts: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  #held = 0;

  /** `path` is for the message when there is too much. */
  constructor(readonly path: string) {}

  add(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const block = bytes.subarray(at, at + BLOCK_BYTES);
      if (Buffer.compare(block, ZEROS.subarray(0, block.length)) !== 0) this.#keep(offset + at, block);
    }
  }

  finish(): DiskContents['extents'] {
    this.#close();
    return this.#extents;
  }

  #keep(offset: number, bytes: Uint8Array): void {
    this.#held += bytes.length;
    if (this.#held > MOST_BYTES) {
      throw new InputError(`cannot use disk ${this.path}: it holds more than 1 GiB that is not zero`);
    }
    const last = this.#parts.at(-1);
    if (last !== undefined && offset - (last.offset + last.bytes.length) > JOINED_GAP_BYTES) this.#close();
    this.#parts.push({ offset, bytes });
  }

  /** Puts the parts collected so far into one extent. */
  #close(): void {
    const first = this.#parts[0];
    const last = this.#parts.at(-1);
    if (first === undefined || last === undefined) return;
    const whole = new Uint8Array(last.offset + last.bytes.length - first.offset);
    for (const { offset, bytes } of this.#parts) whole.set(bytes, offset - first.offset);
    this.#extents.push({ offset: first.offset, bytes: whole });
    this.#parts = [];
  }
}
