import { describe, expect, test } from 'vitest';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { IMMEDIATE_OPS, iType, rType } from '../lockstep/encode.js';
import { Bench, CODE, DATA } from './bench.js';

const MAX = cpuOf('max', 64).isa;
const cbo = (operation: number, rs1: number) => iType(0x0f, 2)(0, rs1, operation);
const [INVAL, CLEAN, FLUSH, ZERO] = [0, 1, 2, 4].map(operation => cbo(operation, 10));
const WRS_NTO = 0x00d00073;
const AMOCAS_Q = rType(0x2f, 4, 0x05 << 2);
const TW = 1 << 21;

const ones = new Uint8Array(192).fill(0xff);

/** With 192 bytes of ones at DATA, and a0 in the middle of the second block. */
function bench(changes: Readonly<Record<string, number>> = {}): Bench {
  const made = new Bench(MAX);
  made.write(DATA, ones);
  made.set({ x10: DATA + 100, ...changes });
  return made;
}

const zeros = (made: Bench) =>
  Array.from({ length: 24 }, (_, word) => made.read(DATA + 8 * word, 8) === 0n)
    .map(Number)
    .join('');

describe('cbo.zero', () => {
  test('zeros the block that the address is in, and nothing else', () => {
    const made = bench();
    expect(made.trapOf('machine', ZERO)).toBeUndefined();
    expect(zeros(made)).toBe('000000001111111100000000');
  });

  test('at a region that may not be written is all or nothing', () => {
    const made = bench({ menvcfg: 0x80, senvcfg: 0x80 });
    // The upper half of the block: 32 bytes, NAPOT, readable only.
    made.set({ pmpaddr0: (DATA + 96) / 4 + 3, pmpcfg0: 0x1f19, pmpaddr1: 0x3fffffff });
    expect(made.trapOf('user', ZERO)).toEqual({ cause: 7n, tval: BigInt(DATA + 96) });
    expect(zeros(made)).toBe('0'.repeat(24));
  });

  test('of no memory is an access fault', () => {
    const made = bench({ x10: 0x0800_0010 });
    expect(made.trapOf('machine', ZERO)).toEqual({ cause: 7n, tval: 0x0800_0000n });
  });

  test('is seen by a watchpoint anywhere in the block', () => {
    const made = bench();
    made.load(CODE, ZERO!);
    made.set({ pc: CODE });
    const watchpoints = [{ kind: 'write', low: DATA + 120, high: 0, length: 4 } as const];
    const hits: number[] = [];
    made.machine.run(made.machine.icount + 1, {
      points: { breakpoints: [], watchpoints },
      collect: hit => hits.push(hit.low),
    });
    expect(hits).toEqual([DATA + 120]);
    const stop = bench();
    stop.load(CODE, ZERO!);
    stop.set({ pc: CODE });
    expect(stop.machine.run(10, { points: { breakpoints: [], watchpoints } }).kind).not.toBe('limit');
    expect(zeros(stop)).toBe('0'.repeat(24));
    expect(stop.get('pc')).toBe(BigInt(CODE));
  });
});

describe('what less privileged modes may do with blocks', () => {
  test.each([
    ['cbo.inval', INVAL!, 0x30],
    ['cbo.inval that flushes', INVAL!, 0x10],
    ['cbo.clean', CLEAN!, 0x40],
    ['cbo.flush', FLUSH!, 0x40],
    ['cbo.zero', ZERO!, 0x80],
  ])('%s needs its bit in menvcfg, and in senvcfg for U mode', (_, word, bit) => {
    const outcome = (mode: 'user' | 'supervisor' | 'machine', menvcfg: number, senvcfg: number) =>
      bench({ menvcfg, senvcfg }).trapOf(mode, word)?.cause;
    expect(outcome('machine', 0, 0)).toBeUndefined();
    expect(outcome('supervisor', 0, 0xf0)).toBe(2n);
    expect(outcome('supervisor', bit, 0)).toBeUndefined();
    expect(outcome('user', bit, 0)).toBe(2n);
    expect(outcome('user', 0, bit)).toBe(2n);
    expect(outcome('user', bit, bit)).toBeUndefined();
  });

  test('CBIE does not take the reserved value', () => {
    const made = bench({ menvcfg: 0x10 });
    made.set({ menvcfg: 0x20 });
    expect(made.get('menvcfg')).toBe(0x10n);
  });

  test('without the extensions the bits stay zero', () => {
    const made = new Bench(cpuOf('rv64', 64).isa);
    made.set({ menvcfg: 0xff });
    expect(made.get('menvcfg') & 0xffn).toBe(1n);
  });
});

describe('amocas.q', () => {
  const swap = (rd: number, rs2: number, changes: Readonly<Record<string, number>> = {}) => {
    const made = bench({ x10: DATA + 64, x12: -1, x13: -1, x14: 5, x15: 6, ...changes });
    const trap = made.trapOf('machine', AMOCAS_Q(rd, 10, rs2));
    return { trap, there: [made.read(DATA + 64, 8), made.read(DATA + 72, 8)], made };
  };
  const before = [2n ** 64n - 1n, 2n ** 64n - 1n];

  test('swaps both words where both are what is expected', () => {
    expect(swap(12, 14).there).toEqual([5n, 6n]);
  });

  test('leaves them where one differs, and shows them', () => {
    const { there, made } = swap(12, 14, { x13: 1 });
    expect(there).toEqual(before);
    expect([made.get('x12'), made.get('x13')]).toEqual(before);
  });

  test('takes x0 for a pair of zeros', () => {
    expect(swap(12, 0).there).toEqual([0n, 0n]);
    expect(swap(0, 14).there).toEqual(before);
  });

  test('has no odd registers, and no misaligned address', () => {
    expect(swap(13, 14).trap?.cause).toBe(2n);
    expect(swap(12, 15).trap?.cause).toBe(2n);
    expect(swap(12, 14, { x10: DATA + 72 }).trap?.cause).toBe(4n);
  });
});

test('wrs.nto below M mode is illegal while TW is set', () => {
  const made = bench({ mstatus: TW });
  expect(made.trapOf('supervisor', WRS_NTO)?.cause).toBe(2n);
  expect(made.trapOf('machine', WRS_NTO)).toBeUndefined();
  expect(made.run('machine', WRS_NTO, IMMEDIATE_OPS.addi(5, 0, 1))).toBe(BigInt(CODE + 8));
});
