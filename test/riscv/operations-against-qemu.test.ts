import { afterAll, beforeAll, describe, test } from 'vitest';
import type { RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { allInstructions } from '../../src/riscv/isa/riscv-instructions.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemuAvailable, type Xlen } from '../support/qemu.js';
import { randomInteger, randomOperands } from './float-operands.js';
import { F32, F64 } from './ieee-reference.js';
import { compareOperations } from './operation-comparison.js';
import { type Operation, type OperationRecord, operationWord, writesFloat } from './operation-table.js';

const missing = qemuAvailable();
const FULL = process.env.BACKSTUB_FULL === '1';
const RECORDS = FULL ? 1500 : 60;
const ROUNDS = FULL ? 8 : 1;
const HOUR = 3_600_000;
const ISA: Readonly<Record<Xlen, string>> = {
  32: 'rv32imafdc_zba_zbb_zbc_zbs',
  64: 'rv64imafdc_zba_zbb_zbc_zbs',
};

const accesses = /^f[ls][wd]$/;

const operationsOf = (extensions: readonly string[], xlen: Xlen): RiscvInstruction[] =>
  allInstructions().filter(
    one =>
      one.extensions.some(name => extensions.includes(name)) &&
      (one.xlen === undefined || one.xlen === xlen) &&
      !accesses.test(one.name),
  );

/** Mostly a boxed number, now and then a register that is no binary32. */
function box(random: Random, bits: bigint): bigint {
  if (random.chance(94)) return bits | (0xffffffffn << 32n);
  return bits | (randomInteger(random) << 32n);
}

function floatRecord(random: Random, instruction: RiscvInstruction): OperationRecord {
  const single = /\.s$/.test(instruction.name) && instruction.name !== 'fcvt.d.s';
  const fromInteger = /^fcvt\.[sd]\.[wl]|^fmv\.[wd]\.x/.test(instruction.name);
  const narrow = single || instruction.name === 'fcvt.d.s' || instruction.name === 'fmv.x.w';
  const operands = fromInteger
    ? [randomInteger(random), 0n, 0n]
    : narrow
      ? randomOperands(random, F32, 3).map(bits => box(random, bits))
      : randomOperands(random, F64, 3);
  const flags = random.pick([0, 1, 1, random.below(32)]);
  return { operands: [operands[0], operands[1], operands[2]], fcsr: (random.below(5) << 5) | flags };
}

const floatOperations = (xlen: Xlen, random: Random): Operation[] =>
  operationsOf(['f', 'd'], xlen).flatMap(instruction => {
    const rounds = instruction.format === 'R-rounding' || instruction.format === 'R4';
    // Mostly the mode that is set, which is random; each static one, too.
    const modes = rounds ? [7, 7, 7, 7, 7, 0, 1, 2, 3, 4] : [7];
    return modes.map(mode => ({
      name: `${instruction.name}, rm ${mode},`,
      word: operationWord(instruction, 0, mode),
      floatResult: writesFloat(instruction),
      records: Array.from({ length: Math.ceil(RECORDS / (rounds ? 4 : 1)) }, () =>
        floatRecord(random, instruction),
      ),
    }));
  });

/** QEMU 7.2 counts on into the upper half when the lower one is zero; the specification says 32. */
const isCtzwOfZero = (instruction: RiscvInstruction, operand: bigint) =>
  instruction.name === 'ctzw' && BigInt.asUintN(32, operand) === 0n;

const integerOperations = (xlen: Xlen, random: Random): Operation[] =>
  operationsOf(['zba', 'zbb', 'zbc', 'zbs'], xlen).flatMap(instruction => {
    const bits = /iw$|[^w]iw/.test(instruction.name) ? 32 : xlen;
    const immediates = instruction.format === 'shift' ? [0, 1, bits - 1, random.below(bits)] : [0];
    return immediates.map(immediate => ({
      name: `${instruction.name} ${immediate}`,
      word: operationWord(instruction, immediate),
      floatResult: false,
      records: Array.from({ length: RECORDS }, () => ({
        operands: [randomInteger(random), randomInteger(random), 0n] as const,
        fcsr: 0,
      })).filter(({ operands }) => !isCtzwOfZero(instruction, operands[0])),
    }));
  });

describe.skipIf(missing).each([32, 64] as const)(
  `operations on QEMU and here, RV%i${missing ? ` (skipped: ${missing})` : ''}`,
  xlen => {
    let qemu: QemuHart;
    beforeAll(async () => {
      qemu = await QemuHart.start({ xlen, cpu: `rv${xlen}` });
    });
    afterAll(async () => {
      await qemu[Symbol.asyncDispose]();
    });

    const compare = (operations: readonly Operation[]) => compareOperations(qemu, ISA[xlen], operations);

    test('every F and D operation: results, flags and boxing', { timeout: HOUR }, async () => {
      for (let round = 1; round <= ROUNDS; round++) await compare(floatOperations(xlen, new Random(round)));
    });

    test('every operation of Zba, Zbb, Zbc and Zbs', { timeout: HOUR }, async () => {
      for (let round = 1; round <= ROUNDS; round++) await compare(integerOperations(xlen, new Random(round)));
    });
  },
);
