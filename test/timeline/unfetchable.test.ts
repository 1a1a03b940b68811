/**
 * Breakpoints where nothing can be fetched. A breakpoint belongs to an address and comes before any fetch fault
 * (privileged spec 3.1.15, table of priorities). Judged by a machine that takes one step at a time without any.
 */

import { describe, expect, test } from 'vitest';
import type { DebugHit, Machine, PointSet } from '../../src/machine/machine.js';
import type { HitCondition } from '../../src/ports/points.js';
import { EAGER } from '../engine/twins.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import * as asm from '../lockstep/encode.js';
import { bootBytes } from '../support/sessions.js';

const { addi } = asm.IMMEDIATE_OPS;
const START = 0x8000_0000;
const HANDLER = START + 0x2000;
const TABLE = START + 0x4000;
const DENIED = START + 0x8000;
const ROOT = START + 0x1_0000;
const RAM_BYTES = 1 << 20;
const RAM_END = START + RAM_BYTES;
const [RA, T0, T1, T2, S0] = [1, 5, 6, 7, 8];
const [T3, T4, T5] = [28, 29, 30];
const CSR = { mtvec: 0x305, mepc: 0x341, mcause: 0x342 };
const RETURN = asm.jalr(0, RA, 0);
const TARGETS = 256;

/** Calls the addresses of the table in turn, again and again; an `ecall` after each turn asks the handler to act. */
const caller = (xlen: 32 | 64): number[] => {
  const load = xlen === 64 ? asm.LOADS_64.ld(T1, T0, 0) : asm.LOADS.lw(T1, T0, 0);
  return [
    ...asm.loadAddress(S0, TABLE, START),
    addi(T2, 0, TARGETS),
    addi(T0, S0, 0),
    load,
    addi(T0, T0, xlen / 8),
    asm.jalr(RA, T1, 0),
    addi(T2, T2, -1),
    asm.BRANCHES.bne(T2, 0, -16),
    asm.ECALL,
    asm.jal(0, -32),
  ];
};

/** What faults is a call that returns at once. On `ecall`, the page-table entry at x31 is made valid, or invalid. */
const HANDLER_CODE = [
  asm.CSR_OPS.csrrs(T3, CSR.mcause, 0),
  addi(T4, 0, 8),
  asm.BRANCHES.blt(T3, T4, 40),
  addi(T4, 0, 12),
  asm.BRANCHES.bge(T3, T4, 32),
  asm.LOADS.lw(T5, 31, 0),
  asm.IMMEDIATE_OPS.xori(T5, T5, 1),
  asm.STORES.sw(T5, 31, 0),
  asm.CSR_OPS.csrrs(T3, CSR.mepc, 0),
  addi(T3, T3, 4),
  asm.CSR_OPS.csrrw(0, CSR.mepc, T3),
  asm.MRET,
  asm.CSR_OPS.csrrw(0, CSR.mepc, RA),
  asm.MRET,
];

interface Guest {
  readonly xlen: 32 | 64;
  readonly harts?: number;
  readonly targets: readonly bigint[];
  /** Sets up the machine behind the program and its table. */
  readonly prepare?: (machine: Machine, set: (register: string, value: bigint) => void) => void;
}

function write(machine: Machine, address: number, bytes: Uint8Array): void {
  if (!machine.debug.writeMemory(0, BigInt(address), bytes)) throw new Error(`no memory at ${address}`);
}

const words = (values: readonly bigint[], xlen: 32 | 64) =>
  new Uint8Array((xlen === 64 ? BigUint64Array.from(values) : Uint32Array.from(values.map(Number))).buffer);

function build({ xlen, harts = 1, targets, prepare }: Guest, jit: boolean): Machine {
  const machine = testMachine(
    `rv${xlen}imacsu`,
    { ramBytes: RAM_BYTES, harts, quantum: 100 },
    jit ? EAGER : { jit: false },
  );
  write(machine, START, asm.assemble(caller(xlen)));
  write(machine, HANDLER, asm.assemble(HANDLER_CODE));
  write(machine, DENIED, asm.assemble([RETURN]));
  const table = Array.from({ length: TARGETS }, (_, i) => targets[i % targets.length]);
  write(machine, TABLE, words(table, xlen));
  const rows = machine.debug.description.features.flatMap(({ registers }) => registers);
  for (let hart = 0; hart < harts; hart++) {
    const set = (register: string, value: bigint) => {
      const row = rows.find(({ name }) => name === register)!;
      machine.debug.writeRegister(hart, row.number, words([value], 64));
    };
    set('mtvec', BigInt(HANDLER));
    set('pc', BigInt(START));
    set('t6', BigInt(TABLE + 0x1000));
    set('pmpaddr0', 0x3fff_ffffn);
    set('pmpcfg0', 0x1fn);
    prepare?.(machine, set);
  }
  return machine;
}

const napot = (address: number, bytes: number) => BigInt(address / 4 + bytes / 8 - 1);

/** Denied to all modes: the page at DENIED (whole), and the last halfword of the page before it. */
const denying = (size: number, at: number): Guest['prepare'] => {
  return (_, set) => {
    set('pmpaddr1', 0x3fff_ffffn);
    set('pmpaddr0', napot(at, size));
    set('pmpcfg0', 0x1f98n);
  };
};

/**
 * Sv39 in S mode: RAM is mapped to itself in a gigapage, one page of it at another address by an entry that comes and
 * goes.
 */
const MAPPED = 0x1_0000_0000n;
const sv39: Guest['prepare'] = (machine, set) => {
  const entry = (to: number, flags: bigint) => (BigInt(to >>> 12) << 10n) | flags;
  const leaf = 0xcfn;
  const [middle, last] = [ROOT + 0x1000, ROOT + 0x2000];
  write(machine, ROOT + 8 * 2, words([entry(START, leaf)], 64));
  write(machine, ROOT + 8 * 4, words([entry(middle, 1n)], 64));
  write(machine, middle, words([entry(last, 1n)], 64));
  // 0: comes and goes; 1: not executable; 2: mapped, the page behind it is not there; 3: nothing.
  write(
    machine,
    last,
    words([entry(DENIED, 0xcfn), entry(DENIED, 0xc7n), entry(DENIED + 0x1000, leaf), 0n], 64),
  );
  // A 4-byte instruction whose second half is on the page that is not there.
  write(machine, DENIED + 0x1ffe, Uint8Array.of(0x13, 0));
  set('t6', BigInt(last));
  set('satp', (8n << 60n) | BigInt(ROOT >>> 12));
  set('priv', 1n);
};

const M64: Guest = {
  xlen: 64,
  targets: [
    0n,
    0x1000_0000n,
    0x5000_0000n,
    2n,
    BigInt(RAM_END),
    1n << 56n,
    1n << 63n,
    0xffff_ffff_ffff_fffcn,
  ],
};
const GUESTS: Readonly<Record<string, Guest>> = {
  'where there is no memory': M64,
  'where there is no memory, RV32': {
    xlen: 32,
    targets: [0n, 0x1000_0000n, 0x5000_0000n, 2n, BigInt(RAM_END), 0xffff_fffcn],
  },
  'where there is no memory, three harts': { ...M64, harts: 3 },
  'in a page that PMP denies': { xlen: 64, targets: [BigInt(DENIED)], prepare: denying(4096, DENIED) },
  'in eight bytes that PMP denies': { xlen: 64, targets: [BigInt(DENIED)], prepare: denying(8, DENIED) },
  'in a second half that PMP denies': {
    xlen: 64,
    targets: [BigInt(DENIED + 6)],
    prepare: (machine, set) => {
      write(machine, DENIED + 6, Uint8Array.of(0x13, 0));
      denying(8, DENIED + 8)!(machine, set);
    },
  },
  'in pages that are not mapped, not executable, or come and go': {
    xlen: 64,
    targets: [MAPPED, MAPPED + 0x1000n, MAPPED + 0x2ffen, MAPPED + 0x3000n, 0n, 1n << 40n, 1n << 63n],
    prepare: sv39,
  },
};

const STEPS = 12_000;
const place = (hit: Pick<DebugHit, 'icount' | 'hart' | 'low' | 'high'>) =>
  `${hit.icount} hart ${hit.hart} at ${hit.high.toString(16)}:${hit.low.toString(16)}`;

/** Where the next step was one of an instruction at a target. */
function visits(guest: Guest): string[] {
  const machine = build(guest, false);
  const wanted = new Set(guest.targets);
  const found: string[] = [];
  for (; machine.icount < STEPS; machine.run(machine.icount + 1, { idle: 'jump' })) {
    const { icount, nextHart: hart } = machine;
    const pc = machine.debug.programCounter(hart);
    if (!wanted.has(pc)) continue;
    found.push(place({ icount, hart, low: Number(pc & 0xffffffffn), high: Number(pc >> 32n) }));
  }
  return found;
}

const pointsOf = ({ targets }: Guest, condition?: HitCondition): PointSet => ({
  breakpoints: targets.map(target => ({
    low: Number(target & 0xffffffffn),
    high: Number(target >> 32n),
    condition,
  })),
  watchpoints: [],
});

describe.each(Object.entries(GUESTS))('breakpoints %s', (_, guest) => {
  const expected = visits(guest);

  test.each([true, false])('are hit each time, once, and end a run there (compiled: %s)', jit => {
    expect(expected.length).toBeGreaterThan(STEPS / 20);
    const collected: string[] = [];
    let asked = 0;
    const machine = build(guest, jit);
    machine.run(STEPS / 2, { idle: 'jump' });
    // Warm: what can be cached is.
    const condition = { holds: () => ++asked > 0 };
    const points = pointsOf(guest, condition);
    machine.run(STEPS, { points, collect: hit => collected.push(place(hit)) });
    const later = expected.filter(text => Number(text.split(' ')[0]) >= STEPS / 2);
    expect(collected).toEqual(later);
    expect(asked).toBe(later.length);

    const stopping = build(guest, jit);
    const stops: string[] = [];
    const unconditional = pointsOf(guest);
    for (;;) {
      const stop = stopping.run(STEPS, { points: unconditional });
      if (stop.kind !== 'hit') break;
      expect(stopping.icount).toBe(stop.hit.icount);
      expect(stopping.debug.programCounter(stop.hit.hart)).toBe(
        (BigInt(stop.hit.high) << 32n) | BigInt(stop.hit.low),
      );
      stops.push(place(stop.hit));
      stopping.run(stop.hit.icount + 1, {});
    }
    expect(stops).toEqual(expected);
  });

  test('that hold back change nothing', () => {
    const [free, held] = [build(guest, true), build(guest, true)];
    free.run(STEPS, {});
    held.run(STEPS, { points: pointsOf(guest, { holds: () => false }) });
    expect(Buffer.compare(free.board.memory.stateBytes, held.board.memory.stateBytes)).toBe(0);
  });
});

test('a debugger stops before the fault, steps into it and back, and finds it from far behind', async () => {
  const far = 3_000;
  const image = new Uint8Array(0x200);
  image.set(
    asm.assemble([
      ...asm.loadAddress(T0, START + 0x100, START),
      asm.CSR_OPS.csrrw(0, CSR.mtvec, T0),
      asm.jalr(0, 0, 0),
    ]),
  );
  image.set(asm.assemble([addi(T1, T1, 1), asm.jal(0, -4)]), 0x100);
  const { session: target } = bootBytes('null.bin', image, { snapshotIntervalSteps: 500 });
  const pc = () => target.machine.debug.programCounter(0);
  const go = (kind: 'continue' | 'step', direction: 'forward' | 'backward') =>
    target.resume({ kind, direction, hart: 0 });
  target.attach();
  target.insertBreakpoint(0n);
  expect(await go('continue', 'forward')).toEqual({ kind: 'breakpoint', hart: 0, address: 0n });
  expect(pc()).toBe(0n);
  const { icount } = target.status();
  expect(await go('step', 'forward')).toEqual({ kind: 'step', hart: 0 });
  expect(pc()).toBe(BigInt(START + 0x100));
  expect(await go('step', 'backward')).toEqual({ kind: 'step', hart: 0 });
  expect([pc(), target.status().icount]).toEqual([0n, icount]);
  expect(await go('step', 'backward')).toEqual({ kind: 'step', hart: 0 });
  expect(pc()).toBe(BigInt(START + 12));
  expect(await go('step', 'forward')).toEqual({ kind: 'step', hart: 0 });
  expect(pc()).toBe(0n);
  await go('step', 'forward');
  target.stopAtIcount(icount + far);
  await go('continue', 'forward');
  expect(target.status().icount).toBe(icount + far);
  expect(await go('continue', 'backward')).toEqual({ kind: 'breakpoint', hart: 0, address: 0n });
  expect(target.status().icount).toBe(icount);
  // Without a breakpoint the pages are learned; one that is set later is found all the same.
  target.clearBreakpoints();
  target.stopAtIcount(icount + far);
  await go('continue', 'forward');
  expect((await target.questions.firstExecution(0n)).found[0]?.icount).toBe(icount);
  target.insertBreakpoint(0n);
  expect(await go('continue', 'backward')).toEqual({ kind: 'breakpoint', hart: 0, address: 0n });
  target.close();
});
