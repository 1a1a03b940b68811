/**
 * C extension, unprivileged spec chapter 16: each 16-bit form expands to the 32-bit instruction it stands
 * for, so it needs no meaning of its own. Reserved forms expand to 0, which no instruction matches.
 */
import type { HartConfig } from '../privileged.js';
import { OPCODE } from './encoding.js';

const ILLEGAL = 0;
const NOP = 0x13;

const bits = (half: number, high: number, low: number) => (half >>> low) & ((1 << (high - low + 1)) - 1);
const signed = (value: number, width: number) => (value << (32 - width)) >> (32 - width);

const typeI = (opcode: number, funct3: number, rd: number, rs1: number, immediate: number) =>
  ((immediate << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
const typeR = (opcode: number, funct7: number, funct3: number, rd: number, rs1: number, rs2: number) =>
  ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;
const typeS = (opcode: number, funct3: number, rs1: number, rs2: number, immediate: number) =>
  ((bits(immediate, 11, 5) << 25) |
    (rs2 << 20) |
    (rs1 << 15) |
    (funct3 << 12) |
    (bits(immediate, 4, 0) << 7) |
    opcode) >>>
  0;
const branch = (funct3: number, rs1: number, offset: number) =>
  ((((offset >> 12) & 1) << 31) |
    (((offset >> 5) & 63) << 25) |
    (rs1 << 15) |
    (funct3 << 12) |
    (((offset >> 1) & 15) << 8) |
    (((offset >> 11) & 1) << 7) |
    OPCODE.branch) >>>
  0;
const jump = (rd: number, offset: number) =>
  ((((offset >> 20) & 1) << 31) |
    (((offset >> 1) & 0x3ff) << 21) |
    (((offset >> 11) & 1) << 20) |
    (((offset >> 12) & 0xff) << 12) |
    (rd << 7) |
    OPCODE.jal) >>>
  0;

const SP = 2;

/** Which forms there are. */
export interface CompressedForms {
  readonly xlen: 32 | 64;
  /** Loads and stores of floats (Zcf) and of doubles (Zcd). */
  readonly floats: boolean;
  readonly doubles: boolean;
  /** What Zcb and Zcmop add. */
  readonly more: boolean;
  readonly mayBe: boolean;
}

export const compressedFormsOf = ({ xlen, extensions }: HartConfig): CompressedForms => ({
  xlen,
  floats: extensions.has('zcf'),
  doubles: extensions.has('zcd'),
  more: extensions.has('zcb'),
  mayBe: extensions.has('zcmop'),
});

/** The 32-bit instruction word of a 16-bit form, or 0. */
export function expandCompressed(half: number, forms: CompressedForms): number {
  switch (half & 3) {
    case 0:
      return quadrant0(half, forms);
    case 1:
      return quadrant1(half, forms);
    default:
      return quadrant2(half, forms);
  }
}

function quadrant0(half: number, { xlen, floats, doubles, more }: CompressedForms): number {
  const rs1 = 8 + bits(half, 9, 7);
  const rd = 8 + bits(half, 4, 2);
  const word = (bits(half, 12, 10) << 3) | (bits(half, 6, 6) << 2) | (bits(half, 5, 5) << 6);
  const double = (bits(half, 12, 10) << 3) | (bits(half, 6, 5) << 6);
  switch (bits(half, 15, 13)) {
    case 0: {
      const immediate =
        (bits(half, 12, 11) << 4) |
        (bits(half, 10, 7) << 6) |
        (bits(half, 6, 6) << 2) |
        (bits(half, 5, 5) << 3);
      return immediate === 0 ? ILLEGAL : typeI(OPCODE.opImm, 0, rd, SP, immediate);
    }
    case 1:
      return doubles ? typeI(OPCODE.loadFp, 3, rd, rs1, double) : ILLEGAL;
    case 2:
      return typeI(OPCODE.load, 2, rd, rs1, word);
    case 3:
      if (xlen === 64) return typeI(OPCODE.load, 3, rd, rs1, double);
      return floats ? typeI(OPCODE.loadFp, 2, rd, rs1, word) : ILLEGAL;
    case 4:
      return more ? narrowAccess(half, rs1, rd) : ILLEGAL;
    case 5:
      return doubles ? typeS(OPCODE.storeFp, 3, rs1, rd, double) : ILLEGAL;
    case 6:
      return typeS(OPCODE.store, 2, rs1, rd, word);
    case 7:
      if (xlen === 64) return typeS(OPCODE.store, 3, rs1, rd, double);
      return floats ? typeS(OPCODE.storeFp, 2, rs1, rd, word) : ILLEGAL;
    default:
      return ILLEGAL;
  }
}

function quadrant1(half: number, forms: CompressedForms): number {
  const { xlen, mayBe } = forms;
  const rd = bits(half, 11, 7);
  const immediate = signed((bits(half, 12, 12) << 5) | bits(half, 6, 2), 6);
  switch (bits(half, 15, 13)) {
    case 0:
      return typeI(OPCODE.opImm, 0, rd, rd, immediate);
    case 1:
      if (xlen === 32) return jump(1, jumpOffset(half));
      return rd === 0 ? ILLEGAL : typeI(OPCODE.opImm32, 0, rd, rd, immediate);
    case 2:
      return typeI(OPCODE.opImm, 0, rd, 0, immediate);
    case 3: {
      if (immediate === 0) return mayBe && (rd & 0x11) === 1 ? NOP : ILLEGAL;
      if (rd !== SP) return ((immediate << 12) | (rd << 7) | OPCODE.lui) >>> 0;
      const offset =
        (bits(half, 12, 12) << 9) |
        (bits(half, 6, 6) << 4) |
        (bits(half, 5, 5) << 6) |
        (bits(half, 4, 3) << 7) |
        (bits(half, 2, 2) << 5);
      return typeI(OPCODE.opImm, 0, SP, SP, signed(offset, 10));
    }
    case 4:
      return arithmetic(half, immediate, forms);
    case 5:
      return jump(0, jumpOffset(half));
    default:
      return branch(bits(half, 13, 13), 8 + bits(half, 9, 7), branchOffset(half));
  }
}

function arithmetic(half: number, immediate: number, { xlen, more }: CompressedForms): number {
  const rd = 8 + bits(half, 9, 7);
  const rs2 = 8 + bits(half, 4, 2);
  switch (bits(half, 11, 10)) {
    case 0:
      return typeI(OPCODE.opImm, 5, rd, rd, immediate & 63);
    case 1:
      return typeI(OPCODE.opImm, 5, rd, rd, (immediate & 63) | 0x400);
    case 2:
      return typeI(OPCODE.opImm, 7, rd, rd, immediate);
  }
  switch ((bits(half, 12, 12) << 2) | bits(half, 6, 5)) {
    case 0:
      return typeR(OPCODE.op, 0x20, 0, rd, rd, rs2);
    case 1:
      return typeR(OPCODE.op, 0, 4, rd, rd, rs2);
    case 2:
      return typeR(OPCODE.op, 0, 6, rd, rd, rs2);
    case 3:
      return typeR(OPCODE.op, 0, 7, rd, rd, rs2);
    case 4:
      return typeR(OPCODE.op32, 0x20, 0, rd, rd, rs2);
    case 5:
      return typeR(OPCODE.op32, 0, 0, rd, rd, rs2);
    case 6:
      return more ? typeR(OPCODE.op, 1, 0, rd, rd, rs2) : ILLEGAL;
    default:
      return more ? unary(rd, bits(half, 4, 2), xlen) : ILLEGAL;
  }
}

/** Zcb: they are the instructions of Zbb and Zba that they stand for, where a hart has those. */
function unary(rd: number, operation: number, xlen: 32 | 64): number {
  switch (operation) {
    case 0:
      return typeI(OPCODE.opImm, 7, rd, rd, 0xff);
    case 1:
      return typeI(OPCODE.opImm, 1, rd, rd, 0x604);
    case 2:
      return typeR(xlen === 32 ? OPCODE.op : OPCODE.op32, 0x04, 4, rd, rd, 0);
    case 3:
      return typeI(OPCODE.opImm, 1, rd, rd, 0x605);
    case 4:
      return typeR(OPCODE.op32, 0x04, 0, rd, rd, 0);
    case 5:
      return typeI(OPCODE.opImm, 4, rd, rd, -1);
    default:
      return ILLEGAL;
  }
}

/** Zcb: loads and stores of bytes and halfwords. */
function narrowAccess(half: number, rs1: number, rd: number): number {
  const upper = bits(half, 5, 5) << 1;
  const byteOffset = upper | bits(half, 6, 6);
  const signed = bits(half, 6, 6) === 1;
  switch (bits(half, 12, 10)) {
    case 0:
      return typeI(OPCODE.load, 4, rd, rs1, byteOffset);
    case 1:
      return typeI(OPCODE.load, signed ? 1 : 5, rd, rs1, upper);
    case 2:
      return typeS(OPCODE.store, 0, rs1, rd, byteOffset);
    case 3:
      return signed ? ILLEGAL : typeS(OPCODE.store, 1, rs1, rd, upper);
    default:
      return ILLEGAL;
  }
}

function quadrant2(half: number, { xlen, floats, doubles }: CompressedForms): number {
  const rd = bits(half, 11, 7);
  const rs2 = bits(half, 6, 2);
  const wordLoad = (bits(half, 12, 12) << 5) | (bits(half, 6, 4) << 2) | (bits(half, 3, 2) << 6);
  const doubleLoad = (bits(half, 12, 12) << 5) | (bits(half, 6, 5) << 3) | (bits(half, 4, 2) << 6);
  const wordStore = (bits(half, 12, 9) << 2) | (bits(half, 8, 7) << 6);
  const doubleStore = (bits(half, 12, 10) << 3) | (bits(half, 9, 7) << 6);
  switch (bits(half, 15, 13)) {
    case 0:
      return typeI(OPCODE.opImm, 1, rd, rd, (bits(half, 12, 12) << 5) | rs2);
    case 1:
      return doubles ? typeI(OPCODE.loadFp, 3, rd, SP, doubleLoad) : ILLEGAL;
    case 2:
      return rd === 0 ? ILLEGAL : typeI(OPCODE.load, 2, rd, SP, wordLoad);
    case 3:
      if (xlen === 32) return floats ? typeI(OPCODE.loadFp, 2, rd, SP, wordLoad) : ILLEGAL;
      return rd === 0 ? ILLEGAL : typeI(OPCODE.load, 3, rd, SP, doubleLoad);
    case 4: {
      const linking = bits(half, 12, 12) === 1;
      if (rs2 !== 0) return typeR(OPCODE.op, 0, 0, rd, linking ? rd : 0, rs2);
      if (rd !== 0) return typeI(OPCODE.jalr, 0, linking ? 1 : 0, rd, 0);
      return linking ? 0x00100073 : ILLEGAL;
    }
    case 5:
      return doubles ? typeS(OPCODE.storeFp, 3, SP, rs2, doubleStore) : ILLEGAL;
    case 6:
      return typeS(OPCODE.store, 2, SP, rs2, wordStore);
    default:
      if (xlen === 64) return typeS(OPCODE.store, 3, SP, rs2, doubleStore);
      return floats ? typeS(OPCODE.storeFp, 2, SP, rs2, wordStore) : ILLEGAL;
  }
}

function jumpOffset(half: number): number {
  return signed(
    (bits(half, 12, 12) << 11) |
      (bits(half, 11, 11) << 4) |
      (bits(half, 10, 9) << 8) |
      (bits(half, 8, 8) << 10) |
      (bits(half, 7, 7) << 6) |
      (bits(half, 6, 6) << 7) |
      (bits(half, 5, 3) << 1) |
      (bits(half, 2, 2) << 5),
    12,
  );
}

function branchOffset(half: number): number {
  return signed(
    (bits(half, 12, 12) << 8) |
      (bits(half, 11, 10) << 3) |
      (bits(half, 6, 5) << 6) |
      (bits(half, 4, 3) << 1) |
      (bits(half, 2, 2) << 5),
    9,
  );
}
