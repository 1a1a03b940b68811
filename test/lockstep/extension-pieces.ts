/** Pieces of the extensions that `max` has beyond `rv64`. Encoded apart from src/riscv, from the specifications. */
import type { Xlen } from '../support/qemu.js';
import * as asm from './encode.js';
import { BASE, COUNTER, type Piece, plain, STACK } from './piece.js';
import type { Random } from './random.js';

/** What these pieces need of a hart. */
export const EXTENSION_NAMES = (
  'zicsr zifencei zicntr zihpm zicond zimop zcb zcmp zcmop zacas zabha zawrs zicbom zicboz ' +
  'zba zbb zbs zbc zbkb zbkc zbkx zknd zkne zknh'
).split(' ');

const RESERVED: readonly number[] = [STACK, BASE, COUNTER];
const REGISTERS = Array.from({ length: 32 }, (_, register) => register).filter(r => !RESERVED.includes(r));
const SHORT = [10, 11, 12, 13, 14, 15];
/** Even, and the next one is free, too. */
const PAIRS = [0, 4, 6, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28];
const MENVCFG = 0x30a;
const SENVCFG = 0x10a;

const { addi } = asm.IMMEDIATE_OPS;
const any = (random: Random) => random.pick(REGISTERS);
const address = (random: Random) => random.pick(REGISTERS.filter(register => register > 3));
const source = (random: Random) => random.below(32);

const binary = (funct7: number, funct3: number, opcode = 0x33) => asm.rType(opcode, funct3, funct7);
const unary = (funct12: number, funct3: number) => (rd: number, rs1: number) =>
  asm.iType(0x13, funct3)(rd, rs1, funct12);

const BINARY = {
  czeroEqz: binary(0x07, 5),
  czeroNez: binary(0x07, 7),
  clmul: binary(0x05, 1),
  clmulr: binary(0x05, 2),
  clmulh: binary(0x05, 3),
  pack: binary(0x04, 4),
  packh: binary(0x04, 7),
  xperm4: binary(0x14, 2),
  xperm8: binary(0x14, 4),
};
const BINARY_64 = {
  packw: binary(0x04, 4, 0x3b),
  aes64es: binary(0x19, 0),
  aes64esm: binary(0x1b, 0),
  aes64ds: binary(0x1d, 0),
  aes64dsm: binary(0x1f, 0),
  aes64ks2: binary(0x3f, 0),
};
const UNARY = {
  brev8: unary(0x687, 5),
  sha256sum0: unary(0x100, 1),
  sha256sum1: unary(0x101, 1),
  sha256sig0: unary(0x102, 1),
  sha256sig1: unary(0x103, 1),
};
const UNARY_64 = {
  sha512sum0: unary(0x104, 1),
  sha512sig1: unary(0x107, 1),
  aes64im: unary(0x300, 1),
};

const AMO_FUNCTIONS = [0x00, 0x01, 0x04, 0x08, 0x0c, 0x10, 0x14, 0x18, 0x1c];
const amo = (funct5: number, width: number) => asm.rType(0x2f, width, funct5 << 2);
const COMPARE_AND_SWAP = 0x05;

/** An address in scratch memory, a multiple of `bytes` unless it is to be misaligned. */
function pointer(random: Random, register: number, bytes: number): number {
  const aligned = random.between(-1024, 1000) & -bytes;
  const misaligned = bytes > 1 && random.chance(8) ? random.between(1, bytes - 1) : 0;
  return addi(register, BASE, aligned + misaligned);
}

function narrowAtomic(random: Random): readonly number[] {
  const [register, width] = [address(random), random.below(2)];
  const set = pointer(random, register, 1 << width);
  return [set, amo(random.pick(AMO_FUNCTIONS), width)(any(random), register, source(random))];
}

/** Half of them find what they expect, as the word was loaded before. */
function compareAndSwap(random: Random, xlen: Xlen): readonly number[] {
  const width = random.below(xlen === 64 ? 4 : 3);
  const load = [asm.LOADS.lb, asm.LOADS.lh, asm.LOADS.lw, asm.LOADS_64.ld][width]!;
  const register = address(random);
  const rd = random.pick(REGISTERS.filter(one => one !== register));
  return [
    pointer(random, register, 1 << width),
    ...(random.chance(50) ? [load(rd, register, 0)] : []),
    amo(COMPARE_AND_SWAP, width)(rd, register, source(random)),
  ];
}

/** Now and then with an odd register, which is reserved. */
function swapOfPairs(random: Random, xlen: Xlen): readonly number[] {
  const [load, half] = xlen === 64 ? [asm.LOADS_64.ld, 8] : [asm.LOADS.lw, 4];
  const register = random.pick([5, 7, 30, 31]);
  const rd = random.pick(PAIRS);
  const rs2 = random.chance(8) ? 11 : random.pick(PAIRS);
  const set = pointer(random, register, 2 * half);
  const loads = rd !== 0 && random.chance(50) ? [load(rd, register, 0), load(rd + 1, register, half)] : [];
  return [set, ...loads, amo(COMPARE_AND_SWAP, xlen === 64 ? 4 : 3)(rd, register, rs2)];
}

/** inval, clean, flush and zero; what modes below may do of it changes. */
function cacheBlock(random: Random): readonly number[] {
  const register = address(random);
  if (random.chance(25)) {
    const invalidate = random.pick([0x00, 0x10, 0x30]);
    return [
      addi(register, 0, invalidate | random.pick([0x00, 0x40, 0x80, 0xc0])),
      asm.CSR_OPS.csrrw(any(random), random.pick([MENVCFG, SENVCFG]), register),
    ];
  }
  const set = addi(register, BASE, random.between(-1024, 1000));
  return [set, asm.iType(0x0f, 2)(0, register, random.pick([0, 1, 2, 4, 4, 4]))];
}

const mayBe = (random: Random): number => {
  const n = random.below(32);
  const unaryWord =
    0x81c04073 | ((n >> 4) << 30) | (((n >> 2) & 3) << 26) | ((n & 3) << 20) | (source(random) << 15);
  const two =
    0x82004073 | ((n & 4) << 28) | ((n & 3) << 26) | (source(random) << 20) | (source(random) << 15);
  return ((random.chance(50) ? unaryWord : two) | (any(random) << 7)) >>> 0;
};

const rc = (register: number) => register - 8;

/** Zcb and Zcmop. */
function compressed(random: Random, xlen: Xlen): number {
  const [rd, rs] = [rc(random.pick(SHORT)), rc(random.between(8, 15))];
  const access = (funct3: number, low: number, register: number) =>
    0x8000 | (funct3 << 10) | (rc(BASE) << 7) | (low << 5) | (register << 2);
  const operations = [0, 1, 2, 3, ...(xlen === 64 ? [4] : []), 5];
  return random.pick([
    access(0, random.below(4), rd),
    access(1, random.below(4), rd),
    access(2, random.below(4), rs),
    access(3, random.below(2) * 2, rs),
    0x9c41 | (rd << 7) | (rs << 2),
    0x9c61 | (rd << 7) | (random.pick(operations) << 2),
    0x6081 | (random.below(8) << 8),
  ]);
}

/** Zcmp: what is pushed is popped again, with other values in some registers meanwhile; and moves. */
function pushAndPop(random: Random): Piece {
  const list = random.between(4, 15);
  const low = (list << 4) | (random.below(4) << 2);
  const between = list > 6 ? [addi(18, 18, 1), addi(1, 1, 4)] : [addi(1, 0, 5)];
  if (random.chance(30)) return plain(0xb802 | low, ...between, 0xba02 | low);
  // The last jumps to ra, which is popped.
  const back = random.chance(50) ? 0xbc02 : 0xbe02;
  const skip = random.below(2);
  return {
    length: 8 + 2 + 4 * between.length + 2,
    encode: (at, ahead) => [...asm.loadAddress(1, ahead(skip), at), 0xb802 | low, ...between, back | low],
  };
}

function moves(random: Random): readonly number[] {
  const [first, second] = [random.between(2, 7), random.between(2, 7)];
  return [
    0xac22 | (first << 7) | (second << 2),
    0xac62 | (random.below(8) << 7) | (random.below(8) << 2),
    // Lists below 4 are reserved.
    ...(random.chance(10) ? [0xb802 | (random.below(4) << 4)] : []),
  ];
}

const values = <T>(...groups: readonly Readonly<Record<string, T>>[]) =>
  groups.flatMap(group => Object.values(group));

/** Instructions of these extensions, one to four of them. */
export function extensionPiece(random: Random, xlen: Xlen): Piece {
  if (random.chance(8)) return pushAndPop(random);
  return plain(...straight(random, xlen));
}

function straight(random: Random, xlen: Xlen): readonly number[] {
  switch (random.below(10)) {
    case 9:
      return moves(random);
    case 0:
      return narrowAtomic(random);
    case 1:
      return compareAndSwap(random, xlen);
    case 2:
      return swapOfPairs(random, xlen);
    case 3:
      return cacheBlock(random);
    case 4:
      return [mayBe(random)];
    case 5:
      return [compressed(random, xlen), compressed(random, xlen)];
    case 6: {
      const encode = random.pick(values(UNARY, xlen === 64 ? UNARY_64 : {}));
      return [encode(any(random), source(random))];
    }
    default: {
      const encode = random.pick(values(BINARY, xlen === 64 ? BINARY_64 : {}));
      return [encode(any(random), source(random), source(random))];
    }
  }
}
