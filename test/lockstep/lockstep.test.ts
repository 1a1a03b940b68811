import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { qemuAvailable, type Xlen } from '../support/qemu.js';
import { assemble, NOP } from './encode.js';
import { illegalInstruction } from './illegal.js';
import { compareProgram, formatMismatch, type LockstepHart } from './lockstep.js';
import { QemuHart } from './qemu-hart.js';
import { Random } from './random.js';
import { PIECE_KINDS, randomPiece } from './random-pieces.js';
import { randomProgram } from './random-program.js';

const missing = qemuAvailable();

describe('random programs', () => {
  test('the same seed gives the same program, another seed another one', () => {
    const [one, again, other] = [7, 7, 8].map(seed => randomProgram({ seed, xlen: 64 }));
    expect(again).toEqual(one);
    expect(other!.bytes).not.toEqual(one!.bytes);
  });

  test('every kind of piece can be made for both widths, whatever the seed', () => {
    for (const xlen of [32, 64] as const) {
      for (const kind of PIECE_KINDS) {
        if (xlen === 32 && /word$/.test(kind)) continue;
        const without = PIECE_KINDS.filter(name => name !== kind);
        for (let seed = 0; seed < 50; seed++) {
          const piece = randomPiece(new Random(seed), xlen, without, false);
          const code = assemble(piece.encode(0x8000_0000, skip => 0x8000_0000 + piece.length + 2 * skip));
          expect(code).toHaveLength(piece.length);
        }
      }
    }
  });
});

/** Adds 1 to x7 in what it reports from a given step on. */
function withFault(hart: LockstepHart, fromStep: number): LockstepHart {
  let steps = 0;
  return {
    xlen: hart.xlen,
    loadProgram: (bytes, address) => hart.loadProgram(bytes, address),
    readMemory: (address, length) => hart.readMemory(address, length),
    setRegister: (register, value) => hart.setRegister(register, value),
    enterMachineMode: () => hart.enterMachineMode(),
    csrs: names => hart.csrs(names),
    step: () => {
      steps++;
      return hart.step();
    },
    registers: async () => {
      const { pc, x } = await hart.registers();
      return { pc, x: x.map((value, index) => (index === 7 && steps >= fromStep ? value + 1n : value)) };
    },
  };
}

describe.skipIf(missing).each([32, 64] as const)(
  `QEMU as oracle, RV%i${missing ? ` (skipped: ${missing})` : ''}`,
  xlen => {
    let one: QemuHart;
    let two: QemuHart;
    beforeAll(async () => {
      [one, two] = await Promise.all([QemuHart.start({ xlen }), QemuHart.start({ xlen })]);
    });
    afterAll(async () => {
      await one[Symbol.asyncDispose]();
      await two[Symbol.asyncDispose]();
    });

    test('QEMU agrees with itself, and programs reach their end', async () => {
      for (let seed = 1; seed <= 4; seed++) {
        const program = randomProgram({ seed, xlen, length: 60 });
        const { steps, mismatches } = await compareProgram(program, one, two);
        expect(mismatches.map(formatMismatch)).toEqual([]);
        expect(steps).toBeLessThan(program.maxSteps);
      }
    });

    test('a difference is reported with seed, step, pc, instruction, register and both values', async () => {
      const program = randomProgram({ seed: 5, xlen, length: 20 });
      const { steps, mismatches } = await compareProgram(program, one, withFault(two, 12));
      expect(steps).toBe(12);
      // The twelfth instruction of the prologue.
      const pc = program.entry + 11 * 4;
      expect(mismatches).toHaveLength(1);
      const [mismatch] = mismatches;
      expect(mismatch).toMatchObject({ seed: 5, step: 12, pc: BigInt(pc), what: 'x7' });
      expect(mismatch!.found).toBe(mismatch!.expected + 1n);
      expect(formatMismatch(mismatch!)).toMatch(
        new RegExp(`^seed 5, step 12, pc 0x${pc.toString(16)}: [0-9a-f]{8}.*: x7 is 0x1, should be 0x0$`),
      );
    });

    test('every encoding we call illegal is illegal, and mtval holds it', async () => {
      await expectAllIllegal(one, xlen);
    });
  },
);

async function expectAllIllegal(hart: QemuHart, xlen: Xlen): Promise<void> {
  const code = 0x8000_2000n;
  const handler = 0x8000_3000n;
  await hart.enterMachineMode();
  // csrw mtvec, x5
  await hart.loadProgram(assemble([0x30529073]), Number(code));
  await hart.setRegister(5, handler);
  await hart.setRegister('pc', code);
  await hart.step();
  const random = new Random(2026);
  for (let i = 0; i < 300; i++) {
    const instruction = illegalInstruction(random, xlen);
    await hart.loadProgram(assemble([instruction, NOP]), Number(code));
    await hart.setRegister('pc', code);
    await hart.step();
    const { pc } = await hart.registers();
    const [cause, value] = await hart.csrs(['mcause', 'mtval']);
    expect({ instruction: instruction.toString(16), pc, cause, value }).toEqual({
      instruction: instruction.toString(16),
      pc: handler,
      cause: 2n,
      value: BigInt(instruction),
    });
  }
}
