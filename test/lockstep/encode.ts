/**
 * RISC-V instruction encoders for tests: RV32/RV64 IMAC, Zicsr, Zifencei, after the tables of the
 * unprivileged ISA manual (20191213, chapter 24). Written apart from src/riscv on purpose: a judge does not
 * share tables with the accused. An instruction is a number; its two low bits tell whether it is 2 or 4 bytes.
 */

type Encode3 = (rd: number, rs1: number, rs2: number) => number;
/** The immediate is signed, 12 bits. */
type EncodeImmediate = (rd: number, rs1: number, immediate: number) => number;
type EncodeStore = (rs2: number, rs1: number, offset: number) => number;
/** The offset is in bytes from the instruction, even. */
type EncodeBranch = (rs1: number, rs2: number, offset: number) => number;
type EncodeCsr = (rd: number, csr: number, source: number) => number;
type EncodeAmo = (rd: number, rs1: number, rs2: number, order?: number) => number;

const bits = (value: number, high: number, low: number): number =>
  (value >>> low) & (2 ** (high - low + 1) - 1);

export const rType =
  (opcode: number, funct3: number, funct7: number): Encode3 =>
  (rd, rs1, rs2) =>
    ((funct7 << 25) | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;

export const iType =
  (opcode: number, funct3: number): EncodeImmediate =>
  (rd, rs1, immediate) =>
    ((immediate << 20) | (rs1 << 15) | (funct3 << 12) | (rd << 7) | opcode) >>> 0;

/** `funct` stands above the shift amount: 0x000 or 0x400. */
const shift =
  (opcode: number, funct3: number, funct: number): EncodeImmediate =>
  (rd, rs1, amount) =>
    iType(opcode, funct3)(rd, rs1, funct | amount);

const store =
  (funct3: number): EncodeStore =>
  (rs2, rs1, offset) =>
    rType(0x23, funct3, bits(offset, 11, 5))(bits(offset, 4, 0), rs1, rs2);

const branch =
  (funct3: number): EncodeBranch =>
  (rs1, rs2, offset) =>
    rType(0x63, funct3, (bits(offset, 12, 12) << 6) | bits(offset, 10, 5))(
      (bits(offset, 4, 1) << 1) | bits(offset, 11, 11),
      rs1,
      rs2,
    );

const csr =
  (funct3: number): EncodeCsr =>
  (rd, number, source) =>
    iType(0x73, funct3)(rd, source, number);

const amo =
  (width: 2 | 3, funct5: number): EncodeAmo =>
  (rd, rs1, rs2, order = 0) =>
    rType(0x2f, width, (funct5 << 2) | order)(rd, rs1, rs2);

export const REGISTER_OPS = {
  add: rType(0x33, 0, 0x00),
  sub: rType(0x33, 0, 0x20),
  sll: rType(0x33, 1, 0x00),
  slt: rType(0x33, 2, 0x00),
  sltu: rType(0x33, 3, 0x00),
  xor: rType(0x33, 4, 0x00),
  srl: rType(0x33, 5, 0x00),
  sra: rType(0x33, 5, 0x20),
  or: rType(0x33, 6, 0x00),
  and: rType(0x33, 7, 0x00),
};

export const REGISTER_OPS_W = {
  addw: rType(0x3b, 0, 0x00),
  subw: rType(0x3b, 0, 0x20),
  sllw: rType(0x3b, 1, 0x00),
  srlw: rType(0x3b, 5, 0x00),
  sraw: rType(0x3b, 5, 0x20),
};

export const MULTIPLY_OPS = {
  mul: rType(0x33, 0, 1),
  mulh: rType(0x33, 1, 1),
  mulhsu: rType(0x33, 2, 1),
  mulhu: rType(0x33, 3, 1),
  div: rType(0x33, 4, 1),
  divu: rType(0x33, 5, 1),
  rem: rType(0x33, 6, 1),
  remu: rType(0x33, 7, 1),
};

export const MULTIPLY_OPS_W = {
  mulw: rType(0x3b, 0, 1),
  divw: rType(0x3b, 4, 1),
  divuw: rType(0x3b, 5, 1),
  remw: rType(0x3b, 6, 1),
  remuw: rType(0x3b, 7, 1),
};

export const IMMEDIATE_OPS = {
  addi: iType(0x13, 0),
  slti: iType(0x13, 2),
  sltiu: iType(0x13, 3),
  xori: iType(0x13, 4),
  ori: iType(0x13, 6),
  andi: iType(0x13, 7),
};

/** The amount is up to XLEN - 1. */
export const SHIFTS = {
  slli: shift(0x13, 1, 0),
  srli: shift(0x13, 5, 0),
  srai: shift(0x13, 5, 0x400),
};

export const SHIFTS_W = {
  slliw: shift(0x1b, 1, 0),
  srliw: shift(0x1b, 5, 0),
  sraiw: shift(0x1b, 5, 0x400),
};

export const addiw = iType(0x1b, 0);

export const LOADS = {
  lb: iType(0x03, 0),
  lh: iType(0x03, 1),
  lw: iType(0x03, 2),
  lbu: iType(0x03, 4),
  lhu: iType(0x03, 5),
};
export const LOADS_64 = { ld: iType(0x03, 3), lwu: iType(0x03, 6) };

export const STORES = { sb: store(0), sh: store(1), sw: store(2) };
export const STORES_64 = { sd: store(3) };

export const BRANCHES = {
  beq: branch(0),
  bne: branch(1),
  blt: branch(4),
  bge: branch(5),
  bltu: branch(6),
  bgeu: branch(7),
};

/** The source of the last three is a 5-bit constant. */
export const CSR_OPS = { csrrw: csr(1), csrrs: csr(2), csrrc: csr(3) };
export const CSR_OPS_IMMEDIATE = { csrrwi: csr(5), csrrsi: csr(6), csrrci: csr(7) };

const amos = (width: 2 | 3) => ({
  swap: amo(width, 0x01),
  add: amo(width, 0x00),
  xor: amo(width, 0x04),
  and: amo(width, 0x0c),
  or: amo(width, 0x08),
  min: amo(width, 0x10),
  max: amo(width, 0x14),
  minu: amo(width, 0x18),
  maxu: amo(width, 0x1c),
});
/** Address in rs1; `order` is aq << 1 | rl. */
export const AMOS_W = amos(2);
export const AMOS_D = amos(3);
export const lr_w = (rd: number, rs1: number): number => amo(2, 0x02)(rd, rs1, 0);
export const lr_d = (rd: number, rs1: number): number => amo(3, 0x02)(rd, rs1, 0);
export const sc_w = amo(2, 0x03);
export const sc_d = amo(3, 0x03);

/** `upper` is the 20-bit field. */
export const lui = (rd: number, upper: number): number => ((upper << 12) | (rd << 7) | 0x37) >>> 0;
export const auipc = (rd: number, upper: number): number => ((upper << 12) | (rd << 7) | 0x17) >>> 0;
export const jalr = iType(0x67, 0);
export const jal = (rd: number, offset: number): number =>
  ((bits(offset, 20, 20) << 31) |
    (bits(offset, 10, 1) << 21) |
    (bits(offset, 11, 11) << 20) |
    (bits(offset, 19, 12) << 12) |
    (rd << 7) |
    0x6f) >>>
  0;

export const ECALL = 0x00000073;
export const EBREAK = 0x00100073;
export const MRET = 0x30200073;
export const WFI = 0x10500073;
export const FENCE_I = 0x0000100f;
export const fence = (predecessors: number, successors: number): number =>
  ((predecessors << 24) | (successors << 20) | 0x0f) >>> 0;
export const NOP = 0x00000013;

// Compressed instructions. Registers named rc are x8 to x15, given by their full number.
const rc = (register: number): number => (register - 8) & 7;
const ci = (quadrant: number, funct3: number, rd: number, immediate: number): number =>
  (funct3 << 13) | (bits(immediate, 5, 5) << 12) | (rd << 7) | (bits(immediate, 4, 0) << 2) | quadrant;
const ca = (funct6: number, funct2: number, rd: number, rs2: number): number =>
  (funct6 << 10) | (rc(rd) << 7) | (funct2 << 5) | (rc(rs2) << 2) | 1;
const cb = (funct3: number, rs1: number, offset: number): number =>
  (funct3 << 13) |
  (bits(offset, 8, 8) << 12) |
  (bits(offset, 4, 3) << 10) |
  (rc(rs1) << 7) |
  (bits(offset, 7, 6) << 5) |
  (bits(offset, 2, 1) << 3) |
  (bits(offset, 5, 5) << 2) |
  1;
const cj = (funct3: number, offset: number): number =>
  (funct3 << 13) |
  (bits(offset, 11, 11) << 12) |
  (bits(offset, 4, 4) << 11) |
  (bits(offset, 9, 8) << 9) |
  (bits(offset, 10, 10) << 8) |
  (bits(offset, 6, 6) << 7) |
  (bits(offset, 7, 7) << 6) |
  (bits(offset, 3, 1) << 3) |
  (bits(offset, 5, 5) << 2) |
  1;
const clWord = (funct3: number, rd: number, rs1: number, offset: number): number =>
  (funct3 << 13) |
  (bits(offset, 5, 3) << 10) |
  (rc(rs1) << 7) |
  (bits(offset, 2, 2) << 6) |
  (bits(offset, 6, 6) << 5) |
  (rc(rd) << 2);
const clDouble = (funct3: number, rd: number, rs1: number, offset: number): number =>
  (funct3 << 13) | (bits(offset, 5, 3) << 10) | (rc(rs1) << 7) | (bits(offset, 7, 6) << 5) | (rc(rd) << 2);

/** Immediates are signed 6 bits where not said otherwise; offsets are scaled bytes, unsigned. */
export const COMPRESSED = {
  /** Unsigned, a multiple of 4, not 0: 4 to 1020. */
  addi4spn: (rd: number, offset: number): number =>
    (bits(offset, 5, 4) << 11) |
    (bits(offset, 9, 6) << 7) |
    (bits(offset, 2, 2) << 6) |
    (bits(offset, 3, 3) << 5) |
    (rc(rd) << 2),
  lw: (rd: number, rs1: number, offset: number): number => clWord(2, rd, rs1, offset),
  sw: (rs2: number, rs1: number, offset: number): number => clWord(6, rs2, rs1, offset),
  ld: (rd: number, rs1: number, offset: number): number => clDouble(3, rd, rs1, offset),
  sd: (rs2: number, rs1: number, offset: number): number => clDouble(7, rs2, rs1, offset),
  addi: (rd: number, immediate: number): number => ci(1, 0, rd, immediate),
  /** RV32 only: the same encoding is c.addiw in RV64. */
  jal: (offset: number): number => cj(1, offset),
  addiw: (rd: number, immediate: number): number => ci(1, 1, rd, immediate),
  li: (rd: number, immediate: number): number => ci(1, 2, rd, immediate),
  lui: (rd: number, immediate: number): number => ci(1, 3, rd, immediate),
  /** Signed, a multiple of 16: -512 to 496. */
  addi16sp: (offset: number): number =>
    (3 << 13) |
    (bits(offset, 9, 9) << 12) |
    (2 << 7) |
    (bits(offset, 4, 4) << 6) |
    (bits(offset, 6, 6) << 5) |
    (bits(offset, 8, 7) << 3) |
    (bits(offset, 5, 5) << 2) |
    1,
  /** The amount is unsigned, 0 to XLEN - 1. */
  srli: (rd: number, amount: number): number => ci(1, 4, rc(rd), amount),
  srai: (rd: number, amount: number): number => ci(1, 4, rc(rd) | 8, amount),
  andi: (rd: number, immediate: number): number => ci(1, 4, rc(rd) | 16, immediate),
  sub: (rd: number, rs2: number): number => ca(0x23, 0, rd, rs2),
  xor: (rd: number, rs2: number): number => ca(0x23, 1, rd, rs2),
  or: (rd: number, rs2: number): number => ca(0x23, 2, rd, rs2),
  and: (rd: number, rs2: number): number => ca(0x23, 3, rd, rs2),
  subw: (rd: number, rs2: number): number => ca(0x27, 0, rd, rs2),
  addw: (rd: number, rs2: number): number => ca(0x27, 1, rd, rs2),
  j: (offset: number): number => cj(5, offset),
  beqz: (rs1: number, offset: number): number => cb(6, rs1, offset),
  bnez: (rs1: number, offset: number): number => cb(7, rs1, offset),
  slli: (rd: number, amount: number): number => ci(2, 0, rd, amount),
  lwsp: (rd: number, offset: number): number =>
    ci(2, 2, rd, (bits(offset, 5, 5) << 5) | (bits(offset, 4, 2) << 2) | bits(offset, 7, 6)),
  ldsp: (rd: number, offset: number): number =>
    ci(2, 3, rd, (bits(offset, 5, 5) << 5) | (bits(offset, 4, 3) << 3) | bits(offset, 8, 6)),
  swsp: (rs2: number, offset: number): number =>
    (6 << 13) | (bits(offset, 5, 2) << 9) | (bits(offset, 7, 6) << 7) | (rs2 << 2) | 2,
  sdsp: (rs2: number, offset: number): number =>
    (7 << 13) | (bits(offset, 5, 3) << 10) | (bits(offset, 8, 6) << 7) | (rs2 << 2) | 2,
  jr: (rs1: number): number => (4 << 13) | (rs1 << 7) | 2,
  mv: (rd: number, rs2: number): number => (4 << 13) | (rd << 7) | (rs2 << 2) | 2,
  jalr: (rs1: number): number => (9 << 12) | (rs1 << 7) | 2,
  add: (rd: number, rs2: number): number => (9 << 12) | (rd << 7) | (rs2 << 2) | 2,
};
export const C_EBREAK = 0x9002;
export const C_NOP = 0x0001;

export const instructionLength = (instruction: number): 2 | 4 => ((instruction & 3) === 3 ? 4 : 2);

/** The bytes of a sequence of instructions, little-endian. */
export function assemble(instructions: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  for (const instruction of instructions) {
    for (let i = 0; i < instructionLength(instruction); i++) bytes.push((instruction >>> (8 * i)) & 0xff);
  }
  return Uint8Array.from(bytes);
}

/** auipc + addi that put `target` into rd, for an instruction that stands at `at`. */
export function loadAddress(rd: number, target: number, at: number): [number, number] {
  const offset = (target - at) | 0;
  const upper = (offset + 0x800) >> 12;
  return [auipc(rd, upper & 0xfffff), IMMEDIATE_OPS.addi(rd, rd, offset - (upper << 12))];
}

/** lui + addi that put a signed 32-bit constant into rd. */
export function loadConstant(rd: number, value: number): [number, number] {
  const upper = (value + 0x800) >> 12;
  return [lui(rd, upper & 0xfffff), IMMEDIATE_OPS.addi(rd, rd, (value | 0) - (upper << 12))];
}
