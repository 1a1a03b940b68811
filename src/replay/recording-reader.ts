import { InputError } from '../state/input-error.js';
import { BodyReader } from './body-reader.js';
import { FormatFault } from './byte-codec.js';
import { type ByteSource, bytesAsSource } from './byte-source.js';
import { crc32 } from './checksum.js';
import { type Chunk, ChunkCursor, type ChunkPlace } from './chunk-reader.js';
import { FILE_HEADER_BYTES, FORMAT_VERSION, MAGIC, OLDEST_VERSION, parseFileHeader } from './format.js';
import { HeaderReader } from './header-reader.js';
import type { Recording, RecordingHeader } from './recording.js';

export interface ReadOptions {
  /** What to call the file in messages. */
  readonly name?: string;
  /**
   * Damage behind the header ends the recording there, with `end.kind` `cut` and `end.damage`, instead of
   * being an error.
   */
  readonly tolerant?: boolean;
  /** For whoever reads that error: how to have what is before the damage. */
  readonly hint?: string;
}

/**
 * Goes over a whole recording. Its bytes must not change afterwards: what is large - images, pages, events,
 * checkpoints - is read from them when it is asked for. Throws InputError, one line saying where and what, for what is
 * not a recording, one of another version, one cut within its header, and a damaged one.
 */
export function readRecording(bytes: Uint8Array | ByteSource, options: ReadOptions = {}): Recording {
  const name = options.name ?? 'recording';
  const source = bytes instanceof Uint8Array ? bytesAsSource(bytes) : bytes;
  const version = checkFileHeader(source, name);
  const file = { version, bytes: source.size, name };

  const again = new ChunksAgain(source, name);
  const contentOf = (place: ChunkPlace) => again.contentOf(place);
  const cursor = new ChunkCursor(source);
  const body = new BodyReader(cursor, contentOf, place => again.chunksFrom(place));
  let header: RecordingHeader | undefined;
  let chunk: Chunk | undefined;
  // Where the fault is: a chunk that was read, or the one that could not be.
  let { offset, number } = cursor;
  try {
    const starting = new HeaderReader(contentOf);
    for (;;) {
      ({ offset, number } = cursor);
      chunk = undefined;
      chunk = cursor.next();
      if (!chunk) {
        if (cursor.cut) body.cutHere();
        break;
      }
      if (header) body.add(chunk);
      else starting.add(chunk);
      if (header) continue;
      header = starting.finished();
      if (header) body.begin(header);
    }
  } catch (error) {
    if (!(error instanceof FormatFault || error instanceof InputError)) throw error;
    const damage = damageAt({ offset, number }, chunk, error);
    if (!header) throw new InputError(`${name}: ${damage}; nothing in it can be replayed`);
    if (!options.tolerant)
      throw new InputError(
        `${name}: ${damage}; what is before it, up to icount ${body.icount}, is intact${options.hint ?? ''}`,
      );
    return { header, ...body.finish(damage), file };
  }
  if (!header) {
    throw new InputError(
      `${name}: cut at byte ${source.size}, within its header: nothing in it can be replayed`,
    );
  }
  return { header, ...body.finish(), file };
}

function damageAt({ offset, number }: ChunkPlace, chunk: Chunk | undefined, { message }: Error): string {
  return `damaged at byte ${offset}, chunk ${number}${chunk ? ` (${chunk.type})` : ''}: ${message}`;
}

/** Chunks that were found good once, read again. */
class ChunksAgain {
  constructor(
    readonly source: ByteSource,
    readonly name: string,
  ) {}

  contentOf(place: ChunkPlace): Uint8Array {
    for (const chunk of this.chunksFrom(place)) return this.#sound(place, chunk, () => chunk.content());
    throw new InputError(`${this.name}: changed while it was read, at byte ${place.offset}`);
  }

  *chunksFrom(place: ChunkPlace): Generator<Chunk> {
    const cursor = new ChunkCursor(this.source, place);
    for (;;) {
      const { offset, number } = cursor;
      const chunk = this.#sound({ offset, number }, undefined, () => cursor.next());
      if (chunk === undefined) return;
      yield chunk;
    }
  }

  #sound<T>(place: ChunkPlace, chunk: Chunk | undefined, body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (!(error instanceof FormatFault)) throw error;
      throw new InputError(`${this.name}: ${damageAt(place, chunk, error)}`);
    }
  }
}

/** Returns the format's version. */
function checkFileHeader(source: ByteSource, name: string): number {
  const file = source.read(0, Math.min(source.size, FILE_HEADER_BYTES));
  const starts = (length: number) => MAGIC.subarray(0, length).every((byte, i) => file[i] === byte);
  if (file.length < FILE_HEADER_BYTES && file.length > 0 && starts(Math.min(file.length, MAGIC.length)))
    throw new InputError(
      `${name}: cut at byte ${file.length}, within its header: nothing in it can be replayed`,
    );
  if (!starts(MAGIC.length)) {
    const what = file.length === 0 ? 'it is empty' : 'it does not start with the signature of one';
    throw new InputError(`${name}: not a backstub recording: ${what}`);
  }
  const { version, checksum } = parseFileHeader(file);
  if (checksum !== crc32(file.subarray(0, FILE_HEADER_BYTES - 4)))
    throw new InputError(`${name}: damaged at byte 8: the file header has a wrong checksum`);
  if (version < OLDEST_VERSION || version > FORMAT_VERSION) {
    throw new InputError(
      `${name}: recording format version ${version}, but this backstub reads versions ${OLDEST_VERSION} to ${FORMAT_VERSION}: use the backstub that wrote it`,
    );
  }
  return version;
}
