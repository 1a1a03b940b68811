import { describe, expect, test } from 'vitest';
import { CSR_OPS, CSR_OPS_IMMEDIATE } from '../lockstep/encode.js';
import { Bench, HANDLER, ISA32, ISA64, type MODE } from './bench.js';

const { csrrw, csrrs } = CSR_OPS;
const ILLEGAL = 2n;
const MODES: readonly (keyof typeof MODE)[] = ['user', 'supervisor', 'machine'];

/** Whether a CSR instruction is accepted in a mode. */
function allowed(bench: Bench, mode: keyof typeof MODE, instruction: number): boolean {
  const trap = bench.trapOf(mode, instruction);
  if (trap === undefined) return true;
  expect(trap).toEqual({ cause: ILLEGAL, tval: BigInt(instruction) });
  return false;
}

describe('which mode may access which CSR', () => {
  // Name, number, modes that read, modes that write; privileged spec tables 2.2 to 2.5.
  const ROWS: readonly (readonly [name: string, number: number, reads: string, writes: string])[] = [
    ['mvendorid', 0xf11, 'M', ''],
    ['marchid', 0xf12, 'M', ''],
    ['mimpid', 0xf13, 'M', ''],
    ['mhartid', 0xf14, 'M', ''],
    ['mconfigptr', 0xf15, 'M', ''],
    ['mstatus', 0x300, 'M', 'M'],
    ['misa', 0x301, 'M', 'M'],
    ['medeleg', 0x302, 'M', 'M'],
    ['mideleg', 0x303, 'M', 'M'],
    ['mie', 0x304, 'M', 'M'],
    ['mtvec', 0x305, 'M', 'M'],
    ['mcounteren', 0x306, 'M', 'M'],
    ['menvcfg', 0x30a, 'M', 'M'],
    ['mcountinhibit', 0x320, 'M', 'M'],
    ['mhpmevent3', 0x323, 'M', 'M'],
    ['mscratch', 0x340, 'M', 'M'],
    ['mepc', 0x341, 'M', 'M'],
    ['mcause', 0x342, 'M', 'M'],
    ['mtval', 0x343, 'M', 'M'],
    ['mip', 0x344, 'M', 'M'],
    ['pmpcfg0', 0x3a0, 'M', ''],
    ['pmpaddr1', 0x3b1, 'M', 'M'],
    ['mcycle', 0xb00, 'M', 'M'],
    ['minstret', 0xb02, 'M', 'M'],
    ['mhpmcounter31', 0xb1f, 'M', 'M'],
    ['sstatus', 0x100, 'SM', 'SM'],
    ['sie', 0x104, 'SM', 'SM'],
    ['stvec', 0x105, 'SM', 'SM'],
    ['scounteren', 0x106, 'SM', 'SM'],
    ['senvcfg', 0x10a, 'SM', 'SM'],
    ['sscratch', 0x140, 'SM', 'SM'],
    ['sepc', 0x141, 'SM', 'SM'],
    ['scause', 0x142, 'SM', 'SM'],
    ['stval', 0x143, 'SM', 'SM'],
    ['sip', 0x144, 'SM', 'SM'],
    ['satp', 0x180, 'SM', 'SM'],
    ['cycle', 0xc00, 'M', ''],
    ['time', 0xc01, 'M', ''],
    ['instret', 0xc02, 'M', ''],
    ['hpmcounter3', 0xc03, 'M', ''],
    ['absent', 0x7c0, '', ''],
    ['fflags without F', 0x001, '', ''],
    ['hstatus without H', 0x600, '', ''],
  ];

  test.each(ROWS)('%s', (name, number, reads, writes) => {
    const bench = new Bench();
    for (const mode of MODES) {
      const letter = mode[0]!.toUpperCase();
      expect(allowed(bench, mode, csrrs(5, number, 0)), `read in ${mode} mode`).toBe(reads.includes(letter));
      if (name === 'pmpcfg0') continue;
      // The old value written back, so that nothing changes under the instruction.
      if (bench.has(name)) bench.set({ x6: bench.get(name) });
      expect(allowed(bench, mode, csrrw(5, number, 6)), `write in ${mode} mode`).toBe(
        writes.includes(letter),
      );
    }
  });

  test('RV32 has the high halves and every pmpcfg, RV64 has neither', () => {
    const [narrow, wide] = [new Bench(ISA32), new Bench(ISA64)];
    for (const number of [0x310, 0x31a, 0x3a1, 0x3a3, 0xb80, 0xb82, 0xb83, 0xc80, 0xc81, 0xc82, 0xc9f]) {
      expect(allowed(narrow, 'machine', csrrs(5, number, 0)), number.toString(16)).toBe(true);
      expect(allowed(wide, 'machine', csrrs(5, number, 0)), number.toString(16)).toBe(false);
    }
  });

  test('without S mode there are no supervisor CSRs, nor delegation', () => {
    const bench = new Bench('rv64imac');
    for (const number of [0x100, 0x105, 0x141, 0x180, 0x302, 0x303])
      expect(allowed(bench, 'machine', csrrs(5, number, 0)), number.toString(16)).toBe(false);
  });

  test('a read-only CSR may be set and cleared by nothing, and not by a zero in a register', () => {
    const bench = new Bench();
    for (const [instruction, legal] of [
      [csrrs(5, 0xf14, 0), true],
      [CSR_OPS_IMMEDIATE.csrrsi(5, 0xf14, 0), true],
      [CSR_OPS.csrrc(5, 0xf14, 0), true],
      [csrrs(5, 0xf14, 6), false],
      [CSR_OPS_IMMEDIATE.csrrci(5, 0xf14, 1), false],
      [csrrw(0, 0xf14, 0), false],
      [CSR_OPS_IMMEDIATE.csrrwi(0, 0xf14, 0), false],
    ] as const) {
      expect(allowed(bench, 'machine', instruction), instruction.toString(16)).toBe(legal);
    }
  });

  test('counter-enable bits open counters to S, then to U mode', () => {
    for (const [bit, number] of [
      [0, 0xc00],
      [1, 0xc01],
      [2, 0xc02],
      [9, 0xc09],
    ] as const) {
      const bench = new Bench();
      const read = csrrs(5, number, 0);
      bench.set({ mcounteren: 1 << bit });
      expect([allowed(bench, 'supervisor', read), allowed(bench, 'user', read)]).toEqual([true, false]);
      bench.set({ scounteren: 1 << bit });
      expect([allowed(bench, 'supervisor', read), allowed(bench, 'user', read)]).toEqual([true, true]);
      bench.set({ mcounteren: ~(1 << bit) });
      expect([allowed(bench, 'supervisor', read), allowed(bench, 'user', read)]).toEqual([false, false]);
      const plain = new Bench('rv64imac');
      plain.set({ mcounteren: 1 << bit });
      expect(allowed(plain, 'user', read), 'without S mode').toBe(true);
    }
  });

  test('TVM keeps S mode from satp and sfence.vma, TSR from sret, TW from wfi', () => {
    const [SFENCE, SRET, WFI] = [0x12000073, 0x10200073, 0x10500073];
    for (const [bit, instruction] of [
      [20, csrrs(5, 0x180, 0)],
      [20, SFENCE],
      [22, SRET],
      [21, WFI],
    ] as const) {
      const bench = new Bench();
      // A pending interrupt that S mode holds back: wfi does not wait.
      bench.set({ mie: 2, mip: 2, mideleg: 2, sepc: 0x8000_2000 });
      expect(bench.trapOf('supervisor', instruction)).toBeUndefined();
      bench.set({ mstatus: 1 << bit });
      expect(bench.trapOf('supervisor', instruction)?.cause).toBe(ILLEGAL);
      expect(bench.trapOf('machine', instruction)).toBeUndefined();
      bench.set({ mie: 0 });
      expect(bench.trapOf('user', instruction)?.cause).toBe(ILLEGAL);
    }
  });
});

describe('fields hold legal values only', () => {
  const ONES = -1n;
  // Name, value written after zeros, what stands there then on RV64 with S mode.
  test.each([
    ['mstatus', ONES, 0xa_007e_19aan],
    ['sstatus', ONES, 0x2_000c_0122n],
    ['mie', ONES, 0xaaan],
    // With the timer interrupt, which is pending from reset on.
    ['mip', ONES, 0x2a2n],
    ['mideleg', ONES, 0x222n],
    ['medeleg', ONES, 0xb3ffn],
    ['mepc', ONES, 2n ** 64n - 2n],
    ['sepc', ONES, 2n ** 64n - 2n],
    ['mcounteren', ONES, 2n ** 32n - 1n],
    ['scounteren', ONES, 2n ** 32n - 1n],
    ['mcountinhibit', ONES, 5n],
    ['menvcfg', ONES, 1n],
    ['senvcfg', ONES, 1n],
    ['mcause', ONES, 2n ** 64n - 1n],
    ['mtval', ONES, 2n ** 64n - 1n],
    ['mscratch', ONES, 2n ** 64n - 1n],
    ['pmpaddr5', ONES, 2n ** 54n - 1n],
    ['pmpcfg2', ONES, 0x9f9f_9f9f_9f9f_9f9fn],
    ['mtvec', 0x8000_0001n, 0x8000_0001n],
    ['mhpmcounter3', ONES, 0n],
    ['mhpmevent3', ONES, 0n],
  ])('%s', (name, written, held) => {
    const bench = new Bench();
    bench.set({ [name]: 0 });
    bench.set({ [name]: written });
    expect(bench.get(name).toString(16)).toBe(held.toString(16));
  });

  test('misa tells the extensions and cannot be changed', () => {
    for (const [isa, value] of [
      ['rv64imac', (2n << 62n) | 0x101105n],
      ['rv64imacsu', (2n << 62n) | 0x141105n],
      ['rv32imac', (1n << 30n) | 0x101105n],
    ] as const) {
      const bench = new Bench(isa);
      bench.run('machine', csrrw(0, 0x301, 0));
      expect(bench.get('misa')).toBe(value);
    }
  });

  test('vector modes 2 and 3 and unknown satp modes leave the register as it was', () => {
    const bench = new Bench();
    const before = bench.get('mtvec');
    for (const mode of [2n, 3n]) {
      bench.set({ mtvec: 0x8000_4000n | mode, stvec: 0x8000_4000n | mode });
      expect(bench.get('mtvec')).toBe(before);
    }
    bench.set({ satp: (8n << 60n) | 0x80020n });
    for (const mode of [1n, 7n, 10n, 15n]) bench.set({ satp: (mode << 60n) | 0x12345n });
    expect(bench.get('satp')).toBe((8n << 60n) | 0x80020n);
  });

  test('MPP never holds a mode that does not exist', () => {
    const bench = new Bench();
    for (const [mpp, held] of [
      [3, 3],
      [2, 3],
      [1, 1],
      [2, 1],
      [0, 0],
    ] as const) {
      bench.set({ mstatus: mpp << 11 });
      expect((bench.get('mstatus') >> 11n) & 3n).toBe(BigInt(held));
    }
    const plain = new Bench('rv64imac');
    plain.set({ mstatus: 1 << 11 });
    expect(plain.get('mstatus') & 0x1800n).toBe(0n);
  });

  test('sip and sie show delegated interrupts only, and S mode sets SSIP alone', () => {
    const bench = new Bench();
    bench.set({ mie: 0xaaa, mip: 0x222, mideleg: 0x202 });
    expect([bench.get('sie'), bench.get('sip')]).toEqual([0x202n, 0x202n]);
    bench.set({ sip: 0, sie: 0 });
    expect([bench.get('mip'), bench.get('mie')]).toEqual([0x220n | (bench.get('mip') & 0x80n), 0x8a8n]);
  });

  test('csrrs on mip keeps a line that a device drives out of the software bit', () => {
    const bench = new Bench();
    bench.hart.state.lines |= 1 << 9;
    bench.set({ x6: 2 });
    bench.run('machine', csrrs(5, 0x344, 6));
    expect(bench.get('x5') & 0x200n).toBe(0x200n);
    bench.hart.state.lines &= ~(1 << 9);
    expect(bench.get('mip') & 0x202n).toBe(2n);
  });
});

describe('counters', () => {
  const MCYCLE = 0xb00;
  const MINSTRET = 0xb02;

  test('each step is a cycle; trap entries do not retire', () => {
    const bench = new Bench();
    bench.set({ x6: 1000 });
    bench.run(
      'machine',
      csrrw(0, MCYCLE, 6),
      csrrw(0, MINSTRET, 6),
      csrrs(7, MCYCLE, 0),
      csrrs(8, MINSTRET, 0),
    );
    expect([bench.get('x7'), bench.get('x8')]).toEqual([1001n, 1001n]);
    bench.load(HANDLER, csrrs(7, MCYCLE, 0), csrrs(8, MINSTRET, 0));
    bench.run('machine', csrrw(0, MCYCLE, 6), csrrw(0, MINSTRET, 6), 0x00000073, 0, 0);
    expect([bench.get('x7'), bench.get('x8')]).toEqual([1002n, 1001n]);
  });

  test('the step count does not depend on how the steps are run', () => {
    const code = [csrrw(0, MCYCLE, 0), ...Array<number>(50).fill(0x00000013), csrrs(7, MCYCLE, 0)];
    const [together, apart] = [new Bench(), new Bench()];
    together.run('machine', ...code);
    apart.load(0x8000_1000, ...code);
    for (let i = 0; i < code.length; i++) apart.step();
    expect(together.get('x7')).toBe(50n);
    expect(apart.get('x7')).toBe(50n);
  });

  test('inhibited counters stand still, are writable, and go on from there', () => {
    const bench = new Bench();
    bench.set({ x6: 5, x9: 77 });
    const inhibit = 0x320;
    bench.run(
      'machine',
      csrrw(0, inhibit, 6),
      csrrw(0, MCYCLE, 9),
      0x00000013,
      csrrs(7, MCYCLE, 0),
      csrrw(0, inhibit, 0),
      0x00000013,
      csrrs(8, MCYCLE, 0),
      csrrs(10, MINSTRET, 0),
      csrrs(11, MINSTRET, 0),
    );
    expect([bench.get('x7'), bench.get('x8')]).toEqual([77n, 78n]);
    expect(bench.get('x11') - bench.get('x10')).toBe(1n);
  });

  test('RV32 writes halves, and the low half carries', () => {
    const bench = new Bench(ISA32);
    bench.set({ x6: 0xffff_fffe, x9: 7 });
    bench.run(
      'machine',
      csrrw(0, 0xb80, 9),
      csrrw(0, MCYCLE, 6),
      csrrs(10, MCYCLE, 0),
      0x00000013,
      csrrs(11, MCYCLE, 0),
      csrrs(12, 0xb80, 0),
      csrrs(13, 0xc80, 0),
    );
    expect(['x10', 'x11', 'x12', 'x13'].map(name => bench.get(name))).toEqual([0xffff_fffen, 0n, 8n, 8n]);
  });

  test('the largest value wraps around', () => {
    const bench = new Bench();
    bench.set({ x6: -1 });
    bench.run('machine', csrrw(0, MINSTRET, 6), csrrs(7, MINSTRET, 0), csrrs(8, MINSTRET, 0));
    expect([bench.get('x7'), bench.get('x8')]).toEqual([2n ** 64n - 1n, 0n]);
  });
});
