import { inflateSync } from 'node:zlib';
import { ByteReader, FormatFault } from './byte-codec.js';
import type { ByteSource } from './byte-source.js';
import { ChecksumChain } from './checksum.js';
import {
  type ChunkHeader,
  type ChunkType,
  COMPRESSED,
  chunkChecksum,
  chunkHeaderBytes,
  chunkTypeName,
  FILE_HEADER_BYTES,
  headerCheck,
  parseChunkHeader,
  TYPE_FLAGS,
} from './format.js';
import { MOST_CONTENT } from './limits.js';

/** Deflate cannot do better: RFC 1951's longest match costs at least two bits. */
const MOST_EXPANSION = 1032;
/** Bytes before the content of a compressed payload, at most, and what zlib adds to what it cannot compress. */
const MOST_OVERHEAD = 1024;
/** A chunk's header is never longer. */
const MOST_HEADER_BYTES = 11;

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

  /** Bytes of content, as the chunk says. Throws FormatFault. */
  contentLength(): number {
    return this.compressed ? new ByteReader(this.stored).varint() : this.stored.length;
  }

  /** Decompresses at each call. Throws FormatFault. */
  content(): Uint8Array {
    if (!this.compressed) {
      if (this.stored.length > MOST_CONTENT[this.type]) throw tooLong(this.stored.length, this.type);
      return this.stored;
    }
    const from = new ByteReader(this.stored);
    const length = from.varint();
    if (length > from.remaining * MOST_EXPANSION) throw new FormatFault('its content has an impossible size');
    if (length > MOST_CONTENT[this.type]) throw tooLong(length, this.type);
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

/** Where a chunk stands, so that it can be read again. */
export interface ChunkPlace {
  readonly number: number;
  readonly offset: number;
}

/** Goes through a file's chunks, checking each. */
export class ChunkCursor {
  /** Of the chunks before the one last returned. */
  readonly chain = new ChecksumChain();
  /** Where the next chunk starts. */
  offset: number;
  number: number;
  #checksum: number | undefined;

  constructor(
    readonly source: ByteSource,
    from: ChunkPlace = { number: 0, offset: FILE_HEADER_BYTES },
  ) {
    this.offset = from.offset;
    this.number = from.number;
  }

  /** True when the file stops within a chunk. */
  get cut(): boolean {
    return this.offset < this.source.size;
  }

  /** The next chunk, or undefined at the end of the file or where it was cut. Throws FormatFault for damage. */
  next(): Chunk | undefined {
    if (this.#checksum !== undefined) this.chain.add(this.#checksum);
    this.#checksum = undefined;
    const { offset, number } = this;
    const headerBytes = this.#header();
    if (headerBytes === undefined) return undefined;
    const header = parseChunkHeader(headerBytes);
    if (header.check !== headerCheck(number, headerBytes))
      throw this.#fault(headerBytes, header, 'its header has a wrong checksum');
    const type = chunkTypeName(header.type);
    if (type !== undefined && header.length > MOST_CONTENT[type] + MOST_OVERHEAD)
      throw tooLong(header.length, type);
    const stored = this.#stored(headerBytes, header.length);
    if (stored === undefined) return undefined;
    if (header.checksum !== chunkChecksum(number, headerBytes, stored))
      throw this.#fault(headerBytes, header, 'it has a wrong checksum');
    if (!type) throw new FormatFault(`it has the unknown type ${header.type & ~TYPE_FLAGS}`);
    this.#checksum = header.checksum;
    this.offset = offset + headerBytes.length + header.length;
    this.number++;
    const compressed = (header.type & COMPRESSED) !== 0;
    return new Chunk(type, header.type & ~TYPE_FLAGS, number, offset, compressed, stored);
  }

  /** The header of the next chunk; undefined when the file ends before it does. */
  #header(): Uint8Array | undefined {
    const { source, offset } = this;
    const bytes = source.read(offset, Math.min(MOST_HEADER_BYTES, source.size - offset));
    if (bytes.length === 0) return undefined;
    const length = chunkHeaderBytes(bytes[0]);
    return bytes.length < length ? undefined : bytes.subarray(0, length);
  }

  #stored(header: Uint8Array, length: number): Uint8Array | undefined {
    const start = this.offset + header.length;
    return start + length > this.source.size ? undefined : this.source.read(start, length);
  }

  /** Tells a chunk that belongs elsewhere from one that is damaged. */
  #fault(bytes: Uint8Array, header: ChunkHeader, what: string): FormatFault {
    const { number } = this;
    for (let other = Math.max(0, number - 1000); other < number + 1000; other++) {
      if (header.check !== headerCheck(other, bytes)) continue;
      const type = chunkTypeName(header.type);
      if (type === undefined || header.length > MOST_CONTENT[type] + MOST_OVERHEAD) continue;
      const stored = this.#stored(bytes, header.length);
      if (stored === undefined || header.checksum !== chunkChecksum(other, bytes, stored)) continue;
      return new FormatFault(`chunk ${other} stands in its place: chunks are missing or out of order`);
    }
    return new FormatFault(what);
  }
}

const tooLong = (length: number, type: ChunkType | 'optional'): FormatFault =>
  new FormatFault(`it is too long: ${length} bytes, but ${type} has at most ${MOST_CONTENT[type]}`);
