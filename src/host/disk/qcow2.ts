import { inflateRawSync } from 'node:zlib';
import type { DiskContents } from '../../ports/config.js';
import { InputError } from '../../state/input-error.js';
import type { InputFile } from '../files/input-file.js';
import { ExtentList } from './extent-list.js';

/** The format: docs/interop/qcow2.txt of QEMU. Numbers are big-endian. */
const MAGIC = 0x5146_49fb;
const V2_HEADER_BYTES = 72;
const V3_HEADER_BYTES = 104;
const INCOMPATIBLE = { dirty: 1, corrupt: 2, externalData: 4, compression: 8, extendedL2: 16 } as const;
const KNOWN_INCOMPATIBLE = 31;
const OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
const COMPRESSED = 1n << 62n;
const ZERO_CLUSTER = 1n;
const SECTOR_BYTES = 512;

interface Header {
  readonly bytes: number;
  readonly clusterBits: number;
  readonly l1Entries: number;
  readonly l1Offset: number;
}

export function isQcow2(file: InputFile): boolean {
  const start = file.read(0, 4);
  return start.length === 4 && viewOf(start).getUint32(0) === MAGIC;
}

/** Contents of the active state; internal snapshots are left out. Throws InputError naming what is not supported. */
export function readQcow2(file: InputFile): { bytes: number; extents: DiskContents['extents'] } {
  const header = readHeader(file);
  const { bytes, clusterBits, l1Entries, l1Offset } = header;
  const clusterBytes = 2 ** clusterBits;
  const l2Entries = clusterBytes / 8;
  const extents = new ExtentList(file.path);
  const l1 = readTable(file, l1Offset, l1Entries);
  for (let i = 0; i < l1Entries; i++) {
    const l2Offset = Number(l1.getBigUint64(8 * i) & OFFSET_MASK);
    if (l2Offset === 0) continue;
    const l2 = readTable(file, l2Offset, l2Entries);
    for (let j = 0; j < l2Entries; j++) {
      const at = (i * l2Entries + j) * clusterBytes;
      if (at >= bytes) break;
      const cluster = readCluster(file, l2.getBigUint64(8 * j), clusterBits);
      if (cluster !== undefined) extents.add(at, cluster.subarray(0, bytes - at));
    }
  }
  return { bytes, extents: extents.finish() };
}

function readHeader(file: InputFile): Header {
  const start = file.read(0, V3_HEADER_BYTES);
  const view = viewOf(start);
  const refuse = (why: string): never => {
    throw new InputError(`cannot use disk ${file.path}: ${why}`);
  };
  if (start.length < V2_HEADER_BYTES || view.getUint32(0) !== MAGIC) refuse('it is no qcow2 image');
  const version = view.getUint32(4);
  if (version !== 2 && version !== 3) refuse(`it is qcow2 of version ${version}; 2 and 3 are known`);
  if (view.getBigUint64(8) !== 0n) {
    refuse('it needs a backing file; join them first: qemu-img convert -O qcow2 IN OUT');
  }
  if (view.getUint32(32) !== 0) refuse('it is encrypted');
  if (version === 3) {
    if (start.length < V3_HEADER_BYTES) refuse('it is truncated');
    const incompatible = view.getBigUint64(72);
    if ((incompatible & BigInt(INCOMPATIBLE.corrupt)) !== 0n) refuse('it is marked as corrupt');
    if ((incompatible & BigInt(INCOMPATIBLE.externalData)) !== 0n) refuse('its data is in another file');
    if ((incompatible & BigInt(INCOMPATIBLE.compression)) !== 0n) refuse('it is not compressed with zlib');
    if ((incompatible & BigInt(INCOMPATIBLE.extendedL2)) !== 0n) refuse('it has extended L2 entries');
    if ((incompatible & ~BigInt(KNOWN_INCOMPATIBLE)) !== 0n) refuse('it has a feature that is not known');
  }
  const clusterBits = view.getUint32(20);
  if (clusterBits < 9 || clusterBits > 21) refuse(`it has clusters of 2^${clusterBits} bytes`);
  const bytes = Number(view.getBigUint64(24));
  const l1Entries = view.getUint32(36);
  if (l1Entries < Math.ceil(bytes / 2 ** (2 * clusterBits - 3))) refuse('its L1 table is too small');
  return { bytes, clusterBits, l1Entries, l1Offset: Number(view.getBigUint64(40)) };
}

/** A cluster's contents, or undefined when it is all zeros. */
function readCluster(file: InputFile, entry: bigint, clusterBits: number): Uint8Array | undefined {
  const clusterBytes = 2 ** clusterBits;
  if ((entry & COMPRESSED) !== 0n) return inflateCluster(file, entry, clusterBits);
  if ((entry & ZERO_CLUSTER) !== 0n) return undefined;
  const offset = Number(entry & OFFSET_MASK);
  return offset === 0 ? undefined : readWhole(file, offset, clusterBytes);
}

function inflateCluster(file: InputFile, entry: bigint, clusterBits: number): Uint8Array {
  const offsetBits = BigInt(62 - (clusterBits - 8));
  const offset = Number(entry & ((1n << offsetBits) - 1n));
  const sectors = Number((entry & (COMPRESSED - 1n)) >> offsetBits) + 1;
  const stored = file.read(offset, sectors * SECTOR_BYTES - (offset % SECTOR_BYTES));
  const clusterBytes = 2 ** clusterBits;
  try {
    const cluster = inflateRawSync(stored, { maxOutputLength: clusterBytes, finishFlush: SYNC_FLUSH });
    if (cluster.length === clusterBytes) return cluster;
  } catch {
    // Told below.
  }
  throw new InputError(`cannot use disk ${file.path}: the compressed cluster at byte ${offset} is damaged`);
}

/** zlib's Z_SYNC_FLUSH: what follows the stream within its last sector is no error. */
const SYNC_FLUSH = 2;

const readTable = (file: InputFile, offset: number, entries: number) =>
  viewOf(readWhole(file, offset, 8 * entries));

function readWhole(file: InputFile, offset: number, length: number): Uint8Array {
  const bytes =
    offset < file.bytes ? file.read(offset, Math.min(length, file.bytes - offset)) : new Uint8Array(0);
  if (bytes.length === length) return bytes;
  throw new InputError(
    `cannot use disk ${file.path}: it is truncated: ${length} bytes are missing at byte ${offset}`,
  );
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
