/**
 * A extension (unprivileged spec chapter 8), Zabha and Zacas 1.0. One hart runs at a time, so aq and rl have nothing
 * to order.
 */

import {
  add,
  and,
  type Comparison,
  choose,
  compare,
  type Expression,
  low,
  or,
  xor,
} from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeAmo, encodeCompareAndSwap, encodeLr, extension, extensionBeside } from './encoding.js';
import { atomic, compareAndSwap, loadReserved, narrowed, storeConditional, system } from './forms.js';
import { rs2 } from './operands.js';

const zaamo = extension('a', 'zaamo');
const zalrsc = extension('a', 'zalrsc');
const zabha = extension('zabha');
const zabhaWithSwap = extensionBeside('zabha', 'zacas');
const zacas = extension('zacas');

const NARROW = [
  { letter: 'b', funct3: 0, size: 1 },
  { letter: 'h', funct3: 1, size: 2 },
] as const;

type Update = (old: Expression, operand: Expression) => Expression;
const pick =
  (operator: Comparison): Update =>
  (old, operand) =>
    choose(compare(operator, old, operand), old, operand);

const OPERATIONS: readonly (readonly [name: string, funct5: number, update: Update])[] = [
  ['amoadd', 0b00000, add],
  ['amoswap', 0b00001, (_, operand) => operand],
  ['amoxor', 0b00100, xor],
  ['amoor', 0b01000, or],
  ['amoand', 0b01100, and],
  ['amomin', 0b10000, pick('lt_s')],
  ['amomax', 0b10100, pick('ge_s')],
  ['amominu', 0b11000, pick('lt_u')],
  ['amomaxu', 0b11100, pick('ge_u')],
];

export const ATOMIC: readonly RiscvInstruction[] = [
  zalrsc('lr.w', encodeLr(2), loadReserved(4)),
  zalrsc('sc.w', encodeAmo(0b00011, 2), storeConditional(4)),
  zalrsc('lr.d', encodeLr(3), loadReserved(8), 64),
  zalrsc('sc.d', encodeAmo(0b00011, 3), storeConditional(8), 64),
  ...OPERATIONS.flatMap(([name, funct5, update]) => [
    zaamo(
      `${name}.w`,
      encodeAmo(funct5, 2),
      atomic(4, old => update(old, low(rs2))),
    ),
    zaamo(
      `${name}.d`,
      encodeAmo(funct5, 3),
      atomic(8, old => update(old, rs2)),
      64,
    ),
  ]),
];

export const moreAtomics = (): readonly RiscvInstruction[] => [
  ...OPERATIONS.flatMap(([name, funct5, update]) =>
    // Sign-extended values are in the same order as unsigned ones, too.
    NARROW.map(({ letter, funct3, size }) =>
      zabha(
        `${name}.${letter}`,
        encodeAmo(funct5, funct3),
        atomic(size, old => update(old, narrowed(rs2, size))),
      ),
    ),
  ),
  zacas('amocas.w', encodeCompareAndSwap(2), compareAndSwap(4)),
  zacas('amocas.d', encodeCompareAndSwap(3), compareAndSwap(8), 64),
  ...NARROW.map(({ letter, funct3, size }) =>
    zabhaWithSwap(`amocas.${letter}`, encodeCompareAndSwap(funct3), compareAndSwap(size)),
  ),
  // These are of pairs of registers.
  zacas('amocas.d', encodeCompareAndSwap(3), system('amocas-pair'), 32),
  zacas('amocas.q', encodeCompareAndSwap(4), system('amocas-pair'), 64),
];
