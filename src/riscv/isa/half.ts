/** Zfh and Zfhmin 1.0: binary16, as F and D have their formats. */
import {
  add,
  call,
  constant,
  type Expression,
  immediate,
  load,
  low,
  or,
  signExtend,
  unary,
} from '../../engine/expressions.js';
import type { RiscvInstruction } from './encoding.js';
import {
  encodeI,
  encodeRoundingUnary,
  encodeS,
  encodeUnary,
  extension,
  extensionBeside,
  OPCODE,
} from './encoding.js';
import { instructionsOf } from './float.js';
import { HALF, SINGLE } from './float-formats.js';
import { roundingMode, setFd, setRdFromFloat, storeFloat } from './forms.js';
import { fs1, fs2, rs1 } from './operands.js';

const zfhmin = extension('zfhmin');
const withDoubles = extensionBeside('zfhmin', 'd');
const address = add(rs1, immediate);

const half = HALF.read(fs1);
/** What is there of any other value, in the format's register. */
const toHalf = (wide: Expression) => setFd(HALF.write(HALF.narrow(wide, roundingMode)), true);

export const halves = (): readonly RiscvInstruction[] => [
  ...instructionsOf(HALF),
  zfhmin(
    'flh',
    encodeI(1, OPCODE.loadFp),
    setFd(or(load(2, false, address, 'd'), constant(-(2 ** 16), 'd'))),
  ),
  zfhmin('fsh', encodeS(1, OPCODE.storeFp), storeFloat(2, address, fs2)),
  zfhmin(
    'fmv.x.h',
    encodeUnary(0x72 << 5, 0, OPCODE.opFp),
    setRdFromFloat(signExtend(unary('extend16_s', low(fs1)))),
  ),
  zfhmin('fmv.h.x', encodeUnary(0x7a << 5, 0, OPCODE.opFp), setFd(HALF.write(low(rs1)))),
  zfhmin(
    'fcvt.s.h',
    encodeRoundingUnary(0x20, 2),
    setFd(SINGLE.write(SINGLE.narrow(HALF.widen(half))), true),
  ),
  zfhmin('fcvt.h.s', encodeRoundingUnary(0x22, 0), toHalf(call('f32_to_f64', SINGLE.read(fs1)))),
  withDoubles('fcvt.d.h', encodeRoundingUnary(0x21, 2), setFd(HALF.widen(half), true)),
  withDoubles('fcvt.h.d', encodeRoundingUnary(0x22, 1), toHalf(fs1)),
];
