import type { FunctionBody } from '../../wasm/function-body.js';
import type { ModuleBuilder } from '../../wasm/module-builder.js';
import { emitCarryless } from '../carryless.js';
import { emitMultiplyHighUnsigned } from '../expression-emitter.js';
import type { InstructionSet } from '../instruction-set.js';
import {
  RUNTIME_FUNCTION_NAMES,
  type RuntimeFunction,
  type RuntimeIndices,
  runtimeTypes,
} from '../runtime-functions.js';
import { nodesOf } from '../semantics.js';
import { emitAdd, emitDivide, emitFusedMultiplyAdd, emitMultiply, emitSquareRoot } from './arithmetic.js';
import { emitCompare, emitMinimum } from './compare.js';
import {
  emitClassify,
  emitFromInteger,
  emitNarrow,
  emitToInteger,
  emitWiden,
  emitWidenHalf,
} from './convert.js';
import { BINARY16, BINARY32, BINARY64, type FloatFormat } from './float-format.js';
import { emitModularWord, emitToIntegral } from './integral.js';
import { type FlagsChange, FloatKit } from './rounding.js';

/** What instructions call, and what these functions call themselves. */
export const calledBy = ({ instructions }: InstructionSet): ReadonlySet<RuntimeFunction> =>
  new Set([
    'multiply_high',
    ...instructions.flatMap(({ semantics }) =>
      nodesOf(semantics).flatMap(node => (node.kind === 'call' ? [node.function as RuntimeFunction] : [])),
    ),
  ]);

type Emit = (f: FunctionBody) => void;

/**
 * Defines the runtime functions that are wanted, all when nothing is said, in a module; each is exported under its
 * name. `change` says what else is written when an operation raises a flag that was not up.
 */
export function defineRuntime(
  builder: ModuleBuilder,
  change?: FlagsChange,
  wanted?: ReadonlySet<RuntimeFunction>,
): RuntimeIndices {
  const functions = RUNTIME_FUNCTION_NAMES.filter(name => wanted === undefined || wanted.has(name)).map(
    name => {
      const { parameters, results } = runtimeTypes(name);
      return [name, builder.function(parameters, results, name)] as const;
    },
  );
  const indices = Object.fromEntries(functions.map(([name, { index }]) => [name, index])) as Record<
    RuntimeFunction,
    number
  >;
  const kit = new FloatKit(builder, indices, change);
  const bodies: Record<RuntimeFunction, Emit> = {
    multiply_high: emitMultiplyHighUnsigned,
    carryless: f => emitCarryless(f, 'low'),
    carryless_reversed: f => emitCarryless(f, 'reversed'),
    ...formatBodies(kit, 'f32', BINARY32),
    ...formatBodies(kit, 'f64', BINARY64),
    f64_lt_quiet: f => emitCompare(kit, BINARY64, 'lt_quiet', f),
    f64_le_quiet: f => emitCompare(kit, BINARY64, 'le_quiet', f),
    f64_to_integral: f => emitToIntegral(kit, false, f),
    f64_to_integral_exact: f => emitToIntegral(kit, true, f),
    f64_to_modular: f => emitModularWord(kit, f),
    f16_fma: f => emitFusedMultiplyAdd(kit, BINARY16, f),
    f16_classify: f => emitClassify(BINARY16, f),
    f16_from_i64: f => emitFromInteger(kit, BINARY16, true, f),
    f16_from_u64: f => emitFromInteger(kit, BINARY16, false, f),
    f16_to_f64: f => emitWidenHalf(kit, f),
    f64_to_f16: f => emitNarrow(kit, BINARY16, f),
    f32_to_f64: f => emitWiden(kit, f),
    f64_to_f32: f => emitNarrow(kit, BINARY32, f),
  };
  for (const [name, { body }] of functions) bodies[name](body);
  return indices;
}

function formatBodies<Name extends 'f32' | 'f64'>(kit: FloatKit, name: Name, format: FloatFormat) {
  const integer = (bits: 32 | 64, signed: boolean): Emit => {
    return f => emitToInteger(kit, format, { bits, signed }, f);
  };
  const rows = {
    add: f => emitAdd(kit, format, f),
    mul: f => emitMultiply(kit, format, f),
    div: f => emitDivide(kit, format, f),
    sqrt: f => emitSquareRoot(kit, format, f),
    fma: f => emitFusedMultiplyAdd(kit, format, f),
    eq: f => emitCompare(kit, format, 'eq', f),
    lt: f => emitCompare(kit, format, 'lt', f),
    le: f => emitCompare(kit, format, 'le', f),
    min: f => emitMinimum(kit, format, false, f),
    max: f => emitMinimum(kit, format, true, f),
    classify: f => emitClassify(format, f),
    to_i32: integer(32, true),
    to_u32: integer(32, false),
    to_i64: integer(64, true),
    to_u64: integer(64, false),
    from_i64: f => emitFromInteger(kit, format, true, f),
    from_u64: f => emitFromInteger(kit, format, false, f),
  } satisfies Record<string, Emit>;
  type Rows = { [Key in keyof typeof rows as `${Name}_${Key}`]: Emit };
  return Object.fromEntries(Object.entries(rows).map(([key, row]) => [`${name}_${key}`, row])) as Rows;
}
