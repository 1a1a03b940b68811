import { afterAll, beforeAll, describe, test } from 'vitest';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { isInstructionOf, type RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { allInstructions } from '../../src/riscv/isa/riscv-instructions.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemu10Available, type Xlen } from '../support/qemu.js';
import { randomInteger, randomOperands } from './float-operands.js';
import { F16, F32, F64, type Format } from './ieee-reference.js';
import { compareOperations } from './operation-comparison.js';
import { type Operation, operationWord, writesFloat } from './operation-table.js';

const missing = qemu10Available();
const RECORDS = process.env.BACKSTUB_FULL === '1' ? 1500 : 60;
const HOUR = 3_600_000;

/** Of these extensions, what `max` has of this width. */
const operationsOf = (extensions: readonly string[], xlen: Xlen): RiscvInstruction[] =>
  allInstructions().filter(
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

const FORMATS: Readonly<Record<string, Format>> = { h: F16, s: F32, d: F64 };

/** What an operation's sources hold: its name ends in their format. */
const sourceFormat = (name: string): Format | undefined => {
  if (/^(fmv\.h\.x|fmvp\.|fcvt\.h\.[wl])/.test(name)) return undefined;
  if (name.startsWith('fmv')) return F64;
  return FORMATS[/\.([hsd])$/.exec(name)?.[1] ?? 'd'];
};

/** Mostly boxed, now and then a register that holds another format. */
function operandsFor(random: Random, format: Format | undefined): [bigint, bigint, bigint] {
  if (format === undefined) return [randomInteger(random), randomInteger(random), 0n];
  const [a, b, c] = randomOperands(random, format, 3).map(bits =>
    format === F64 || random.chance(6) ? bits : bits | (-1n << BigInt(format.width)),
  );
  return [a!, b!, c!];
}

const floatOperations = (extensions: readonly string[], xlen: Xlen, random: Random): Operation[] =>
  operationsOf(extensions, xlen)
    .filter(({ name }) => !/^f[ls]h$/.test(name))
    .flatMap(instruction => {
      const rounds = instruction.format === 'R-rounding' || instruction.format === 'R4';
      const constants = instruction.format.startsWith('constant-');
      const variants = constants
        ? Array.from({ length: 32 }, (_, number) => number)
        : rounds
          ? [7, 7, 7, 0, 1, 2, 3, 4]
          : [7];
      return variants.map(variant => ({
        name: `${instruction.name}, variant ${variant},`,
        word: constants
          ? ((operationWord(instruction) & ~(31 << 15)) | (variant << 15)) >>> 0
          : operationWord(instruction, 0, variant),
        floatResult: writesFloat(instruction),
        records: Array.from({ length: RECORDS / (rounds ? 2 : 1) }, () => ({
          operands: operandsFor(random, sourceFormat(instruction.name)),
          fcsr: (random.below(5) << 5) | random.pick([0, 1, random.below(32)]),
        })),
      }));
    });

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

    test.each([
      ['Zfh and Zfhmin', ['zfh', 'zfhmin']],
      ['Zfa', ['zfa']],
    ])('every operation of %s: results, flags and boxing', { timeout: HOUR }, async (_, extensions) => {
      const operations = floatOperations(extensions, xlen, new Random(2));
      await compareOperations(qemu, cpuOf('max', xlen).isa, operations);
    });
  },
);
