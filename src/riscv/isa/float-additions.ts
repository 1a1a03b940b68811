/** Zfa 1.0: constants, other minima and comparisons, rounding to whole numbers. */
import {
  and,
  binary,
  bind,
  call,
  choose,
  compare,
  constant,
  type Expression,
  immediate,
  low,
  or,
  signExtend,
  zeroExtend,
} from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import {
  encodeConstant,
  encodeR,
  encodeRoundingUnary,
  encodeUnary,
  extension,
  extensionBeside,
  OPCODE,
} from './encoding.js';
import { DOUBLE, type FloatFormatRow, HALF, SINGLE } from './float-formats.js';
import { roundingMode, setFd, setRdFromFloat } from './forms.js';
import { fs1, fs2, rs1, rs2 } from './operands.js';

type Declare = ReturnType<typeof extension>;

const canonical = constant(0x7ff8, 'd');
/** The upper 16 bits of a binary64, of which the others are zero. */
const ofTop = (top: Expression) => binary('shl', top, constant(48, 'd'));

/** A NaN where either operand is one; the function has raised what there is to raise. */
const orNaN = (operation: 'min' | 'max', a: Expression, b: Expression) =>
  bind(call(`f64_${operation}`, a, b), value =>
    choose(and(isNumber(a), isNumber(b)), value, ofTop(canonical)),
  );
const infinity = ofTop(constant(0x7ff0, 'd'));
const magnitude = (wide: Expression) => and(wide, binary('shr_u', constant(-1, 'd'), constant(1, 'd')));
const isNumber = (wide: Expression) => compare('ge_u', infinity, magnitude(wide));

function additionsTo(format: FloatFormatRow, declare: Declare): RiscvInstruction[] {
  const { code, letter, read, write, widen, narrow } = format;
  const funct7 = (operation: number) => (operation << 2) | code;
  const bound = (use: (a: Expression, b: Expression) => Expression) =>
    bind(widen(read(fs1)), a => bind(widen(read(fs2)), b => use(a, b)));
  const extremum = (name: string, funct3: number, operation: 'min' | 'max') =>
    declare(
      `${name}.${letter}`,
      encodeR(funct7(0x05), funct3, OPCODE.opFp),
      setFd(write(narrow(bound((a, b) => orNaN(operation, a, b))))),
    );
  const predicate = (name: string, funct3: number, operation: 'lt_quiet' | 'le_quiet') =>
    declare(
      `${name}.${letter}`,
      encodeR(funct7(0x14), funct3, OPCODE.opFp),
      setRdFromFloat(zeroExtend(bound((a, b) => call(`f64_${operation}`, a, b)))),
    );
  const whole = (name: string, rs2Field: number, operation: 'f64_to_integral' | 'f64_to_integral_exact') =>
    declare(
      `${name}.${letter}`,
      encodeRoundingUnary(funct7(0x08), rs2Field),
      setFd(write(narrow(call(operation, widen(read(fs1)), roundingMode))), true),
    );
  return [
    declare(`fli.${letter}`, encodeConstant(funct7(0x1e), letter), setFd(write(constantOf(format)))),
    extremum('fminm', 2, 'min'),
    extremum('fmaxm', 3, 'max'),
    whole('fround', 4, 'f64_to_integral'),
    whole('froundnx', 5, 'f64_to_integral_exact'),
    predicate('fleq', 4, 'le_quiet'),
    predicate('fltq', 5, 'lt_quiet'),
  ];
}

/** The immediate is the upper half of a binary32 or a quarter of a binary64, or a binary16. */
function constantOf({ letter }: FloatFormatRow): Expression {
  const bits = and(low(immediate), constant(0xffff, 'w'));
  if (letter === 'h') return bits;
  if (letter === 's') return binary('shl', bits, constant(16, 'w'));
  return ofTop(zeroExtend(bits, 'd'));
}

const d = extensionBeside('zfa', 'd');
const upperHalf = (value: Expression) => low(binary('shr_u', value, constant(32, 'd')));

export const floatAdditions = (): readonly RiscvInstruction[] => [
  ...additionsTo(SINGLE, extension('zfa')),
  ...additionsTo(DOUBLE, d),
  ...additionsTo(HALF, extensionBeside('zfa', 'zfh')),
  d(
    'fcvtmod.w.d',
    encodeUnary(0xc28, 1, OPCODE.opFp),
    setRdFromFloat(signExtend(call('f64_to_modular', fs1))),
  ),
  d('fmvh.x.d', encodeUnary(0xe21, 0, OPCODE.opFp), setRdFromFloat(signExtend(upperHalf(fs1))), 32),
  d(
    'fmvp.d.x',
    encodeR(0x59, 0, OPCODE.opFp),
    setFd(or(zeroExtend(low(rs1), 'd'), binary('shl', zeroExtend(low(rs2), 'd'), constant(32, 'd')))),
    32,
  ),
];
