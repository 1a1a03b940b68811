import { ByteReader, FormatFault } from './byte-codec.js';
import { checkChain } from './checkpoint-codec.js';
import { CheckpointList } from './checkpoint-list.js';
import type { Chunk, ChunkCursor, ChunkPlace } from './chunk-reader.js';
import { decodeEnd } from './end-kinds.js';
import { nextIcount } from './event-block.js';
import { EventTally } from './event-tally.js';
import { MOST_EXTRAS } from './limits.js';
import {
  type RecordedExtra,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  startIcount,
} from './recording.js';
import { StoredEventsReader } from './stored-events.js';

/** Goes over what follows the header, and notes where in the file it stands. */
export class BodyReader {
  /** All time up to here is covered. */
  icount = 0;
  #tally: EventTally | undefined;
  readonly #events: StoredEventsReader;
  readonly #checkpoints: CheckpointList;
  readonly #extras: RecordedExtra[] = [];
  #end: RecordingEnd | undefined;

  /** `contentOf` reads a chunk again, and throws InputError when that fails. */
  constructor(
    readonly cursor: ChunkCursor,
    readonly contentOf: (place: ChunkPlace) => Uint8Array,
    chunksFrom: (place: ChunkPlace) => Iterable<Chunk>,
  ) {
    this.#events = new StoredEventsReader(chunksFrom);
    this.#checkpoints = new CheckpointList(contentOf);
  }

  /** The header is whole. */
  begin(header: RecordingHeader): void {
    this.icount = startIcount(header);
    this.#tally = new EventTally(header);
  }

  /** Adds all of a chunk or, throwing FormatFault, nothing. */
  add(chunk: Chunk): void {
    if (chunk.type === 'optional') {
      this.#addExtra(chunk);
      return;
    }
    if (this.#end) throw new FormatFault('it follows the end mark');
    const from = new ByteReader(chunk.content());
    switch (chunk.type) {
      case 'header':
      case 'image':
      case 'state':
      case 'pages':
        throw new FormatFault('it comes too late');
      case 'events': {
        const { first, last } = this.#events.add(chunk, from.bytes, this.icount, this.#tally);
        this.#checkpoints.dropAt(first);
        this.icount = last;
        return;
      }
      case 'checkpoint': {
        const icount = nextIcount(from, this.icount);
        this.#checkpoints.add(from, chunk, this.cursor.chain, icount);
        this.icount = icount;
        return;
      }
      case 'progress': {
        const icount = nextIcount(from, this.icount);
        from.finish();
        this.icount = icount;
        return;
      }
      case 'end':
        this.#addEnd(from);
        return;
    }
  }

  /** The file stops within a chunk. */
  cutHere(): void {
    if (this.#end) throw new FormatFault('it follows the end mark');
  }

  finish(damage?: string): Omit<Recording, 'header' | 'file'> {
    const cut = { kind: 'cut' as const, icount: this.icount, ...(damage === undefined ? {} : { damage }) };
    const end = damage === undefined && this.#end ? this.#end : cut;
    const extras = this.#extras.length === 0 ? {} : { extras: this.#extras };
    const tally = this.#tally === undefined ? {} : { tally: this.#tally };
    return { events: this.#events.log(), checkpoints: this.#checkpoints, end, ...extras, ...tally };
  }

  #addExtra(chunk: Chunk): void {
    if (this.#extras.length === MOST_EXTRAS)
      throw new FormatFault(`it is one of more than ${MOST_EXTRAS} optional chunks`);
    chunk.content();
    const [{ typeNumber: type, number, offset }, { contentOf }] = [chunk, this];
    this.#extras.push({
      type,
      get content() {
        return contentOf({ number, offset });
      },
    });
  }

  #addEnd(from: ByteReader): void {
    const icount = nextIcount(from, this.icount);
    checkChain(from, this.cursor.chain);
    const end = decodeEnd(from, icount);
    from.finish();
    this.#end = end;
    this.icount = icount;
  }
}
