import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import * as asm from '../lockstep/encode.js';
import type { LockstepHart } from '../lockstep/lockstep.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemuAvailable } from '../support/qemu.js';
import { Bench, CODE, DATA, HANDLER, ISA64, type MODE, SUPERVISOR_HANDLER } from './bench.js';

const { csrrw, csrrs, csrrc } = asm.CSR_OPS;
const { addi } = asm.IMMEDIATE_OPS;
const isaOf = (xlen: 32 | 64) => cpuOf(`rv${xlen}`, xlen).isa;
const [TSELECT, TDATA1, TDATA2, TDATA3, TINFO] = [0x7a0, 0x7a1, 0x7a2, 0x7a3, 0x7a4];
const [LOAD, STORE, EXECUTE] = [1n, 2n, 4n];
const IN = { user: 8n, supervisor: 16n, machine: 64n } as const;
const TYPE_2 = 2n << 60n;
const BREAKPOINT = 3n;

function withTrigger(address: number, control: bigint, engine = { jit: true }): Bench {
  const bench = new Bench(isaOf(64), {}, engine);
  bench.set({ tdata2: address, tdata1: TYPE_2 | control });
  return bench;
}

describe('triggers', () => {
  test.each([ISA64, 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs', cpuOf('rv64,debug=off', 64).isa])(
    '%s has none',
    isa => {
      const bench = new Bench(isa);
      expect(bench.has('tselect')).toBe(false);
      expect(bench.trapOf('machine', csrrs(5, TINFO, 0))?.cause).toBe(2n);
      expect(bench.board.plan.components.some(({ name }) => name.includes('sdtrig'))).toBe(false);
    },
  );

  test('a debugger sees their registers, and what they would hold', () => {
    const bench = new Bench(isaOf(64));
    for (const name of ['tselect', 'tdata1', 'tdata2', 'tdata3', 'tinfo'])
      expect(bench.has(name), name).toBe(true);
    expect(bench.get('tdata1')).toBe(TYPE_2);
    bench.set({ tselect: 1, tdata1: TYPE_2 | 0x7fn });
    expect(bench.get('tdata1')).toBe(TYPE_2 | 0x5fn);
    bench.set({ tselect: 0 });
    expect(bench.get('tdata1')).toBe(TYPE_2);
    expect(bench.board.plan.components.map(({ name }) => name)).toContain('hart0.sdtrig');
  });

  test.each(['user', 'supervisor', 'machine'] as const)('an instruction of %s mode is not run', mode => {
    for (const other of ['user', 'supervisor', 'machine'] as const satisfies readonly (keyof typeof MODE)[]) {
      const bench = withTrigger(CODE + 4, EXECUTE | IN[mode]);
      bench.set({ x5: 1 });
      bench.run(other, addi(5, 5, 1), addi(5, 5, 1));
      const hit = other === mode;
      expect(bench.get('pc')).toBe(BigInt(hit ? HANDLER : CODE + 8));
      expect(bench.get('x5')).toBe(hit ? 2n : 3n);
      if (hit)
        expect([bench.get('mcause'), bench.get('mepc'), bench.get('mtval')]).toEqual([
          BREAKPOINT,
          BigInt(CODE + 4),
          0n,
        ]);
    }
  });

  test('a load or store is not made', () => {
    const bench = withTrigger(DATA + 4, LOAD | STORE | IN.machine);
    bench.set({ x5: DATA, x6: -1 });
    bench.poke(DATA, 8, 0x1122334455667788n);
    for (const [instruction, hits] of [
      [asm.LOADS.lw(7, 5, 0), false],
      [asm.LOADS_64.ld(7, 5, 0), true],
      [asm.STORES.sb(6, 5, 4), true],
      [asm.STORES.sb(6, 5, 3), false],
      [asm.AMOS_W.add(7, 5, 6), false],
    ] as const) {
      bench.set({ x7: 0 });
      expect(bench.trapOf('machine', instruction)?.cause, instruction.toString(16)).toBe(
        hits ? BREAKPOINT : undefined,
      );
      if (hits) expect(bench.get('x7')).toBe(0n);
    }
    expect(bench.read(DATA, 8)).toBe(0x11223344ff667787n);
    bench.set({ x5: DATA + 4 });
    expect(bench.trapOf('machine', asm.AMOS_W.add(7, 5, 6))?.cause).toBe(BREAKPOINT);
  });

  test('an access over two pages is looked at in both', () => {
    const bench = withTrigger(DATA + 0x1000, STORE | IN.machine);
    bench.set({ x5: DATA + 0xffe });
    expect(bench.trapOf('machine', asm.STORES.sw(6, 5, 0))?.cause).toBe(BREAKPOINT);
    expect(bench.trapOf('machine', asm.STORES.sh(6, 5, 0))).toBeUndefined();
  });

  test('the exception can be delegated, and comes before a fault of the fetch', () => {
    const bench = withTrigger(0x1000, EXECUTE | IN.supervisor);
    bench.set({ medeleg: 1 << 3, pc: 0x1000, priv: 1, satp: (8n << 60n) | 0x80100n });
    bench.step();
    expect([bench.get('pc'), bench.get('scause')]).toEqual([BigInt(SUPERVISOR_HANDLER), BREAKPOINT]);
  });

  test.each([true, false])(
    'counts as its one hit in a hot loop that runs as compiled code before (jit: %s)',
    jit => {
      const bench = new Bench(isaOf(64), {}, { jit });
      // x5 counts; x8 is the word stored to; the loop calls nothing and never ends.
      bench.load(CODE, addi(5, 5, 1), asm.STORES.sw(5, 8, 0), asm.jal(0, -8));
      bench.set({ x8: DATA, pc: CODE });
      bench.step(300_000);
      const before = bench.get('x5');
      bench.set({ tdata2: DATA, tdata1: TYPE_2 | STORE | IN.machine });
      bench.step(2);
      expect([bench.get('pc'), bench.get('mcause'), bench.get('mepc')]).toEqual([
        BigInt(HANDLER),
        3n,
        BigInt(CODE + 4),
      ]);
      bench.set({ tdata1: TYPE_2, pc: CODE });
      bench.step(300_000);
      expect(bench.get('x5')).toBeGreaterThan(before + 90_000n);
      bench.set({ tdata2: CODE + 8, tdata1: TYPE_2 | EXECUTE | IN.machine });
      bench.step(3);
      expect([bench.get('mcause'), bench.get('mepc')]).toEqual([3n, BigInt(CODE + 8)]);
    },
  );

  test('one that a guest sets in the middle of a run is in force at the next instruction', () => {
    const bench = new Bench(isaOf(64));
    bench.set({ x5: TYPE_2 | EXECUTE | IN.machine, tdata2: CODE + 12 });
    bench.run('machine', asm.NOP, csrrw(0, TDATA1, 5), asm.NOP, asm.NOP);
    expect([bench.get('pc'), bench.get('mepc')]).toEqual([BigInt(HANDLER), BigInt(CODE + 12)]);
  });

  test("a debugger's breakpoint at the same place comes first, and neither knows of the other", () => {
    const bench = withTrigger(CODE + 4, EXECUTE | IN.machine);
    bench.load(CODE, asm.NOP, asm.NOP);
    bench.set({ pc: CODE });
    const points = { breakpoints: [{ low: CODE + 4, high: 0 }], watchpoints: [] };
    const stop = bench.machine.run(bench.machine.icount + 5, { idle: 'jump', points } as never);
    expect(stop.kind).toBe('hit');
    expect(bench.get('pc')).toBe(BigInt(CODE + 4));
    bench.step();
    expect(bench.get('mcause')).toBe(BREAKPOINT);
  });

  test('they are state: a machine that is put back has them', () => {
    const bench = withTrigger(CODE + 4, EXECUTE | IN.machine);
    const { memory } = bench.board;
    const kept = memory.stateBytes.slice();
    bench.set({ tdata1: TYPE_2 });
    bench.run('machine', asm.NOP, asm.NOP);
    expect(bench.get('pc')).toBe(BigInt(CODE + 8));
    memory.stateBytes.set(kept);
    bench.machine.afterRestore();
    bench.run('machine', asm.NOP, asm.NOP);
    expect(bench.get('pc')).toBe(BigInt(HANDLER));
  });
});

const missing = qemuAvailable();

describe.skipIf(missing).each([32, 64] as const)(
  `triggers on QEMU and here, RV%i${missing ? ` (skipped: ${missing})` : ''}`,
  xlen => {
    let qemu: QemuHart;
    beforeAll(async () => {
      qemu = await QemuHart.start({ xlen, cpu: `rv${xlen}` });
    });
    afterAll(async () => {
      await qemu[Symbol.asyncDispose]();
    });

    const all = (1n << BigInt(xlen)) - 1n;
    const type = (number: bigint) => number << BigInt(xlen - 4);

    async function execute(hart: LockstepHart, instruction: number, value: bigint): Promise<string> {
      await hart.enterMachineMode();
      await hart.loadProgram(asm.assemble([instruction, asm.NOP]), CODE);
      await hart.setRegister('pc', BigInt(CODE));
      await hart.setRegister(5, value);
      await hart.setRegister(6, 0n);
      await hart.step();
      const { pc, x } = await hart.registers();
      const [cause, tval, epc] = await hart.csrs(['mcause', 'mtval', 'mepc']);
      return [instruction, value, x[6], pc, cause, tval, epc].map(one => BigInt(one!).toString(16)).join(' ');
    }

    /** Registers written at random, and loads and stores around where triggers stand. */
    async function trace(hart: LockstepHart): Promise<string[]> {
      const random = new Random(xlen);
      const seen = [await execute(hart, csrrw(0, 0x305, 5), BigInt(HANDLER))];
      const loads = [asm.LOADS.lb, asm.LOADS.lh, asm.LOADS.lw, asm.LOADS_64.ld];
      const stores = [asm.STORES.sb, asm.STORES.sh, asm.STORES.sw, asm.STORES_64.sd];
      for (let i = 0; i < 400; i++) {
        const place = BigInt(DATA + random.below(24));
        const modes = BigInt(random.below(0x60));
        const size = BigInt(random.below(128)) << 16n;
        const kind = type(random.pick([2n, 2n, 2n, 6n, 6n, 0n, 3n, 15n])) | modes | size;
        const [number, value] = random.pick([
          [TSELECT, BigInt(random.below(4))],
          [TDATA1, kind],
          [TDATA1, kind | 0x43n],
          [TDATA1, all],
          [TDATA2, place],
          [TDATA2, place],
          [TDATA3, all],
          [TINFO, all],
        ] as const);
        seen.push(await execute(hart, random.pick([csrrw, csrrw, csrrs, csrrc])(6, number, 5), value));
        for (let n = 0; n < 3; n++) {
          const size = random.below(xlen === 64 ? 4 : 3);
          // A misaligned access is looked at with the whole aligned units that it lies in, by QEMU.
          const at = DATA + ((random.below(24) >> size) << size);
          const access = random.pick([loads, stores])[size]!;
          seen.push(await execute(hart, access(6, 5, 0), BigInt(at)));
        }
      }
      return seen;
    }

    test('registers, loads and stores agree', { timeout: 120_000 }, async () => {
      expect(await trace(new EmulatorHart(isaOf(xlen)))).toEqual(await trace(qemu));
    });
  },
);
