import { constants, deflateSync } from 'node:zlib';
import { ByteWriter } from './byte-codec.js';
import { ChecksumChain } from './checksum.js';
import {
  CHUNK_TYPES,
  type ChunkType,
  COMPRESSED,
  encodeChunk,
  encodeFileHeader,
  isOptionalType,
  OPTIONAL_PIECE_BYTES,
  parseChunkHeader,
} from './format.js';
import type { ByteSink } from './recording.js';

/** Below this many bytes a zlib stream is never worth its own overhead. */
const LEAST_TO_COMPRESS = 32;
/** Above this many bytes (boot images) speed counts for more than the last percents. */
const MOST_TO_COMPRESS_WELL = 256 * 1024;
/** Registers and digests, which repeat little: chance matches of a few bytes cost more than they save. */
const MOST_OF_A_CHECKPOINT = 1024;
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
