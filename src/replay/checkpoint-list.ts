import { ByteReader, FormatFault } from './byte-codec.js';
import { checkChain, decodeCheckpoint, decodeState } from './checkpoint-codec.js';
import type { ChecksumChain } from './checksum.js';
import type { Chunk, ChunkPlace } from './chunk-reader.js';
import { MOST_BETWEEN_WHOLE, MOST_CHECKPOINTS } from './limits.js';
import type { Checkpoint } from './recording.js';
import type { Sequence } from './sequence.js';

/** Every so many checkpoints the digests are held; those between are read from the file. */
const HELD_INTERVAL = 64;

/** Names and digests as they are after a checkpoint. */
interface Digests {
  readonly names: readonly string[];
  readonly digests: readonly string[];
}

const NONE: Digests = { names: [], digests: [] };

/** Where a checkpoint stands. */
interface Place extends ChunkPlace {
  readonly icount: number;
  readonly whole: boolean;
}

/**
 * The checkpoints of a file: each is a difference to the one before, and read when it is asked for. Asking in order
 * costs one difference each; any other order as many as there are to the last one that is held or whole.
 */
export class CheckpointList implements Sequence<Checkpoint> {
  /** All that stand in the file, for the sake of the differences. */
  readonly #places: Place[] = [];
  /** Indices of those that hold: see format.ts about void ones. */
  readonly #valid: number[] = [];
  /** After each checkpoint whose index is a multiple of HELD_INTERVAL. */
  readonly #held: Digests[] = [];
  #last: Digests = NONE;
  #stateLength = 0;
  #sinceWhole = 0;
  #shown = { index: -1, digests: NONE };
  #state: { readonly index: number; readonly bytes: Uint8Array } = { index: -1, bytes: new Uint8Array(0) };

  /** `contentOf` reads a chunk again, and throws InputError when that fails. */
  constructor(readonly contentOf: (place: ChunkPlace) => Uint8Array) {}

  get length(): number {
    return this.#valid.length;
  }

  /** Adds what `from` reads, which stands behind the icount. Throws FormatFault. */
  add(from: ByteReader, { number, offset }: Chunk, chain: ChecksumChain, icount: number): void {
    checkChain(from, chain);
    const isFirst = this.#places.length === 0;
    const { names, digests, stateLength, whole } = decodeCheckpoint(from, this.#last.names);
    if (isFirst && (names === undefined || !whole)) throw new FormatFault('it has wrong flags');
    if (!whole && stateLength !== this.#stateLength) throw new FormatFault('its state has another size');
    if (this.#places.length === MOST_CHECKPOINTS)
      throw new FormatFault(`it is one of more than ${MOST_CHECKPOINTS} checkpoints`);
    this.#last = after(this.#last, names, digests);
    this.#stateLength = stateLength;
    const index = this.#places.push({ number, offset, icount, whole }) - 1;
    this.#sinceWhole = whole ? 0 : this.#sinceWhole + 1;
    if (this.#sinceWhole > MOST_BETWEEN_WHOLE)
      throw new FormatFault('its state is a difference to too many before it');
    if (index % HELD_INTERVAL === 0) this.#held.push(this.#last);
    this.#valid.push(index);
  }

  /** Inputs of this icount follow: its checkpoints are void. */
  dropAt(icount: number): void {
    while (this.icountAt(this.length - 1) === icount) this.#valid.pop();
  }

  icountAt(index: number): number | undefined {
    return this.#places[this.#valid[index]]?.icount;
  }

  at(index: number): Checkpoint | undefined {
    const stored = this.#valid[index < 0 ? this.length + index : index];
    if (stored === undefined) return undefined;
    const { icount } = this.#places[stored];
    const { names, digests } = this.#digestsOf(stored);
    const state = () => this.#stateOf(stored);
    return {
      icount,
      digests: Object.fromEntries(names.map((name, i) => [name, digests[i]])),
      get state() {
        return state();
      },
    };
  }

  *[Symbol.iterator](): Iterator<Checkpoint> {
    for (let index = 0; index < this.length; index++) yield this.at(index)!;
  }

  #digestsOf(index: number): Digests {
    const held = Math.floor(index / HELD_INTERVAL);
    const near = this.#shown.index <= index && this.#shown.index >= held * HELD_INTERVAL;
    let { index: at, digests } = near
      ? this.#shown
      : { index: held * HELD_INTERVAL, digests: this.#held[held] };
    while (at < index) {
      const content = decodeCheckpoint(this.#reader(++at), digests.names);
      digests = after(digests, content.names, content.digests);
    }
    this.#shown = { index, digests };
    return digests;
  }

  #stateOf(index: number): Uint8Array {
    let at = index;
    while (!this.#places[at].whole && at - 1 !== this.#state.index && at !== this.#state.index) at--;
    let bytes = this.#state.bytes;
    for (at = at === this.#state.index ? at + 1 : at; at <= index; at++) {
      const { names } = this.#digestsOf(at);
      const from = this.#reader(at);
      const content = decodeCheckpoint(from, names);
      from.offset = content.at;
      bytes = decodeState(from, content.whole ? undefined : bytes);
    }
    this.#state = { index, bytes };
    return bytes;
  }

  /** Reads a checkpoint from its flags on. */
  #reader(index: number): ByteReader {
    const from = new ByteReader(this.contentOf(this.#places[index]));
    from.varint();
    from.skip(8);
    return from;
  }
}

function after(
  before: Digests,
  names: readonly string[] | undefined,
  digests: readonly (string | undefined)[],
): Digests {
  return {
    names: names ?? before.names,
    digests: digests.map((digest, i) => digest ?? before.digests[i]),
  };
}
