import { describe, expect, test } from 'vitest';
import { CSR_OPS, CSR_OPS_IMMEDIATE, ECALL, lr_w, MRET, NOP, sc_w, WFI } from '../lockstep/encode.js';
import { Bench, CODE, DATA, HANDLER, ISA32, MODE, SUPERVISOR_HANDLER } from './bench.js';

const SRET = 0x10200073;
const MSTATUS = {
  sie: 1n << 1n,
  mie: 1n << 3n,
  spie: 1n << 5n,
  mpie: 1n << 7n,
  spp: 1n << 8n,
  mprv: 1n << 17n,
};
const MPP = (mode: bigint) => mode << 11n;
/** Interrupt numbers in the order of their priority (privileged spec 3.1.9). */
const BY_PRIORITY = [11, 3, 7, 9, 1, 5];

describe('traps', () => {
  test.each([
    ['user', 8n],
    ['supervisor', 9n],
    ['machine', 11n],
  ] as const)('ecall from %s mode is cause %i and keeps the mode and MIE in mstatus', (mode, cause) => {
    const bench = new Bench();
    bench.set({ mstatus: MSTATUS.mie, mtval: 5 });
    expect(bench.trapOf(mode, ECALL)).toEqual({ cause, tval: 0n });
    expect(bench.get('mepc')).toBe(BigInt(CODE));
    expect(bench.get('priv')).toBe(3n);
    const status = bench.get('mstatus');
    expect(status & (MSTATUS.mie | MSTATUS.mpie | MPP(3n))).toBe(MSTATUS.mpie | MPP(MODE[mode]));
  });

  test('a delegated exception goes to S mode from U and S mode, never from M mode', () => {
    for (const mode of ['user', 'supervisor', 'machine'] as const) {
      const bench = new Bench();
      bench.set({ medeleg: 1 << 2, mstatus: MSTATUS.sie });
      const pc = bench.run(mode, 0);
      if (mode === 'machine') {
        expect(pc).toBe(BigInt(HANDLER));
        continue;
      }
      expect(pc).toBe(BigInt(SUPERVISOR_HANDLER));
      expect([bench.get('priv'), bench.get('scause'), bench.get('sepc')]).toEqual([1n, 2n, BigInt(CODE)]);
      const status = bench.get('sstatus') & (MSTATUS.sie | MSTATUS.spie | MSTATUS.spp);
      expect(status).toBe(MSTATUS.spie | (mode === 'supervisor' ? MSTATUS.spp : 0n));
      expect(bench.get('mcause')).toBe(0n);
    }
  });

  test('mret goes to MPP with MIE from MPIE, and clears MPRV below M mode', () => {
    for (const mode of ['user', 'supervisor', 'machine'] as const) {
      const bench = new Bench();
      bench.set({ mepc: 0x8000_2002, mstatus: MPP(MODE[mode]) | MSTATUS.mpie | MSTATUS.mprv });
      expect(bench.run('machine', MRET)).toBe(0x8000_2002n);
      expect(bench.get('priv')).toBe(MODE[mode]);
      const kept = mode === 'machine' ? MSTATUS.mprv : 0n;
      const seen = MSTATUS.mie | MSTATUS.mpie | MSTATUS.mprv | MPP(3n);
      expect(bench.get('mstatus') & seen).toBe(MSTATUS.mie | MSTATUS.mpie | kept);
    }
  });

  test('sret goes to SPP with SIE from SPIE', () => {
    for (const mode of ['user', 'supervisor'] as const) {
      const bench = new Bench();
      bench.set({ sepc: 0x8000_2004, mstatus: mode === 'supervisor' ? MSTATUS.spp : MSTATUS.spie });
      expect(bench.run('supervisor', SRET)).toBe(0x8000_2004n);
      expect(bench.get('priv')).toBe(MODE[mode]);
      const enabled = mode === 'supervisor' ? 0n : MSTATUS.sie;
      expect(bench.get('sstatus') & 0x122n).toBe(MSTATUS.spie | enabled);
    }
  });

  test('returns are illegal in lesser modes', () => {
    for (const [mode, instruction] of [
      ['user', MRET],
      ['supervisor', MRET],
      ['user', SRET],
    ] as const) {
      expect(new Bench().trapOf(mode, instruction)).toEqual({ cause: 2n, tval: BigInt(instruction) });
    }
  });

  test('a trap or a return ends a reservation', () => {
    for (const between of [ECALL, MRET]) {
      const bench = new Bench();
      bench.load(HANDLER, sc_w(10, 5, 7));
      bench.set({ x5: DATA, mepc: HANDLER, mstatus: MPP(3n) });
      bench.run('machine', lr_w(6, 5), between, NOP);
      expect(bench.get('x10'), between.toString(16)).toBe(1n);
    }
  });
});

describe('interrupts', () => {
  test('of several, the highest goes first, whatever is enabled besides', () => {
    for (let first = 0; first < BY_PRIORITY.length; first++) {
      const bench = new Bench();
      const pending = BY_PRIORITY.slice(first).reduce((bits, number) => bits | (1 << number), 0);
      bench.hart.state.lines = pending;
      bench.set({ mie: 0xaaa, mstatus: MSTATUS.mie });
      bench.run('machine', NOP);
      expect(bench.get('mcause')).toBe((1n << 63n) | BigInt(BY_PRIORITY[first]!));
      expect([bench.get('pc'), bench.get('mepc'), bench.get('mtval')]).toEqual([
        BigInt(HANDLER),
        BigInt(CODE),
        0n,
      ]);
    }
  });

  test('one for M mode comes before a delegated one of higher priority', () => {
    const bench = new Bench();
    bench.hart.state.lines = (1 << 9) | (1 << 5);
    bench.set({ mie: 0xaaa, mideleg: 1 << 9 });
    bench.run('user', NOP);
    expect(bench.get('mcause')).toBe((1n << 63n) | 5n);
    expect(bench.get('priv')).toBe(3n);
  });

  // Mode, MIE, SIE, delegated: where the interrupt is taken.
  test.each([
    ['machine', false, false, false, 'nowhere'],
    ['machine', true, false, false, 'machine'],
    ['machine', true, true, true, 'nowhere'],
    ['supervisor', false, false, false, 'machine'],
    ['supervisor', false, false, true, 'nowhere'],
    ['supervisor', true, false, true, 'nowhere'],
    ['supervisor', false, true, true, 'supervisor'],
    ['user', false, false, true, 'supervisor'],
    ['user', false, false, false, 'machine'],
  ] as const)('in %s mode, MIE %s, SIE %s, delegated %s: taken by %s', (mode, mie, sie, delegated, taker) => {
    const bench = new Bench();
    bench.set({ mip: 2, mie: 2, mideleg: delegated ? 2 : 0 });
    bench.set({ mstatus: (mie ? MSTATUS.mie : 0n) | (sie ? MSTATUS.sie : 0n) });
    const pc = bench.run(mode, NOP);
    const expected = { nowhere: CODE + 4, machine: HANDLER, supervisor: SUPERVISOR_HANDLER }[taker];
    expect(pc).toBe(BigInt(expected));
    if (taker === 'supervisor') expect(bench.get('scause')).toBe((1n << 63n) | 1n);
  });

  test('an instruction that enables an interrupt is the last one before it', () => {
    const bench = new Bench();
    bench.set({ mie: 1 << 7 });
    bench.run('machine', NOP, CSR_OPS_IMMEDIATE.csrrsi(0, 0x300, 8), NOP);
    expect([bench.get('pc'), bench.get('mepc')]).toEqual([BigInt(HANDLER), BigInt(CODE + 8)]);
  });

  test.each([
    ['sstatus.SIE', 'supervisor', 0x100, 2],
    ['mstatus.MIE', 'machine', 0x300, 8],
  ] as const)(
    'one that software made pending is taken right after %s is set, in the middle of a run',
    (_, mode, csr, bit) => {
      const bench = new Bench();
      bench.load(CODE, CSR_OPS_IMMEDIATE.csrrsi(0, csr, bit), NOP, NOP, NOP);
      bench.set({ mideleg: mode === 'supervisor' ? 2 : 0, mie: 2, mip: 2, pc: CODE, priv: MODE[mode] });
      bench.step(2);
      const [handler, epc] = mode === 'supervisor' ? [SUPERVISOR_HANDLER, 'sepc'] : [HANDLER, 'mepc'];
      expect([bench.get('pc'), bench.get(epc)]).toEqual([BigInt(handler), BigInt(CODE + 4)]);
    },
  );

  test('vectored mode spreads interrupts, not exceptions', () => {
    for (const [isa, top] of [
      ['rv64imac', 1n << 63n],
      [ISA32, 1n << 31n],
    ] as const) {
      const bench = new Bench(isa);
      bench.set({ mtvec: HANDLER + 1, mie: 1 << 7, mstatus: MSTATUS.mie });
      bench.run('machine', NOP);
      expect([bench.get('pc'), bench.get('mcause')]).toEqual([BigInt(HANDLER + 28), top | 7n]);
      bench.set({ mie: 0 });
      expect(bench.run('machine', ECALL)).toBe(BigInt(HANDLER));
    }
  });

  test('a vector beyond the lower word of the address is reached with a carry', () => {
    const bench = new Bench();
    bench.set({ mtvec: 0x1_ffff_fff1n, mie: 1 << 7, mstatus: MSTATUS.mie });
    bench.set({ pc: CODE });
    bench.step();
    expect(bench.get('pc')).toBe(0x2_0000_000cn);
    const narrow = new Bench(ISA32);
    narrow.set({ mtvec: 0xffff_fff1n, mie: 1 << 7, mstatus: MSTATUS.mie });
    narrow.step();
    expect(narrow.get('pc')).toBe(0xcn);
  });

  test('wfi waits for what mie enables, also with MIE off, and goes on behind itself', () => {
    const bench = new Bench();
    bench.load(CODE, WFI, NOP);
    bench.set({ mie: 1 << 3 });
    const stop = bench.machine.run(bench.machine.icount + 10, { idle: 'return' });
    expect(stop.kind).toBe('idle');
    expect(bench.machine.icount).toBe(1);
    expect(bench.get('pc')).toBe(BigInt(CODE + 4));
    // msip of hart 0.
    bench.board.bus.writeDevice(0x200_0000, 4, 1, 0);
    bench.step();
    expect(bench.get('pc')).toBe(BigInt(CODE + 8));
  });

  test('wfi with something pending does not wait', () => {
    const bench = new Bench();
    bench.set({ mie: 1 << 7 });
    expect(bench.run('machine', WFI, NOP)).toBe(BigInt(CODE + 8));
  });

  test('a store to the timer takes effect before the next instruction', () => {
    const bench = new Bench();
    // mtimecmp of hart 0, all ones: the interrupt that is pending from reset on goes away.
    bench.set({ x5: 0x200_4000, x6: -1, mie: 1 << 7 });
    bench.run('machine', 0x0062b023, CSR_OPS.csrrs(7, 0x344, 0));
    expect(bench.get('x7') & 0x80n).toBe(0n);
  });
});
