import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIRST_CPUS } from '../../src/riscv/cpu-models.js';
import { adjusted, DIFFERENCES, DIFFERENCES_WITHOUT_S } from '../lockstep/differences.js';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import { COMPARED_CSRS, compareProgram, formatMismatch } from '../lockstep/lockstep.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { randomProgram } from '../lockstep/random-program.js';
import { QEMU_CPU } from '../support/guests.js';
import { qemuAvailable } from '../support/qemu.js';
import { alignedInstruction, floatProgram } from './float-program.js';

const missing = qemuAvailable();
const FULL = process.env.BACKSTUB_FULL === '1';
const FIRST_SEED = Number(process.env.BACKSTUB_SEED ?? 1);
const PROGRAMS = Number(process.env.BACKSTUB_PROGRAMS ?? (FULL ? 300 : 3));
const HOUR = 3_600_000;
const ABSENT = ['s', 'h', 'mmu', 'sstc', 'zba', 'zbb', 'zbc', 'zbs'].map(name => `${name}=false`).join();

describe.skipIf(missing).each([32, 64] as const)(
  `float programs on QEMU and here, RV%i${missing ? ` (skipped: ${missing})` : ''}`,
  xlen => {
    let qemu: QemuHart;
    beforeAll(async () => {
      qemu = await QemuHart.start({ xlen, cpu: `rv${xlen},${ABSENT}` });
    });
    afterAll(async () => {
      await qemu[Symbol.asyncDispose]();
    });

    test('registers, flags and mstatus.FS agree after every step', { timeout: HOUR }, async () => {
      const reference = adjusted(qemu, DIFFERENCES_WITHOUT_S);
      // QEMU shows a debugger no fcsr: programs read it.
      const emulator = new EmulatorHart(`rv${xlen}imafdc`);
      let total = 0;
      for (let seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed++) {
        const program = floatProgram(new Random(seed), seed, xlen, 200);
        const { steps, mismatches } = await compareProgram(program, reference, emulator, {
          csrs: COMPARED_CSRS,
        });
        expect(mismatches.map(formatMismatch)).toEqual([]);
        expect(steps).toBeLessThan(program.maxSteps);
        total += steps;
      }
      expect(total).toBeGreaterThan(PROGRAMS * 200);
    });
  },
);

describe.skipIf(missing)(`the whole of rv64gc${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test('F and D in S and U mode, behind page tables, agree after every step', { timeout: HOUR }, async () => {
    await using qemu = await QemuHart.start({ xlen: 64, cpu: QEMU_CPU });
    const reference = adjusted(qemu, DIFFERENCES);
    const emulator = new EmulatorHart(FIRST_CPUS.rv64gc.isa);
    const supervisor = ['sstatus', 'sepc', 'scause', 'stval', 'sscratch', 'satp', 'medeleg'];
    const csrs = [...COMPARED_CSRS, 'misa', ...supervisor, 'ft0', 'ft7', 'fs0', 'fa0', 'fa5', 'fs11', 'ft11'];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + PROGRAMS; seed++) {
      const float = (random: Random) => alignedInstruction(random, 64);
      const program = randomProgram({ seed, xlen: 64, paging: true, float });
      const { steps, mismatches } = await compareProgram(program, reference, emulator, { csrs });
      expect(mismatches.map(formatMismatch)).toEqual([]);
      expect(steps).toBeGreaterThan(100);
    }
  });
});
