import { describe, expect, test } from 'vitest';
import {
  AMOS_W,
  assemble,
  IMMEDIATE_OPS,
  jalr,
  LOADS,
  LOADS_64,
  NOP,
  STORES,
  STORES_64,
} from '../lockstep/encode.js';
import { Bench, CODE, DATA, HANDLER, ISA32, ISA64, MODE } from './bench.js';

const { addi } = IMMEDIATE_OPS;
const PAGE = 4096;
const ROOT = 0x8010_0000;
/** A virtual page, for tests to map as they like. */
const VIRTUAL = 0x4000_1000;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];
const OPEN = V | R | W | X | A | D;
const [SUM, MXR] = [1 << 18, 1 << 19];
const LOAD = LOADS.lw(7, 5, 0);
const STORE = STORES.sw(6, 5, 0);
const JUMP = jalr(0, 5, 0);

type Scheme = 'sv32' | 'sv39' | 'sv48' | 'sv57';
const LEVELS = { sv32: 2, sv39: 3, sv48: 4, sv57: 5 } as const;
const SATP_MODE = { sv32: 1n << 31n, sv39: 8n << 60n, sv48: 9n << 60n, sv57: 10n << 60n } as const;
const SCHEMES: readonly Scheme[] = ['sv32', 'sv39', 'sv48', 'sv57'];

/** A machine with page tables: RAM maps to itself for S mode, and VIRTUAL to DATA with the flags given. */
class PagedBench extends Bench {
  readonly #entryBytes: 4 | 8;

  constructor(
    readonly scheme: Scheme,
    flags = OPEN,
  ) {
    super(scheme === 'sv32' ? ISA32 : scheme === 'sv57' ? `${ISA64}_sv57` : ISA64);
    this.#entryBytes = scheme === 'sv32' ? 4 : 8;
    const levels = LEVELS[scheme];
    for (let level = levels - 1; level > 0; level--) this.map(VIRTUAL, level, this.table(level - 1), V);
    // 1 GiB, or 4 MiB on RV32.
    this.map(0x8000_0000, scheme === 'sv32' ? 1 : 2, 0x8000_0000, OPEN);
    this.map(VIRTUAL, 0, DATA, flags);
    this.set({ satp: SATP_MODE[scheme] | BigInt(ROOT / PAGE) });
  }

  table(level: number): number {
    return ROOT + (LEVELS[this.scheme] - 1 - level) * PAGE;
  }

  slot(virtual: number, level: number): number {
    const bits = this.scheme === 'sv32' ? 10 : 9;
    return (
      this.table(level) + (Math.floor(virtual / 2 ** (12 + level * bits)) % 2 ** bits) * this.#entryBytes
    );
  }

  map(virtual: number, level: number, physical: number, flags: number): void {
    this.poke(this.slot(virtual, level), this.#entryBytes, (BigInt(physical / PAGE) << 10n) | BigInt(flags));
  }

  flags(virtual: number, level = 0): number {
    return Number(this.read(this.slot(virtual, level), 4) & 0x3ffn);
  }

  /** Cause of one instruction with x5 = address; `undefined` when it is done. */
  cause(
    mode: 'user' | 'supervisor',
    instruction: number,
    address: number | bigint = VIRTUAL,
  ): bigint | undefined {
    if (mode === 'user') {
      // Where user code is: a page of its own.
      this.map(0x4000_0000, 0, CODE, V | R | X | U | A);
      this.load(CODE, instruction, NOP);
      this.set({ x5: address, pc: 0x4000_0000, priv: MODE.user, mcause: 0 });
      this.step(instruction === JUMP ? 2 : 1);
    } else {
      this.load(CODE, instruction, NOP);
      this.set({ x5: address, pc: CODE, priv: MODE.supervisor, mcause: 0 });
      this.step(instruction === JUMP ? 2 : 1);
    }
    return this.get('pc') === BigInt(HANDLER) ? this.get('mcause') : undefined;
  }
}

describe.each(SCHEMES)('%s', scheme => {
  test('loads, stores and jumps go to the page that is mapped', () => {
    const bench = new PagedBench(scheme);
    bench.poke(DATA + 8, 4, 0x1234);
    bench.write(DATA, assemble([addi(10, 0, 77)]));
    expect(bench.cause('supervisor', LOAD, VIRTUAL + 8)).toBeUndefined();
    expect(bench.get('x7')).toBe(0x1234n);
    bench.set({ x6: 0x77 });
    expect(bench.cause('supervisor', STORE, VIRTUAL + 12)).toBeUndefined();
    expect(bench.read(DATA + 12, 4)).toBe(0x77n);
    expect(bench.cause('supervisor', JUMP)).toBeUndefined();
    expect([bench.get('x10'), bench.get('pc')]).toEqual([77n, BigInt(VIRTUAL + 4)]);
  });

  // Flags, mode, mstatus bits: causes of a load, a store, a jump; '-' when it is done.
  test.each([
    [V | R | W | X, 'supervisor', 0, '- - -'],
    [V | R, 'supervisor', 0, '- 15 12'],
    [V | R | W, 'supervisor', 0, '- - 12'],
    [V | X, 'supervisor', 0, '13 15 -'],
    [V | X, 'supervisor', MXR, '- 15 -'],
    [V | R | X, 'supervisor', 0, '- 15 -'],
    [V | W, 'supervisor', 0, '13 15 12'],
    [V | W | X, 'supervisor', 0, '13 15 12'],
    [V | W | X, 'supervisor', MXR, '13 15 12'],
    [R | W | X, 'supervisor', 0, '13 15 12'],
    [V, 'supervisor', 0, '13 15 12'],
    [V | R | W | X | U, 'supervisor', 0, '13 15 12'],
    [V | R | W | X | U, 'supervisor', SUM, '- - 12'],
    [V | X | U, 'supervisor', SUM | MXR, '- 15 12'],
    [V | R | W | X | U, 'user', 0, '- - -'],
    [V | R | W | X, 'user', SUM, '13 15 12'],
    [V | X | U, 'user', MXR, '- 15 -'],
    [V | R | U, 'user', 0, '- 15 12'],
  ] as const)('flags %i in %s mode, mstatus %i: %s', (flags, mode, status, expected) => {
    const bench = new PagedBench(scheme, flags | A | D);
    bench.write(DATA, assemble([NOP]));
    // The store puts there what stood there.
    bench.set({ mstatus: status, x6: NOP });
    const causes = [LOAD, STORE, JUMP].map(instruction => bench.cause(mode, instruction)?.toString() ?? '-');
    expect(causes.join(' ')).toBe(expected);
  });

  test('a fault names the virtual address and leaves A and D alone', () => {
    const bench = new PagedBench(scheme, V | R);
    expect(bench.cause('supervisor', STORE, VIRTUAL + 0x123 * 4)).toBe(15n);
    expect([bench.get('mtval'), bench.get('mepc')]).toEqual([BigInt(VIRTUAL + 0x123 * 4), BigInt(CODE)]);
    expect(bench.flags(VIRTUAL)).toBe(V | R);
  });

  test('A is set by any access, D by stores and AMOs', () => {
    for (const [instruction, set] of [
      [LOAD, A],
      [JUMP, A],
      [STORE, A | D],
      [AMOS_W.add(7, 5, 6), A | D],
    ] as const) {
      const bench = new PagedBench(scheme, V | R | W | X);
      bench.write(DATA, assemble([NOP]));
      expect(bench.cause('supervisor', instruction)).toBeUndefined();
      expect(bench.flags(VIRTUAL)).toBe(V | R | W | X | set);
    }
  });

  test('a load fills the TLB, the store after it still sets D', () => {
    const bench = new PagedBench(scheme, V | R | W);
    bench.set({ x5: VIRTUAL });
    bench.run('supervisor', LOAD, STORE);
    expect(bench.flags(VIRTUAL)).toBe(V | R | W | A | D);
  });

  test('an AMO is a load before it is a store', () => {
    for (const [flags, cause] of [
      [V | R, 15n],
      [V | X, 13n],
      [0, 13n],
    ] as const) {
      expect(new PagedBench(scheme, flags).cause('supervisor', AMOS_W.add(7, 5, 6))).toBe(cause);
    }
  });

  test.skipIf(scheme === 'sv32')(
    'addresses go to the last below half of what they reach, and no further',
    () => {
      const bench = new PagedBench(scheme);
      const bits = scheme === 'sv39' ? 39 : 48;
      const top = LEVELS[scheme] - 1;
      const bytes = 2 ** (12 + 9 * top);
      const root = (entry: number) => bench.map(entry * bytes, top, 0x8000_0000, OPEN);
      // As far as a superpage of the root reaches: on Sv48, more than there is memory.
      const at = (entry: number) => BigInt(entry) * BigInt(bytes) + BigInt(DATA + 8 - 0x8000_0000);
      bench.poke(DATA + 8, 4, 0x1234);
      const near = top === 2 ? [128, 255] : [];
      for (const entry of near) {
        root(entry);
        expect(bench.cause('supervisor', LOAD, at(entry))).toBeUndefined();
        expect(bench.get('x7')).toBe(0x1234n);
      }
      if (top === 2) root(256);
      const upper = (1n << 64n) - (1n << BigInt(bits));
      if (top === 2) expect(bench.cause('supervisor', LOAD, at(256) + upper)).toBeUndefined();
      const beyond = 1n << BigInt(bits - 1);
      for (const address of [beyond, upper - 8n, 1n << BigInt(bits), 1n << 63n])
        expect(bench.cause('supervisor', LOAD, address)).toBe(13n);
    },
  );

  test('large pages cover their range, misaligned ones fault', () => {
    const bench = new PagedBench(scheme);
    const bytes = scheme === 'sv32' ? 4 << 20 : 2 << 20;
    const large = 0x4080_0000;
    bench.map(large, 1, 0x8000_0000, V | R | W | A | D);
    const last = DATA + 0x5678;
    bench.poke(last, 4, 0x4321);
    expect(bench.cause('supervisor', LOAD, large + (last - 0x8000_0000))).toBeUndefined();
    expect(bench.get('x7')).toBe(0x4321n);
    expect(bench.cause('supervisor', LOAD, large + bytes)).toBe(13n);
    bench.map(large, 1, 0x8000_1000, V | R | W | A | D);
    expect(bench.cause('supervisor', LOAD, large)).toBe(13n);
  });

  test('tables with A, D or U, the last level pointing on, and reserved bits fault', () => {
    for (const extra of [A, D, U]) {
      const bench = new PagedBench(scheme);
      bench.map(VIRTUAL, 1, bench.table(0), V | extra);
      expect(bench.cause('supervisor', LOAD)).toBe(13n);
    }
    if (scheme === 'sv32') return;
    for (const bit of [54n, 60n, 61n, 63n]) {
      const bench = new PagedBench(scheme);
      bench.poke(bench.slot(VIRTUAL, 0), 8, bench.read(bench.slot(VIRTUAL, 0), 8) | (1n << bit));
      expect(bench.cause('supervisor', LOAD)).toBe(13n);
    }
  });

  test('a table where there is no memory is an access fault, as is a page there', () => {
    const bench = new PagedBench(scheme);
    bench.map(VIRTUAL, 1, 0x0800_0000, V);
    expect([LOAD, STORE, JUMP].map(i => bench.cause('supervisor', i))).toEqual([5n, 7n, 1n]);
    const page = new PagedBench(scheme);
    page.map(VIRTUAL, 0, 0x0800_0000, OPEN);
    expect([LOAD, STORE, JUMP].map(i => page.cause('supervisor', i))).toEqual([5n, 7n, 1n]);
  });

  test('PMP binds the walk and the page', () => {
    const bench = new PagedBench(scheme);
    bench.set({ pmpcfg0: 0, pmpaddr0: ROOT / 4 + 0x1fff, pmpaddr1: 0x3fffffff });
    bench.set({ pmpcfg0: 0x1f18 });
    bench.set({ x5: VIRTUAL });
    expect(bench.cause('supervisor', LOAD)).toBe(1n);
    expect(bench.get('mtval')).toBe(BigInt(CODE));
  });

  test('MPRV loads through the tables of MPP, and M mode itself without', () => {
    const bench = new PagedBench(scheme);
    bench.poke(DATA, 4, 0x5a5a);
    bench.set({ x5: VIRTUAL, mstatus: (1 << 17) | (1 << 11) });
    bench.run('machine', LOAD);
    expect(bench.get('x7')).toBe(0x5a5an);
    bench.set({ mstatus: 0 });
    expect(bench.trapOf('machine', LOAD)?.cause).toBe(5n);
  });

  test('an access over two pages goes to both, and faults where the second is not mapped', () => {
    const bench = new PagedBench(scheme);
    bench.map(VIRTUAL + PAGE, 0, DATA + 5 * PAGE, V | R | A);
    bench.poke(DATA + 0xffc, 4, 0x44332211);
    bench.poke(DATA + 5 * PAGE, 4, 0x88776655);
    expect(bench.cause('supervisor', LOAD, VIRTUAL + 0xffe)).toBeUndefined();
    expect(BigInt.asUintN(32, bench.get('x7'))).toBe(0x66554433n);
    bench.set({ x6: -1 });
    expect(bench.cause('supervisor', STORE, VIRTUAL + 0xffe)).toBe(15n);
    expect(bench.get('mtval')).toBe(BigInt(VIRTUAL + PAGE));
    expect(bench.read(DATA + 0xffc, 4)).toBe(0x44332211n);
  });

  test('an instruction over two pages that lie apart', () => {
    const bench = new PagedBench(scheme);
    const bytes = assemble([addi(10, 0, 77)]);
    bench.write(DATA + 0xffe, bytes.subarray(0, 2));
    bench.write(DATA + 5 * PAGE, bytes.subarray(2));
    expect(bench.cause('supervisor', JUMP, VIRTUAL + 0xffe)).toBe(12n);
    expect([bench.get('mepc'), bench.get('mtval')]).toEqual([
      BigInt(VIRTUAL + 0xffe),
      BigInt(VIRTUAL + PAGE),
    ]);
    bench.map(VIRTUAL + PAGE, 0, DATA + 5 * PAGE, V | X | A);
    expect(bench.cause('supervisor', JUMP, VIRTUAL + 0xffe)).toBeUndefined();
    expect(bench.get('x10')).toBe(77n);
  });

  test('a changed entry counts at once, without a fence', () => {
    const bench = new PagedBench(scheme);
    const narrow = scheme === 'sv32';
    bench.poke(DATA, 4, 1);
    bench.poke(DATA + PAGE, 4, 2);
    const entry = (BigInt((DATA + PAGE) / PAGE) << 10n) | BigInt(OPEN);
    bench.set({ x5: VIRTUAL, x6: entry, x8: bench.slot(VIRTUAL, 0) });
    const change = narrow ? STORES.sw(6, 8, 0) : STORES_64.sd(6, 8, 0);
    bench.run('supervisor', LOAD, change, LOADS.lw(9, 5, 0));
    expect([bench.get('x7'), bench.get('x9')]).toEqual([1n, 2n]);
  });

  test('code that maps its own page elsewhere goes on there', () => {
    const bench = new PagedBench(scheme);
    const narrow = scheme === 'sv32';
    const change = narrow ? STORES.sw(6, 8, 0) : STORES_64.sd(6, 8, 0);
    bench.write(DATA, assemble([change, addi(10, 0, 1)]));
    bench.write(DATA + PAGE, assemble([change, addi(10, 0, 2)]));
    const entry = (BigInt((DATA + PAGE) / PAGE) << 10n) | BigInt(OPEN);
    bench.set({ x6: entry, x8: bench.slot(VIRTUAL, 0), x10: 0 });
    // The table is known to have supplied an entry when the store comes.
    bench.set({ pc: VIRTUAL, priv: MODE.supervisor });
    bench.step(2);
    expect(bench.get('x10')).toBe(2n);
  });

  test('a page table that maps itself', () => {
    const bench = new PagedBench(scheme);
    const narrow = scheme === 'sv32';
    bench.map(VIRTUAL, 0, bench.table(0), OPEN);
    const entry = (BigInt(DATA / PAGE) << 10n) | BigInt(OPEN);
    bench.poke(DATA, 4, 99);
    bench.set({ x5: VIRTUAL, x6: entry, x8: VIRTUAL + (bench.slot(VIRTUAL, 0) % PAGE) });
    bench.run('supervisor', narrow ? STORES.sw(6, 8, 0) : STORES_64.sd(6, 8, 0), LOAD);
    expect(bench.get('x7')).toBe(99n);
  });
});

test.each([
  ['sv39', 38n],
  ['sv48', 47n],
  ['sv57', 56n],
] as const)('%s addresses repeat bit %i to the top', (scheme, bit) => {
  const bench = new PagedBench(scheme);
  const wrong = (1n << (bit + 1n)) | BigInt(VIRTUAL);
  expect([LOAD, STORE, JUMP].map(i => bench.cause('supervisor', i, wrong))).toEqual([13n, 15n, 12n]);
  expect(bench.get('mtval')).toBe(wrong);
  // The upper half: the root's last entry.
  const top = LEVELS[scheme] - 1;
  bench.poke(ROOT + 511 * 8, 8, (0x80000n << 10n) | BigInt(OPEN));
  if (scheme === 'sv39') {
    const upper = 2n ** 64n - (1n << 30n) + BigInt(DATA - 0x8000_0000);
    bench.poke(DATA, 8, 0x1357);
    expect(bench.cause('supervisor', LOADS_64.ld(7, 5, 0), upper)).toBeUndefined();
    expect(bench.get('x7')).toBe(0x1357n);
  } else {
    expect(top).toBe(scheme === 'sv48' ? 3 : 4);
    // 512 GiB from 2 GiB: misaligned.
    expect(bench.cause('supervisor', LOADS_64.ld(7, 5, 0), 2n ** 64n - 4096n)).toBe(13n);
  }
});

test('a debugger sees mapped memory whatever its protection, and sets neither A nor D', () => {
  const bench = new PagedBench('sv39', V | X | U);
  bench.poke(DATA, 4, 0x99);
  bench.set({ priv: MODE.supervisor });
  expect([...bench.machine.debug.readMemory(0, BigInt(VIRTUAL), 4)]).toEqual([0x99, 0, 0, 0]);
  expect(bench.flags(VIRTUAL)).toBe(V | X | U);
});

test('a stop at a breakpoint or watchpoint leaves A and D as before the step', () => {
  const bench = new PagedBench('sv39', V | R | W | X);
  bench.map(VIRTUAL + PAGE, 0, DATA + PAGE, V | R | W);
  bench.write(DATA, assemble([NOP, STORES.sw(6, 5, 0)]));
  bench.set({ pc: VIRTUAL, priv: MODE.supervisor, x5: VIRTUAL + PAGE });
  const { machine } = bench;
  const points = { breakpoints: [{ low: VIRTUAL, high: 0 }], watchpoints: [] };
  expect(machine.run(1000, { points })).toMatchObject({
    kind: 'hit',
    hit: { kind: 'breakpoint', icount: 0 },
  });
  expect(bench.flags(VIRTUAL)).toBe(V | R | W | X);
  const watched = { kind: 'write', low: VIRTUAL + PAGE, high: 0, length: 4 } as const;
  expect(machine.run(1000, { points: { breakpoints: [], watchpoints: [watched] } })).toMatchObject({
    kind: 'hit',
    hit: { kind: 'watchpoint', icount: 1 },
  });
  expect([bench.flags(VIRTUAL), bench.flags(VIRTUAL + PAGE)]).toEqual([V | R | W | X | A, V | R | W]);
  bench.step();
  expect(bench.flags(VIRTUAL + PAGE)).toBe(V | R | W | A | D);
});
