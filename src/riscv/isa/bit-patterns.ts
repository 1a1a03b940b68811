/** Expressions that several extensions for bits are made of. */
import { and, binary, bind, constant, type Expression, or, xor } from '../../engine/expressions.js';

export const shl = (value: Expression, count: Expression) => binary('shl', value, count);
export const shr = (value: Expression, count: Expression) => binary('shr_u', value, count);
export const rotr = (value: Expression, count: number) => binary('rotr', value, constant(count, value.type));

/** Every byte of an x with this value. */
export const everyByte = (byte: number, xlen: 32 | 64): Expression =>
  xlen === 32
    ? constant((byte * 0x01010101) | 0)
    : bind(constant(byte * 0x01010101), half => or(half, shl(half, constant(32))));

/** Swaps neighbouring groups of bits: those that the mask selects with those above them. */
export const swap = (value: Expression, bits: number, mask: Expression) =>
  bind(value, v => bind(mask, m => or(and(shr(v, constant(bits)), m), shl(and(v, m), constant(bits)))));

export const xorAll = (first: Expression, ...more: readonly Expression[]): Expression =>
  more.reduce((sum, one) => xor(sum, one), first);
export const orAll = (first: Expression, ...more: readonly Expression[]): Expression =>
  more.reduce((sum, one) => or(sum, one), first);
