/** Finds bytes in memory that comes in pieces, at the host's own speed. */

import bytesOfHost from 'node:buffer';
import type { MemoryPiece } from '../../timeline/debug-target.js';

const NOT_FOUND = -1;

/** Takes pieces in order and finds a pattern in them, also where it lies over their borders. */
export class PieceSearch {
  /** The end of what was taken, too short for the pattern; it may begin there. */
  #tail = new Uint8Array(0);
  /** Bytes taken so far. */
  #taken = 0;

  constructor(readonly pattern: Uint8Array) {}

  /** Where the pattern begins, counted from the first byte taken; -1 when it does not end in what was taken. */
  take({ length, bytes }: MemoryPiece): number {
    const overlap = this.pattern.length - 1;
    // Of many zeros, as many as the pattern is long hold any part of it.
    const shown = bytes ?? new Uint8Array(Math.min(length, overlap + 1));
    const found = this.#search(shown);
    if (found !== NOT_FOUND) return found;
    this.#taken += length;
    const end = joined(this.#tail, shown.subarray(Math.max(0, shown.length - overlap)));
    this.#tail = end.subarray(Math.max(0, end.length - overlap));
    return NOT_FOUND;
  }

  #search(bytes: Uint8Array): number {
    const overBorder = joined(this.#tail, bytes.subarray(0, this.pattern.length - 1));
    const across = find(overBorder, this.pattern);
    if (across !== NOT_FOUND) return this.#taken - this.#tail.length + across;
    const within = find(bytes, this.pattern);
    return within === NOT_FOUND ? NOT_FOUND : this.#taken + within;
  }
}

function find({ buffer, byteOffset, length }: Uint8Array, pattern: Uint8Array): number {
  return bytesOfHost.Buffer.from(buffer, byteOffset, length).indexOf(pattern);
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
