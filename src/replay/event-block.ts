import type { LoggedEvent } from '../ports/input-event.js';
import { ByteReader, ByteWriter, FormatFault } from './byte-codec.js';
import { decodeEvent, skipEvent } from './event-codec.js';
import type { EventTally } from './event-tally.js';

/** Within a block, every so many events their place is known; those between are found from it. */
const MARK_INTERVAL = 64;

/** Consecutive events as they stand in a chunk: each an icount delta, a kind and fields. */
export interface PackedEvents {
  readonly bytes: Uint8Array;
  /** The icount that the first delta is counted from. */
  readonly base: number;
}

const NOTHING = new Uint8Array(0);

/** Reads an event's bytes without copying them: for who only wants to know where it ends. */
class Skimmer extends ByteReader {
  override raw(length: number): Uint8Array {
    this.skip(length);
    return NOTHING;
  }
}

/** The next icount. Throws FormatFault. */
export function nextIcount(from: ByteReader, icount: number): number {
  const next = icount + from.varint();
  if (!Number.isSafeInteger(next)) throw new FormatFault('an icount in it is too large');
  return next;
}

/** What one pass over packed events tells. */
export interface SkimmedEvents {
  readonly count: number;
  /** Icounts of the first and the last. */
  readonly first: number;
  readonly last: number;
}

/** Goes over packed events without keeping them, and counts them for a tally; throws FormatFault for what are none. */
export function skimEvents({ bytes, base }: PackedEvents, tally?: EventTally): SkimmedEvents {
  const from = new Skimmer(bytes);
  let icount = nextIcount(from, base);
  const first = icount;
  for (let count = 1; ; count++) {
    const { offset } = from;
    const kind = skipEvent(from);
    if (tally !== undefined) {
      tally.count(kind);
      if (kind === 'warp') {
        from.offset = offset;
        const event = decodeEvent(from);
        if (event.kind === 'warp') tally.warp(icount, event.ns);
      }
    }
    if (from.remaining === 0) return { count, first, last: icount };
    icount = nextIcount(from, icount);
  }
}

/** Packed events that can be asked for by index. */
export class EventBlock {
  readonly #from: ByteReader;
  /** Of each event whose index is a multiple of MARK_INTERVAL: where it stands, and the icount before it. */
  readonly #offsets: number[] = [];
  readonly #icounts: number[] = [];
  #index = 0;
  #icount: number;

  constructor({ bytes, base }: PackedEvents) {
    this.#from = new ByteReader(bytes);
    this.#icount = base;
    this.#mark();
  }

  /** Puts packed events together that stand in several chunks. */
  static join(parts: Iterable<PackedEvents & Pick<SkimmedEvents, 'last'>>): EventBlock {
    const joined = new ByteWriter();
    let base: number | undefined;
    let last = 0;
    for (const part of parts) {
      base ??= part.base;
      const from = new ByteReader(part.bytes);
      const first = nextIcount(from, part.base);
      joined.varint(first - (joined.length === 0 ? part.base : last));
      joined.raw(part.bytes.subarray(from.offset));
      last = part.last;
    }
    return new EventBlock({ bytes: joined.take(), base: base ?? 0 });
  }

  /** The event with this index, which the block has. */
  at(index: number): LoggedEvent {
    this.#goTo(index);
    const from = this.#from;
    this.#icount = nextIcount(from, this.#icount);
    const logged = { icount: this.#icount, event: decodeEvent(from) };
    this.#index++;
    this.#mark();
    return logged;
  }

  #goTo(index: number): void {
    const mark = Math.min(Math.floor(index / MARK_INTERVAL), this.#offsets.length - 1);
    if (index < this.#index || mark * MARK_INTERVAL > this.#index) {
      this.#index = mark * MARK_INTERVAL;
      this.#from.offset = this.#offsets[mark];
      this.#icount = this.#icounts[mark];
    }
    while (this.#index < index) this.at(this.#index);
  }

  #mark(): void {
    if (this.#index !== this.#offsets.length * MARK_INTERVAL) return;
    this.#offsets.push(this.#from.offset);
    this.#icounts.push(this.#icount);
  }
}
