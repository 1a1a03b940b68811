/** Table of a reflected CRC-32 with the given reversed polynomial. */
function crcTable(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, index) => {
    let crc = index;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc;
  });
}

const ISO_HDLC = crcTable(0xedb88320);
const CASTAGNOLI = crcTable(0x82f63b78);

function update(table: Uint32Array, crc: number, bytes: Uint8Array): number {
  let register = ~crc;
  for (let i = 0; i < bytes.length; i++) register = table[(register ^ bytes[i]) & 0xff] ^ (register >>> 8);
  return ~register >>> 0;
}

/** CRC-32 as in zlib and Ethernet. `crc` continues from an earlier part. */
export const crc32 = (bytes: Uint8Array, crc = 0): number => update(ISO_HDLC, crc, bytes);

/** CRC-32C (Castagnoli, RFC 3720). `crc` continues from an earlier part. */
export const crc32c = (bytes: Uint8Array, crc = 0): number => update(CASTAGNOLI, crc, bytes);

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
