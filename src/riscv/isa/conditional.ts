/** Zicond 1.0, and Zimop 1.0: operations that later extensions may give a meaning, and which write zero until then. */
import { choose, compare, constant } from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeMayBe, encodeR, extension, OPCODE } from './encoding.js';
import { setRd } from './forms.js';
import { rs1, rs2 } from './operands.js';

const zicond = extension('zicond');
const zimop = extension('zimop');

const zero = constant(0);
const isZero = compare('eq', rs2, zero);

export const CONDITIONAL: readonly RiscvInstruction[] = [
  zicond('czero.eqz', encodeR(0x07, 5, OPCODE.op), setRd(choose(isZero, zero, rs1))),
  zicond('czero.nez', encodeR(0x07, 7, OPCODE.op), setRd(choose(isZero, rs1, zero))),
  zimop('mop.r', encodeMayBe('unary'), setRd(zero)),
  zimop('mop.rr', encodeMayBe('binary'), setRd(zero)),
];
