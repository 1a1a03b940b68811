/** CRC-32 as GDB's `compare-sections` computes it: polynomial 0x04c11db7, most significant bit first. */

import type { MemoryPiece } from '../../timeline/debug-target.js';

const POLYNOMIAL = 0x04c11db7;
const START = 0xffffffff;

/** Eight bytes at a time: row n is a byte's part of the sum, n bytes before the end. */
const TABLES = makeTables(8);

/** The sum of memory that comes in pieces. Start 0xffffffff, no final inversion. */
export class PieceChecksum {
  value = START;

  take({ length, bytes }: MemoryPiece): void {
    this.value = bytes === undefined ? afterZeros(this.value, length) : after(this.value, bytes);
  }
}

function after(start: number, bytes: Uint8Array): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES;
  let crc = start;
  let at = 0;
  for (const last = bytes.length - 7; at < last; at += 8) {
    const a = (crc >>> 24) ^ bytes[at]!;
    const b = ((crc >>> 16) & 0xff) ^ bytes[at + 1]!;
    const c = ((crc >>> 8) & 0xff) ^ bytes[at + 2]!;
    const d = (crc & 0xff) ^ bytes[at + 3]!;
    crc = t7![a]! ^ t6![b]! ^ t5![c]! ^ t4![d]!;
    crc ^= t3![bytes[at + 4]!]! ^ t2![bytes[at + 5]!]! ^ t1![bytes[at + 6]!]! ^ t0![bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc << 8) ^ t0![(crc >>> 24) ^ bytes[at]!]!;
  return crc >>> 0;
}

/** As `after` of so many zeros: each is a linear map of the sum's bits, and n of them its n-th power. */
function afterZeros(start: number, length: number): number {
  let crc = start;
  let power: Uint32Array = Uint32Array.from({ length: 32 }, (_, bit) => after(2 ** bit, Uint8Array.of(0)));
  for (let left = length; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) crc = applied(power, crc);
    power = power.map(column => applied(power, column));
  }
  return crc;
}

function applied(map: Uint32Array, value: number): number {
  let sum = 0;
  for (let bit = 0; bit < 32; bit++) if (((value >>> bit) & 1) !== 0) sum ^= map[bit]!;
  return sum >>> 0;
}

function makeTables(count: number): Int32Array[] {
  const bytes = Int32Array.from({ length: 256 }, (_, index) => {
    let crc = index << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ POLYNOMIAL : crc << 1;
    return crc;
  });
  const tables = [bytes];
  while (tables.length < count) {
    tables.push(tables.at(-1)!.map(crc => (crc << 8) ^ bytes[crc >>> 24]!));
  }
  return tables;
}
