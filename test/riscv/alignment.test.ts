import { describe, expect, test } from 'vitest';
import { BRANCHES, COMPRESSED, IMMEDIATE_OPS, jal, jalr, MRET, NOP } from '../lockstep/encode.js';
import { Bench, CODE, HANDLER } from './bench.js';

const { beq, bne, blt } = BRANCHES;
const { addi } = IMMEDIATE_OPS;

describe.each([32, 64] as const)('a hart of RV%i without compressed instructions', xlen => {
  const ISA = `rv${xlen}ima`;
  const outcome = (instruction: number, registers: Record<string, bigint | number> = {}) => {
    const bench = new Bench(ISA);
    bench.set({ x1: 7, x5: 7, ...registers });
    const trap = bench.trapOf('user', instruction);
    return { ...trap, pc: bench.get(trap ? 'mepc' : 'pc'), x1: bench.get('x1') };
  };

  test.each([
    ['jal', jal(1, 6), CODE + 6],
    ['jal backwards', jal(1, -2), CODE - 2],
    ['a taken branch', beq(0, 0, 10), CODE + 10],
    ['a taken branch backwards', blt(0, 5, -10), CODE - 10],
    ['jalr', jalr(1, 6, 3), 0x8000_2002],
    ['jalr that drops bit 0', jalr(1, 6, -1), 0x8000_1ffe],
  ])('%s to the middle of an instruction traps, and writes no register', (_, word, target) => {
    const x6 = 0x8000_2000n;
    expect(outcome(word, { x6 })).toEqual({ cause: 0n, tval: BigInt(target), pc: BigInt(CODE), x1: 7n });
  });

  test('jalr to the end of the address space and beyond', () => {
    const last = outcome(jalr(1, 6, 3), { x6: -1n });
    expect(last).toEqual({ cause: 0n, tval: 2n, pc: BigInt(CODE), x1: 7n });
  });

  test.each([
    ['a branch that is not taken', bne(0, 0, 10), CODE + 4],
    ['a jump to where one stands', jal(0, 8), CODE + 8],
    ['jalr', jalr(0, 6, 1), 0x8000_2000],
  ])('%s does what it does anywhere', (_, word, pc) => {
    expect(outcome(word, { x6: 0x8000_2000n })).toEqual({ pc: BigInt(pc), x1: 7n });
  });

  test('16 bits are no instruction', () => {
    const bench = new Bench(ISA);
    bench.load(CODE, COMPRESSED.addi(10, 1), COMPRESSED.addi(10, 1));
    bench.set({ pc: CODE, priv: 3 });
    bench.step();
    expect([bench.get('pc'), bench.get('mcause')]).toEqual([BigInt(HANDLER), 2n]);
  });

  test('mepc and the debugger know only addresses of 4 bytes', () => {
    const bench = new Bench(ISA);
    bench.set({ mepc: 0x8000_2002 });
    expect(bench.get('mepc')).toBe(0x8000_2000n);
    bench.set({ pc: CODE + 2 });
    expect(bench.get('pc')).toBe(BigInt(CODE));
    bench.set({ mstatus: 0x1800 });
    expect(bench.run('machine', MRET)).toBe(0x8000_2000n);
  });

  test('compiled code traps as the interpreter does', () => {
    // Counts x5 up; at 100 the branch goes wrong.
    const loop = [addi(5, 5, 1), blt(5, 6, -4), beq(5, 6, 6), NOP];
    const states = [false, true].map(jit => {
      const bench = new Bench(ISA, {}, { jit, hotAfter: 1 });
      bench.load(CODE, ...loop);
      bench.set({ x6: 1000 });
      bench.step(2001);
      expect(bench.board.engine.regions?.statistics.compiled ?? 1).toBeGreaterThan(0);
      return [bench.get('x5'), bench.get('pc'), bench.get('mtval')];
    });
    expect(states[0]).toEqual([1000n, BigInt(HANDLER), BigInt(CODE + 8 + 6)]);
    expect(states[1]).toEqual(states[0]);
  });
});
