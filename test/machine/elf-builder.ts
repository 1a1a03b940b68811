/** A small ELF file for tests; every field can be set wrong. */
export interface ElfParts {
  readonly xlen?: 32 | 64;
  readonly machine?: number;
  readonly bigEndian?: boolean;
  readonly type?: number;
  readonly entry?: bigint;
  readonly segments?: readonly {
    readonly type?: number;
    readonly physical: bigint;
    readonly virtual?: bigint;
    readonly bytes: readonly number[];
    readonly memoryBytes?: number;
  }[];
}

export function buildElf(parts: ElfParts): Uint8Array {
  const {
    xlen = 64,
    machine = 243,
    bigEndian = false,
    type = 2,
    entry = 0x8000_0000n,
    segments = [],
  } = parts;
  const wide = xlen === 64;
  const headerBytes = wide ? 64 : 52;
  const segmentBytes = wide ? 56 : 32;
  const dataAt = headerBytes + segmentBytes * segments.length;
  const total = dataAt + segments.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  const little = !bigEndian;
  let at = 0;
  const u8 = (...values: number[]) => {
    for (const value of values) view.setUint8(at++, value);
  };
  const u16 = (value: number) => {
    view.setUint16(at, value, little);
    at += 2;
  };
  const u32 = (value: number) => {
    view.setUint32(at, value, little);
    at += 4;
  };
  const long = (value: bigint) => {
    if (wide) view.setBigUint64(at, value, little);
    else view.setUint32(at, Number(value), little);
    at += wide ? 8 : 4;
  };
  u8(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, bigEndian ? 2 : 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  u16(type);
  u16(machine);
  u32(1);
  long(entry);
  long(BigInt(segments.length > 0 ? headerBytes : 0));
  long(0n);
  u32(0);
  u16(headerBytes);
  u16(segmentBytes);
  u16(segments.length);
  u16(0);
  u16(0);
  u16(0);
  let offset = dataAt;
  for (const {
    type: kind = 1,
    physical,
    virtual = physical,
    bytes,
    memoryBytes = bytes.length,
  } of segments) {
    u32(kind);
    if (wide) u32(5);
    long(BigInt(offset));
    long(virtual);
    long(physical);
    long(BigInt(bytes.length));
    long(BigInt(memoryBytes));
    if (!wide) u32(5);
    long(4n);
    file.set(bytes, offset);
    offset += bytes.length;
  }
  return file;
}
