/** M extension: unprivileged spec chapter 7. */

import {
  and,
  binary,
  choose,
  compare,
  constant,
  type Expression,
  low,
  minimum,
  multiplyHigh,
  signExtend,
} from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeR, extension, OPCODE } from './encoding.js';
import { setRd } from './forms.js';
import { rs1, rs2 } from './operands.js';

const m = extension('m');
const zmmul = extension('m', 'zmmul');

const isZero = (value: Expression) => compare('eq', value, constant(0, value.type));
const isMinusOne = (value: Expression) => compare('eq', value, constant(-1, value.type));
const overflows = (a: Expression, b: Expression) => and(compare('eq', a, minimum(a.type)), isMinusOne(b));

// Table 7.1: division by zero gives all ones and leaves the dividend as remainder; overflow wraps.
const divide = (a: Expression, b: Expression) =>
  choose(isZero(b), constant(-1, a.type), choose(overflows(a, b), minimum(a.type), binary('div_s', a, b)));
const divideUnsigned = (a: Expression, b: Expression) =>
  choose(isZero(b), constant(-1, a.type), binary('div_u', a, b));
const remainder = (a: Expression, b: Expression) => choose(isZero(b), a, binary('rem_s', a, b));
const remainderUnsigned = (a: Expression, b: Expression) => choose(isZero(b), a, binary('rem_u', a, b));
const word = (operation: (a: Expression, b: Expression) => Expression) =>
  setRd(signExtend(operation(low(rs1), low(rs2))));

export const MULTIPLY: readonly RiscvInstruction[] = [
  zmmul('mul', encodeR(1, 0, OPCODE.op), setRd(binary('mul', rs1, rs2))),
  zmmul('mulh', encodeR(1, 1, OPCODE.op), setRd(multiplyHigh('ss', rs1, rs2))),
  zmmul('mulhsu', encodeR(1, 2, OPCODE.op), setRd(multiplyHigh('su', rs1, rs2))),
  zmmul('mulhu', encodeR(1, 3, OPCODE.op), setRd(multiplyHigh('uu', rs1, rs2))),
  m('div', encodeR(1, 4, OPCODE.op), setRd(divide(rs1, rs2))),
  m('divu', encodeR(1, 5, OPCODE.op), setRd(divideUnsigned(rs1, rs2))),
  m('rem', encodeR(1, 6, OPCODE.op), setRd(remainder(rs1, rs2))),
  m('remu', encodeR(1, 7, OPCODE.op), setRd(remainderUnsigned(rs1, rs2))),
  zmmul(
    'mulw',
    encodeR(1, 0, OPCODE.op32),
    word((a, b) => binary('mul', a, b)),
    64,
  ),
  m('divw', encodeR(1, 4, OPCODE.op32), word(divide), 64),
  m('divuw', encodeR(1, 5, OPCODE.op32), word(divideUnsigned), 64),
  m('remw', encodeR(1, 6, OPCODE.op32), word(remainder), 64),
  m('remuw', encodeR(1, 7, OPCODE.op32), word(remainderUnsigned), 64),
];
