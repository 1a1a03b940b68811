import { describe, expect, test } from 'vitest';
import { IMMEDIATE_OPS, jal } from '../lockstep/encode.js';
import { Bench, ISA64, MODE } from '../riscv/bench.js';

const { addi } = IMMEDIATE_OPS;
const PAGE = 4096;
const TABLES = 0x8010_0000;
const POINTER = 1;
const LEAF = 1 | 2 | 4 | 8 | 64 | 128;
const VIRTUAL = 0x1_0000;
const [FIRST, SECOND, OTHER] = [0x8000_4000, 0x8000_5000, 0x8000_6000];

/** A loop over two pages; which page the second one is depends on the address space, and what it adds to x5 too. */
class TwoPages {
  readonly bench = new Bench(ISA64);

  constructor() {
    const { bench } = this;
    bench.load(FIRST + 0xff8, addi(6, 6, 1), addi(7, 7, 1));
    bench.load(SECOND, addi(5, 5, 1), jal(0, -12));
    bench.load(OTHER, addi(5, 5, 2), jal(0, -12));
    bench.set({ pc: VIRTUAL + 0xff8, priv: MODE.supervisor });
  }

  /** An address space of its own number; the value of satp. */
  space(number: number, second: number): bigint {
    const root = TABLES + number * 4 * PAGE;
    this.#map(root, 0, root + PAGE, POINTER);
    this.#map(root + PAGE, 0, root + 2 * PAGE, POINTER);
    this.#map(root + 2 * PAGE, VIRTUAL / PAGE, FIRST, LEAF);
    this.mapSecond(number, second);
    return (8n << 60n) | BigInt(root / PAGE);
  }

  mapSecond(number: number, second: number): void {
    this.#map(TABLES + number * 4 * PAGE + 2 * PAGE, VIRTUAL / PAGE + 1, second, LEAF);
  }

  /** What so many rounds of the loop add to x5. */
  rounds(count: number): bigint {
    const before = this.bench.get('x5');
    this.bench.step(4 * count);
    return this.bench.get('x5') - before;
  }

  get compiled(): number {
    return this.bench.board.engine.regions!.statistics.compiled;
  }

  #map(table: number, index: number, target: number, bits: number): void {
    this.bench.poke(table + 8 * index, 8, (BigInt(target / PAGE) << 10n) | BigInt(bits));
  }
}

describe('a compiled region over two pages', () => {
  test('is not entered in an address space where the second page is another one', () => {
    const loop = new TwoPages();
    const [first, other] = [loop.space(0, SECOND), loop.space(1, OTHER)];
    loop.bench.set({ satp: first });
    expect(loop.rounds(600_000)).toBe(600_000n);
    expect(loop.compiled).toBeGreaterThan(0);
    loop.bench.set({ satp: other });
    // A few in the interpreter, so that the other page is in the fetch TLB.
    expect(loop.rounds(10)).toBe(20n);
    expect(loop.rounds(10_000)).toBe(20_000n);
    loop.bench.set({ satp: first });
    expect(loop.rounds(10_000)).toBe(10_000n);
  });

  test('is not entered after the second page was mapped elsewhere', () => {
    const loop = new TwoPages();
    loop.bench.set({ satp: loop.space(0, SECOND) });
    expect(loop.rounds(600_000)).toBe(600_000n);
    expect(loop.compiled).toBeGreaterThan(0);
    loop.mapSecond(0, OTHER);
    expect(loop.rounds(10)).toBe(20n);
    expect(loop.rounds(10_000)).toBe(20_000n);
    loop.mapSecond(0, SECOND);
    expect(loop.rounds(10_000)).toBe(10_000n);
  });
});
