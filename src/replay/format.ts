/**
 * The recording file, format version 3. Version 2 has no optional chunks, no "machineRevision", and ends of kinds 1 and
 * 2 only. Version 1 has no short chunks either, and starts with the machine: it has no "start", and no chunks 7 and 8.
 *
 * Notation: u8, u16, u32 are unsigned, low byte first. `varint` is unsigned LEB128 in its shortest form, at most
 * 2^53 - 1. `block` is a varint length and as many bytes; `text` is a block of UTF-8.
 *
 * FILE     = file header, chunks to the end of the file. Only ever appended to.
 * File header (16 bytes; these fields keep their place in every future version):
 *   0  magic     89 62 73 74 75 62 0d 0a  ("\x89bstub\r\n")
 *   8  version   u32
 *   12 checksum  u32, CRC-32 of bytes 0 to 11
 * Chunk (9 or 11 bytes and the stored payload):
 *   type      u8; bit 7 set: the payload is compressed; bit 6 set: it is short, at most 65535 bytes stored
 *   length    u32, or u16 if short: bytes of stored payload
 *   check     u16, low half of the CRC-32 over [number u32, type, length]
 *   checksum  u32, CRC-32 over [number u32, type, length, check, stored payload]
 *   stored payload
 *   `number` is the chunk's place in the file, from 0; it is not stored. CRC-32 is zlib's.
 *   `check` makes a damaged length different from a file that was cut within the chunk.
 *   A compressed payload is a varint, the length of the content, and a zlib stream (RFC 1950) of the content.
 *
 * Chunk contents by type, in the order in which they stand:
 * 1 header, the first chunk: canonical JSON (keys sorted, no spaces), UTF-8:
 *     {"config": MachineConfig, "images": [{"address", "length", "name", "disk"?}...], "layouts"?, "writtenBy",
 *      "start"?: {"icount", "pages", "snapshot"?, "virtualNs"}}
 * 2 image: the images' bytes, one image after the other. Each image starts a new chunk, cut into chunks of at
 *     most 1 MiB; an empty image has no chunk. The images are complete before any chunk below.
 * With "start" in the header, the machine at that boundary follows, before any chunk of the others:
 * 7 state, one chunk: the declared state, component by component, queues and timers included:
 *     [name text, varint count of fields, then for each field: name text, type u8 (0 u8, 1 u16, 2 u32, 3 f64), block]
 *     What a reader declares beyond that is as after a reset; what it does not declare is an error.
 * 8 pages: one or more of [area u8, varint page, 4096 bytes], at most 1 MiB in a chunk, "pages" of them in all.
 *     Areas: 0 RAM, 1 ROM, 2 what disks keep of the guest's writes (boards/disk.ts). Pages count from the area's
 *     first; areas and pages ascend. Other pages are as the images leave them, zero where there is none.
 * The others come in the order of time. Each icount in them is a varint, the difference to the icount given
 * before it anywhere in the file; the first one to that of "start", or 0.
 * 3 events: one or more of [icount, kind u8, fields of that kind]; kinds and fields are `INPUT_EVENTS`, encodings in
 * event-codec.ts.
 * 4 checkpoint:
 *     icount, chain u32 u32, flags u8 (bit 0: names follow; bit 1: the state is whole)
 *     names, if flagged and always in the first checkpoint: varint count, as many texts
 *     changed: one bit for each name, lowest bit of the first byte first, padded to bytes with 0
 *     digests: 8 bytes, most significant first, for each bit set; else as in the checkpoint before.
 *       With names, all bits are set.
 *     state: varint length of the state (at most 64 MiB), then runs of [varint skip, block] to the end of the
 *       chunk. A run skips bytes and is then XORed onto the state of the checkpoint before, which is as long,
 *       or, if flagged whole, onto zeros. No run is empty.
 *   It holds for the machine after all events of that icount. Where events of the same icount follow in the
 *   file it is void: read for the sake of the next difference, then dropped.
 *   `chain`: CRC-32, then CRC-32C, over the checksums (u32) of all chunks before this one.
 * 5 progress: icount. The recording covers all time up to it.
 * 6 end, the last chunk but for optional ones: icount, chain u32 u32, kind u8 and its fields; see end-kinds.ts:
 *     1 power-off: varint exit code. The only one behind which the machine cannot go on.
 *     2 stopped: text, the reason
 *     3 signal: u8, the POSIX number of the signal that ended the recorder
 *     4 limit: u8, 1 host time, 2 steps, 3 size of the file
 *
 * 32 to 63 are optional chunks. They may stand anywhere behind the header, its images and the machine it starts with,
 * behind the end also. A recording without them replays the same: a reader passes over those it does not know, and
 * what copies a recording keeps them (OPTIONAL_CHUNKS). Their content is at most 16 MiB; more is cut into several
 * chunks of that type. What it holds is up to its type, and starts with a varint: the version of that.
 *   32 to 47 hold for every moment: 32 symbols, 33 debug information, 34 sources. A part of a recording keeps them.
 *   48 to 63 are about moments of this history: 48 bookmarks, 49 keyframes. A part of it drops them.
 *
 * A file without an end chunk, or that stops within a chunk, was cut: it is good up to the last whole chunk.
 * Kinds of events 13 to 15 are kept for calls by semihosting.
 * A new chunk type below 32, a new kind of event and a new kind of end need a new format version.
 *
 * COMPATIBILITY. Every later backstub reads the files of all released versions, and replays them to the same
 * console output and the same end; a file of each is kept in fixtures/recordings and replayed by the tests.
 *   A setting that is missing from "config" has the value that means the same as its absence meant: settings are
 *   added as optional ones, or with a default in recording-header.ts. An unknown setting is an error.
 *   "layouts" says how each component's state was declared. Where that has changed since, the component is
 *   replayed but neither compared nor shown: its bytes mean something else now.
 */
import { Parser } from 'binary-parser';
import { crc32, littleEndian } from './checksum.js';

export const FORMAT_VERSION = 3;
/** The oldest version this code still reads. */
export const OLDEST_VERSION = 1;

export const MAGIC = Uint8Array.of(0x89, 0x62, 0x73, 0x74, 0x75, 0x62, 0x0d, 0x0a);
export const FILE_HEADER_BYTES = 16;
export const COMPRESSED = 0x80;
const SHORT = 0x40;
export const TYPE_FLAGS = COMPRESSED | SHORT;
const MOST_SHORT_BYTES = 0xffff;
export const IMAGE_PIECE_BYTES = 1024 * 1024;

export const CHUNK_TYPES = {
  header: 1,
  image: 2,
  events: 3,
  checkpoint: 4,
  progress: 5,
  end: 6,
  state: 7,
  pages: 8,
} as const;
export type ChunkType = keyof typeof CHUNK_TYPES;
const TYPE_NAMES = new Map(Object.entries(CHUNK_TYPES).map(([name, type]) => [type, name as ChunkType]));
/** What a chunk's type byte says: a type of ours, `optional` for any of those, undefined for none. */
export function chunkTypeName(type: number): ChunkType | 'optional' | undefined {
  const plain = type & ~TYPE_FLAGS;
  return isOptionalType(plain) ? 'optional' : TYPE_NAMES.get(plain as (typeof CHUNK_TYPES)[ChunkType]);
}

/** Types that a reader may pass over. Numbers are reserved for the names that stand here; others may come. */
export const OPTIONAL_CHUNKS = {
  symbols: 32,
  'debug-information': 33,
  sources: 34,
  bookmarks: 48,
  keyframes: 49,
} as const;
const FIRST_OPTIONAL = 32;
const FIRST_OF_MOMENTS = 48;
const LAST_OPTIONAL = 63;
export const OPTIONAL_PIECE_BYTES = 16 * 1024 * 1024;

export const isOptionalType = (type: number): boolean =>
  Number.isInteger(type) && type >= FIRST_OPTIONAL && type <= LAST_OPTIONAL;

/** Whether a part of a recording has as much use for it as the whole. */
export const holdsForParts = (type: number): boolean => type < FIRST_OF_MOMENTS;

export const CHECKPOINT_NAMES = 1;
export const CHECKPOINT_WHOLE_STATE = 2;

export interface FileHeader {
  readonly version: number;
  readonly checksum: number;
}

export interface ChunkHeader {
  readonly type: number;
  readonly length: number;
  readonly check: number;
  readonly checksum: number;
}

const fileHeader = new Parser().endianness('little').skip(MAGIC.length).uint32('version').uint32('checksum');
const chunkHeader = new Parser()
  .endianness('little')
  .uint8('type')
  .uint32('length')
  .uint16('check')
  .uint32('checksum');
const shortChunkHeader = new Parser()
  .endianness('little')
  .uint8('type')
  .uint16('length')
  .uint16('check')
  .uint32('checksum');

/** `bytes` starts at the magic and holds at least FILE_HEADER_BYTES. */
export const parseFileHeader = (bytes: Uint8Array): FileHeader => fileHeader.parse(bytes);

/** Bytes before the payload of a chunk of this type. */
export const chunkHeaderBytes = (type: number): number => 1 + lengthBytes(type) + 6;

const lengthBytes = (type: number): number => ((type & SHORT) !== 0 ? 2 : 4);

/** `bytes` are the chunkHeaderBytes of a chunk. */
export const parseChunkHeader = (bytes: Uint8Array): ChunkHeader =>
  ((bytes[0] & SHORT) !== 0 ? shortChunkHeader : chunkHeader).parse(bytes);

export function encodeFileHeader(): Uint8Array {
  const header = new Uint8Array(FILE_HEADER_BYTES);
  header.set(MAGIC);
  header.set(littleEndian(FORMAT_VERSION), 8);
  header.set(littleEndian(crc32(header.subarray(0, 12))), 12);
  return header;
}

/** A chunk as it stands in the file; `number` is its place in it. */
export function encodeChunk(number: number, type: number, stored: Uint8Array): Uint8Array {
  const code = stored.length > MOST_SHORT_BYTES ? type : type | SHORT;
  const chunk = new Uint8Array(chunkHeaderBytes(code) + stored.length);
  const checkAt = 1 + lengthBytes(code);
  chunk[0] = code;
  chunk.set(littleEndian(stored.length).subarray(0, lengthBytes(code)), 1);
  const check = headerCheck(number, chunk);
  chunk[checkAt] = check;
  chunk[checkAt + 1] = check >>> 8;
  chunk.set(littleEndian(chunkChecksum(number, chunk, stored)), checkAt + 2);
  chunk.set(stored, chunkHeaderBytes(code));
  return chunk;
}

export const headerCheck = (number: number, header: Uint8Array): number =>
  crc32(header.subarray(0, 1 + lengthBytes(header[0])), crc32(littleEndian(number))) & 0xffff;

export const chunkChecksum = (number: number, header: Uint8Array, stored: Uint8Array): number =>
  crc32(stored, crc32(header.subarray(0, 3 + lengthBytes(header[0])), crc32(littleEndian(number))));
