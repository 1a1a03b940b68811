/** Zba, Zbb, Zbc and Zbs: the bit-manipulation specification 1.0. */

import {
  add,
  and,
  binary,
  bind,
  type Comparison,
  call,
  choose,
  compare,
  constant,
  type Expression,
  immediate,
  low,
  not,
  or,
  shiftMask,
  signExtend,
  sub,
  unary,
  xor,
  zeroExtend,
} from '../../engine/expressions.js';
import { everyByte, shl, shr, swap } from './bit-patterns.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeR, encodeShift, encodeUnary, extension, OPCODE } from './encoding.js';
import { setRd } from './forms.js';
import { rs1, rs2 } from './operands.js';

const zba = extension('zba');
const zbb = extension('zbb');
/** What Zbkb has of it. */
const shared = extension('zbb', 'zbkb');
const zbc = extension('zbc');
const zbkc = extension('zbc', 'zbkc');
const zbs = extension('zbs');

const zeroExtendWord = (value: Expression) => zeroExtend(low(value));
/** WebAssembly counts a zero's leading and trailing zeros as the width, as these instructions do. */
const count = (operator: 'clz' | 'ctz' | 'popcnt', value: Expression) => unary(operator, value);
const pick = (operator: Comparison) => choose(compare(operator, rs1, rs2), rs1, rs2);
const singleBit = (index: Expression) => shl(constant(1), and(index, shiftMask));

/** Bytes that are not zero become all ones: adding 0x7f to seven bits carries into the eighth. */
const orCombine = (xlen: 32 | 64) =>
  bind(everyByte(0x7f, xlen), low7 => {
    const top = not(low7);
    const carried = or(add(and(rs1, low7), low7), rs1);
    return bind(and(carried, top), tops => sub(shl(tops, constant(1)), shr(tops, constant(7))));
  });

const reverseBytes32 = (value: Expression) =>
  binary('rotl', swap(value, 8, constant(0x00ff00ff)), constant(16));
const reverseBytes64 = (value: Expression) =>
  binary(
    'rotl',
    swap(
      swap(
        value,
        8,
        bind(constant(0x00ff00ff), m => or(m, shl(m, constant(32)))),
      ),
      16,
      bind(constant(0x0000ffff), m => or(m, shl(m, constant(32)))),
    ),
    constant(32),
  );

const word = (operator: 'rotl' | 'rotr', countOf: Expression) =>
  setRd(signExtend(binary(operator, low(rs1), low(countOf))));
const unaryOp = (funct12: number) => encodeUnary(funct12, 1, OPCODE.opImm);
const unaryWord = (funct12: number) => encodeUnary(funct12, 1, OPCODE.opImm32);

/** An operation on a single bit, by register and by constant. */
const bitPair = (
  name: string,
  funct7: number,
  funct3: number,
  operation: (bit: Expression) => Expression,
): RiscvInstruction[] => [
  zbs(name, encodeR(funct7, funct3, OPCODE.op), setRd(operation(rs2))),
  zbs(`${name}i`, encodeShift(5, funct7, funct3, OPCODE.opImm), setRd(operation(immediate)), 32),
  zbs(`${name}i`, encodeShift(6, funct7 >> 1, funct3, OPCODE.opImm), setRd(operation(immediate)), 64),
];

/** The product of two x without carries: all of it on RV32, its low half on RV64. */
const carryless = call('carryless', zeroExtend(rs1, 'd'), zeroExtend(rs2, 'd'));
const carrylessReversed = call('carryless_reversed', zeroExtend(rs1, 'd'), zeroExtend(rs2, 'd'));
/** An x of the low bits of a `d`. */
const ofWide = (value: Expression, xlen: 32 | 64) => signExtend(xlen === 32 ? low(value) : value);
const product = (from: number) => setRd(ofWide(shr(carryless, constant(from, 'd')), 32));

const CARRYLESS: readonly RiscvInstruction[] = [
  zbkc('clmul', encodeR(0x05, 1, OPCODE.op), setRd(ofWide(carryless, 32)), 32),
  zbkc('clmul', encodeR(0x05, 1, OPCODE.op), setRd(ofWide(carryless, 64)), 64),
  zbkc('clmulh', encodeR(0x05, 3, OPCODE.op), product(32), 32),
  zbkc(
    'clmulh',
    encodeR(0x05, 3, OPCODE.op),
    setRd(ofWide(shr(carrylessReversed, constant(1, 'd')), 64)),
    64,
  ),
  zbc('clmulr', encodeR(0x05, 2, OPCODE.op), product(31), 32),
  zbc('clmulr', encodeR(0x05, 2, OPCODE.op), setRd(ofWide(carrylessReversed, 64)), 64),
];

export const BITMANIP: readonly RiscvInstruction[] = [
  ...[1, 2, 3].flatMap(places => [
    zba(`sh${places}add`, encodeR(0x10, 2 * places, OPCODE.op), setRd(add(shl(rs1, constant(places)), rs2))),
    zba(
      `sh${places}add.uw`,
      encodeR(0x10, 2 * places, OPCODE.op32),
      setRd(add(shl(zeroExtendWord(rs1), constant(places)), rs2)),
      64,
    ),
  ]),
  zba('add.uw', encodeR(0x04, 0, OPCODE.op32), setRd(add(zeroExtendWord(rs1), rs2)), 64),
  zba('slli.uw', encodeShift(6, 0x02, 1, OPCODE.opImm32), setRd(shl(zeroExtendWord(rs1), immediate)), 64),

  shared('andn', encodeR(0x20, 7, OPCODE.op), setRd(and(rs1, not(rs2)))),
  shared('orn', encodeR(0x20, 6, OPCODE.op), setRd(or(rs1, not(rs2)))),
  shared('xnor', encodeR(0x20, 4, OPCODE.op), setRd(not(xor(rs1, rs2)))),
  zbb('clz', unaryOp(0x600), setRd(count('clz', rs1))),
  zbb('ctz', unaryOp(0x601), setRd(count('ctz', rs1))),
  zbb('cpop', unaryOp(0x602), setRd(count('popcnt', rs1))),
  zbb('clzw', unaryWord(0x600), setRd(zeroExtend(count('clz', low(rs1)))), 64),
  zbb('ctzw', unaryWord(0x601), setRd(zeroExtend(count('ctz', low(rs1)))), 64),
  zbb('cpopw', unaryWord(0x602), setRd(zeroExtend(count('popcnt', low(rs1)))), 64),
  zbb('min', encodeR(0x05, 4, OPCODE.op), setRd(pick('lt_s'))),
  zbb('minu', encodeR(0x05, 5, OPCODE.op), setRd(pick('lt_u'))),
  zbb('max', encodeR(0x05, 6, OPCODE.op), setRd(pick('ge_s'))),
  zbb('maxu', encodeR(0x05, 7, OPCODE.op), setRd(pick('ge_u'))),
  zbb('sext.b', unaryOp(0x604), setRd(unary('extend8_s', rs1))),
  zbb('sext.h', unaryOp(0x605), setRd(unary('extend16_s', rs1))),
  zbb('zext.h', encodeUnary(0x080, 4, OPCODE.op), setRd(and(rs1, constant(0xffff))), 32),
  zbb('zext.h', encodeUnary(0x080, 4, OPCODE.op32), setRd(and(rs1, constant(0xffff))), 64),
  shared('rol', encodeR(0x30, 1, OPCODE.op), setRd(binary('rotl', rs1, rs2))),
  shared('ror', encodeR(0x30, 5, OPCODE.op), setRd(binary('rotr', rs1, rs2))),
  shared('rori', encodeShift(5, 0x30, 5, OPCODE.opImm), setRd(binary('rotr', rs1, immediate)), 32),
  shared('rori', encodeShift(6, 0x18, 5, OPCODE.opImm), setRd(binary('rotr', rs1, immediate)), 64),
  shared('rolw', encodeR(0x30, 1, OPCODE.op32), word('rotl', rs2), 64),
  shared('rorw', encodeR(0x30, 5, OPCODE.op32), word('rotr', rs2), 64),
  shared('roriw', encodeShift(5, 0x30, 5, OPCODE.opImm32), word('rotr', immediate), 64),
  zbb('orc.b', encodeUnary(0x287, 5, OPCODE.opImm), setRd(orCombine(32)), 32),
  zbb('orc.b', encodeUnary(0x287, 5, OPCODE.opImm), setRd(orCombine(64)), 64),
  shared('rev8', encodeUnary(0x698, 5, OPCODE.opImm), setRd(reverseBytes32(rs1)), 32),
  shared('rev8', encodeUnary(0x6b8, 5, OPCODE.opImm), setRd(reverseBytes64(rs1)), 64),

  ...CARRYLESS,

  ...bitPair('bclr', 0x24, 1, index => and(rs1, not(singleBit(index)))),
  ...bitPair('bext', 0x24, 5, index => and(shr(rs1, and(index, shiftMask)), constant(1))),
  ...bitPair('binv', 0x34, 1, index => xor(rs1, singleBit(index))),
  ...bitPair('bset', 0x14, 1, index => or(rs1, singleBit(index))),
];
