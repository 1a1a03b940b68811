/** An instruction set that is not RISC-V's goes through interpreter and regions as its own description says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EngineOptions } from '../../src/engine/engine.js';
import { TOY_RAM, TOY_RAM_BYTES, ToyBench } from '../toy/toy-bench.js';
import { TOY_CAUSE } from '../toy/toy-hart.js';
import { toy } from '../toy/toy-isa.js';
import { toyInstruction } from '../toy/toy-programs.js';
import { ToyReference } from '../toy/toy-reference.js';

const CODE_WORDS = 64;
const DATA = TOY_RAM + 0x1000;
const STACK = TOY_RAM + 0x2ffc;
const RUNS = process.env.BACKSTUB_FULL ? 2000 : 25;
/** Vectors that return, then code, so that a trap or a wild jump comes back to it. */
const program = fc.array(toyInstruction, { minLength: CODE_WORDS, maxLength: CODE_WORDS });
const VECTORS = Array(8).fill(toy('rfe'));
const START = TOY_RAM + 4 * VECTORS.length;

function start(bench: { r: (n: number, value: number) => void; pc: (at: number) => void }): void {
  bench.r(11, START);
  bench.r(12, DATA);
  bench.r(13, STACK);
  bench.r(14, START);
  bench.pc(START);
}

function reference(code: readonly number[], steps: number): ToyReference {
  const ram = new DataView(new ArrayBuffer(TOY_RAM_BYTES));
  for (const [index, word] of [...VECTORS, ...code].entries()) ram.setUint32(4 * index, word, true);
  const hart = new ToyReference(TOY_RAM, ram);
  start({
    r: (n, value) => {
      hart.r[n] = value;
    },
    pc: at => {
      hart.pc = at;
    },
  });
  for (let step = 0; step < steps; step++) hart.step();
  return hart;
}

function engine(code: readonly number[], steps: number, options: EngineOptions, pieces: readonly number[]) {
  const bench = new ToyBench(options);
  bench.load([...VECTORS, ...code]);
  const { state } = bench.hart;
  start({
    r: (n, value) => {
      state.r[2 * n] = value;
    },
    pc: at => bench.hart.reset(at),
  });
  bench.run(steps, pieces);
  return bench;
}

const STEPS = 3000;

describe('a toy instruction set', () => {
  test('interpreted and compiled, random programs do what its description says', () => {
    let compiled = 0;
    fc.assert(
      fc.property(program, fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1 }), (code, pieces) => {
        const expected = reference(code, STEPS);
        for (const options of [{ jit: false }, { jit: true, hotAfter: 1 }]) {
          const bench = engine(code, STEPS, options, pieces);
          compiled += bench.engine.regions?.statistics.compiled ?? 0;
          expect(bench.picture).toEqual(expected.picture);
          expect(Buffer.compare(bench.ram, new Uint8Array(expected.ram.buffer))).toBe(0);
        }
      }),
      { numRuns: RUNS },
    );
    expect(compiled).toBeGreaterThan(RUNS);
  });

  test('a list is stored whole or not at all', () => {
    const code = [
      toy('mov', { d: 1, value: 5 }),
      toy('addi', { d: 13, a: 12, value: 0 }),
      toy('push', { a: 13, value: 0xffff }),
    ];
    const bench = engine([...code, toy('b', { value: 0 })], 3, { jit: false }, [3]);
    const { r } = bench.hart.state;
    expect(r[26]).toBe(DATA - 64);
    expect(bench.picture.cause).toBe(0);
    const low = engine(
      [toy('mov', { d: 13, value: 0 }), toy('push', { a: 13, value: 3 })],
      2,
      { jit: false },
      [2],
    );
    expect(low.picture).toMatchObject({ cause: TOY_CAUSE.data, fault: 0xffff_fff8 });
    expect(low.hart.state.r[26]).toBe(0);
  });
});
