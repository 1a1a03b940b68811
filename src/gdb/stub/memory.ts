import type { DebugTarget } from '../../timeline/debug-target.js';

const CHUNK = 0x10000;
const ADDRESS_MASK = (1n << 64n) - 1n;

/** Lets sockets and timers have their turn; false tells a long walk to give up. */
export type Breathe = () => Promise<boolean>;

/**
 * CRC-32 as GDB's `compare-sections` computes it: polynomial 0x04c11db7, most significant bit first, start
 * 0xffffffff, no final inversion. Undefined when some of the range cannot be read.
 */
export async function checksumMemory(
  target: DebugTarget,
  hart: number,
  address: bigint,
  length: bigint,
  breathe: Breathe,
): Promise<number | undefined> {
  let crc = 0xffffffff;
  for (let done = 0n; done < length; ) {
    const size = chunkSize(length - done);
    const bytes = target.readMemory(hart, (address + done) & ADDRESS_MASK, size);
    if (bytes.length < size) return undefined;
    for (const byte of bytes) crc = ((crc << 8) ^ CRC_TABLE[(crc >>> 24) ^ byte]!) >>> 0;
    done += BigInt(size);
    if (!(await breathe())) return undefined;
  }
  return crc;
}

/** Where `pattern` first starts; `unreadable` when memory ends before it is found. */
export async function searchMemory(
  target: DebugTarget,
  hart: number,
  address: bigint,
  length: bigint,
  pattern: Uint8Array,
  breathe: Breathe,
): Promise<{ found: bigint } | 'absent' | 'unreadable'> {
  const overlap = pattern.length - 1;
  let at = 0n;
  while (at + BigInt(pattern.length) <= length) {
    const size = Math.min(CHUNK + overlap, Number(minimum(length - at, BigInt(CHUNK + overlap))));
    const bytes = target.readMemory(hart, (address + at) & ADDRESS_MASK, size);
    const index = indexOf(bytes, pattern);
    if (index >= 0) return { found: (address + at + BigInt(index)) & ADDRESS_MASK };
    if (bytes.length < size) return 'unreadable';
    at += BigInt(size - overlap);
    if (!(await breathe())) return 'unreadable';
  }
  return 'absent';
}

function indexOf(bytes: Uint8Array, pattern: Uint8Array): number {
  const first = pattern[0]!;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (at + pattern.length > bytes.length) return -1;
    if (pattern.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}

function chunkSize(left: bigint): number {
  return Number(minimum(left, BigInt(CHUNK)));
}

function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let crc = index << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  return crc;
});
