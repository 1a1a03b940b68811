import type { Source } from '../../src/engine/expressions.js';
import { instructionTraits } from '../../src/engine/jit/instruction-traits.js';
import { resultFile } from '../../src/engine/semantics.js';
import type { RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { F } from '../../src/riscv/isa/operands.js';
import { assemble, CSR_OPS, IMMEDIATE_OPS, LOADS, LOADS_64, STORES, STORES_64 } from '../lockstep/encode.js';
import type { Xlen } from '../support/qemu.js';

/** Inputs of one execution: three 64-bit operands and what fcsr holds before. */
export interface OperationRecord {
  readonly operands: readonly [bigint, bigint, bigint];
  readonly fcsr: number;
}

/** One instruction word to be run on many records. */
export interface Operation {
  readonly name: string;
  readonly word: number;
  /** Whether the result is an f register. */
  readonly floatResult: boolean;
  readonly records: readonly OperationRecord[];
}

export interface OperationTable {
  readonly code: Uint8Array;
  readonly codeAddress: number;
  readonly input: Uint8Array;
  readonly inputAddress: number;
  /** 16 bytes for each record: the result, then fcsr. */
  readonly outputAddress: number;
  readonly outputLength: number;
  /** The program ends here in a jump to itself. */
  readonly end: number;
  readonly steps: number;
}

/** Registers that an operation's word names: f1, f2, f4 and x5, x28 hold the operands. */
const FLOAT = { rd: 3, rs1: 1, rs2: 2, rs3: 4 };
const INTEGER = { rd: 7, rs1: 5, rs2: 28 };
const X6 = 6;
const [IN, OUT, LEFT] = [8, 9, 18];
const FCSR = 0x003;
const MSTATUS = 0x300;
const INPUT_BYTES = 32;
const OUTPUT_BYTES = 16;
const FLD = { opcode: 0x07, width: 3 };
const FSD = { opcode: 0x27, width: 3 };

const CODE = 0x8000_0000;
const INPUT = 0x8001_0000;

const readsFloat = (instruction: RiscvInstruction, operand: Source): boolean =>
  instructionTraits(instruction).reads.some(read => read.file === F && read.operand === operand);
export const writesFloat = (instruction: RiscvInstruction): boolean =>
  resultFile(instruction.semantics) === F;

/** The word of an instruction on the table's registers; `immediate` fills the bits its mask leaves in 25..20. */
export function operationWord(instruction: RiscvInstruction, immediate = 0, roundingMode = 7): number {
  const { mask, match, format } = instruction;
  const field = (value: number, shift: number, width: number) =>
    ((value & ((1 << width) - 1)) << shift) & ~mask;
  const source = (register: 'rs1' | 'rs2', operand: Source) =>
    readsFloat(instruction, operand) ? FLOAT[register] : INTEGER[register];
  let word = match | field(writesFloat(instruction) ? FLOAT.rd : INTEGER.rd, 7, 5);
  word |= field(source('rs1', 'first'), 15, 5);
  if (format === 'shift') word |= field(immediate, 20, 6);
  else if (format === 'aes-round') word |= field(immediate, 20, 4);
  else word |= field(source('rs2', 'second'), 20, 5);
  if (format === 'aes-byte') word |= field(immediate, 30, 2);
  if (format === 'R4') word |= field(FLOAT.rs3, 27, 5);
  if (format === 'R4' || format === 'R-rounding') word |= field(roundingMode, 12, 3);
  return word >>> 0;
}

const fld = (register: number, base: number, offset: number) =>
  ((offset << 20) | (base << 15) | (FLD.width << 12) | (register << 7) | FLD.opcode) >>> 0;
const fsd = (register: number, base: number, offset: number) =>
  ((register << 20) | (base << 15) | (FSD.width << 12) | (offset << 7) | FSD.opcode) >>> 0;
const lui = (register: number, address: number) => ((address & 0xfffff000) | (register << 7) | 0x37) >>> 0;
const branchBack = (register: number, bytes: number) => {
  const offset = -bytes;
  return (
    ((((offset >> 12) & 1) << 31) |
      (((offset >> 5) & 63) << 25) |
      (register << 15) |
      (1 << 12) |
      (((offset >> 1) & 15) << 8) |
      (((offset >> 11) & 1) << 7) |
      0x63) >>>
    0
  );
};

/** A program that runs every operation on its records and writes results and fcsr behind each other. */
export function operationTable(operations: readonly Operation[], xlen: Xlen): OperationTable {
  const { addi } = IMMEDIATE_OPS;
  const load = xlen === 64 ? LOADS_64.ld : LOADS.lw;
  const store = xlen === 64 ? STORES_64.sd : STORES.sw;
  const total = operations.reduce((sum, operation) => sum + operation.records.length, 0);
  const outputAddress = Math.ceil((INPUT + total * INPUT_BYTES) / 4096) * 4096;

  // Addresses of RAM are negative numbers to lui on RV64: shifting twice clears the upper half.
  const far = (register: number, address: number) =>
    xlen === 64 ? [lui(register, address), slli(register, 32), srli(register, 32)] : [lui(register, address)];
  const code: number[] = [
    lui(X6, 0x6000),
    CSR_OPS.csrrs(0, MSTATUS, X6),
    ...far(IN, INPUT),
    ...far(OUT, outputAddress),
  ];
  let steps = code.length;
  for (const operation of operations) {
    const count = operation.records.length;
    const body = [
      load(INTEGER.rs1, IN, 0),
      load(INTEGER.rs2, IN, 8),
      fld(FLOAT.rs1, IN, 0),
      fld(FLOAT.rs2, IN, 8),
      fld(FLOAT.rs3, IN, 16),
      LOADS.lw(X6, IN, 24),
      CSR_OPS.csrrw(0, FCSR, X6),
      operation.word,
      // Results of 32 bits leave the upper half of their slot alone.
      STORES.sw(0, OUT, 4),
      operation.floatResult ? fsd(FLOAT.rd, OUT, 0) : store(INTEGER.rd, OUT, 0),
      CSR_OPS.csrrs(X6, FCSR, 0),
      STORES.sw(X6, OUT, 8),
      addi(IN, IN, INPUT_BYTES),
      addi(OUT, OUT, OUTPUT_BYTES),
      addi(LEFT, LEFT, -1),
    ];
    code.push(lui(LEFT, (count + 0x800) & 0xfffff000), addi(LEFT, LEFT, ((count + 0x800) & 0xfff) - 0x800));
    code.push(...body, branchBack(LEFT, body.length * 4));
    steps += 2 + count * (body.length + 1);
  }
  const end = CODE + code.length * 4;
  code.push(0x0000006f);
  if (end >= INPUT) throw new Error('too many operations');

  const input = new Uint8Array(total * INPUT_BYTES);
  const view = new DataView(input.buffer);
  let at = 0;
  for (const { operands, fcsr } of operations.flatMap(operation => operation.records)) {
    operands.forEach((operand, i) => {
      view.setBigUint64(at + 8 * i, BigInt.asUintN(64, operand), true);
    });
    view.setUint32(at + 24, fcsr, true);
    at += INPUT_BYTES;
  }
  return {
    code: assemble(code),
    codeAddress: CODE,
    input,
    inputAddress: INPUT,
    outputAddress,
    outputLength: total * OUTPUT_BYTES,
    end,
    steps,
  };
}

const slli = (register: number, count: number) =>
  ((count << 20) | (register << 15) | (1 << 12) | (register << 7) | 0x13) >>> 0;
const srli = (register: number, count: number) =>
  ((count << 20) | (register << 15) | (5 << 12) | (register << 7) | 0x13) >>> 0;

const hex = (value: bigint, digits = 16) => `0x${value.toString(16).padStart(digits, '0')}`;

/** One line for each record whose result or fcsr differs. */
export function tableDifferences(
  operations: readonly Operation[],
  expected: Uint8Array,
  found: Uint8Array,
): string[] {
  const [a, b] = [expected, found].map(bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.length));
  const lines: string[] = [];
  let at = 0;
  for (const { name, records } of operations) {
    for (const { operands, fcsr } of records) {
      const [wanted, got] = [a, b].map(view => view.getBigUint64(at, true));
      const [wantedFlags, gotFlags] = [a, b].map(view => view.getUint32(at + 8, true));
      at += OUTPUT_BYTES;
      if (wanted === got && wantedFlags === gotFlags) continue;
      lines.push(
        `${name} ${operands.map(operand => hex(operand)).join(' ')} fcsr ${fcsr.toString(16)}: ` +
          `${hex(got)} fcsr ${gotFlags.toString(16)}, should be ${hex(wanted)} fcsr ${wantedFlags.toString(16)}`,
      );
    }
  }
  return lines;
}
