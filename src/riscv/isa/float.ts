/** F and D extensions: unprivileged spec chapters 11 and 12. */

import {
  add,
  and,
  call,
  constant,
  type Expression,
  immediate,
  load,
  low,
  not,
  or,
  signExtend,
  xor,
  zeroExtend,
} from '../../engine/expressions.js';
import type { Semantics } from '../../engine/semantics.js';
import type { RiscvInstruction } from './encoding.js';
import {
  encodeI,
  encodeR,
  encodeR4,
  encodeRounding,
  encodeRoundingUnary,
  encodeS,
  encodeUnary,
  extension,
  OPCODE,
} from './encoding.js';
import { DOUBLE, type FloatFormatRow, SINGLE } from './float-formats.js';
import { roundingMode, setFd, setRdFromFloat, storeFloat } from './forms.js';
import { fs1, fs2, fs3, rs1 } from './operands.js';

const f = extension('f');
const d = extension('d');
const address = add(rs1, immediate);

const { write: box, read: unbox } = SINGLE;
const UPPER_ONES = constant(-(2 ** 32), 'd');

const INTEGERS = [
  { letter: 'w', code: 0, type: 'i32', xlen: undefined },
  { letter: 'wu', code: 1, type: 'u32', xlen: undefined },
  { letter: 'l', code: 2, type: 'i64', xlen: 64 },
  { letter: 'lu', code: 3, type: 'u64', xlen: 64 },
] as const;

/** The integer operand of a conversion, as the 64-bit integer with its value. */
const integerOperand = (type: (typeof INTEGERS)[number]['type']) =>
  type === 'i64' || type === 'u64'
    ? signExtend(rs1, 'd')
    : type === 'i32'
      ? signExtend(low(rs1), 'd')
      : zeroExtend(low(rs1), 'd');

/** What F, D and Zfh have alike. */
export function instructionsOf(format: FloatFormatRow): RiscvInstruction[] {
  const { declare, letter, code, sign, read, write, rounding } = format;
  const [a, b, c] = [fs1, fs2, fs3].map(read);
  const funct7 = (operation: number) => (operation << 2) | code;
  const rounded = (value: Expression): Semantics => setFd(write(value), true);
  const arithmetic = (mnemonic: string, operation: number, value: Expression) =>
    declare(`${mnemonic}.${letter}`, encodeRounding(funct7(operation)), rounded(value));
  const fused = (mnemonic: string, opcode: number, first: Expression, third: Expression) =>
    declare(`${mnemonic}.${letter}`, encodeR4(code, opcode), rounded(rounding('fma', first, b, third)));
  const quiet = (mnemonic: string, operation: number, funct3: number, value: Expression) =>
    declare(`${mnemonic}.${letter}`, encodeR(funct7(operation), funct3, OPCODE.opFp), setFd(write(value)));
  const predicate = (mnemonic: string, funct3: number, operation: 'eq' | 'lt' | 'le') =>
    declare(
      `${mnemonic}.${letter}`,
      encodeR(funct7(0x14), funct3, OPCODE.opFp),
      setRdFromFloat(zeroExtend(format.quiet(operation, a, b))),
    );
  const withSign = (from: Expression) => or(and(a, not(sign)), and(from, sign));

  return [
    arithmetic('fadd', 0x00, rounding('add', a, b)),
    arithmetic('fsub', 0x01, rounding('add', a, xor(b, sign))),
    arithmetic('fmul', 0x02, rounding('mul', a, b)),
    arithmetic('fdiv', 0x03, rounding('div', a, b)),
    declare(`fsqrt.${letter}`, encodeRoundingUnary(funct7(0x0b), 0), rounded(rounding('sqrt', a))),
    fused('fmadd', OPCODE.madd, a, c),
    fused('fmsub', OPCODE.msub, a, xor(c, sign)),
    fused('fnmsub', OPCODE.nmsub, xor(a, sign), c),
    fused('fnmadd', OPCODE.nmadd, xor(a, sign), xor(c, sign)),
    quiet('fsgnj', 0x04, 0, withSign(b)),
    quiet('fsgnjn', 0x04, 1, withSign(not(b))),
    quiet('fsgnjx', 0x04, 2, xor(a, and(b, sign))),
    quiet('fmin', 0x05, 0, format.quiet('min', a, b)),
    quiet('fmax', 0x05, 1, format.quiet('max', a, b)),
    predicate('fle', 0, 'le'),
    predicate('flt', 1, 'lt'),
    predicate('feq', 2, 'eq'),
    declare(
      `fclass.${letter}`,
      encodeUnary((funct7(0x1c) << 5) | 0, 1, OPCODE.opFp),
      setRdFromFloat(zeroExtend(format.quiet('classify', a))),
    ),
    ...INTEGERS.flatMap(integer => [
      declare(
        `fcvt.${integer.letter}.${letter}`,
        encodeRoundingUnary(funct7(0x18), integer.code),
        // Results of 32 bits are sign-extended, unsigned ones too.
        setRdFromFloat(signExtend(rounding(`to_${integer.type}`, a)), true),
        integer.xlen,
      ),
      declare(
        `fcvt.${letter}.${integer.letter}`,
        encodeRoundingUnary(funct7(0x1a), integer.code),
        rounded(format.fromInteger(integer.type.startsWith('i'), integerOperand(integer.type))),
        integer.xlen,
      ),
    ]),
  ];
}

const moveUnary = (funct7: number) => encodeUnary(funct7 << 5, 0, OPCODE.opFp);

export const FLOAT: readonly RiscvInstruction[] = [
  ...instructionsOf(SINGLE),
  f('flw', encodeI(2, OPCODE.loadFp), setFd(or(load(4, false, address, 'd'), UPPER_ONES))),
  f('fsw', encodeS(2, OPCODE.storeFp), storeFloat(4, address, fs2)),
  f('fmv.x.w', moveUnary(0x70), setRdFromFloat(signExtend(low(fs1)))),
  f('fmv.w.x', moveUnary(0x78), setFd(box(low(rs1)))),

  ...instructionsOf(DOUBLE),
  d('fld', encodeI(3, OPCODE.loadFp), setFd(load(8, false, address, 'd'))),
  d('fsd', encodeS(3, OPCODE.storeFp), storeFloat(8, address, fs2)),
  d('fcvt.s.d', encodeRoundingUnary(0x20, 1), setFd(box(call('f64_to_f32', fs1, roundingMode)), true)),
  d('fcvt.d.s', encodeRoundingUnary(0x21, 0), setFd(call('f32_to_f64', unbox(fs1)), true)),
  d('fmv.x.d', moveUnary(0x71), setRdFromFloat(signExtend(fs1)), 64),
  d('fmv.d.x', moveUnary(0x79), setFd(signExtend(rs1, 'd')), 64),
];
