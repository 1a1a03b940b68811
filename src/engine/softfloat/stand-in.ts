import type { OpName } from '../../wasm/opcodes.js';
import type { RuntimeFunction } from '../runtime-functions.js';
import {
  add,
  all,
  and,
  div,
  eq,
  i64,
  isZero,
  le,
  load32,
  lt,
  ltU,
  mul,
  ne,
  operation,
  power,
  sqrt,
  sub,
  type Value,
} from './code.js';
import { BINARY32, BINARY64, type FloatFormat } from './float-format.js';

/** The host's own float arithmetic in place of a runtime function: for the cases where it is sure to agree. */
export interface StandIn {
  /** It rounds to nearest even and tells of no flag: only for that mode, while the inexact flag is up already. */
  readonly rounds: boolean;
  /** The result. It is computed before `sure` is asked, and must not trap. */
  readonly result: Value;
  /** Whether `result`, given again as a variable, has the right bits and no flag is raised but inexact. */
  sure(result: Value): Value;
}

/** Whether a stand-in that rounds may be used: 0 or 1. */
export const hostRounds = (mode: Value, flags: Value): Value => and(isZero(mode), load32(flags));

/** A finite sum is exact when it is tiny, a root never is: they can only be inexact. */
const staysFinite = (format: FloatFormat) => (result: Value) => ne(format.exponent(result), format.special);
/**
 * Neither too great, nor tiny, nor the least normal number, which may stand for a tiny one. NaNs and infinities
 * among the operands do not give such a result.
 */
const staysOrdinary = (format: FloatFormat) => (result: Value) =>
  ltU(sub(format.exponent(result), 2), format.special - 2);

const arithmetic = (format: FloatFormat, result: Value, check: typeof staysFinite): StandIn => ({
  rounds: true,
  result: format.bits(result),
  sure: check(format),
});

const convert = (to: FloatFormat, op: OpName, value: Value): Value =>
  to.bits(operation(to.hostType, op, value));

function compare(format: FloatFormat, predicate: typeof lt, [a, b]: readonly Value[]): StandIn {
  const [x, y] = [format.float(a), format.float(b)];
  return { rounds: false, result: predicate(x, y), sure: () => and(eq(x, x), eq(y, y)) };
}

/** Integers of no more bits than a significand convert exactly. */
export function fromInteger(format: FloatFormat, signed: boolean, value: Value): StandIn {
  const most = 2 ** format.fractionBits;
  return {
    rounds: false,
    result: convert(format, `${format.name}_convert_i64_${signed ? 's' : 'u'}` as OpName, value),
    sure: () => (signed ? ltU(add(value, most), 2 * most) : ltU(value, 2 * most)),
  };
}

/**
 * Binary32 in binary64: the product is exact, the sum is rounded to 53 bits and then to 24. That goes wrong only
 * when the first rounding lands halfway between two binary32 numbers.
 */
function fusedInBinary64([a, b, c]: readonly Value[]): StandIn {
  const wide = (raw: Value) => operation('f64', 'f64_promote_f32', BINARY32.float(raw));
  const sum = add(mul(wide(a), wide(b)), wide(c));
  const below = i64(2 ** 29 - 1);
  return {
    rounds: true,
    result: convert(BINARY32, 'f32_demote_f64', sum),
    sure: result =>
      all(staysOrdinary(BINARY32)(result), ne(and(BINARY64.bits(sum), below), power('i64', 28))),
  };
}

/** The host's way to compute a runtime function of these operands; undefined when it has none. */
export function standIn(name: RuntimeFunction, operands: readonly Value[]): StandIn | undefined {
  if (name.startsWith('f16_')) return undefined;
  const [format, operator] = name.startsWith('f32_') ? [BINARY32, name.slice(4)] : [BINARY64, name.slice(4)];
  const [a, b] = operands;
  const float = (raw: Value) => format.float(raw);
  switch (operator) {
    case 'add':
      return arithmetic(format, add(float(a), float(b)), staysFinite);
    case 'mul':
      return arithmetic(format, mul(float(a), float(b)), staysOrdinary);
    case 'div':
      return arithmetic(format, div(float(a), float(b)), staysOrdinary);
    case 'sqrt':
      return arithmetic(format, sqrt(float(a)), staysFinite);
    case 'fma':
      return format === BINARY32 ? fusedInBinary64(operands) : undefined;
    case 'eq':
      return compare(format, eq, operands);
    case 'lt':
    case 'lt_quiet':
      return compare(format, lt, operands);
    case 'le':
    case 'le_quiet':
      return compare(format, le, operands);
    case 'from_i64':
      return fromInteger(format, true, a);
    case 'from_u64':
      return fromInteger(format, false, a);
    case 'to_f64':
      return {
        rounds: false,
        result: convert(BINARY64, 'f64_promote_f32', float(a)),
        sure: () => eq(float(a), float(a)),
      };
    case 'to_f32':
      return {
        rounds: true,
        result: convert(BINARY32, 'f32_demote_f64', float(a)),
        sure: staysOrdinary(BINARY32),
      };
    default:
      return undefined;
  }
}
