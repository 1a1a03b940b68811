import { describe, expect, test } from 'vitest';
import {
  assemble,
  COMPRESSED,
  FENCE_I,
  IMMEDIATE_OPS,
  jal,
  jalr,
  NOP,
  REGISTER_OPS,
  STORES,
} from '../lockstep/encode.js';
import { Bench, CODE, DATA, HANDLER, MODE } from './bench.js';

const { addi } = IMMEDIATE_OPS;
const ROM = 0x1000;
const FRESH = addi(10, 10, 100);

describe('code that changes', () => {
  // Where the store stands and what it overwrites: the next instruction, one further on, one on the same line of 64 bytes.
  test.each([
    ['the next instruction', 4],
    ['an instruction in the same 64 bytes', 24],
    ['one in the next 64 bytes', 96],
    ['one near the end of the page', 0x700],
  ])('a store to %s is seen, with and without fence.i', (_, distance) => {
    for (const fence of distance > 4 ? [NOP, FENCE_I] : [undefined]) {
      const bench = new Bench();
      const at = CODE + distance;
      const code = Array<number>(distance / 4 + 1).fill(addi(10, 10, 1));
      code[0] = STORES.sw(6, 5, 0);
      if (fence !== undefined) code[1] = fence;
      bench.set({ x5: at, x6: FRESH, x10: 0 });
      bench.load(CODE, ...code);
      // Once over the old code, so that it is decoded; then with the store.
      bench.set({ pc: CODE + 4 });
      bench.step(code.length - 1);
      const before = bench.get('x10');
      bench.set({ pc: CODE, x10: 0 });
      bench.step(code.length);
      expect(bench.get('pc')).toBe(BigInt(at + 4));
      expect(bench.get('x10') - before).toBe(99n);
    }
  });

  test('an instruction that overwrites itself is done first', () => {
    const bench = new Bench();
    bench.set({ x5: CODE, x6: FRESH });
    expect(bench.run('machine', STORES.sw(6, 5, 0))).toBe(BigInt(CODE + 4));
    bench.set({ pc: CODE });
    bench.step();
    expect(bench.get('x10')).toBe(100n);
  });

  test('half of an instruction that crosses into the next page changes', () => {
    const bench = new Bench();
    const at = CODE + 0xffe;
    bench.write(at, assemble([addi(10, 0, 1)]));
    bench.load(CODE + 0x1002, jalr(0, 1, 0));
    const run = () => {
      bench.set({ x1: CODE });
      bench.set({ pc: at });
      bench.step(2);
      return bench.get('x10');
    };
    expect(run()).toBe(1n);
    bench.load(CODE, STORES.sb(6, 5, 0));
    // The immediate's upper bits are in the second half.
    bench.set({ x5: at + 3, x6: 0x7f, pc: CODE });
    bench.step();
    expect(run()).toBe(0x7f1n);
  });

  test('data beside code, and code written as data before, keep their bytes', () => {
    const bench = new Bench();
    bench.set({ x5: CODE + 0x200, x6: 1 });
    bench.run('machine', STORES.sw(6, 5, 0), NOP);
    expect(bench.read(CODE + 0x200, 4)).toBe(1n);
  });

  test('a debugger that writes code changes what runs', () => {
    const bench = new Bench();
    bench.run('machine', addi(10, 0, 1), addi(10, 10, 1));
    bench.machine.debug.writeMemory(0, BigInt(CODE + 4), assemble([FRESH]));
    bench.set({ pc: CODE });
    bench.step(2);
    expect(bench.get('x10')).toBe(101n);
  });
});

describe('where code may stand', () => {
  test('instructions that cross a page run, in one go and step by step', () => {
    for (const chunk of [4, 1]) {
      const bench = new Bench();
      const start = CODE + 0xff6;
      bench.write(start, assemble([addi(10, 0, 1), FRESH, addi(11, 10, 5), REGISTER_OPS.add(12, 10, 11)]));
      bench.set({ pc: start });
      for (let done = 0; done < 4; done += chunk) bench.step(chunk);
      expect([bench.get('x10'), bench.get('x11'), bench.get('x12')]).toEqual([101n, 106n, 207n]);
      expect(bench.get('pc')).toBe(BigInt(start + 16));
    }
  });

  test('jumps and branches from a crossing instruction go where they should', () => {
    for (const offset of [-0x100, 0x100, 2 - 0x1000, 4, -2]) {
      const bench = new Bench();
      const at = CODE + 0xffe;
      bench.write(at, assemble([jal(1, offset)]));
      bench.set({ pc: at });
      bench.step();
      expect([bench.get('pc'), bench.get('x1')]).toEqual([BigInt(at + offset), BigInt(at + 4)]);
    }
  });

  test('a compressed instruction in the last halfword of a page, and of RAM', () => {
    const bench = new Bench();
    const end = 0x8000_0000 + bench.machine.config.ramBytes;
    bench.write(CODE + 0xffe, assemble([COMPRESSED.addi(10, 5), COMPRESSED.addi(10, 6)]));
    bench.set({ pc: CODE + 0xffe });
    bench.step(2);
    expect([bench.get('x10'), bench.get('pc')]).toEqual([11n, BigInt(CODE + 0x1002)]);
    bench.write(end - 2, assemble([COMPRESSED.addi(10, 5)]));
    bench.set({ pc: end - 2 });
    bench.step(2);
    expect(bench.get('x10')).toBe(16n);
    expect([bench.get('mcause'), bench.get('mepc'), bench.get('pc')]).toEqual([
      1n,
      BigInt(end),
      BigInt(HANDLER),
    ]);
  });

  test('of an instruction whose second half is not there, the second half faults', () => {
    const bench = new Bench();
    const end = 0x8000_0000 + bench.machine.config.ramBytes;
    bench.write(end - 2, assemble([FRESH]).subarray(0, 2));
    bench.set({ pc: end - 2 });
    bench.step();
    expect([bench.get('mcause'), bench.get('mepc'), bench.get('mtval')]).toEqual([
      1n,
      BigInt(end - 2),
      BigInt(end),
    ]);
  });

  test('ROM runs, devices do not', () => {
    const bench = new Bench();
    bench.load(ROM + 0x40, addi(10, 0, 3), FRESH);
    bench.set({ pc: ROM + 0x40, priv: MODE.user });
    bench.step(2);
    expect([bench.get('x10'), bench.get('pc')]).toEqual([103n, BigInt(ROM + 0x48)]);
    bench.set({ pc: 0x1000_0000 });
    bench.step();
    expect([bench.get('mcause'), bench.get('mtval')]).toEqual([1n, 0x1000_0000n]);
  });

  test('more code pages than are kept decoded', () => {
    const bench = new Bench('rv64imac', { ramBytes: 8 << 20 });
    // Each page: x10 += 1, and on to the next; twice over all of them.
    const pages = 1500;
    const first = DATA;
    for (let i = 0; i < pages; i++) {
      const at = first + i * 4096;
      bench.load(at, addi(10, 10, 1), i === pages - 1 ? jalr(0, 1, 0) : jal(0, 4096 - 4));
    }
    for (let round = 1; round <= 2; round++) {
      bench.set({ x1: CODE, pc: first });
      bench.step(2 * pages);
      expect([bench.get('x10'), bench.get('pc')]).toEqual([BigInt(round * pages), BigInt(CODE)]);
    }
  });
});
