/**
 * IEEE 754-2008 by definition, on bigint: each operation's exact result is formed as an integer with a sticky
 * bit and rounded once. Slow, and shares nothing with the engine's arithmetic.
 */
export interface Format {
  readonly name: 'f16' | 'f32' | 'f64';
  readonly width: number;
  /** Digits of a significand, the leading one included. */
  readonly precision: number;
  /** Exponents of the greatest and the least normal number. */
  readonly greatest: number;
  readonly least: number;
}

export const F16: Format = { name: 'f16', width: 16, precision: 11, greatest: 15, least: -14 };
export const F32: Format = { name: 'f32', width: 32, precision: 24, greatest: 127, least: -126 };
export const F64: Format = { name: 'f64', width: 64, precision: 53, greatest: 1023, least: -1022 };

export const MODES = { rne: 0, rtz: 1, rdn: 2, rup: 3, rmm: 4 } as const;
export const FLAGS = { nx: 1, uf: 2, of: 4, dz: 8, nv: 16 } as const;

export interface Result {
  readonly bits: bigint;
  readonly flags: number;
}

type Kind = 'zero' | 'finite' | 'infinite' | 'quiet' | 'signalling';

interface Unpacked {
  readonly kind: Kind;
  readonly negative: boolean;
  /** The value is significand x 2^exponent. */
  readonly significand: bigint;
  readonly exponent: number;
}

export const fractionBits = (format: Format) => format.precision - 1;
const bias = (format: Format) => format.greatest;
const signBit = (format: Format) => 1n << BigInt(format.width - 1);
const infinity = (format: Format) =>
  ((1n << BigInt(format.width - format.precision)) - 1n) << BigInt(fractionBits(format));
export const canonicalNaN = (format: Format) => infinity(format) | (1n << BigInt(format.precision - 2));
const signed = (format: Format, negative: boolean, magnitude: bigint) =>
  negative ? magnitude | signBit(format) : magnitude;

export function unpack(format: Format, bits: bigint): Unpacked {
  const negative = (bits & signBit(format)) !== 0n;
  const magnitude = bits & (signBit(format) - 1n);
  const fraction = magnitude & ((1n << BigInt(fractionBits(format))) - 1n);
  const field = Number(magnitude >> BigInt(fractionBits(format)));
  const lowest = format.least - fractionBits(format);
  if (magnitude === infinity(format)) return { kind: 'infinite', negative, significand: 0n, exponent: 0 };
  if (magnitude > infinity(format)) {
    const quiet = fraction >> BigInt(format.precision - 2) === 1n;
    return { kind: quiet ? 'quiet' : 'signalling', negative, significand: 0n, exponent: 0 };
  }
  if (magnitude === 0n) return { kind: 'zero', negative, significand: 0n, exponent: 0 };
  if (field === 0) return { kind: 'finite', negative, significand: fraction, exponent: lowest };
  const significand = fraction | (1n << BigInt(fractionBits(format)));
  return { kind: 'finite', negative, significand, exponent: field - bias(format) - fractionBits(format) };
}

const isNotANumber = (value: Unpacked) => value.kind === 'quiet' || value.kind === 'signalling';
const bitLength = (value: bigint) => value.toString(2).length;

/** Floor of value / 2^places, then up or not as the mode says. */
function roundAt(value: bigint, sticky: boolean, places: number, negative: boolean, mode: number) {
  if (places <= 0) {
    if (sticky) throw new Error('not enough digits to round');
    return { rounded: value << BigInt(-places), inexact: false };
  }
  const unit = 1n << BigInt(places);
  const floor = value / unit;
  const rest = value % unit;
  const twice = 2n * rest;
  const half = twice === unit && !sticky ? 0 : twice >= unit ? 1 : -1;
  const inexact = rest !== 0n || sticky;
  const up =
    mode === MODES.rne
      ? half > 0 || (half === 0 && floor % 2n === 1n)
      : mode === MODES.rmm
        ? half >= 0
        : mode === MODES.rdn
          ? inexact && negative
          : mode === MODES.rup
            ? inexact && !negative
            : false;
  return { rounded: up ? floor + 1n : floor, inexact };
}

/** Rounds (significand, and a little more when sticky) x 2^exponent, which is not zero. */
export function round(
  format: Format,
  negative: boolean,
  significand: bigint,
  exponent: number,
  sticky: boolean,
  mode: number,
): Result {
  const p = format.precision;
  const top = exponent + bitLength(significand) - 1;
  // As if the exponent were unbounded: does the result lie below the least normal number?
  const free = roundAt(significand, sticky, top - (p - 1) - exponent, negative, mode);
  const freeTop = top + (bitLength(free.rounded) > p ? 1 : 0);
  const tiny = freeTop < format.least;

  const unit = Math.max(top - (p - 1), format.least - (p - 1));
  const { rounded, inexact } = roundAt(significand, sticky, unit - exponent, negative, mode);
  const flags = (inexact ? FLAGS.nx : 0) | (inexact && tiny ? FLAGS.uf : 0);
  if (rounded === 0n) return { bits: signed(format, negative, 0n), flags };
  const resultTop = unit + bitLength(rounded) - 1;
  if (resultTop > format.greatest) {
    const finite = mode === MODES.rtz || mode === (negative ? MODES.rup : MODES.rdn);
    const magnitude = finite ? infinity(format) - 1n : infinity(format);
    return { bits: signed(format, negative, magnitude), flags: FLAGS.of | FLAGS.nx };
  }
  if (resultTop < format.least) return { bits: signed(format, negative, rounded), flags };
  const aligned = rounded >> BigInt(Math.max(bitLength(rounded) - p, 0));
  const fraction = (aligned << BigInt(p - bitLength(aligned))) - (1n << BigInt(p - 1));
  const field = BigInt(resultTop + bias(format));
  return { bits: signed(format, negative, (field << BigInt(p - 1)) | fraction), flags };
}

const invalid = (format: Format): Result => ({ bits: canonicalNaN(format), flags: FLAGS.nv });
const exact = (bits: bigint): Result => ({ bits, flags: 0 });
const zero = (format: Format, negative: boolean): Result => exact(signed(format, negative, 0n));
const infinite = (format: Format, negative: boolean): Result =>
  exact(signed(format, negative, infinity(format)));
const nan = (format: Format, ...operands: Unpacked[]): Result => ({
  bits: canonicalNaN(format),
  flags: operands.some(operand => operand.kind === 'signalling') ? FLAGS.nv : 0,
});

function roundSum(
  format: Format,
  terms: readonly { negative: boolean; significand: bigint; exponent: number }[],
  mode: number,
): Result {
  const exponent = Math.min(...terms.map(term => term.exponent));
  const sum = terms.reduce((total, term) => {
    const value = term.significand << BigInt(term.exponent - exponent);
    return total + (term.negative ? -value : value);
  }, 0n);
  if (sum === 0n) return zero(format, mode === MODES.rdn);
  return round(format, sum < 0n, sum < 0n ? -sum : sum, exponent, false, mode);
}

export function add(format: Format, x: bigint, y: bigint, mode: number): Result {
  const [a, b] = [unpack(format, x), unpack(format, y)];
  if (isNotANumber(a) || isNotANumber(b)) return nan(format, a, b);
  if (a.kind === 'infinite' && b.kind === 'infinite' && a.negative !== b.negative) return invalid(format);
  if (a.kind === 'infinite') return exact(x);
  if (b.kind === 'infinite') return exact(y);
  if (a.kind === 'zero' && b.kind === 'zero') {
    return a.negative === b.negative ? exact(x) : zero(format, mode === MODES.rdn);
  }
  if (a.kind === 'zero') return exact(y);
  if (b.kind === 'zero') return exact(x);
  return roundSum(format, [a, b], mode);
}

export function mul(format: Format, x: bigint, y: bigint, mode: number): Result {
  const [a, b] = [unpack(format, x), unpack(format, y)];
  const negative = a.negative !== b.negative;
  if (isNotANumber(a) || isNotANumber(b)) return nan(format, a, b);
  if (a.kind === 'infinite' || b.kind === 'infinite') {
    return a.kind === 'zero' || b.kind === 'zero' ? invalid(format) : infinite(format, negative);
  }
  if (a.kind === 'zero' || b.kind === 'zero') return zero(format, negative);
  return round(format, negative, a.significand * b.significand, a.exponent + b.exponent, false, mode);
}

export function fma(format: Format, x: bigint, y: bigint, z: bigint, mode: number): Result {
  const [a, b, c] = [unpack(format, x), unpack(format, y), unpack(format, z)];
  const negative = a.negative !== b.negative;
  const infinite = a.kind === 'infinite' || b.kind === 'infinite';
  if (infinite && (a.kind === 'zero' || b.kind === 'zero')) return invalid(format);
  if (isNotANumber(a) || isNotANumber(b) || isNotANumber(c)) return nan(format, a, b, c);
  if (infinite) {
    if (c.kind === 'infinite' && c.negative !== negative) return invalid(format);
    return exact(signed(format, negative, infinity(format)));
  }
  if (c.kind === 'infinite') return exact(z);
  if (a.kind === 'zero' || b.kind === 'zero') {
    if (c.kind !== 'zero') return exact(z);
    return c.negative === negative ? exact(z) : zero(format, mode === MODES.rdn);
  }
  const product = {
    negative,
    significand: a.significand * b.significand,
    exponent: a.exponent + b.exponent,
  };
  if (c.kind === 'zero') return round(format, negative, product.significand, product.exponent, false, mode);
  return roundSum(format, [product, c], mode);
}

/** Digits computed beyond those of the operands. */
const GUARD = 140;

export function div(format: Format, x: bigint, y: bigint, mode: number): Result {
  const [a, b] = [unpack(format, x), unpack(format, y)];
  const negative = a.negative !== b.negative;
  if (isNotANumber(a) || isNotANumber(b)) return nan(format, a, b);
  if (a.kind === b.kind && a.kind !== 'finite') return invalid(format);
  if (a.kind === 'infinite') return infinite(format, negative);
  if (b.kind === 'infinite' || a.kind === 'zero') return zero(format, negative);
  if (b.kind === 'zero') return { ...infinite(format, negative), flags: FLAGS.dz };
  const dividend = a.significand << BigInt(GUARD);
  const quotient = dividend / b.significand;
  const sticky = dividend % b.significand !== 0n;
  return round(format, negative, quotient, a.exponent - b.exponent - GUARD, sticky, mode);
}

function integerRoot(value: bigint): bigint {
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function sqrt(format: Format, x: bigint, mode: number): Result {
  const a = unpack(format, x);
  if (isNotANumber(a)) return nan(format, a);
  if (a.kind === 'zero') return exact(x);
  if (a.negative) return invalid(format);
  if (a.kind === 'infinite') return exact(x);
  const odd = Math.abs(a.exponent % 2);
  const wide = a.significand << BigInt(2 * GUARD + odd);
  const root = integerRoot(wide);
  return round(format, false, root, (a.exponent - odd) / 2 - GUARD, root * root !== wide, mode);
}

export function toInteger(format: Format, x: bigint, bits: number, isSigned: boolean, mode: number): Result {
  const a = unpack(format, x);
  const least = isSigned ? -(1n << BigInt(bits - 1)) : 0n;
  const greatest = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
  const saturated = (value: bigint): Result => ({ bits: BigInt.asUintN(bits, value), flags: FLAGS.nv });
  if (isNotANumber(a)) return saturated(greatest);
  if (a.kind === 'infinite') return saturated(a.negative ? least : greatest);
  if (a.kind === 'zero') return exact(0n);
  const { rounded, inexact } = roundAt(a.significand, false, -a.exponent, a.negative, mode);
  const value = a.negative ? -rounded : rounded;
  if (value < least || value > greatest) return saturated(value < least ? least : greatest);
  return { bits: BigInt.asUintN(bits, value), flags: inexact ? FLAGS.nx : 0 };
}

export function fromInteger(format: Format, value: bigint, mode: number): Result {
  if (value === 0n) return exact(0n);
  return round(format, value < 0n, value < 0n ? -value : value, 0, false, mode);
}

export function convert(from: Format, to: Format, x: bigint, mode: number): Result {
  const a = unpack(from, x);
  if (isNotANumber(a)) return nan(to, a);
  if (a.kind === 'infinite') return infinite(to, a.negative);
  if (a.kind === 'zero') return zero(to, a.negative);
  return round(to, a.negative, a.significand, a.exponent, false, mode);
}

/** Negative, zero or positive as a - b; neither is a NaN. */
function order(format: Format, x: bigint, y: bigint): number {
  const key = (bits: bigint) => {
    const magnitude = bits & (signBit(format) - 1n);
    return (bits & signBit(format)) !== 0n ? -magnitude : magnitude;
  };
  const [a, b] = [key(x), key(y)];
  return a < b ? -1 : a > b ? 1 : 0;
}

export function compare(format: Format, predicate: 'eq' | 'lt' | 'le', x: bigint, y: bigint): Result {
  const [a, b] = [unpack(format, x), unpack(format, y)];
  if (isNotANumber(a) || isNotANumber(b)) {
    const quiet = predicate === 'eq' && a.kind !== 'signalling' && b.kind !== 'signalling';
    return { bits: 0n, flags: quiet ? 0 : FLAGS.nv };
  }
  const difference = order(format, x, y);
  const holds = predicate === 'eq' ? difference === 0 : predicate === 'lt' ? difference < 0 : difference <= 0;
  return exact(holds ? 1n : 0n);
}

export function extremum(format: Format, greatest: boolean, x: bigint, y: bigint): Result {
  const [a, b] = [unpack(format, x), unpack(format, y)];
  const flags = a.kind === 'signalling' || b.kind === 'signalling' ? FLAGS.nv : 0;
  if (isNotANumber(a) && isNotANumber(b)) return { bits: canonicalNaN(format), flags };
  if (isNotANumber(a)) return { bits: y, flags };
  if (isNotANumber(b)) return { bits: x, flags };
  const difference = order(format, x, y) || (a.negative === b.negative ? 0 : a.negative ? -1 : 1);
  return { bits: difference < 0 === greatest ? y : x, flags };
}

export function classify(format: Format, x: bigint): Result {
  const { kind, negative } = unpack(format, x);
  if (kind === 'signalling') return exact(1n << 8n);
  if (kind === 'quiet') return exact(1n << 9n);
  const normal = (x & (signBit(format) - 1n)) >> BigInt(fractionBits(format)) !== 0n;
  const rank = kind === 'zero' ? 3 : kind === 'infinite' ? 0 : normal ? 1 : 2;
  return exact(1n << BigInt(negative ? rank : 7 - rank));
}
