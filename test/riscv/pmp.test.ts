import { describe, expect, test } from 'vitest';
import { AMOS_W, jalr, LOADS, LOADS_64, NOP, STORES, STORES_64 } from '../lockstep/encode.js';
import { Bench, CODE, DATA, HANDLER, ISA32, MODE } from './bench.js';

const [R, W, X, TOR, NA4, NAPOT, LOCK] = [1, 2, 4, 1 << 3, 2 << 3, 3 << 3, 0x80];
const napot = (address: number, bytes: number) => address / 4 + bytes / 8 - 1;
const LOAD = LOADS.lw(7, 5, 0);
const STORE = STORES.sw(7, 5, 0);

interface Entry {
  readonly address: number;
  readonly config: number;
}

/** The entries, and behind them all of memory open. */
function protectedBench(entries: readonly Entry[], isa?: string): Bench {
  const bench = new Bench(isa);
  let config = 0n;
  // The entry that opens everything stands last: it is not to match while the others are written.
  [...entries, { address: 0x3fffffff, config: NAPOT | R | W | X }].forEach((entry, index) => {
    bench.set({ [`pmpaddr${index}`]: entry.address });
    config |= BigInt(entry.config) << BigInt(8 * index);
  });
  bench.set({ pmpcfg0: config });
  return bench;
}

const causeAt = (bench: Bench, mode: keyof typeof MODE, address: number, instruction: number) => {
  bench.set({ x5: address });
  return bench.trapOf(mode, instruction)?.cause;
};

describe('physical memory protection', () => {
  test('with no entry set, only M mode sees memory', () => {
    const bench = new Bench();
    bench.set({ pmpcfg0: 0, x5: DATA });
    expect(causeAt(bench, 'machine', DATA, LOAD)).toBeUndefined();
    expect(causeAt(bench, 'user', DATA, LOAD)).toBe(1n);
    expect(bench.get('mtval')).toBe(BigInt(CODE));
  });

  test.each([
    [0, 5n, 7n],
    [R, undefined, 7n],
    [R | W, undefined, undefined],
    [X, 5n, 7n],
  ])('permissions %i: load cause %s, store cause %s', (config, load, store) => {
    const bench = protectedBench([{ address: napot(DATA, 4096), config: NAPOT | config }]);
    for (const mode of ['user', 'supervisor'] as const) {
      expect(causeAt(bench, mode, DATA + 8, LOAD)).toBe(load);
      expect(causeAt(bench, mode, DATA + 8, STORE)).toBe(store);
    }
    expect(causeAt(bench, 'machine', DATA + 8, STORE), 'not locked').toBeUndefined();
  });

  test('an AMO where only reading is allowed is a store fault, where nothing is, a load fault', () => {
    const amo = AMOS_W.add(7, 5, 6);
    for (const [config, cause] of [
      [R, 7n],
      [0, 5n],
    ] as const) {
      const bench = protectedBench([{ address: napot(DATA, 8), config: NAPOT | config }]);
      expect(causeAt(bench, 'user', DATA, amo)).toBe(cause);
    }
  });

  test('NA4, NAPOT and TOR regions end where they say, to the byte', () => {
    const regions: readonly [readonly Entry[], start: number, end: number][] = [
      [[{ address: (DATA + 0x104) / 4, config: NA4 }], DATA + 0x104, DATA + 0x108],
      [[{ address: napot(DATA + 0x100, 8), config: NAPOT }], DATA + 0x100, DATA + 0x108],
      [[{ address: napot(DATA, 0x200), config: NAPOT }], DATA, DATA + 0x200],
      [
        [
          { address: (DATA + 0x10) / 4, config: 0 },
          { address: (DATA + 0x1c) / 4, config: TOR },
        ],
        DATA + 0x10,
        DATA + 0x1c,
      ],
    ];
    for (const [entries, start, end] of regions) {
      for (const isa of [undefined, ISA32]) {
        const bench = protectedBench(entries, isa);
        const byte = LOADS.lbu(7, 5, 0);
        const answers = [start - 1, start, end - 1, end].map(address =>
          causeAt(bench, 'user', address, byte),
        );
        expect(answers).toEqual([undefined, 5n, 5n, undefined]);
      }
    }
  });

  test('the first entry that matches decides', () => {
    const bench = protectedBench([
      { address: napot(DATA, 8), config: NAPOT | R },
      { address: napot(DATA, 4096), config: NAPOT },
    ]);
    expect(causeAt(bench, 'user', DATA, LOAD)).toBeUndefined();
    expect(causeAt(bench, 'user', DATA + 8, LOAD)).toBe(5n);
  });

  test('an empty TOR region matches nothing', () => {
    const bench = protectedBench([
      { address: (DATA + 64) / 4, config: 0 },
      { address: DATA / 4, config: TOR },
    ]);
    expect(causeAt(bench, 'user', DATA + 16, LOAD)).toBeUndefined();
  });

  test('an access that a region matches in part fails, in M mode too', () => {
    const bench = protectedBench([{ address: (DATA + 4) / 4, config: NA4 | R | W }]);
    for (const mode of ['user', 'machine'] as const) {
      expect(causeAt(bench, mode, DATA, LOADS_64.ld(7, 5, 0))).toBe(5n);
      expect(causeAt(bench, mode, DATA + 2, STORE)).toBe(7n);
      expect(causeAt(bench, mode, DATA + 4, LOAD)).toBeUndefined();
    }
  });

  test('a locked entry binds M mode and cannot be changed, nor the address before a locked TOR', () => {
    const bench = protectedBench([
      { address: DATA / 4, config: 0 },
      { address: (DATA + 64) / 4, config: TOR | LOCK | R },
    ]);
    expect(causeAt(bench, 'machine', DATA, STORE)).toBe(7n);
    expect(causeAt(bench, 'machine', DATA, LOAD)).toBeUndefined();
    bench.set({ pmpaddr0: 0, pmpaddr1: 0, pmpcfg0: 0 });
    expect([bench.get('pmpaddr0'), bench.get('pmpaddr1')]).toEqual([
      BigInt(DATA / 4),
      BigInt((DATA + 64) / 4),
    ]);
    expect(bench.get('pmpcfg0')).toBe(BigInt((TOR | LOCK | R) << 8));
  });

  test('a page that was used is looked at again when entries change', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) {
      bench.set({ pmpcfg0: 0x1f });
      expect(causeAt(bench, 'user', DATA, STORE)).toBeUndefined();
      bench.set({ pmpcfg0: 0x1d });
      expect(causeAt(bench, 'user', DATA, STORE)).toBe(7n);
    }
  });

  test('code in regions smaller than a page is checked halfword by halfword', () => {
    const bench = protectedBench([{ address: napot(CODE + 16, 8), config: NAPOT | R }]);
    bench.load(CODE, NOP, NOP, NOP, NOP, NOP, NOP, NOP);
    bench.set({ pc: CODE, priv: MODE.user });
    bench.step(5);
    expect([bench.get('pc'), bench.get('mcause'), bench.get('mtval')]).toEqual([
      BigInt(HANDLER),
      1n,
      BigInt(CODE + 16),
    ]);
    // Behind the region code runs again, also over its own store to itself.
    bench.set({ pc: CODE + 24, priv: MODE.user });
    bench.step(1);
    expect(bench.get('pc')).toBe(BigInt(CODE + 28));
  });

  test('an instruction of which half is out of bounds does not run', () => {
    const bench = protectedBench([{ address: napot(CODE + 8, 8), config: NAPOT }]);
    bench.load(CODE, NOP);
    bench.write(CODE + 6, new Uint8Array([0x13, 0, 0, 0]));
    bench.set({ pc: CODE + 6, priv: MODE.user });
    bench.step();
    expect([bench.get('mcause'), bench.get('mepc')]).toEqual([1n, BigInt(CODE + 6)]);
    expect(bench.get('mtval')).toBe(BigInt(CODE + 8));
  });

  test('MPRV lends loads and stores the mode in MPP, fetches not', () => {
    const bench = protectedBench([{ address: napot(DATA, 4096), config: NAPOT }]);
    bench.set({ mstatus: 1 << 17 });
    expect(causeAt(bench, 'machine', DATA, LOAD)).toBe(5n);
    bench.set({ mstatus: (1 << 17) | (3 << 11) });
    expect(causeAt(bench, 'machine', DATA, LOAD)).toBeUndefined();
    const closed = protectedBench([{ address: napot(CODE, 4096), config: NAPOT | R | W }]);
    closed.set({ mstatus: 1 << 17 });
    expect(causeAt(closed, 'machine', DATA, STORES_64.sd(7, 5, 0))).toBeUndefined();
  });

  test('a jump out of what may be executed faults at the target', () => {
    const bench = protectedBench([{ address: napot(DATA, 4096), config: NAPOT | R | W }]);
    bench.set({ x5: DATA });
    bench.run('user', jalr(1, 5, 0), NOP);
    expect([bench.get('mepc'), bench.get('mcause'), bench.get('x1')]).toEqual([
      BigInt(DATA),
      1n,
      BigInt(CODE + 4),
    ]);
  });
});
