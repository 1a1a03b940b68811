/** The content of a chunk is not what the format allows. Readers turn it into an InputError that says where. */
export class FormatFault extends Error {
  override readonly name = 'FormatFault';
}

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

/** A growing buffer with the format's primitive encodings. */
export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  u32(value: number): void {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = value >>> shift;
  }

  /** Unsigned LEB128. Exact for every integer from 0 to 2^53 - 1; throws RangeError for anything else. */
  varint(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`not an unsigned integer: ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A varint length, then the bytes. */
  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }

  /** A block of UTF-8. */
  text(value: string): void {
    this.block(utf8.encode(value));
  }

  /** What was written so far; holds until more is written. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Forgets what was written after the first `length` bytes. */
  truncate(length: number): void {
    this.#length = length;
  }

  /** A copy of what was written; the writer starts again empty. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads what ByteWriter wrote; throws FormatFault when the bytes are not that. */
export class ByteReader {
  offset = 0;

  constructor(readonly bytes: Uint8Array) {}

  get remaining(): number {
    return this.bytes.length - this.offset;
  }

  u8(): number {
    if (this.offset >= this.bytes.length) throw new FormatFault('its content ends too early');
    return this.bytes[this.offset++];
  }

  u32(): number {
    return (this.u8() | (this.u8() << 8) | (this.u8() << 16) | (this.u8() << 24)) >>> 0;
  }

  /** Only the shortest encoding of a number up to 2^53 - 1 is accepted. */
  varint(): number {
    let byte = this.u8();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 1;
    do {
      if (scale === 2 ** 49) throw new FormatFault('a number in it is too large');
      scale *= 128;
      byte = this.u8();
      value += (byte & 0x7f) * scale;
    } while (byte >= 0x80);
    if (byte === 0) throw new FormatFault('a number in it is not in shortest form');
    if (value > Number.MAX_SAFE_INTEGER) throw new FormatFault('a number in it is too large');
    return value;
  }

  skip(length: number): void {
    if (length > this.remaining) throw new FormatFault('its content ends too early');
    this.offset += length;
  }

  /** A copy of the next `length` bytes. */
  raw(length: number): Uint8Array {
    this.skip(length);
    return this.bytes.slice(this.offset - length, this.offset);
  }

  block(): Uint8Array {
    return this.raw(this.varint());
  }

  /** At most `most` bytes of it. */
  text(most = Number.POSITIVE_INFINITY): string {
    const length = this.varint();
    if (length > most) throw new FormatFault(`a text in it is too long: ${length} bytes`);
    const bytes = this.raw(length);
    try {
      return strictUtf8.decode(bytes);
    } catch {
      throw new FormatFault('a text in it is not UTF-8');
    }
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.remaining > 0) throw new FormatFault(`${this.remaining} bytes too many in it`);
  }
}
