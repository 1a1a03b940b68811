/** Recordings made up chunk by chunk, every checksum right: so that what is wrong in them reaches the parsers. */
import { deflateSync } from 'node:zlib';
import { ByteReader, ByteWriter } from '../../src/replay/byte-codec.js';
import { bytesAsSource } from '../../src/replay/byte-source.js';
import { ChecksumChain } from '../../src/replay/checksum.js';
import { ChunkCursor } from '../../src/replay/chunk-reader.js';
import {
  CHUNK_TYPES,
  COMPRESSED,
  encodeChunk,
  encodeFileHeader,
  parseChunkHeader,
} from '../../src/replay/format.js';

export interface ForgedChunk {
  readonly type: number;
  readonly content: Uint8Array;
  /** How it is stored; `bomb`: as zlib, whatever a writer would do. */
  readonly stored?: 'plain' | 'bomb';
  /** Bytes that a compressed chunk says its content has, if not as many as it has. */
  readonly declared?: number;
}

export function chunksOf(file: Uint8Array): ForgedChunk[] {
  const cursor = new ChunkCursor(bytesAsSource(file));
  const chunks: ForgedChunk[] = [];
  for (let chunk = cursor.next(); chunk; chunk = cursor.next()) {
    chunks.push({ type: chunk.typeNumber, content: chunk.content().slice() });
  }
  return chunks;
}

/** A file of these chunks: numbers, checksums and the chains in checkpoints and ends are those of a writer. */
export function forge(chunks: readonly ForgedChunk[]): Uint8Array {
  const chain = new ChecksumChain();
  const parts = chunks.map(({ type, content, stored = 'plain', declared }, number) => {
    const bytes = withChain(type, content, chain);
    const chunk =
      stored === 'plain'
        ? encodeChunk(number, type, bytes)
        : encodeChunk(number, type | COMPRESSED, packed(bytes, declared ?? bytes.length));
    chain.add(parseChunkHeader(chunk).checksum);
    return chunk;
  });
  return Uint8Array.from(Buffer.concat([encodeFileHeader(), ...parts]));
}

/** The same content is often stored many times. */
const known = new WeakMap<Uint8Array, Uint8Array>();

function packed(content: Uint8Array, declared: number): Uint8Array {
  const out = new ByteWriter();
  out.varint(declared);
  const stream = known.get(content) ?? Uint8Array.from(deflateSync(content, { level: 9 }));
  known.set(content, stream);
  out.raw(stream);
  return out.take();
}

/** Checkpoints and ends hold the chain behind their icount. */
function withChain(type: number, content: Uint8Array, { low, high }: ChecksumChain): Uint8Array {
  if (type !== CHUNK_TYPES.checkpoint && type !== CHUNK_TYPES.end) return content;
  const from = new ByteReader(content);
  try {
    from.varint();
  } catch {
    return content;
  }
  if (from.remaining < 8) return content;
  const patched = content.slice();
  new DataView(patched.buffer).setUint32(from.offset, low, true);
  new DataView(patched.buffer).setUint32(from.offset + 4, high, true);
  return patched;
}
