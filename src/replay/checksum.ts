import zlib from 'node:zlib';

const ISO_HDLC = 0xedb88320;
const CASTAGNOLI = 0x82f63b78;

/** One byte's step of a reflected CRC-32 with the given reversed polynomial, from the register's low byte. */
function step(polynomial: number, low: number): number {
  let crc = low;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  return crc;
}

function update(bytes: Uint8Array, crc: number, stepOf: (low: number) => number): number {
  let register = ~crc;
  for (let i = 0; i < bytes.length; i++) register = stepOf((register ^ bytes[i]) & 0xff) ^ (register >>> 8);
  return ~register >>> 0;
}

let table: Uint32Array | undefined;

/** For versions of Node before 20.15, which do not bring it. */
export function crc32ByTable(bytes: Uint8Array, crc = 0): number {
  table ??= Uint32Array.from({ length: 256 }, (_, low) => step(ISO_HDLC, low));
  const steps = table;
  return update(bytes, crc, low => steps[low]);
}

/** CRC-32 as in zlib and Ethernet. `crc` continues from an earlier part. */
export const crc32 = (bytes: Uint8Array, crc = 0): number => {
  const native: typeof zlib.crc32 | undefined = zlib.crc32;
  return native === undefined ? crc32ByTable(bytes, crc) : native(bytes, crc);
};

/** CRC-32C (Castagnoli, RFC 3720), for a few bytes at a time. `crc` continues from an earlier part. */
export const crc32c = (bytes: Uint8Array, crc = 0): number =>
  update(bytes, crc, low => step(CASTAGNOLI, low));

/** A u32 as four bytes, low byte first. */
export const littleEndian = (value: number): Uint8Array =>
  Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);

/** Running hash over the checksums of all chunks so far: two CRCs with unlike polynomials, 64 bits together. */
export class ChecksumChain {
  low = 0;
  high = 0;

  add(checksum: number): void {
    const bytes = littleEndian(checksum);
    this.low = crc32(bytes, this.low);
    this.high = crc32c(bytes, this.high);
  }
}
