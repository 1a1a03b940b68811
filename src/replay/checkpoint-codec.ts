import { toHex } from '../ports/bytes-text.js';
import { type ByteReader, type ByteWriter, FormatFault } from './byte-codec.js';
import type { ChecksumChain } from './checksum.js';
import { CHECKPOINT_NAMES, CHECKPOINT_WHOLE_STATE } from './format.js';
import { MOST_COMPONENTS, MOST_NAME_BYTES, MOST_STATE_BYTES } from './limits.js';
import type { Checkpoint } from './recording.js';

/** Every so many checkpoints the state is written whole, so that any one is found in few steps. */
const WHOLE_STATE_INTERVAL = 64;

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

/** What a checkpoint's chunk says, its digests as far as they are there. */
interface CheckpointContent {
  /** Absent: as in the checkpoint before. */
  readonly names: readonly string[] | undefined;
  /** One for each name; undefined: as in the checkpoint before. */
  readonly digests: readonly (string | undefined)[];
  /** Byte at which the state stands. */
  readonly at: number;
  readonly stateLength: number;
  readonly whole: boolean;
}

/** `from` stands behind the icount; `known` are the names that hold. Throws FormatFault. */
export function decodeCheckpoint(from: ByteReader, known: readonly string[]): CheckpointContent {
  const flags = from.u8();
  if (flags > 3) throw new FormatFault('it has wrong flags');
  const names = (flags & CHECKPOINT_NAMES) === 0 ? undefined : decodeNames(from);
  const all = names ?? known;
  const changed = from.raw(Math.ceil(all.length / 8));
  const digests = all.map((_, i) => {
    if ((changed[i >> 3] >> (i & 7)) & 1) return toHex(from.raw(8));
    if (names !== undefined) throw new FormatFault('a digest is missing in it');
    return undefined;
  });
  const at = from.offset;
  const whole = (flags & CHECKPOINT_WHOLE_STATE) !== 0;
  return { names, digests, at, stateLength: checkState(from), whole };
}

function decodeNames(from: ByteReader): readonly string[] {
  const count = from.varint();
  if (count > MOST_COMPONENTS) throw new FormatFault(`it has ${count} components`);
  return Array.from({ length: count }, () => from.text(MOST_NAME_BYTES));
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

export function decodeState(from: ByteReader, base: Uint8Array | undefined): Uint8Array {
  const length = from.varint();
  const state = base ? base.slice() : new Uint8Array(length);
  let at = 0;
  while (from.remaining > 0) {
    at += from.varint();
    for (const byte of from.block()) state[at++] ^= byte;
  }
  return state;
}
