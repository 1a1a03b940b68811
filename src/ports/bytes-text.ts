/** How bytes read. */

const ascii = new TextDecoder();
/** Character codes of the sixteen digits, and the digits' values by character code. */
const DIGITS = new TextEncoder().encode('0123456789abcdef');
const VALUES = new Int8Array(128).fill(-1);
for (const [value, code] of DIGITS.entries()) VALUES[code] = value;

export function toHex(bytes: Uint8Array): string {
  const codes = new Uint8Array(2 * bytes.length);
  for (let i = 0; i < bytes.length; i++) {
    codes[2 * i] = DIGITS[bytes[i] >> 4];
    codes[2 * i + 1] = DIGITS[bytes[i] & 15];
  }
  return ascii.decode(codes);
}

/** Undefined when the text is not made of pairs of hexadecimal digits in lower case. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    const high = VALUES[text.charCodeAt(2 * i)] ?? -1;
    const low = VALUES[text.charCodeAt(2 * i + 1)] ?? -1;
    if (high < 0 || low < 0) return undefined;
    bytes[i] = 16 * high + low;
  }
  return bytes;
}

const ESCAPES = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

/** As a text in quotes, the beginning of it. */
export const quoted = (bytes: Uint8Array): string =>
  shortened(bytes, 64, part => {
    const text = Array.from(part, byte => {
      const printable = byte >= 0x20 && byte < 0x7f;
      const plain = printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
      return ESCAPES.get(byte) ?? plain;
    });
    return `"${text.join('')}"`;
  });

export const shortened = (bytes: Uint8Array, limit: number, show = toHex): string =>
  bytes.length > limit ? `${show(bytes.subarray(0, limit))}... (${bytes.length} bytes)` : show(bytes);
