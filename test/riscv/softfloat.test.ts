import { describe, expect, test } from 'vitest';
import {
  RUNTIME_FUNCTIONS,
  type RuntimeFunction,
  type RuntimeSignature,
} from '../../src/engine/runtime-functions.js';
import { defineRuntime } from '../../src/engine/softfloat/runtime.js';
import { ModuleBuilder } from '../../src/wasm/module-builder.js';
import { Random } from '../lockstep/random.js';
import { notable, randomInteger, randomOperands } from './float-operands.js';
import * as ieee from './ieee-reference.js';

const full = process.env.BACKSTUB_FULL === '1';
const CASES = full ? 60_000 : 1500;
const FLAGS_ADDRESS = 16;
const STATUS_DISTANCE = 8;
const STATUS_MASK = 0x6000;
const MODES = Object.values(ieee.MODES);

const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
const words = new Uint32Array(memory.buffer);
const functions = instantiate();

function instantiate(): Record<string, (...operands: (bigint | number)[]) => bigint | number> {
  const builder = new ModuleBuilder();
  builder.importMemory('host', 'memory', 1);
  defineRuntime(builder, { distance: STATUS_DISTANCE, mask: STATUS_MASK });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(builder.finish()), { host: { memory } });
  return instance.exports as ReturnType<typeof instantiate>;
}

interface Outcome {
  readonly bits: bigint;
  /** Flags word afterwards. */
  readonly flags: number;
  readonly status: number;
}

function perform(
  name: RuntimeFunction,
  operands: readonly bigint[],
  mode: number,
  flagsBefore: number,
): Outcome {
  const signature: RuntimeSignature = RUNTIME_FUNCTIONS[name];
  words[FLAGS_ADDRESS / 4] = flagsBefore;
  words[(FLAGS_ADDRESS + STATUS_DISTANCE) / 4] = 0;
  const inputs: (bigint | number)[] = operands.map((operand, i) =>
    signature.operands[i] === 'w' ? Number(BigInt.asIntN(32, operand)) : BigInt.asIntN(64, operand),
  );
  if (signature.rounds) inputs.push(mode);
  if (signature.raises) inputs.push(FLAGS_ADDRESS);
  const result = functions[name](...inputs);
  return {
    bits: BigInt.asUintN(signature.result === 'w' ? 32 : 64, BigInt(result)),
    flags: words[FLAGS_ADDRESS / 4],
    status: words[(FLAGS_ADDRESS + STATUS_DISTANCE) / 4],
  };
}

/** All 127 bits of the product over GF(2). */
function carryless(a: bigint, b: bigint): bigint {
  let sum = 0n;
  for (let bit = 0n; bit < 64n; bit++) if ((b >> bit) & 1n) sum ^= BigInt.asUintN(64, a) << bit;
  return sum;
}

type Reference = (operands: readonly bigint[], mode: number) => ieee.Result;

const { F16, F32, F64 } = ieee;
const ofFormat = (format: ieee.Format): Readonly<Record<string, Reference>> => ({
  add: ([a, b], mode) => ieee.add(format, a, b, mode),
  mul: ([a, b], mode) => ieee.mul(format, a, b, mode),
  div: ([a, b], mode) => ieee.div(format, a, b, mode),
  sqrt: ([a], mode) => ieee.sqrt(format, a, mode),
  fma: ([a, b, c], mode) => ieee.fma(format, a, b, c, mode),
  eq: ([a, b]) => ieee.compare(format, 'eq', a, b),
  lt: ([a, b]) => ieee.compare(format, 'lt', a, b),
  le: ([a, b]) => ieee.compare(format, 'le', a, b),
  min: ([a, b]) => ieee.extremum(format, false, a, b),
  max: ([a, b]) => ieee.extremum(format, true, a, b),
  classify: ([a]) => ieee.classify(format, a),
  to_i32: ([a], mode) => ieee.toInteger(format, a, 32, true, mode),
  to_u32: ([a], mode) => ieee.toInteger(format, a, 32, false, mode),
  to_i64: ([a], mode) => ieee.toInteger(format, a, 64, true, mode),
  to_u64: ([a], mode) => ieee.toInteger(format, a, 64, false, mode),
  from_i64: ([a], mode) => ieee.fromInteger(format, BigInt.asIntN(64, a), mode),
  from_u64: ([a], mode) => ieee.fromInteger(format, BigInt.asUintN(64, a), mode),
});

/** Of equality, flags are those of a comparison that only signalling NaNs are invalid for. */
const quietly = (predicate: 'lt' | 'le', a: bigint, b: bigint): ieee.Result => ({
  bits: ieee.compare(F64, predicate, a, b).bits,
  flags: ieee.compare(F64, 'eq', a, b).flags,
});

const numberOf = (bits: bigint): number => new Float64Array(new BigUint64Array([bits]).buffer)[0];

function integral(a: bigint, mode: number, kept: number): ieee.Result {
  const value = numberOf(a);
  if (Number.isNaN(value)) return ieee.add(F64, a, a, mode);
  if (Math.abs(value) >= 2 ** 52) return { bits: a, flags: 0 };
  const { bits: whole, flags } = ieee.toInteger(F64, a, 64, true, mode);
  const magnitude = ieee.fromInteger(F64, BigInt.asIntN(64, whole), mode).bits & (2n ** 63n - 1n);
  return { bits: magnitude | (a & (1n << 63n)), flags: flags & kept };
}

function modular(a: bigint): ieee.Result {
  const value = numberOf(a);
  const { flags } = ieee.toInteger(F64, a, 32, true, ieee.MODES.rtz);
  return { bits: Number.isFinite(value) ? BigInt.asUintN(32, BigInt(Math.trunc(value))) : 0n, flags };
}

interface Row {
  readonly name: RuntimeFunction;
  /** Format of the float operands; undefined for integers. */
  readonly from: ieee.Format | undefined;
  readonly reference: Reference;
}

const rows: readonly Row[] = [
  ...[F32, F64].flatMap(format =>
    Object.entries(ofFormat(format)).map(([key, reference]) => ({
      name: `${format.name}_${key}` as RuntimeFunction,
      from: key.startsWith('from_') ? undefined : format,
      reference,
    })),
  ),
  ...(['fma', 'classify', 'from_i64', 'from_u64'] as const).map(key => ({
    name: `f16_${key}` as const,
    from: key.startsWith('from_') ? undefined : F16,
    reference: ofFormat(F16)[key],
  })),
  { name: 'f16_to_f64', from: F16, reference: ([a], mode) => ieee.convert(F16, F64, a, mode) },
  { name: 'f64_to_f16', from: F64, reference: ([a], mode) => ieee.convert(F64, F16, a, mode) },
  { name: 'f64_lt_quiet', from: F64, reference: ([a, b]) => quietly('lt', a, b) },
  { name: 'f64_le_quiet', from: F64, reference: ([a, b]) => quietly('le', a, b) },
  { name: 'f64_to_integral', from: F64, reference: ([a], mode) => integral(a, mode, 0) },
  { name: 'f64_to_integral_exact', from: F64, reference: ([a], mode) => integral(a, mode, ieee.FLAGS.nx) },
  { name: 'f64_to_modular', from: F64, reference: ([a]) => modular(a) },
  { name: 'f32_to_f64', from: F32, reference: ([a], mode) => ieee.convert(F32, F64, a, mode) },
  { name: 'f64_to_f32', from: F64, reference: ([a], mode) => ieee.convert(F64, F32, a, mode) },
  {
    name: 'carryless',
    from: undefined,
    reference: ([a, b]) => ({ bits: BigInt.asUintN(64, carryless(a, b)), flags: 0 }),
  },
  {
    name: 'carryless_reversed',
    from: undefined,
    reference: ([a, b]) => ({ bits: BigInt.asUintN(64, carryless(a, b) >> 63n), flags: 0 }),
  },
  {
    name: 'multiply_high',
    from: undefined,
    reference: ([a, b]) => ({ bits: (BigInt.asUintN(64, a) * BigInt.asUintN(64, b)) >> 64n, flags: 0 }),
  },
];

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** Differences for one set of operands, in every mode, with no flag up and with the inexact flag up. */
function differences({ name, reference }: Row, operands: readonly bigint[]): string[] {
  const signature: RuntimeSignature = RUNTIME_FUNCTIONS[name];
  const found: string[] = [];
  for (const mode of signature.rounds ? MODES : [0]) {
    const expected = reference(operands, mode);
    for (const before of [0, ieee.FLAGS.nx]) {
      const outcome = perform(name, operands, mode, before);
      const flags = expected.flags | before;
      const status = flags === before ? 0 : STATUS_MASK;
      if (outcome.bits === expected.bits && outcome.flags === flags && outcome.status === status) continue;
      found.push(
        `${name}(${operands.map(hex)}) mode ${mode} flags ${before}: ${hex(outcome.bits)} flags ${outcome.flags}` +
          `, should be ${hex(expected.bits)} flags ${flags}`,
      );
    }
  }
  return found;
}

test('every runtime function has a reference', () => {
  expect(rows.map(row => row.name).sort()).toEqual(Object.keys(RUNTIME_FUNCTIONS).sort());
});

describe.each(rows)('$name', row => {
  const { operands } = RUNTIME_FUNCTIONS[row.name] as RuntimeSignature;

  test('notable operands', () => {
    if (row.from === undefined) return expectNone([0n, 1n, -1n, 1n << 63n, 2n ** 53n, 2n ** 53n + 1n]);
    expectNone(notable(row.from));
    function expectNone(values: readonly bigint[]): void {
      const found: string[] = [];
      // All pairs; a third operand goes round.
      for (const [i, a] of values.entries()) {
        if (operands.length === 1) found.push(...differences(row, [a]));
        else {
          for (const [j, b] of values.entries()) {
            const c = values[(7 * i + j) % values.length];
            found.push(...differences(row, [a, b, c].slice(0, operands.length)));
          }
        }
      }
      expect(found).toEqual([]);
    }
  });

  test('random operands', () => {
    const random = new Random(row.name.length * 7919 + 1);
    const found: string[] = [];
    for (let i = 0; i < CASES && found.length < 5; i++) {
      const values =
        row.from === undefined
          ? operands.map(() => randomInteger(random))
          : randomOperands(random, row.from, operands.length);
      found.push(...differences(row, values));
    }
    expect(found).toEqual([]);
  });
});
