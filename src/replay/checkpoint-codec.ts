import { ByteReader, type ByteWriter, FormatFault, toHex } from './byte-codec.js';
import type { ChecksumChain } from './checksum.js';
import type { Chunk } from './chunks.js';
import { CHECKPOINT_NAMES, CHECKPOINT_WHOLE_STATE } from './format.js';
import type { Checkpoint } from './recording.js';

/** Every so many checkpoints the state is written whole, so that any one is found in few steps. */
const WHOLE_STATE_INTERVAL = 64;
/** Far above any machine's; a reader need not allocate whatever a file says. */
const MOST_STATE_BYTES = 64 * 1024 * 1024;

/** Writes checkpoints, each as a difference to the one before. */
export class CheckpointEncoder {
  #names: readonly string[] = [];
  #digests: readonly string[] = [];
  #state: Uint8Array = new Uint8Array(0);
  #count = 0;

  encode(out: ByteWriter, chain: ChecksumChain, checkpoint: Checkpoint): void {
    const entries = Object.entries(checkpoint.digests);
    const names = entries.map(([name]) => name);
    const digests = entries.map(([, digest]) => digest);
    for (const digest of digests) {
      if (!/^[0-9a-f]{16}$/.test(digest)) throw new RangeError(`not a digest of 16 hex digits: ${digest}`);
    }
    if (checkpoint.state.length > MOST_STATE_BYTES)
      throw new RangeError(`a state of ${checkpoint.state.length} bytes`);
    const named = this.#count === 0 || names.join('\n') !== this.#names.join('\n');
    const whole = this.#count % WHOLE_STATE_INTERVAL === 0 || checkpoint.state.length !== this.#state.length;

    encodeChain(out, chain);
    out.u8((named ? CHECKPOINT_NAMES : 0) | (whole ? CHECKPOINT_WHOLE_STATE : 0));
    if (named) {
      out.varint(names.length);
      for (const name of names) out.text(name);
    }
    const changed = digests.map((digest, i) => named || digest !== this.#digests[i]);
    for (let first = 0; first < changed.length; first += 8) {
      out.u8(changed.slice(first, first + 8).reduce((bits, bit, i) => bits | (bit ? 1 << i : 0), 0));
    }
    for (const [i, digest] of digests.entries()) {
      if (!changed[i]) continue;
      for (let at = 0; at < 16; at += 2) out.u8(Number.parseInt(digest.slice(at, at + 2), 16));
    }
    encodeState(out, checkpoint.state, whole ? undefined : this.#state);

    this.#names = names;
    this.#digests = digests;
    this.#state = checkpoint.state.slice();
    this.#count++;
  }
}

/**
 * Reads checkpoints. Digests are decoded at once; states, which would fill memory in a long recording, when
 * they are asked for. Asking in order costs one difference each, any other order at most 64.
 */
export class CheckpointDecoder {
  #names: readonly string[] = [];
  #digests: string[] = [];
  readonly #stored: { readonly chunk: Chunk; readonly at: number; readonly whole: boolean }[] = [];
  #stateLength = 0;
  #cached = -1;
  #cachedState: Uint8Array = new Uint8Array(0);

  /** `from` reads the chunk's content and stands behind the icount. Throws FormatFault. */
  decode(from: ByteReader, chunk: Chunk, chain: ChecksumChain, icount: number): Checkpoint {
    checkChain(from, chain);
    const flags = from.u8();
    const named = (flags & CHECKPOINT_NAMES) !== 0;
    const whole = (flags & CHECKPOINT_WHOLE_STATE) !== 0;
    const isFirst = this.#stored.length === 0;
    if (flags > 3 || (isFirst && flags !== 3)) throw new FormatFault('it has wrong flags');

    let names = this.#names;
    if (named) {
      const count = from.varint();
      if (count > from.remaining) throw new FormatFault('its content ends too early');
      names = Array.from({ length: count }, () => from.text());
    }
    const changed = from.raw(Math.ceil(names.length / 8));
    const digests = names.map((_, i) => {
      if ((changed[i >> 3] >> (i & 7)) & 1) return toHex(from.raw(8));
      if (named) throw new FormatFault('a digest is missing in it');
      return this.#digests[i];
    });
    const at = from.offset;
    const length = checkState(from);
    if (!whole && length !== this.#stateLength) throw new FormatFault('its state has another size');

    this.#names = names;
    this.#digests = digests;
    this.#stateLength = length;
    const index = this.#stored.push({ chunk, at, whole }) - 1;
    const state = () => this.#stateAt(index);
    return {
      icount,
      digests: Object.fromEntries(names.map((name, i) => [name, digests[i]])),
      get state() {
        return state();
      },
    };
  }

  #stateAt(index: number): Uint8Array {
    let next = index;
    while (!this.#stored[next].whole && next !== this.#cached + 1) next--;
    if (index === this.#cached) next = index + 1;
    for (; next <= index; next++) {
      const { chunk, at, whole } = this.#stored[next];
      const from = new ByteReader(chunk.content());
      from.offset = at;
      this.#cachedState = decodeState(from, whole ? undefined : this.#cachedState);
      this.#cached = next;
    }
    return this.#cachedState;
  }
}

export function encodeChain(out: ByteWriter, chain: ChecksumChain): void {
  out.u32(chain.low);
  out.u32(chain.high);
}

/** Throws FormatFault when a chunk before this one is not the one that was written. */
export function checkChain(from: ByteReader, chain: ChecksumChain): void {
  if (from.u32() !== chain.low || from.u32() !== chain.high)
    throw new FormatFault('chunks before it are not those that were recorded');
}

/** Runs of bytes that differ; a single equal byte between two runs costs less than a new run. */
function encodeState(out: ByteWriter, state: Uint8Array, base: Uint8Array | undefined): void {
  const { length } = state;
  const words = wordsOf(state);
  const baseWords = base && wordsOf(base);
  const differs = (at: number) => at < length && state[at] !== (base ? base[at] : 0);
  /** Most of a state is as it was: whole words of that are passed at once. */
  const nextDifference = (from: number) => {
    let at = from;
    while (at < length) {
      if ((at & 3) === 0 && at + 4 <= length && words[at >>> 2] === (baseWords ? baseWords[at >>> 2] : 0))
        at += 4;
      else if (differs(at)) break;
      else at++;
    }
    return at;
  };
  out.varint(length);
  let written = 0;
  for (let start = nextDifference(0); start < length; start = nextDifference(written)) {
    let end = start + 1;
    while (differs(end) || differs(end + 1)) end++;
    out.varint(start - written);
    out.varint(end - start);
    for (let at = start; at < end; at++) out.u8(base ? state[at] ^ base[at] : state[at]);
    written = end;
  }
}

/** Its whole words. */
const wordsOf = (bytes: Uint8Array) =>
  bytes.byteOffset % 4 === 0
    ? new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2)
    : new Uint32Array(bytes.slice().buffer, 0, bytes.length >>> 2);

/** Goes over an encoded state without building it; returns the state's length. Throws FormatFault. */
function checkState(from: ByteReader): number {
  const length = from.varint();
  if (length > MOST_STATE_BYTES) throw new FormatFault('its state has an impossible size');
  let at = 0;
  while (from.remaining > 0) {
    at += from.varint();
    const run = from.varint();
    at += run;
    if (run === 0 || at > length) throw new FormatFault('its state has a wrong size');
    from.skip(run);
  }
  return length;
}

function decodeState(from: ByteReader, base: Uint8Array | undefined): Uint8Array {
  const length = from.varint();
  const state = base ? base.slice() : new Uint8Array(length);
  let at = 0;
  while (from.remaining > 0) {
    at += from.varint();
    for (const byte of from.block()) state[at++] ^= byte;
  }
  return state;
}
