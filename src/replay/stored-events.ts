import { ByteReader } from './byte-codec.js';
import type { Chunk, ChunkPlace } from './chunk-reader.js';
import { EventBlock, nextIcount, type PackedEvents, type SkimmedEvents, skimEvents } from './event-block.js';
import type { EventTally } from './event-tally.js';
import { InputLog, type StoredEvents } from './input-log.js';

/** A block of a file ends before it has more bytes of events, or spans more bytes of the file. */
const BLOCK_BYTES = 64 * 1024;
const BLOCK_SPAN = 1024 * 1024;

/** Some chunks of events of a file, the first of which stands at `place`. */
interface Block {
  readonly place: ChunkPlace;
  /** The icount before the first. */
  readonly base: number;
  readonly first: number;
  readonly icount: number;
  count: number;
  chunks: number;
  bytes: number;
}

/** Notes where a file's events stand; they are read again when they are asked for. */
export class StoredEventsReader {
  readonly #blocks: Block[] = [];
  #count = 0;
  #last = 0;

  constructor(readonly chunksFrom: (place: ChunkPlace) => Iterable<Chunk>) {}

  /** Icounts of the chunk's first and last event. Throws FormatFault, and then adds nothing. */
  add(
    { number, offset }: Chunk,
    bytes: Uint8Array,
    base: number,
    tally: EventTally | undefined,
  ): { readonly first: number; readonly last: number } {
    const { count, first, last } = skimEvents({ bytes, base }, tally);
    let block = this.#blocks.at(-1);
    if (
      block === undefined ||
      block.bytes + bytes.length > BLOCK_BYTES ||
      offset - block.place.offset > BLOCK_SPAN
    ) {
      block = {
        place: { number, offset },
        base,
        first: this.#count,
        icount: first,
        count: 0,
        chunks: 0,
        bytes: 0,
      };
      this.#blocks.push(block);
    }
    block.count += count;
    block.chunks++;
    block.bytes += bytes.length;
    this.#count += count;
    this.#last = last;
    return { first, last };
  }

  /** All of them. */
  log(): InputLog {
    const stored = this.#blocks.map(
      (block): StoredEvents => ({
        first: block.first,
        count: block.count,
        icount: block.icount,
        load: () => EventBlock.join(this.#parts(block)),
      }),
    );
    return InputLog.of(stored, this.#last);
  }

  *#parts({ place, base, chunks }: Block): Generator<PackedEvents & Pick<SkimmedEvents, 'last'>> {
    let icount = base;
    let left = chunks;
    for (const chunk of this.chunksFrom(place)) {
      if (chunk.type === 'events') {
        const part = { bytes: chunk.content(), base: icount };
        icount = skimEvents(part).last;
        yield { ...part, last: icount };
        // What comes behind may be damaged.
        if (--left === 0) return;
      } else if (chunk.type === 'checkpoint' || chunk.type === 'progress') {
        icount = nextIcount(new ByteReader(chunk.content()), icount);
      }
    }
  }
}
