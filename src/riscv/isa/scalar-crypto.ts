/** Scalar cryptography, specification 1.0.1: what Zbkb and Zbkx have beyond Zbb, and Zknh. AES is in aes.ts. */
import {
  and,
  binary,
  choose,
  compare,
  constant,
  type Expression,
  low,
  or,
  signExtend,
  zeroExtend,
} from '../../engine/expressions.js';
import { everyByte, orAll, rotr, shr, swap, xorAll } from './bit-patterns.js';
import type { RiscvInstruction } from './encoding.js';
import { encodeR, encodeUnary, extension, OPCODE } from './encoding.js';
import { setRd } from './forms.js';
import { rs1, rs2 } from './operands.js';

const zbkb = extension('zbkb');
const zbkx = extension('zbkx');
const zknh = extension('zknh');

const byConstant =
  (operator: 'shl' | 'shr_u') =>
  (value: Expression, count: number): Expression =>
    binary(operator, value, constant(count, value.type));
const left = byConstant('shl');
const right = byConstant('shr_u');

/** The low halves of both sources, `bits` wide each, the second above the first. */
const packed = (bits: number, mask: Expression) => or(and(rs1, mask), left(and(rs2, mask), bits));
const lowHalf = (xlen: 32 | 64) => (xlen === 32 ? constant(0xffff) : zeroExtend(constant(-1, 'w')));

const reversedInBytes = (xlen: 32 | 64) =>
  [
    [1, 0x55],
    [2, 0x33],
    [4, 0x0f],
  ].reduce((value: Expression, [bits, mask]) => swap(value, bits, everyByte(mask, xlen)), rs1);

/** Groups of bits that `zip` exchanges, those to the left and as many places below them; `unzip` goes back. */
const SHUFFLES = [
  [0x00ff0000, 8],
  [0x0f000f00, 4],
  [0x30303030, 2],
  [0x44444444, 1],
] as const;

const shuffled = (steps: typeof SHUFFLES | readonly (typeof SHUFFLES)[number][]) =>
  (steps as readonly (typeof SHUFFLES)[number][]).reduce((value: Expression, [upper, places]) => {
    const lower = upper >>> places;
    const kept = and(value, constant(~(upper | lower)));
    return orAll(kept, and(left(value, places), constant(upper)), and(right(value, places), constant(lower)));
  }, rs1);

/** Picks groups of `bits` bits of rs1 by the groups of rs2; zero for those that there are not. */
function permuted(bits: 4 | 8, xlen: 32 | 64): Expression {
  const count = xlen / bits;
  const mask = constant(2 ** bits - 1);
  const groups = Array.from({ length: count }, (_, group) => {
    const index = and(right(rs2, group * bits), mask);
    const picked = and(shr(rs1, left(index, Math.log2(bits))), mask);
    const there =
      count === 2 ** bits ? picked : choose(compare('lt_u', index, constant(count)), picked, constant(0));
    return left(there, group * bits);
  });
  return orAll(groups[0], ...groups.slice(1));
}

const shaUnary = (number: number) => encodeUnary(0x100 + number, 1, OPCODE.opImm);
const word = low(rs1);
const sha256 = (name: string, number: number, ...terms: readonly Expression[]) =>
  zknh(`sha256${name}`, shaUnary(number), setRd(signExtend(xorAll(terms[0], ...terms.slice(1)))));
const sha512 = (name: string, number: number, ...terms: readonly Expression[]) =>
  zknh(`sha512${name}`, shaUnary(number), setRd(xorAll(terms[0], ...terms.slice(1))), 64);
const sha512Half = (name: string, funct7: number, ...terms: readonly Expression[]) =>
  zknh(`sha512${name}`, encodeR(funct7, 0, OPCODE.op), setRd(xorAll(terms[0], ...terms.slice(1))), 32);

export const scalarCrypto = (): readonly RiscvInstruction[] => [
  zbkb('pack', encodeR(0x04, 4, OPCODE.op), setRd(packed(16, lowHalf(32))), 32),
  zbkb('pack', encodeR(0x04, 4, OPCODE.op), setRd(packed(32, lowHalf(64))), 64),
  zbkb('packh', encodeR(0x04, 7, OPCODE.op), setRd(packed(8, constant(0xff)))),
  zbkb('packw', encodeR(0x04, 4, OPCODE.op32), setRd(signExtend(low(packed(16, constant(0xffff))))), 64),
  zbkb('brev8', encodeUnary(0x687, 5, OPCODE.opImm), setRd(reversedInBytes(32)), 32),
  zbkb('brev8', encodeUnary(0x687, 5, OPCODE.opImm), setRd(reversedInBytes(64)), 64),
  zbkb('zip', encodeUnary(0x08f, 1, OPCODE.opImm), setRd(shuffled(SHUFFLES)), 32),
  zbkb('unzip', encodeUnary(0x08f, 5, OPCODE.opImm), setRd(shuffled([...SHUFFLES].reverse())), 32),

  ...([32, 64] as const).flatMap(xlen => [
    zbkx('xperm4', encodeR(0x14, 2, OPCODE.op), setRd(permuted(4, xlen)), xlen),
    zbkx('xperm8', encodeR(0x14, 4, OPCODE.op), setRd(permuted(8, xlen)), xlen),
  ]),

  sha256('sum0', 0, rotr(word, 2), rotr(word, 13), rotr(word, 22)),
  sha256('sum1', 1, rotr(word, 6), rotr(word, 11), rotr(word, 25)),
  sha256('sig0', 2, rotr(word, 7), rotr(word, 18), right(word, 3)),
  sha256('sig1', 3, rotr(word, 17), rotr(word, 19), right(word, 10)),
  sha512('sum0', 4, rotr(rs1, 28), rotr(rs1, 34), rotr(rs1, 39)),
  sha512('sum1', 5, rotr(rs1, 14), rotr(rs1, 18), rotr(rs1, 41)),
  sha512('sig0', 6, rotr(rs1, 1), rotr(rs1, 8), right(rs1, 7)),
  sha512('sig1', 7, rotr(rs1, 19), rotr(rs1, 61), right(rs1, 6)),

  // Of a 64-bit value in two registers.
  sha512Half(
    'sum0r',
    0x28,
    left(rs1, 25),
    left(rs1, 30),
    right(rs1, 28),
    right(rs2, 7),
    right(rs2, 2),
    left(rs2, 4),
  ),
  sha512Half(
    'sum1r',
    0x29,
    left(rs1, 23),
    right(rs1, 14),
    right(rs1, 18),
    right(rs2, 9),
    left(rs2, 18),
    left(rs2, 14),
  ),
  sha512Half(
    'sig0l',
    0x2a,
    right(rs1, 1),
    right(rs1, 7),
    right(rs1, 8),
    left(rs2, 31),
    left(rs2, 25),
    left(rs2, 24),
  ),
  sha512Half(
    'sig1l',
    0x2b,
    left(rs1, 3),
    right(rs1, 6),
    right(rs1, 19),
    right(rs2, 29),
    left(rs2, 26),
    left(rs2, 13),
  ),
  sha512Half('sig0h', 0x2e, right(rs1, 1), right(rs1, 7), right(rs1, 8), left(rs2, 31), left(rs2, 24)),
  sha512Half('sig1h', 0x2f, left(rs1, 3), right(rs1, 6), right(rs1, 19), right(rs2, 29), left(rs2, 13)),
];
