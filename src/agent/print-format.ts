/** The formats of `dprintf`, as C's printf without floating point (GDB manual, "Dynamic Printf"). */

import { TargetError } from '../timeline/debug-target.js';

/** What stands for one value. */
export interface Placeholder {
  readonly conversion: 'd' | 'u' | 'o' | 'x' | 'X' | 'c' | 's' | 'p';
  /** Bits of the value; undefined: as many as a `long`. */
  readonly bits: 8 | 16 | 32 | 64 | undefined;
  readonly left: boolean;
  readonly zeros: boolean;
  readonly sign: '' | '+' | ' ';
  readonly alternate: boolean;
  readonly width: number;
  readonly precision: number | undefined;
}

export type FormatPiece = string | Placeholder;

const PLACEHOLDER = /^%([-+ 0#']*)(\d{0,3})(?:\.(\d{0,3}))?(hh|h|ll|l|j|z|t)?([a-zA-Z])/;
const ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  e: '\x1b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Splits a format with C's escapes, in UTF-8. Throws TargetError for what it cannot print. */
export function parseFormat(bytes: Uint8Array): FormatPiece[] {
  const pieces: FormatPiece[] = [];
  const text = new TextDecoder().decode(bytes);
  const add = (literal: string) => {
    const last = pieces.length - 1;
    if (typeof pieces[last] === 'string') pieces[last] += literal;
    else pieces.push(literal);
  };
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at);
    const octal = /^\\([0-7]{1,3})/.exec(rest);
    if (octal !== null) {
      add(String.fromCharCode(Number.parseInt(octal[1]!, 8) & 0xff));
      at += octal[0].length;
    } else if (rest[0] === '\\' && rest.length > 1) {
      add(ESCAPES[rest[1]!] ?? rest[1]!);
      at += 2;
    } else if (rest.startsWith('%%')) {
      add('%');
      at += 2;
    } else if (rest[0] === '%') {
      const match = PLACEHOLDER.exec(rest);
      if (match === null) throw new TargetError(`the format "${text}" has an incomplete %`);
      pieces.push(placeholder(match));
      at += match[0].length;
    } else {
      add(rest[0]!);
      at++;
    }
  }
  return pieces;
}

function placeholder(match: RegExpExecArray): Placeholder {
  const [all, flags = '', width, precision, length, letter] = match;
  const conversion = letter === 'i' ? 'd' : letter!;
  if (!isConversion(conversion)) throw new TargetError(`dprintf at the target cannot print ${all}`);
  const bits = ({ hh: 8, h: 16, '': 32, l: undefined, ll: 64, j: 64, z: undefined, t: undefined } as const)[
    (length ?? '') as 'hh' | 'h' | '' | 'l' | 'll' | 'j' | 'z' | 't'
  ];
  return {
    conversion,
    bits: conversion === 'p' || conversion === 's' ? undefined : bits,
    left: flags.includes('-'),
    zeros: flags.includes('0'),
    sign: flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '',
    alternate: flags.includes('#'),
    width: Number(width || 0),
    precision: precision === undefined ? undefined : Number(precision || 0),
  };
}

const isConversion = (letter: string): letter is Placeholder['conversion'] => 'duoxXcsp'.includes(letter);

/**
 * Prints one value, of 64 bits. `longBits`: the target's `long`. `readString`: the text at an address, at most
 * so many bytes of it.
 */
export function printValue(
  piece: Placeholder,
  value: bigint,
  longBits: number,
  readString: (address: bigint, most: number | undefined) => string,
): string {
  const { conversion, precision, width, left } = piece;
  const bits = piece.bits ?? longBits;
  const unsigned = BigInt.asUintN(bits, value);
  let prefix = '';
  let digits: string;
  switch (conversion) {
    case 'c':
      digits = String.fromCharCode(Number(unsigned & 0xffn));
      break;
    case 's':
      digits = readString(unsigned, precision);
      break;
    case 'd': {
      const signed = BigInt.asIntN(bits, value);
      prefix = signed < 0n ? '-' : piece.sign;
      digits = (signed < 0n ? -signed : signed).toString();
      break;
    }
    case 'u':
      digits = unsigned.toString();
      break;
    case 'o':
      digits = unsigned.toString(8);
      if (piece.alternate) prefix = '0';
      break;
    case 'p':
      prefix = '0x';
      digits = unsigned.toString(16);
      break;
    default:
      digits = unsigned.toString(16);
      if (conversion === 'X') digits = digits.toUpperCase();
      if (piece.alternate && unsigned !== 0n) prefix = `0${conversion}`;
  }
  const number = conversion !== 'c' && conversion !== 's';
  if (number && precision !== undefined) digits = digits.padStart(precision, '0');
  const room = width - prefix.length;
  if (number && piece.zeros && !left && precision === undefined) digits = digits.padStart(room, '0');
  const whole = prefix + digits;
  return left ? whole.padEnd(width) : whole.padStart(width);
}
