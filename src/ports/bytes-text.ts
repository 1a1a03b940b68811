/** How bytes read. */

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('');

/** Undefined when the text is not made of pairs of hexadecimal digits in lower case. */
export function fromHex(text: string): Uint8Array | undefined {
  if (!/^(?:[0-9a-f]{2})*$/.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) =>
    Number.parseInt(text.slice(2 * i, 2 * i + 2), 16),
  );
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
