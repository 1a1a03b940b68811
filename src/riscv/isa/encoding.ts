import type { Decoded, Instruction, OperandLayout } from '../../engine/instruction-set.js';
import type { Semantics } from '../../engine/semantics.js';
import { FLOAT_CONSTANTS } from './float-constants.js';

/** Major opcodes, unprivileged spec chapter "RV32/64G Instruction Set Listings", table 24.1. */
export const OPCODE = {
  load: 0x03,
  miscMem: 0x0f,
  opImm: 0x13,
  auipc: 0x17,
  opImm32: 0x1b,
  store: 0x23,
  loadFp: 0x07,
  storeFp: 0x27,
  amo: 0x2f,
  op: 0x33,
  lui: 0x37,
  op32: 0x3b,
  madd: 0x43,
  msub: 0x47,
  nmsub: 0x4b,
  nmadd: 0x4f,
  opFp: 0x53,
  branch: 0x63,
  jalr: 0x67,
  jal: 0x6f,
  system: 0x73,
} as const;

/** Where an instruction word keeps its operands (unprivileged spec 2.2). */
export type Format =
  | 'R'
  /** With a rounding mode in place of the minor opcode. */
  | 'R-rounding'
  /** The same with a third source. */
  | 'R4'
  | 'I'
  | 'shift'
  | 'S'
  | 'B'
  | 'U'
  | 'J'
  | 'csr'
  | 'csr-immediate'
  /** The destination is a source, too. */
  | 'R-swap'
  /** Constants of a float format, chosen by the place of the first source. */
  | 'constant-h'
  | 'constant-s'
  | 'constant-d'
  /** A small number stands in the place of the second source, or above funct5. */
  | 'aes-round'
  | 'aes-byte'
  | 'none';

const layoutOf = (format: Format): OperandLayout => {
  if (format === 'U' || format === 'J') return 'wide';
  return format === 'R-rounding' || format === 'R4' || format === 'R-swap' ? 'modified' : 'short';
};

export interface RiscvInstruction extends Instruction {
  /** Extensions of which each brings it, e.g. `i`, `zmmul`, `zbb`; the first is the one that it is known by. */
  readonly extensions: readonly string[];
  /** What the hart needs to have besides. */
  readonly beside: readonly string[];
  /** XLEN for which this declaration holds; both when undefined. */
  readonly xlen: 32 | 64 | undefined;
  readonly format: Format;
  /** An instruction word matches when (word & mask) === match, as unsigned 32-bit numbers. */
  readonly match: number;
  readonly mask: number;
}

interface Encoding {
  readonly format: Format;
  readonly match: number;
  readonly mask: number;
}

const fixed = (format: Format, match: number, mask: number): Encoding => ({
  format,
  match: match >>> 0,
  mask: mask >>> 0,
});

export const encodeR = (funct7: number, funct3: number, opcode: number) =>
  fixed('R', (funct7 << 25) | (funct3 << 12) | opcode, 0xfe00707f);
/** R format with rs2 fixed: unary operations. */
export const encodeUnary = (funct12: number, funct3: number, opcode: number) =>
  fixed('R', (funct12 << 20) | (funct3 << 12) | opcode, 0xfff0707f);
export const encodeI = (funct3: number, opcode: number) => fixed('I', (funct3 << 12) | opcode, 0x707f);
export const encodeS = (funct3: number, opcode: number = OPCODE.store) =>
  fixed('S', (funct3 << 12) | opcode, 0x707f);
export const encodeB = (funct3: number) => fixed('B', (funct3 << 12) | OPCODE.branch, 0x707f);
export const encodeU = (opcode: number) => fixed('U', opcode, 0x7f);
export const encodeJ = (opcode: number) => fixed('J', opcode, 0x7f);
/** Shift by a constant; `shamtBits` is 5 or 6, the bits above it are `funct`. */
export const encodeShift = (shamtBits: 5 | 6, funct: number, funct3: number, opcode: number) =>
  fixed('shift', (funct << (20 + shamtBits)) | (funct3 << 12) | opcode, (-1 << (20 + shamtBits)) | 0x707f);
/** Float operations that round: funct7 ends in the format. */
export const encodeRounding = (funct7: number) =>
  fixed('R-rounding', (funct7 << 25) | OPCODE.opFp, 0xfe00007f);
/** The same with rs2 fixed. */
export const encodeRoundingUnary = (funct7: number, rs2: number) =>
  fixed('R-rounding', (funct7 << 25) | (rs2 << 20) | OPCODE.opFp, 0xfff0007f);
/** Fused operations: the format stands where funct7 ends, rs3 above it. */
export const encodeR4 = (format: number, opcode: number) => fixed('R4', (format << 25) | opcode, 0x0600007f);
/** Atomics: the aq and rl bits may be anything. */
export const encodeAmo = (funct5: number, funct3: number) =>
  fixed('R', (funct5 << 27) | (funct3 << 12) | OPCODE.amo, 0xf800707f);
/** The same where rd holds what is compared. */
export const encodeCompareAndSwap = (funct3: number) =>
  fixed('R-swap', (0b00101 << 27) | (funct3 << 12) | OPCODE.amo, 0xf800707f);
export const encodeLr = (funct3: number) =>
  fixed('R', (0b00010 << 27) | (funct3 << 12) | OPCODE.amo, 0xf9f0707f);
export const encodeCsr = (funct3: number) =>
  fixed(funct3 >= 4 ? 'csr-immediate' : 'csr', (funct3 << 12) | OPCODE.system, 0x707f);
export const encodeWord = (word: number) => fixed('none', word, 0xffffffff);
/** An instruction of 16 bits that stands for no other. */
export const encodeShort = (match: number, mask: number) => fixed('none', match, mask);
export const encodeConstant = (funct7: number, letter: 'h' | 's' | 'd') =>
  fixed(`constant-${letter}`, (funct7 << 25) | (1 << 20) | OPCODE.opFp, 0xfff0707f);
/** Zimop: the bits that tell these operations from each other may be anything. */
export const encodeMayBe = (operands: 'unary' | 'binary') =>
  operands === 'unary' ? fixed('R', 0x81c04073, 0xb3c0707f) : fixed('R', 0x82004073, 0xb200707f);
export const encodeAesRound = (funct8: number, funct3: number, opcode: number) =>
  fixed('aes-round', (funct8 << 24) | (funct3 << 12) | opcode, 0xff00707f);
export const encodeAes32 = (funct5: number) => fixed('aes-byte', (funct5 << 25) | OPCODE.op, 0x3e00707f);
/** Cache blocks: rs1 is the operand. */
export const encodeBlock = (operation: number) =>
  fixed('I', (operation << 20) | (2 << 12) | OPCODE.miscMem, 0xfff07fff);
/** Supervisor fences: rs1 and rs2 are operands, rd is zero. */
export const encodeFence = (funct7: number) => fixed('R', (funct7 << 25) | OPCODE.system, 0xfe007fff);

/** Declares those that an extension has on a hart that has these others, too. */
export const extensionBeside = (name: string, ...others: readonly string[]) => declaring([name], others);

/** Declares the instructions that these extensions have in common. */
export const extension = (...names: readonly string[]) => declaring(names, []);

const declaring =
  (extensions: readonly string[], beside: readonly string[]) =>
  (
    instruction: string,
    encoding: Encoding,
    semantics: Semantics,
    xlen: 32 | 64 | undefined = undefined,
  ): RiscvInstruction => ({
    name: instruction,
    extensions,
    beside,
    xlen,
    ...encoding,
    operands: layoutOf(encoding.format),
    semantics,
  });

/** Whether a hart with these extensions, of this width, has an instruction. */
export const isInstructionOf = (
  { extensions, beside, xlen }: RiscvInstruction,
  hart: { readonly xlen: 32 | 64; readonly extensions: ReadonlySet<string> },
): boolean =>
  (xlen === undefined || xlen === hart.xlen) &&
  extensions.some(name => hart.extensions.has(name)) &&
  beside.every(name => hart.extensions.has(name));

/** Reads the operand fields of a 32-bit instruction word (unprivileged spec 2.2 and 2.3). */
export function decodeOperands(format: Format, word: number, out: Decoded): void {
  out.result = (word >>> 7) & 31;
  out.first = (word >>> 15) & 31;
  out.second = (word >>> 20) & 31;
  switch (format) {
    case 'I':
      out.immediate = (word | 0) >> 20;
      break;
    case 'shift':
      out.immediate = (word >>> 20) & 63;
      break;
    case 'S':
      out.immediate = (((word | 0) >> 25) << 5) | out.result;
      out.result = 0;
      break;
    case 'B':
      out.immediate =
        (((word | 0) >> 31) << 12) |
        (((word >>> 7) & 1) << 11) |
        (((word >>> 25) & 63) << 5) |
        (((word >>> 8) & 15) << 1);
      out.result = 0;
      break;
    case 'U':
      out.immediate = word & 0xfffff000;
      break;
    case 'J':
      out.immediate =
        (((word | 0) >> 31) << 20) |
        (((word >>> 12) & 0xff) << 12) |
        (((word >>> 20) & 1) << 11) |
        (((word >>> 21) & 0x3ff) << 1);
      break;
    case 'R-rounding':
    case 'R4':
      out.immediate = 0;
      out.modifier = (word >>> 12) & 7;
      out.third = word >>> 27;
      break;
    case 'R-swap':
      out.immediate = 0;
      out.modifier = 0;
      out.third = out.result;
      break;
    case 'constant-h':
    case 'constant-s':
    case 'constant-d':
      out.immediate = FLOAT_CONSTANTS[format][out.first];
      break;
    case 'aes-round':
      out.immediate = (word >>> 20) & 15;
      break;
    case 'aes-byte':
      out.immediate = word >>> 30;
      break;
    case 'csr':
    case 'csr-immediate':
      out.immediate = word >>> 20;
      break;
    default:
      out.immediate = 0;
  }
}
