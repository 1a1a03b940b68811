import type { ValueType } from '../wasm/opcodes.js';

/**
 * Functions that generated code calls: the one list from which the interpreter's module defines and exports
 * them, regions import them, and instruction declarations are checked.
 *
 * Floating-point values are raw bits: `w` (i32) for binary32, `d` (i64) for binary64. A function that rounds
 * takes a rounding mode behind its operands, one that raises takes the address of the flags word last.
 */
export interface RuntimeSignature {
  readonly operands: readonly ('w' | 'd')[];
  readonly result: 'w' | 'd';
  readonly rounds: boolean;
  readonly raises: boolean;
}

/** Rounding modes (IEEE 754-2008 section 4.3), by number: to nearest even, to zero, down, up, to nearest away. */
export const ROUNDING = { nearestEven: 0, towardZero: 1, down: 2, up: 3, nearestAway: 4 } as const;
/** Exception flags (IEEE 754-2008 section 7), as bits of the flags word. */
export const FLOAT_FLAG = { inexact: 1, underflow: 2, overflow: 4, divideByZero: 8, invalid: 16 } as const;

const signature = (
  operands: string,
  result: 'w' | 'd',
  rounds: boolean,
  raises: boolean,
): RuntimeSignature => ({
  operands: [...operands].map(type => (type === 'w' ? 'w' : 'd')),
  result,
  rounds,
  raises,
});

const pure = (operands: string, result: 'w' | 'd') => signature(operands, result, false, false);
const raising = (operands: string, result: 'w' | 'd') => signature(operands, result, false, true);
const rounding = (operands: string, result: 'w' | 'd') => signature(operands, result, true, true);

/** What IEEE 754 calls the homogeneous and formatOf operations, for one format. */
const formatFunctions = <Name extends 'f32' | 'f64'>(name: Name, type: 'w' | 'd') => {
  const rows = {
    add: rounding(type + type, type),
    mul: rounding(type + type, type),
    div: rounding(type + type, type),
    sqrt: rounding(type, type),
    /** First operand times second, plus third, rounded once. */
    fma: rounding(type + type + type, type),
    eq: raising(type + type, 'w'),
    lt: raising(type + type, 'w'),
    le: raising(type + type, 'w'),
    /** minimumNumber and maximumNumber of IEEE 754-2019. */
    min: raising(type + type, type),
    max: raising(type + type, type),
    /** One bit of ten: -inf, -normal, -subnormal, -0, +0, +subnormal, +normal, +inf, signalling NaN, quiet NaN. */
    classify: pure(type, 'w'),
    /** Out of range saturates, a NaN gives the greatest value; both are invalid. */
    to_i32: rounding(type, 'w'),
    to_u32: rounding(type, 'w'),
    to_i64: rounding(type, 'd'),
    to_u64: rounding(type, 'd'),
    from_i64: rounding('d', type),
    from_u64: rounding('d', type),
  };
  type Rows = { [Key in keyof typeof rows as `${Name}_${Key}`]: RuntimeSignature };
  return Object.fromEntries(Object.entries(rows).map(([key, row]) => [`${name}_${key}`, row])) as Rows;
};

export const RUNTIME_FUNCTIONS = {
  /** High half of an unsigned 64 x 64 product. */
  multiply_high: pure('dd', 'd'),
  /** Products without carries: the low half, and the high half with the bit below it. */
  carryless: pure('dd', 'd'),
  carryless_reversed: pure('dd', 'd'),
  ...formatFunctions('f32', 'w'),
  ...formatFunctions('f64', 'd'),
  // Comparisons of which a quiet NaN is no invalid operand.
  f64_lt_quiet: raising('dd', 'w'),
  f64_le_quiet: raising('dd', 'w'),
  /** Whole numbers as floats; the exact one raises the inexact flag. */
  f64_to_integral: rounding('d', 'd'),
  f64_to_integral_exact: rounding('d', 'd'),
  /** The integral part modulo 2^32, flagged like `f64_to_i32`. */
  f64_to_modular: raising('d', 'w'),
  // Of binary16 only what binary64 with one more rounding does not do.
  f16_fma: rounding('www', 'w'),
  f16_classify: pure('w', 'w'),
  f16_from_i64: rounding('d', 'w'),
  f16_from_u64: rounding('d', 'w'),
  f16_to_f64: raising('w', 'd'),
  f64_to_f16: rounding('d', 'w'),
  f32_to_f64: raising('w', 'd'),
  f64_to_f32: rounding('d', 'w'),
} as const;

export type RuntimeFunction = keyof typeof RUNTIME_FUNCTIONS;
/** Function index of each, in the module under construction. */
export type RuntimeIndices = Readonly<Record<RuntimeFunction, number>>;

export const RUNTIME_FUNCTION_NAMES = Object.keys(RUNTIME_FUNCTIONS) as readonly RuntimeFunction[];

export function runtimeTypes(name: RuntimeFunction): { parameters: ValueType[]; results: ValueType[] } {
  const { operands, result, rounds, raises } = RUNTIME_FUNCTIONS[name] as RuntimeSignature;
  const wasm = (type: 'w' | 'd'): ValueType => (type === 'w' ? 'i32' : 'i64');
  const parameters = operands.map(wasm);
  if (rounds) parameters.push('i32');
  if (raises) parameters.push('i32');
  return { parameters, results: [wasm(result)] };
}
