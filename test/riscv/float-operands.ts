import type { Random } from '../lockstep/random.js';
import { canonicalNaN, type Format, fractionBits } from './ieee-reference.js';

const pattern = (format: Format, negative: boolean, field: number, fraction: bigint): bigint =>
  (negative ? 1n << BigInt(format.width - 1) : 0n) |
  (BigInt(field) << BigInt(fractionBits(format))) |
  fraction;

const lastField = (format: Format) => 2 * format.greatest;

/** Values at which something changes: zeros, ends of ranges, integers' limits, NaNs of both kinds. */
export function notable(format: Format): bigint[] {
  const digits = BigInt(fractionBits(format));
  const all = (1n << digits) - 1n;
  const one = format.greatest;
  const positive = [
    pattern(format, false, 0, 0n),
    pattern(format, false, 0, 1n),
    pattern(format, false, 0, all),
    pattern(format, false, 1, 0n),
    pattern(format, false, 1, 1n),
    pattern(format, false, 2, 0n),
    pattern(format, false, one - 1, 0n),
    pattern(format, false, one - 1, all),
    pattern(format, false, one, 0n),
    pattern(format, false, one, 1n),
    pattern(format, false, one, 1n << (digits - 1n)),
    ...[30, 31, 32, 62, 63, 64]
      .filter(power => power <= format.greatest)
      .flatMap(power => [
        pattern(format, false, one + power, 0n),
        pattern(format, false, one + power - 1, all),
      ]),
    pattern(format, false, lastField(format), 0n),
    pattern(format, false, lastField(format), all),
    pattern(format, false, lastField(format) + 1, 0n),
    pattern(format, false, lastField(format) + 1, 1n),
    canonicalNaN(format),
    canonicalNaN(format) | 1n,
  ];
  return positive.flatMap(bits => [bits, bits | (1n << BigInt(format.width - 1))]);
}

function wide(random: Random): bigint {
  return (BigInt(random.word()) << 32n) | BigInt(random.word());
}

/** Fractions of all kinds: few bits set, runs of ones, anything. */
function fraction(random: Random, format: Format): bigint {
  const digits = fractionBits(format);
  const mask = (1n << BigInt(digits)) - 1n;
  switch (random.below(5)) {
    case 0:
      return 0n;
    case 1:
      return (1n << BigInt(random.below(digits))) & mask;
    case 2:
      return mask ^ ((1n << BigInt(random.below(digits + 1))) - 1n);
    case 3:
      return ((1n << BigInt(random.below(digits + 1))) - 1n) ^ (random.chance(50) ? 1n : 0n);
    default:
      return wide(random) & mask;
  }
}

export function randomOperand(random: Random, format: Format): bigint {
  const negative = random.chance(50);
  const last = lastField(format);
  switch (random.below(8)) {
    case 0:
      return random.pick(notable(format));
    case 1:
      return pattern(format, negative, random.below(4), fraction(random, format));
    case 2:
      return pattern(format, negative, last - random.below(3), fraction(random, format));
    case 3:
      return wide(random) & ((1n << BigInt(format.width)) - 1n);
    case 4:
      return pattern(
        format,
        negative,
        Math.min(format.greatest + random.between(-2, 66), last + 1),
        fraction(random, format),
      );
    default:
      return pattern(format, negative, format.greatest + random.between(-8, 8), fraction(random, format));
  }
}

/** Operands whose sum, product, quotient or fused result is near an edge more often than chance has it. */
export function randomOperands(random: Random, format: Format, count: number): bigint[] {
  const operands = Array.from({ length: count }, () => randomOperand(random, format));
  const last = lastField(format);
  const near = (field: number) =>
    pattern(
      format,
      random.chance(50),
      Math.min(Math.max(field + random.between(-2, 2), 0), last),
      fraction(random, format),
    );
  const field = (bits: bigint) => Number((bits >> BigInt(fractionBits(format))) & BigInt(last + 1));
  const [a, b] = operands;
  if (a === undefined || b === undefined || random.chance(40)) return operands;
  const edge = random.pick([0, -format.precision, last, format.greatest]);
  // A partner that brings the product's, quotient's or sum's exponent to the edge.
  const partner = random.pick([
    edge - field(a) + format.greatest,
    field(a) - edge + format.greatest,
    field(a) + random.between(-format.precision - 3, format.precision + 3),
  ]);
  operands[1] = near(partner);
  if (count === 3) {
    const product = field(a) + field(operands[1]) - format.greatest;
    operands[2] = near(product + random.pick([0, 0, 1, -1, random.between(-110, 110)]));
  }
  return operands;
}

/** Integers around powers of two and anywhere. */
export function randomInteger(random: Random): bigint {
  const bits = BigInt(random.below(64));
  switch (random.below(4)) {
    case 0:
      return BigInt.asUintN(64, (1n << bits) + BigInt(random.between(-2, 2)));
    case 1:
      return BigInt.asUintN(64, -(1n << bits) + BigInt(random.between(-2, 2)));
    default:
      return wide(random) >> bits;
  }
}
