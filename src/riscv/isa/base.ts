/** RV32I and RV64I: unprivileged spec chapters 2 and 5. */

import {
  add,
  and,
  binary,
  compare,
  constant,
  immediate,
  load,
  low,
  or,
  pc,
  signExtend,
  sub,
  xor,
  zeroExtend,
} from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import {
  encodeB,
  encodeI,
  encodeJ,
  encodeR,
  encodeS,
  encodeShift,
  encodeU,
  extension,
  OPCODE,
} from './encoding.js';
import { branchIf, jumpAndLink, nothing, setRd, store } from './forms.js';
import { rs1, rs2 } from './operands.js';

const i = extension('i');
const zifencei = extension('zifencei');
const address = add(rs1, immediate);

export const BASE: readonly RiscvInstruction[] = [
  i('lui', encodeU(OPCODE.lui), setRd(immediate)),
  i('auipc', encodeU(OPCODE.auipc), setRd(add(pc, immediate))),
  i('jal', encodeJ(OPCODE.jal), jumpAndLink(add(pc, immediate))),
  i('jalr', encodeI(0, OPCODE.jalr), jumpAndLink(and(address, constant(-2)))),

  i('beq', encodeB(0), branchIf(compare('eq', rs1, rs2))),
  i('bne', encodeB(1), branchIf(compare('ne', rs1, rs2))),
  i('blt', encodeB(4), branchIf(compare('lt_s', rs1, rs2))),
  i('bge', encodeB(5), branchIf(compare('ge_s', rs1, rs2))),
  i('bltu', encodeB(6), branchIf(compare('lt_u', rs1, rs2))),
  i('bgeu', encodeB(7), branchIf(compare('ge_u', rs1, rs2))),

  i('lb', encodeI(0, OPCODE.load), setRd(load(1, true, address))),
  i('lh', encodeI(1, OPCODE.load), setRd(load(2, true, address))),
  i('lw', encodeI(2, OPCODE.load), setRd(load(4, true, address))),
  i('ld', encodeI(3, OPCODE.load), setRd(load(8, true, address)), 64),
  i('lbu', encodeI(4, OPCODE.load), setRd(load(1, false, address))),
  i('lhu', encodeI(5, OPCODE.load), setRd(load(2, false, address))),
  i('lwu', encodeI(6, OPCODE.load), setRd(load(4, false, address)), 64),
  i('sb', encodeS(0), store(1, address, rs2)),
  i('sh', encodeS(1), store(2, address, rs2)),
  i('sw', encodeS(2), store(4, address, rs2)),
  i('sd', encodeS(3), store(8, address, rs2), 64),

  i('addi', encodeI(0, OPCODE.opImm), setRd(add(rs1, immediate))),
  i('slti', encodeI(2, OPCODE.opImm), setRd(zeroExtend(compare('lt_s', rs1, immediate)))),
  i('sltiu', encodeI(3, OPCODE.opImm), setRd(zeroExtend(compare('lt_u', rs1, immediate)))),
  i('xori', encodeI(4, OPCODE.opImm), setRd(xor(rs1, immediate))),
  i('ori', encodeI(6, OPCODE.opImm), setRd(or(rs1, immediate))),
  i('andi', encodeI(7, OPCODE.opImm), setRd(and(rs1, immediate))),
  i('slli', encodeShift(5, 0x00, 1, OPCODE.opImm), setRd(binary('shl', rs1, immediate)), 32),
  i('srli', encodeShift(5, 0x00, 5, OPCODE.opImm), setRd(binary('shr_u', rs1, immediate)), 32),
  i('srai', encodeShift(5, 0x20, 5, OPCODE.opImm), setRd(binary('shr_s', rs1, immediate)), 32),
  i('slli', encodeShift(6, 0x00, 1, OPCODE.opImm), setRd(binary('shl', rs1, immediate)), 64),
  i('srli', encodeShift(6, 0x00, 5, OPCODE.opImm), setRd(binary('shr_u', rs1, immediate)), 64),
  i('srai', encodeShift(6, 0x10, 5, OPCODE.opImm), setRd(binary('shr_s', rs1, immediate)), 64),

  i('add', encodeR(0x00, 0, OPCODE.op), setRd(add(rs1, rs2))),
  i('sub', encodeR(0x20, 0, OPCODE.op), setRd(sub(rs1, rs2))),
  // WebAssembly shifts take the count modulo the width, as RISC-V's do.
  i('sll', encodeR(0x00, 1, OPCODE.op), setRd(binary('shl', rs1, rs2))),
  i('slt', encodeR(0x00, 2, OPCODE.op), setRd(zeroExtend(compare('lt_s', rs1, rs2)))),
  i('sltu', encodeR(0x00, 3, OPCODE.op), setRd(zeroExtend(compare('lt_u', rs1, rs2)))),
  i('xor', encodeR(0x00, 4, OPCODE.op), setRd(xor(rs1, rs2))),
  i('srl', encodeR(0x00, 5, OPCODE.op), setRd(binary('shr_u', rs1, rs2))),
  i('sra', encodeR(0x20, 5, OPCODE.op), setRd(binary('shr_s', rs1, rs2))),
  i('or', encodeR(0x00, 6, OPCODE.op), setRd(or(rs1, rs2))),
  i('and', encodeR(0x00, 7, OPCODE.op), setRd(and(rs1, rs2))),

  i('addiw', encodeI(0, OPCODE.opImm32), setRd(signExtend(add(low(rs1), low(immediate)))), 64),
  i(
    'slliw',
    encodeShift(5, 0x00, 1, OPCODE.opImm32),
    setRd(signExtend(binary('shl', low(rs1), low(immediate)))),
    64,
  ),
  i(
    'srliw',
    encodeShift(5, 0x00, 5, OPCODE.opImm32),
    setRd(signExtend(binary('shr_u', low(rs1), low(immediate)))),
    64,
  ),
  i(
    'sraiw',
    encodeShift(5, 0x20, 5, OPCODE.opImm32),
    setRd(signExtend(binary('shr_s', low(rs1), low(immediate)))),
    64,
  ),
  i('addw', encodeR(0x00, 0, OPCODE.op32), setRd(signExtend(add(low(rs1), low(rs2)))), 64),
  i('subw', encodeR(0x20, 0, OPCODE.op32), setRd(signExtend(sub(low(rs1), low(rs2)))), 64),
  i('sllw', encodeR(0x00, 1, OPCODE.op32), setRd(signExtend(binary('shl', low(rs1), low(rs2)))), 64),
  i('srlw', encodeR(0x00, 5, OPCODE.op32), setRd(signExtend(binary('shr_u', low(rs1), low(rs2)))), 64),
  i('sraw', encodeR(0x20, 5, OPCODE.op32), setRd(signExtend(binary('shr_s', low(rs1), low(rs2)))), 64),

  // One hart runs at a time and decoded code follows every store: fences have nothing to order.
  i('fence', encodeI(0, OPCODE.miscMem), nothing),
  zifencei('fence.i', encodeI(1, OPCODE.miscMem), nothing),
];
