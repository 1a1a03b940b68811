/** 64-bit arithmetic on pairs of 32-bit words. */

import { OPCODE } from './bytecodes.js';

/** Upper 32 bits of the product of two unsigned words. */
export function multiplyHigh(a: number, b: number): number {
  const [aLow, aHigh, bLow, bHigh] = [a & 0xffff, a >>> 16, b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = (aLow * bHigh + (middle & 0xffff)) >>> 16;
  return (aHigh * bHigh + (middle >>> 16) + carry) | 0;
}

type Division =
  | typeof OPCODE.div_signed
  | typeof OPCODE.div_unsigned
  | typeof OPCODE.rem_signed
  | typeof OPCODE.rem_unsigned;

/** Divides the value at `at` by the one behind it, which is not zero; the result replaces the first. */
export function divide(lows: Int32Array, highs: Int32Array, at: number, operation: Division): void {
  const signed = operation === OPCODE.div_signed || operation === OPCODE.rem_signed;
  const quotient = operation === OPCODE.div_signed || operation === OPCODE.div_unsigned;
  const a = small(lows[at]!, highs[at]!, signed);
  const b = small(lows[at + 1]!, highs[at + 1]!, signed);
  if (a !== undefined && b !== undefined) {
    // Exact: both have at most 32 bits. Adding 0 turns -0 into 0.
    const result = (quotient ? Math.trunc(a / b) : a % b) + 0;
    lows[at] = result;
    highs[at] = result < 0 ? -1 : 0;
    return;
  }
  const [dividend, divisor] = [
    wide(lows[at]!, highs[at]!, signed),
    wide(lows[at + 1]!, highs[at + 1]!, signed),
  ];
  const result = BigInt.asUintN(64, quotient ? dividend / divisor : dividend % divisor);
  lows[at] = Number(result & 0xffffffffn);
  highs[at] = Number(result >> 32n);
}

function small(low: number, high: number, signed: boolean): number | undefined {
  if (signed) return high === low >> 31 ? low : undefined;
  return high === 0 ? low >>> 0 : undefined;
}

function wide(low: number, high: number, signed: boolean): bigint {
  const value = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return signed ? BigInt.asIntN(64, value) : value;
}
