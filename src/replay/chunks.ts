import { constants, deflateSync, inflateSync } from 'node:zlib';
import { ByteReader, ByteWriter, FormatFault } from './byte-codec.js';
import { ChecksumChain } from './checksum.js';
import {
  CHUNK_TYPES,
  type ChunkType,
  COMPRESSED,
  chunkChecksum,
  chunkHeaderBytes,
  chunkTypeName,
  encodeChunk,
  encodeFileHeader,
  FILE_HEADER_BYTES,
  headerCheck,
  isOptionalType,
  OPTIONAL_PIECE_BYTES,
  parseChunkHeader,
  TYPE_FLAGS,
} from './format.js';
import type { ByteSink } from './recording.js';

/** Below this many bytes a zlib stream is never worth its own overhead. */
const LEAST_TO_COMPRESS = 32;
/** Above this many bytes (boot images) speed counts for more than the last percents. */
const MOST_TO_COMPRESS_WELL = 256 * 1024;
/** Registers and digests, which repeat little: chance matches of a few bytes cost more than they save. */
const MOST_OF_A_CHECKPOINT = 1024;
/** Deflate cannot do better: RFC 1951's longest match costs at least two bits. */
const MOST_EXPANSION = 1032;

/** Appends checked, compressed chunks to a sink. */
export class ChunkWriter {
  readonly chain = new ChecksumChain();
  bytesWritten = 0;
  #number = 0;

  constructor(readonly sink: ByteSink) {
    this.#append(encodeFileHeader());
  }

  write(type: ChunkType, content: Uint8Array, compressing = true): void {
    this.#write(CHUNK_TYPES[type], content, compressing);
  }

  /** `type` is one of those that a reader may pass over. Throws RangeError for others, and for what is too long. */
  writeOptional(type: number, content: Uint8Array): void {
    if (!isOptionalType(type)) throw new RangeError(`chunk type ${type} is not optional`);
    if (content.length > OPTIONAL_PIECE_BYTES) throw new RangeError(`a chunk of ${content.length} bytes`);
    this.#write(type, content, true);
  }

  #write(type: number, content: Uint8Array, compressing: boolean): void {
    const packed = compressing ? compress(content) : undefined;
    const code = type | (packed ? COMPRESSED : 0);
    const chunk = encodeChunk(this.#number++, code, packed ?? content);
    this.chain.add(parseChunkHeader(chunk).checksum);
    this.#append(chunk);
  }

  #append(bytes: Uint8Array): void {
    this.sink.append(bytes);
    this.bytesWritten += bytes.length;
  }
}

function compress(content: Uint8Array): Uint8Array | undefined {
  if (content.length < LEAST_TO_COMPRESS) return undefined;
  const out = new ByteWriter();
  out.varint(content.length);
  const { length } = content;
  out.raw(
    deflateSync(content, {
      level: length > MOST_TO_COMPRESS_WELL ? 1 : 9,
      strategy: length > MOST_OF_A_CHECKPOINT ? constants.Z_DEFAULT_STRATEGY : constants.Z_FILTERED,
    }),
  );
  return out.length < content.length ? out.take() : undefined;
}

/** One chunk whose checksum is right. */
export class Chunk {
  constructor(
    readonly type: ChunkType | 'optional',
    /** The type's number. */
    readonly typeNumber: number,
    /** Its place in the file, from 0. */
    readonly number: number,
    /** Where its header starts in the file. */
    readonly offset: number,
    readonly compressed: boolean,
    readonly stored: Uint8Array,
  ) {}

  /** Decompresses at each call. Throws FormatFault. */
  content(): Uint8Array {
    if (!this.compressed) return this.stored;
    const from = new ByteReader(this.stored);
    const length = from.varint();
    if (length > from.remaining * MOST_EXPANSION) throw new FormatFault('its content has an impossible size');
    let content: Uint8Array;
    try {
      const stream = this.stored.subarray(from.offset);
      const { buffer, byteOffset, byteLength } = inflateSync(stream, {
        maxOutputLength: Math.max(length, 1),
      });
      content = new Uint8Array(buffer, byteOffset, byteLength);
    } catch {
      throw new FormatFault('it cannot be decompressed');
    }
    if (content.length !== length) throw new FormatFault('its content is shorter than it says');
    return content;
  }
}

/** Goes through a file's chunks, checking each. */
export class ChunkCursor {
  /** Of the chunks before the one last returned. */
  readonly chain = new ChecksumChain();
  /** Where the next chunk starts. */
  offset = FILE_HEADER_BYTES;
  number = 0;
  #checksum: number | undefined;

  constructor(readonly bytes: Uint8Array) {}

  /** True when the file stops within a chunk. */
  get cut(): boolean {
    return this.offset < this.bytes.length;
  }

  /** The next chunk, or undefined at the end of the file or where it was cut. Throws FormatFault for damage. */
  next(): Chunk | undefined {
    if (this.#checksum !== undefined) this.chain.add(this.#checksum);
    this.#checksum = undefined;
    const { bytes, offset, number } = this;
    if (offset === bytes.length) return undefined;
    const start = offset + chunkHeaderBytes(bytes[offset]);
    if (start > bytes.length) return undefined;
    const headerBytes = bytes.subarray(offset, start);
    const header = parseChunkHeader(headerBytes);
    if (header.check !== headerCheck(number, headerBytes))
      throw this.#fault('its header has a wrong checksum');
    if (start + header.length > bytes.length) return undefined;
    const stored = bytes.subarray(start, start + header.length);
    if (header.checksum !== chunkChecksum(number, headerBytes, stored))
      throw this.#fault('it has a wrong checksum');
    const type = chunkTypeName(header.type);
    if (!type) throw new FormatFault(`it has the unknown type ${header.type & ~TYPE_FLAGS}`);
    this.#checksum = header.checksum;
    this.offset = start + header.length;
    this.number++;
    return new Chunk(
      type,
      header.type & ~TYPE_FLAGS,
      number,
      offset,
      (header.type & COMPRESSED) !== 0,
      stored,
    );
  }

  /** Tells a chunk that belongs elsewhere from one that is damaged. */
  #fault(what: string): FormatFault {
    const { bytes, offset, number } = this;
    const start = offset + chunkHeaderBytes(bytes[offset]);
    const headerBytes = bytes.subarray(offset, start);
    const header = parseChunkHeader(headerBytes);
    for (let other = Math.max(0, number - 1000); other < number + 1000; other++) {
      if (header.check !== headerCheck(other, headerBytes)) continue;
      const stored = bytes.subarray(start, start + header.length);
      if (header.checksum !== chunkChecksum(other, headerBytes, stored)) continue;
      return new FormatFault(`chunk ${other} stands in its place: chunks are missing or out of order`);
    }
    return new FormatFault(what);
  }
}
