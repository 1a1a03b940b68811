import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAC_CPU, IMACS_CPU, qemuAvailable, type Xlen } from '../support/qemu.js';
import { adjusted, DIFFERENCES, DIFFERENCES_WITHOUT_S } from './differences.js';
import { EmulatorHart, IMAC_ISA, IMACS_ISA } from './emulator-hart.js';
import { COMPARED_CSRS, compareProgram, formatMismatch } from './lockstep.js';
import { QemuHart } from './qemu-hart.js';
import { Random } from './random.js';
import { randomProgram } from './random-program.js';

const missing = qemuAvailable();
const FULL = process.env.BACKSTUB_FULL === '1';
/** To see one seed again: BACKSTUB_SEED=n, BACKSTUB_PROGRAMS=1. */
const FIRST_SEED = Number(process.env.BACKSTUB_SEED ?? 1);
const PROGRAMS = Number(process.env.BACKSTUB_PROGRAMS ?? (FULL ? 500 : 10));
const SEEDS = Array.from({ length: PROGRAMS }, (_, i) => FIRST_SEED + i);
const HOUR = 3_600_000;
const XLENS: readonly Xlen[] = [32, 64];

const SUPERVISOR = ['sstatus', 'sepc', 'scause', 'stval', 'sscratch', 'satp', 'medeleg', 'mideleg'];
const COMPARED = [...COMPARED_CSRS, 'mtvec', 'misa', 'mie', 'mip', 'mcounteren', 'pmpcfg0', 'pmpaddr0'];

const CONFIGURATIONS = XLENS.flatMap(xlen => [
  { xlen, name: `rv${xlen}imac`, cpu: IMAC_CPU[xlen], isa: IMAC_ISA[xlen], paging: false },
  {
    xlen,
    name: `rv${xlen}imac with S mode and paging`,
    cpu: IMACS_CPU[xlen],
    isa: IMACS_ISA[xlen],
    paging: true,
  },
]);

describe.skipIf(missing).each(CONFIGURATIONS)(
  `random programs on QEMU and here, $name${missing ? ` (skipped: ${missing})` : ''}`,
  ({ xlen, cpu, isa, paging }) => {
    let qemu: QemuHart;
    beforeAll(async () => {
      qemu = await QemuHart.start({ xlen, cpu });
    });
    afterAll(async () => {
      await qemu[Symbol.asyncDispose]();
    });

    test('registers and CSRs agree after every step, memory in the end', { timeout: HOUR }, async () => {
      const reference = adjusted(qemu, paging ? DIFFERENCES : DIFFERENCES_WITHOUT_S);
      const csrs = paging ? [...COMPARED, ...SUPERVISOR] : COMPARED;
      // As QEMU's, it keeps the CSRs from one program to the next.
      const emulator = new EmulatorHart(isa);
      let steps = 0;
      // Those with paging take twice the steps.
      const seeds = paging ? SEEDS.slice(0, Math.ceil(PROGRAMS / 2)) : SEEDS;
      for (const seed of seeds) {
        const program = randomProgram({ seed, xlen, paging });
        const comparison = await compareProgram(program, reference, emulator, { csrs });
        expect(comparison.mismatches.map(formatMismatch)).toEqual([]);
        steps += comparison.steps;
      }
      expect(steps).toBeGreaterThan(seeds.length * 100);
    });
  },
);

describe.each(CONFIGURATIONS)('random programs in one go, $name', ({ xlen, isa, paging }) => {
  /**
   * One machine takes single steps and forgets all translations before each; the other runs in chunks. Page tables
   * change with and without fences: what a TLB holds must never show.
   */
  test('runs of any length pass through the states of single steps', { timeout: HOUR }, () => {
    for (const seed of SEEDS.map(seed => seed + 100_000)) {
      const random = new Random(seed);
      const program = randomProgram({ seed, xlen, paging, careless: true });
      const start = (): EmulatorHart => {
        const hart = new EmulatorHart(isa);
        hart.loadProgram(program.bytes, program.address);
        hart.loadProgram(program.scratch.bytes, program.scratch.address);
        hart.setRegister('pc', BigInt(program.entry));
        return hart;
      };
      const [stepped, running] = [start(), start()];
      for (let done = 0; done < program.maxSteps; ) {
        const chunk = 1 + random.below(random.pick([4, 30, 2000]));
        for (let i = 0; i < chunk; i++) {
          stepped.machine.board.harts[0].flush();
          stepped.step();
        }
        running.run(chunk);
        done += chunk;
        expect(stateOf(running), `seed ${seed}, step ${done}`).toEqual(stateOf(stepped));
        if (stepped.registers().pc === BigInt(program.end)) break;
      }
      expect(Buffer.compare(ramOf(running), ramOf(stepped)), `memory, seed ${seed}`).toBe(0);
    }
  });
});

const stateOf = ({ machine }: EmulatorHart) =>
  machine.board.plan.dump(machine.board.memory.stateBytes.slice()).join('\n');

function ramOf({ machine }: EmulatorHart): Uint8Array {
  const { u8, plan } = machine.board.memory;
  return u8.subarray(plan.ram, plan.ram + plan.ramBytes);
}
