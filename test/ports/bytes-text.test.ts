import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/ports/bytes-text.js';

test('bytes become two digits each, and back', () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  const text = toHex(bytes);
  expect(text).toBe(Buffer.from(bytes).toString('hex'));
  expect(fromHex(text)).toEqual(bytes);
  expect(toHex(new Uint8Array(0))).toBe('');
  expect(fromHex('')).toEqual(new Uint8Array(0));
  const long = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7);
  expect(fromHex(toHex(long))).toEqual(long);
});

test.each([
  '0',
  '000',
  'AB',
  '0g',
  'g0',
  '0/',
  '0:',
  '0`',
  ' 0',
  '0x',
  'ü0',
  '0ü',
  '00\n',
  '-1',
  '\u{1d7d8}',
])('%j is no hexadecimal text', text => {
  expect(fromHex(text)).toBeUndefined();
});
