import { afterAll, beforeAll, describe, test } from 'vitest';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { isInstructionOf, type RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { ALL_INSTRUCTIONS } from '../../src/riscv/isa/riscv-instructions.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemu10Available, type Xlen } from '../support/qemu.js';
import { randomInteger } from './float-operands.js';
import { compareOperations } from './operation-comparison.js';
import { type Operation, operationWord } from './operation-table.js';

const missing = qemu10Available();
const RECORDS = process.env.BACKSTUB_FULL === '1' ? 1500 : 60;
const HOUR = 3_600_000;

/** Of these extensions, what `max` has of this width. */
const operationsOf = (extensions: readonly string[], xlen: Xlen): RiscvInstruction[] =>
  ALL_INSTRUCTIONS.filter(
    one =>
      one.extensions.some(name => extensions.includes(name)) &&
      isInstructionOf(one, parseIsa(cpuOf('max', xlen).isa)),
  );

const IMMEDIATES: Readonly<Record<string, number>> = { 'aes-round': 11, 'aes-byte': 4 };

const integerOperations = (extensions: readonly string[], xlen: Xlen, random: Random): Operation[] =>
  operationsOf(extensions, xlen).flatMap(instruction =>
    Array.from({ length: IMMEDIATES[instruction.format] ?? 1 }, (_, immediate) => ({
      name: `${instruction.name} ${immediate}`,
      word: operationWord(instruction, immediate),
      floatResult: false,
      records: Array.from({ length: RECORDS }, () => ({
        operands: [randomInteger(random), random.chance(30) ? 0n : randomInteger(random), 0n] as const,
        fcsr: 0,
      })),
    })),
  );

describe.skipIf(missing).each([32, 64] as const)(
  `operations on QEMU 10 and here, RV%i${missing ? ` (skipped: ${missing})` : ''}`,
  xlen => {
    let qemu: QemuHart;
    beforeAll(async () => {
      qemu = await QemuHart.start({ xlen, cpu: 'max', recent: true });
    });
    afterAll(async () => {
      await qemu[Symbol.asyncDispose]();
    });

    test.each([
      ['Zicond and Zimop', ['zicond', 'zimop']],
      ['Zbc', ['zbc']],
      ['Zbkb and Zbkx', ['zbkb', 'zbkx']],
      ['Zknd, Zkne and Zknh', ['zknd', 'zkne', 'zknh']],
    ])('every operation of %s', { timeout: HOUR }, async (_, extensions) => {
      const operations = integerOperations(extensions, xlen, new Random(1));
      await compareOperations(qemu, cpuOf('max', xlen).isa, operations);
    });
  },
);
