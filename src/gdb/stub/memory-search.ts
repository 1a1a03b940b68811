/** Finds bytes in memory that comes in pieces. */

import bytesOfHost from 'node:buffer';
import type { MemoryPiece } from '../../timeline/debug-target.js';

/**
 * The host searches at its own speed, but may compare a whole pattern at each byte: a longer one is searched for in a
 * time that does not depend on what repeats in it.
 */
const LONGEST_FOR_HOST = 32;

const NOT_FOUND = Number.NEGATIVE_INFINITY;

/** Finds a pattern in what comes in parts. */
interface PartSearch {
  /** Where it begins, counted from the first byte of this part: below 0 when in one before it. */
  take(bytes: Uint8Array): number;
}

/** Takes pieces in order and finds a pattern in them, also where it lies over their borders. */
export class PieceSearch {
  readonly #search: PartSearch;
  readonly #enough: number;
  /** Bytes taken so far. */
  #taken = 0;

  constructor(pattern: Uint8Array) {
    this.#search = pattern.length > LONGEST_FOR_HOST ? new LinearSearch(pattern) : new HostSearch(pattern);
    this.#enough = pattern.length;
  }

  /** Where the pattern begins, counted from the first byte taken; -1 when it does not end in what was taken. */
  take({ length, bytes }: MemoryPiece): number {
    // Of many zeros, as many as the pattern is long hold any part of it.
    const found = this.#search.take(bytes ?? new Uint8Array(Math.min(length, this.#enough)));
    if (found !== NOT_FOUND) return this.#taken + found;
    this.#taken += length;
    return -1;
  }
}

class HostSearch implements PartSearch {
  /** The end of what was taken, too short for the pattern; it may begin there. */
  #tail = new Uint8Array(0);

  constructor(readonly pattern: Uint8Array) {}

  take(bytes: Uint8Array): number {
    const { pattern } = this;
    const overlap = pattern.length - 1;
    const across = find(joined(this.#tail, bytes.subarray(0, overlap)), pattern);
    if (across >= 0) return across - this.#tail.length;
    const within = find(bytes, pattern);
    if (within >= 0) return within;
    const end = joined(this.#tail, bytes.subarray(Math.max(0, bytes.length - overlap)));
    this.#tail = end.subarray(Math.max(0, end.length - overlap));
    return NOT_FOUND;
  }
}

/** Knuth, Morris and Pratt's: each byte is looked at once. */
class LinearSearch implements PartSearch {
  /** Of each beginning of the pattern: how long its longest end is that the pattern also begins with. */
  readonly #borders: Int32Array;
  /** So much of the pattern's beginning ends what was taken. */
  #matched = 0;

  constructor(readonly pattern: Uint8Array) {
    this.#borders = new Int32Array(pattern.length);
    for (let i = 1, length = 0; i < pattern.length; i++) {
      while (length > 0 && pattern[i] !== pattern[length]) length = this.#borders[length - 1];
      if (pattern[i] === pattern[length]) length++;
      this.#borders[i] = length;
    }
  }

  take(bytes: Uint8Array): number {
    const { pattern } = this;
    const borders = this.#borders;
    let matched = this.#matched;
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at];
      while (matched > 0 && byte !== pattern[matched]) matched = borders[matched - 1];
      if (byte === pattern[matched]) matched++;
      if (matched === pattern.length) return at + 1 - matched;
    }
    this.#matched = matched;
    return NOT_FOUND;
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
