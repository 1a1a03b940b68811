/** The constants of Zfa's fli, by number (Zfa 1.0, section 2). */
const VALUES = [
  -1,
  /** The least normal number of each format. */
  Number.NaN,
  ...[-16, -15, -8, -7, -4, -3, -2].map(power => 2 ** power),
  ...[0.3125, 0.375, 0.4375, 0.5, 0.625, 0.75, 0.875, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4],
  ...[8, 16, 128, 256, 2 ** 15, 2 ** 16],
  Number.POSITIVE_INFINITY,
  Number.NaN,
];
const LEAST_NORMAL = 1;
const NOT_A_NUMBER = 31;

/** The upper 16 bits of a binary64: of these constants, all there is. */
const topOf = (value: number): number => new DataView(new Float64Array([value]).buffer).getUint16(6, true);

/** The same in another format, of which the result's low bits stand in the place of the fraction's upper ones. */
function inFormat(value: number, fractionBits: number, bias: number): number {
  if (value === 0) return 0;
  const top = topOf(value);
  const sign = top >>> 15;
  const exponent = ((top >>> 4) & 0x7ff) - 1023 + bias;
  const fraction = (top & 15) << (fractionBits - 4);
  const special = 2 * bias + 1;
  const width = 15 - fractionBits;
  if (exponent >= special) return (sign << 15) | (special << fractionBits);
  if (exponent > 0) return (sign << 15) | (exponent << fractionBits) | fraction;
  return (((1 << fractionBits) | fraction) >>> (1 - exponent)) & ((1 << (fractionBits + width)) - 1);
}

function table(fractionBits: number, bias: number): readonly number[] {
  return VALUES.map((value, number) => {
    if (number === LEAST_NORMAL) return 1 << fractionBits;
    if (number === NOT_A_NUMBER) return ((2 * bias + 1) << fractionBits) | (1 << (fractionBits - 1));
    return inFormat(value, fractionBits, bias);
  });
}

/** 16 bits each: all of a binary16, the upper ones of the others. */
export const FLOAT_CONSTANTS = {
  'constant-h': table(10, 15),
  'constant-s': table(7, 127),
  'constant-d': table(4, 1023),
} as const;
