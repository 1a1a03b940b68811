/** Floating-point formats as instructions see them: unprivileged spec 11.2 and 12.2. */
import {
  binary,
  bind,
  call,
  choose,
  compare,
  constant,
  type Expression,
  low,
  minimum,
  or,
  zeroExtend,
} from '../../engine/expressions.js';
import type { RuntimeFunction } from '../../engine/runtime-functions.js';
import { extension } from './encoding.js';
import { roundingMode } from './forms.js';

type Rounding = 'add' | 'mul' | 'div' | 'sqrt' | 'fma' | 'to_i32' | 'to_u32' | 'to_i64' | 'to_u64';
type Quiet = 'min' | 'max' | 'eq' | 'lt' | 'le' | 'classify';

/** How the instructions of one format differ from those of the others. */
export interface FloatFormatRow {
  readonly declare: ReturnType<typeof extension>;
  readonly letter: 's' | 'd' | 'h';
  /** The field fmt (table 11.3). */
  readonly code: number;
  /** The sign alone. */
  readonly sign: Expression;
  read(register: Expression): Expression;
  write(value: Expression): Expression;
  /** Operations that round by the instruction's mode, and others. */
  rounding(operation: Rounding, ...operands: readonly Expression[]): Expression;
  quiet(operation: Quiet, ...operands: readonly Expression[]): Expression;
  fromInteger(signed: boolean, value: Expression): Expression;
  /** As the binary64 of the same value, and back. */
  widen(value: Expression): Expression;
  narrow(value: Expression, mode?: Expression): Expression;
}

const computing = (name: 'f32' | 'f64'): Pick<FloatFormatRow, 'rounding' | 'quiet' | 'fromInteger'> => {
  const fn = (operation: string) => `${name}_${operation}` as RuntimeFunction;
  return {
    rounding: (operation, ...operands) => call(fn(operation), ...operands, roundingMode),
    quiet: (operation, ...operands) => call(fn(operation), ...operands),
    fromInteger: (signed, value) => call(fn(signed ? 'from_i64' : 'from_u64'), value, roundingMode),
  };
};

/** What is narrower than a register has ones above it (12.2); what has not is the canonical NaN. */
const boxed = (value: Expression, bits: 16 | 32) => or(zeroExtend(value, 'd'), constant(-(2 ** bits), 'd'));
const unboxed = (register: Expression, bits: 16 | 32, canonicalNaN: number) =>
  bind(register, raw =>
    choose(
      compare('eq', binary('shr_s', raw, constant(bits, 'd')), constant(-1, 'd')),
      bits === 32 ? low(raw) : binary('shr_u', binary('shl', low(raw), constant(16, 'w')), constant(16, 'w')),
      constant(canonicalNaN, 'w'),
    ),
  );

const EXACT = constant(0, 'w');

export const SINGLE: FloatFormatRow = {
  declare: extension('f'),
  letter: 's',
  code: 0,
  sign: minimum('w'),
  read: register => unboxed(register, 32, 0x7fc00000),
  write: value => boxed(value, 32),
  ...computing('f32'),
  widen: value => call('f32_to_f64', value),
  narrow: (value, mode = EXACT) => call('f64_to_f32', value, mode),
};

export const DOUBLE: FloatFormatRow = {
  declare: extension('d'),
  letter: 'd',
  code: 1,
  sign: minimum('d'),
  read: register => register,
  write: value => value,
  ...computing('f64'),
  widen: value => value,
  narrow: value => value,
};

const widenHalf = (value: Expression) => call('f16_to_f64', value);
const narrowHalf = (value: Expression, mode = EXACT) => call('f64_to_f16', value, mode);

/**
 * Sums, products, and quotients and roots rounded to binary64, of binary16 operands keep what the rounding to binary16
 * needs: 53 bits are more than twice 11.
 */
export const HALF: FloatFormatRow = {
  declare: extension('zfh'),
  letter: 'h',
  code: 2,
  sign: constant(0x8000, 'w'),
  read: register => unboxed(register, 16, 0x7e00),
  write: value => boxed(value, 16),
  rounding: (operation, ...operands) => {
    if (operation === 'fma') return call('f16_fma', ...operands, roundingMode);
    const wide = call(`f64_${operation}`, ...operands.map(widenHalf), roundingMode);
    return operation.startsWith('to_') ? wide : narrowHalf(wide, roundingMode);
  },
  quiet: (operation, ...operands) => {
    if (operation === 'classify') return call('f16_classify', ...operands);
    const wide = call(`f64_${operation}`, ...operands.map(widenHalf));
    return operation === 'min' || operation === 'max' ? narrowHalf(wide) : wide;
  },
  fromInteger: (signed, value) => call(signed ? 'f16_from_i64' : 'f16_from_u64', value, roundingMode),
  widen: widenHalf,
  narrow: narrowHalf,
};
