import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { adjusted, DIFFERENCES_WITHOUT_S } from '../lockstep/differences.js';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import { COMPARED_CSRS, compareProgram, formatMismatch } from '../lockstep/lockstep.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemuAvailable } from '../support/qemu.js';
import { floatProgram } from './float-program.js';

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
