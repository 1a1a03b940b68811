import type { BootImage, LoggedEvent } from '../machine/ports.js';
import { InputError } from '../state/input-error.js';
import { ByteReader, FormatFault } from './byte-codec.js';
import { CheckpointDecoder, checkChain } from './checkpoint-codec.js';
import { crc32 } from './checksum.js';
import { type Chunk, ChunkCursor } from './chunks.js';
import { decodeEnd } from './end-kinds.js';
import { decodeEvent } from './event-kinds.js';
import {
  type ChunkType,
  FILE_HEADER_BYTES,
  FORMAT_VERSION,
  MAGIC,
  OLDEST_VERSION,
  parseFileHeader,
} from './format.js';
import { MomentReader } from './moment-codec.js';
import {
  type Checkpoint,
  type RecordedExtra,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  startIcount,
} from './recording.js';
import { type HeaderContent, parseHeaderJson } from './recording-header.js';

export interface ReadOptions {
  /** What to call the file in messages. */
  readonly name?: string;
  /**
   * Damage behind the header ends the recording there, with `end.kind` `cut` and `end.damage`, instead of
   * being an error.
   */
  readonly tolerant?: boolean;
}

/**
 * Reads a whole recording. `bytes` must not change afterwards: checkpoints' states are read from them later.
 * Throws InputError, one line saying where and what, for what is not a recording, one of another version,
 * one cut within its header, and a damaged one.
 */
export function readRecording(bytes: Uint8Array, options: ReadOptions = {}): Recording {
  const name = options.name ?? 'recording';
  const file = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = checkFileHeader(file, name);

  const cursor = new ChunkCursor(file);
  const body = new BodyReader(cursor, version, name);
  let header: RecordingHeader | undefined;
  let chunk: Chunk | undefined;
  // Where the fault is: a chunk that was read, or the one that could not be.
  let offset = cursor.offset;
  let number = 0;
  try {
    const starting = new HeaderReader();
    for (;;) {
      offset = cursor.offset;
      number = cursor.number;
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
      body.icount = startIcount(header ?? {});
    }
  } catch (error) {
    if (!(error instanceof FormatFault || error instanceof InputError)) throw error;
    const type = chunk ? ` (${chunk.type})` : '';
    const damage = `damaged at byte ${offset}, chunk ${number}${type}: ${error.message}`;
    if (!header) throw new InputError(`${name}: ${damage}; nothing in it can be replayed`);
    if (!options.tolerant)
      throw new InputError(`${name}: ${damage}; what is before it, up to icount ${body.icount}, is intact`);
    return { header, ...body.finish(damage) };
  }
  if (!header) {
    throw new InputError(
      `${name}: cut at byte ${file.length}, within its header: nothing in it can be replayed`,
    );
  }
  return { header, ...body.finish() };
}

/** Returns the format's version. */
function checkFileHeader(file: Uint8Array, name: string): number {
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

/** Puts the header together from the first chunks. */
class HeaderReader {
  #content: HeaderContent | undefined;
  readonly #images: BootImage[] = [];
  #pieces: Uint8Array[] = [];
  #missing = 0;
  #start: MomentReader | undefined;

  add(chunk: Chunk): void {
    if (chunk.type !== this.#expected) throw new FormatFault('it comes too early');
    if (!this.#content) {
      const json = new TextDecoder().decode(chunk.content());
      this.#content = parseHeaderJson(json);
      this.#missing = this.#content.images[0]?.length ?? 0;
      const { start } = this.#content;
      if (start !== undefined) {
        const { pages, ...about } = start;
        this.#start = new MomentReader(about, pages);
      }
    } else if (chunk.type === 'state') {
      this.#start?.addState(chunk.content());
    } else if (chunk.type === 'pages') {
      this.#start?.addPages(chunk.content());
    } else {
      const piece = chunk.content();
      if (piece.length === 0 || piece.length > this.#missing)
        throw new FormatFault('its length does not fit the image');
      this.#pieces.push(piece);
      this.#missing -= piece.length;
    }
    this.#completeImages(this.#content);
  }

  /** The type of the next chunk. */
  get #expected(): ChunkType {
    if (!this.#content) return 'header';
    if (this.#images.length < this.#content.images.length) return 'image';
    return this.#start?.wantsState ? 'state' : 'pages';
  }

  /** The header, once all images are there, and the machine to start with if there is one. */
  finished(): RecordingHeader | undefined {
    const content = this.#content;
    if (!content || this.#images.length < content.images.length) return undefined;
    const start = this.#start?.finished();
    if (this.#start !== undefined && start === undefined) return undefined;
    const { config, writtenBy, layouts } = content;
    return {
      config,
      images: this.#images,
      writtenBy,
      ...(layouts === undefined ? {} : { layouts }),
      ...(start === undefined ? {} : { start }),
    };
  }

  #completeImages({ images }: HeaderContent): void {
    while (this.#images.length < images.length && this.#missing === 0) {
      const { name, disk, address, length } = images[this.#images.length];
      const bytes = new Uint8Array(length);
      let at = 0;
      for (const piece of this.#pieces) {
        bytes.set(piece, at);
        at += piece.length;
      }
      this.#images.push({ name, ...(disk === undefined ? {} : { disk }), address, bytes });
      this.#pieces = [];
      this.#missing = images[this.#images.length]?.length ?? 0;
    }
  }
}

/** Collects what follows the header. */
class BodyReader {
  /** All time up to here is covered. */
  icount = 0;
  readonly #events: LoggedEvent[] = [];
  readonly #checkpoints: Checkpoint[] = [];
  readonly #extras: RecordedExtra[] = [];
  readonly #decoder = new CheckpointDecoder();
  #end: RecordingEnd | undefined;

  constructor(
    readonly cursor: ChunkCursor,
    readonly version: number,
    readonly name: string,
  ) {}

  /** Adds all of a chunk or, throwing FormatFault, nothing. */
  add(chunk: Chunk): void {
    if (chunk.type === 'optional') {
      this.#extras.push({ type: chunk.typeNumber, content: chunk.content() });
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
      case 'events':
        this.#addEvents(from);
        return;
      case 'checkpoint': {
        const icount = this.#nextIcount(from, this.icount);
        const checkpoint = this.#decoder.decode(from, chunk, this.cursor.chain, icount);
        this.#checkpoints.push(checkpoint);
        this.icount = icount;
        return;
      }
      case 'progress': {
        const icount = this.#nextIcount(from, this.icount);
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

  finish(damage?: string): Omit<Recording, 'header'> {
    const cut = { kind: 'cut' as const, icount: this.icount, ...(damage === undefined ? {} : { damage }) };
    const end = damage === undefined && this.#end ? this.#end : cut;
    const extras = this.#extras.length === 0 ? {} : { extras: this.#extras };
    const file = { version: this.version, bytes: this.cursor.bytes.length, name: this.name };
    return { events: this.#events, checkpoints: this.#checkpoints, end, ...extras, file };
  }

  #addEvents(from: ByteReader): void {
    const events: LoggedEvent[] = [];
    let icount = this.icount;
    do {
      icount = this.#nextIcount(from, icount);
      events.push({ icount, event: decodeEvent(from) });
    } while (from.remaining > 0);
    while (this.#checkpoints.at(-1)?.icount === events[0].icount) this.#checkpoints.pop();
    for (const event of events) this.#events.push(event);
    this.icount = icount;
  }

  #addEnd(from: ByteReader): void {
    const icount = this.#nextIcount(from, this.icount);
    checkChain(from, this.cursor.chain);
    const end = decodeEnd(from, icount);
    from.finish();
    this.#end = end;
    this.icount = icount;
  }

  #nextIcount(from: ByteReader, icount: number): number {
    const next = icount + from.varint();
    if (!Number.isSafeInteger(next)) throw new FormatFault('an icount in it is too large');
    return next;
  }
}
