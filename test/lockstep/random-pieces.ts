import type { Xlen } from '../support/qemu.js';
import * as asm from './encode.js';
import { illegalInstruction } from './illegal.js';
import { BASE, COUNTER, type Piece, plain, STACK } from './piece.js';
import type { Random } from './random.js';

interface Kind {
  readonly name: string;
  readonly weight: number;
  readonly only?: Xlen;
  make(random: Random, xlen: Xlen, aligned: boolean): Piece;
}

const RESERVED: readonly number[] = [STACK, BASE, COUNTER];
const DESTINATIONS = Array.from({ length: 32 }, (_, register) => register).filter(r => !RESERVED.includes(r));
const SHORT_DESTINATIONS = [10, 11, 12, 13, 14, 15];
/** Nothing answers here on the board: an access fault. */
const UNMAPPED_UPPER = 0x08000;

const destination = (random: Random) => random.pick(DESTINATIONS);
const nonZero = (random: Random) => random.pick(DESTINATIONS.slice(1));
const source = (random: Random) => random.below(32);
const short = (random: Random) => random.pick(SHORT_DESTINATIONS);
const shortSource = (random: Random) => random.between(8, 15);
const immediate = (random: Random) =>
  random.chance(30) ? random.pick([0, 1, -1, 2047, -2048]) : random.between(-2048, 2047);
const six = (random: Random) => random.between(-32, 31);
const sixNotZero = (random: Random) => six(random) || 1;

/** Offsets from BASE, which is a page boundary: where misaligned is allowed, many cross it. */
function offset(random: Random, aligned: boolean): number {
  if (aligned) return immediate(random) & ~7;
  if (random.chance(25)) return random.between(-7, 7);
  return random.chance(40) ? immediate(random) : immediate(random) & ~7;
}

const oneOf = <T>(random: Random, ...groups: readonly Readonly<Record<string, T>>[]): T =>
  random.pick(groups.flatMap(group => Object.values(group)));

const loads = (xlen: Xlen) => (xlen === 64 ? { ...asm.LOADS, ...asm.LOADS_64 } : asm.LOADS);
const stores = (xlen: Xlen) => (xlen === 64 ? { ...asm.STORES, ...asm.STORES_64 } : asm.STORES);

/** Width of the atomics of a piece, and an address for them in `register`. */
function atomicAddress(random: Random, xlen: Xlen, misaligned: boolean) {
  const double = xlen === 64 && random.chance(50);
  const register = nonZero(random);
  const aligned = immediate(random) & (double ? ~7 : ~3);
  const at = misaligned ? aligned | random.between(1, double ? 7 : 3) : aligned;
  return { double, register, set: asm.IMMEDIATE_OPS.addi(register, BASE, at) };
}

function loadReserved(random: Random, double: boolean, address: number): number {
  const rd = random.pick(DESTINATIONS.filter(register => register !== address));
  return double ? asm.lr_d(rd, address) : asm.lr_w(rd, address);
}

const storeConditional = (random: Random, double: boolean, address: number): number =>
  (double ? asm.sc_d : asm.sc_w)(destination(random), address, source(random), random.below(4));

/** mcause, mtval, misa: take any value, as far as QEMU is concerned. */
const WRITABLE_CSRS = [0x342, 0x343, 0x301];
/**
 * mcounteren, pmpaddr8: small values only. QEMU 7.2 keeps all 64 bits of them, the manual has fewer. Nor does it
 * drop bit 0 of mepc.
 */
const SMALL_CSRS = [0x306, 0x3b8];
const MEPC = 0x341;
const MSTATUS = 0x300;
/** mstatus on RV32 only: on RV64 QEMU 7.2 says that SXL is 2 even without S mode. */
const READABLE_CSRS = [0xf14, MSTATUS, 0x340, 0x341, 0x342, 0x343, 0x305, 0x3a0];
const ABSENT_CSRS = [0x123, 0x5c0, 0x8ff, 0xcc0, 0x7c0, 0x001, 0x003];
const COUNTERS = [0xc00, 0xc02, 0xb00, 0xb02];

function csrAccess(random: Random, xlen: Xlen): Piece {
  const rd = destination(random);
  const read = oneOf(random, { rs: asm.CSR_OPS.csrrs, rc: asm.CSR_OPS.csrrc });
  switch (random.below(6)) {
    case 0:
      return plain(oneOf(random, asm.CSR_OPS)(rd, random.pick(WRITABLE_CSRS), source(random)));
    case 1:
      return plain(
        oneOf(random, asm.CSR_OPS_IMMEDIATE)(
          rd,
          random.pick([...WRITABLE_CSRS, ...SMALL_CSRS]),
          random.below(32),
        ),
      );
    case 2:
      return plain(oneOf(random, asm.CSR_OPS_IMMEDIATE)(rd, MEPC, random.below(16) * 2));
    case 3:
      return plain(oneOf(random, asm.CSR_OPS)(rd, random.pick(ABSENT_CSRS), source(random)));
    case 4:
      // Their values differ from machine to machine; whether they may be read does not.
      return plain(read(0, random.pick(COUNTERS), 0));
    default:
      return plain(read(rd, random.pick(READABLE_CSRS.filter(csr => xlen === 32 || csr !== MSTATUS)), 0));
  }
}

function compressed(random: Random, xlen: Xlen): Piece {
  const c = asm.COMPRESSED;
  const amount = (limit: number) => random.below(limit);
  const forms: (() => number)[] = [
    () => c.addi4spn(short(random), random.between(1, 255) * 4),
    () => c.lw(short(random), BASE, random.below(32) * 4),
    () => c.sw(shortSource(random), BASE, random.below(32) * 4),
    () => c.lwsp(nonZero(random), random.below(64) * 4),
    () => c.swsp(source(random), random.below(64) * 4),
    () => c.addi(destination(random), six(random)),
    () => c.li(destination(random), six(random)),
    () => c.lui(destination(random), sixNotZero(random)),
    () => c.srli(short(random), amount(xlen)),
    () => c.srai(short(random), amount(xlen)),
    () => c.slli(destination(random), amount(xlen)),
    () => c.andi(short(random), six(random)),
    () => c.sub(short(random), shortSource(random)),
    () => c.xor(short(random), shortSource(random)),
    () => c.or(short(random), shortSource(random)),
    () => c.and(short(random), shortSource(random)),
    () => c.mv(destination(random), random.between(1, 31)),
    () => c.add(destination(random), random.between(1, 31)),
  ];
  if (xlen === 64) {
    forms.push(
      () => c.ld(short(random), BASE, random.below(32) * 8),
      () => c.sd(shortSource(random), BASE, random.below(32) * 8),
      () => c.ldsp(nonZero(random), random.below(64) * 8),
      () => c.sdsp(source(random), random.below(64) * 8),
      () => c.addiw(nonZero(random), six(random)),
      () => c.subw(short(random), shortSource(random)),
      () => c.addw(short(random), shortSource(random)),
    );
  }
  return plain(random.pick(forms)());
}

/** Jumps over up to four pieces. */
function jump(random: Random, xlen: Xlen): Piece {
  const skip = random.below(5);
  switch (random.below(5)) {
    case 0:
      return { length: 2, encode: (at, ahead) => [asm.COMPRESSED.j(ahead(skip) - at)] };
    case 1:
      if (xlen === 64) return { length: 4, encode: (at, ahead) => [asm.jal(5, ahead(skip) - at)] };
      return { length: 2, encode: (at, ahead) => [asm.COMPRESSED.jal(ahead(skip) - at)] };
    case 2: {
      // Bit 0 of the sum is dropped.
      const [register, rd, odd] = [nonZero(random), destination(random), random.below(2)];
      return {
        length: 8,
        encode: (at, ahead) => [asm.auipc(register, 0), asm.jalr(rd, register, ahead(skip) - at + odd)],
      };
    }
    case 3: {
      const register = nonZero(random);
      const encode = random.chance(50) ? asm.COMPRESSED.jr : asm.COMPRESSED.jalr;
      return {
        length: 10,
        encode: (at, ahead) => [...asm.loadAddress(register, ahead(skip), at), encode(register)],
      };
    }
    default: {
      const rd = destination(random);
      return { length: 4, encode: (at, ahead) => [asm.jal(rd, ahead(skip) - at)] };
    }
  }
}

function branch(random: Random): Piece {
  const skip = random.below(5);
  if (random.chance(30)) {
    const encode = oneOf(random, { beqz: asm.COMPRESSED.beqz, bnez: asm.COMPRESSED.bnez });
    const register = shortSource(random);
    return { length: 2, encode: (at, ahead) => [encode(register, ahead(skip) - at)] };
  }
  const encode = oneOf(random, asm.BRANCHES);
  const [left, right] = [source(random), random.chance(20) ? 0 : source(random)];
  return { length: 4, encode: (at, ahead) => [encode(left, right, ahead(skip) - at)] };
}

function loop(random: Random): Piece {
  const body = Array.from({ length: random.between(1, 4) }, () =>
    oneOf(random, asm.REGISTER_OPS, asm.MULTIPLY_OPS)(destination(random), source(random), source(random)),
  );
  const back = -4 * (body.length + 1);
  return plain(
    asm.IMMEDIATE_OPS.addi(COUNTER, 0, random.between(1, 4)),
    ...body,
    asm.IMMEDIATE_OPS.addi(COUNTER, COUNTER, -1),
    asm.BRANCHES.bne(COUNTER, 0, back),
  );
}

/** mret to the next piece: into U mode, if M mode runs it. */
export function dropPrivilege(random: Random): Piece {
  const register = nonZero(random);
  const { csrrw, csrrc } = asm.CSR_OPS;
  return {
    length: 28,
    encode: (at, ahead) => [
      ...asm.loadAddress(register, ahead(0), at),
      csrrw(0, MEPC, register),
      asm.lui(register, 2),
      asm.IMMEDIATE_OPS.addi(register, register, -2048),
      csrrc(0, 0x300, register),
      asm.MRET,
    ],
  };
}

function unmapped(random: Random, xlen: Xlen): Piece {
  const register = nonZero(random);
  // Aligned: of a misaligned access QEMU 7.2 reports the aligned address.
  const at = immediate(random) & ~7;
  const access = random.chance(50)
    ? oneOf(random, loads(xlen))(destination(random), register, at)
    : oneOf(random, stores(xlen))(source(random), register, at);
  return plain(asm.lui(register, UNMAPPED_UPPER), access);
}

const KINDS: readonly Kind[] = [
  {
    name: 'register',
    weight: 20,
    make: r => plain(oneOf(r, asm.REGISTER_OPS)(destination(r), source(r), source(r))),
  },
  {
    name: 'word',
    weight: 12,
    only: 64,
    make: r => plain(oneOf(r, asm.REGISTER_OPS_W)(destination(r), source(r), source(r))),
  },
  {
    name: 'multiply',
    weight: 14,
    make: r => plain(oneOf(r, asm.MULTIPLY_OPS)(destination(r), source(r), source(r))),
  },
  {
    name: 'multiply-word',
    weight: 8,
    only: 64,
    make: r => plain(oneOf(r, asm.MULTIPLY_OPS_W)(destination(r), source(r), source(r))),
  },
  {
    name: 'immediate',
    weight: 14,
    make: r => plain(oneOf(r, asm.IMMEDIATE_OPS)(destination(r), source(r), immediate(r))),
  },
  {
    name: 'immediate-word',
    weight: 4,
    only: 64,
    make: r => plain(asm.addiw(destination(r), source(r), immediate(r))),
  },
  {
    name: 'shift',
    weight: 8,
    make: (r, xlen) => plain(oneOf(r, asm.SHIFTS)(destination(r), source(r), r.below(xlen))),
  },
  {
    name: 'shift-word',
    weight: 4,
    only: 64,
    make: r => plain(oneOf(r, asm.SHIFTS_W)(destination(r), source(r), r.below(32))),
  },
  {
    name: 'upper',
    weight: 6,
    make: r => plain(oneOf(r, { lui: asm.lui, auipc: asm.auipc })(destination(r), r.below(0x100000))),
  },
  {
    name: 'load',
    weight: 12,
    make: (r, xlen, aligned) => plain(oneOf(r, loads(xlen))(destination(r), BASE, offset(r, aligned))),
  },
  {
    name: 'store',
    weight: 10,
    make: (r, xlen, aligned) => plain(oneOf(r, stores(xlen))(source(r), BASE, offset(r, aligned))),
  },
  { name: 'compressed', weight: 30, make: compressed },
  {
    name: 'stack',
    weight: 1,
    make: r => {
      const change = r.between(1, 31) * 16 * (r.chance(50) ? 1 : -1);
      return plain(asm.COMPRESSED.addi16sp(change), asm.COMPRESSED.addi16sp(-change));
    },
  },
  {
    name: 'amo',
    weight: 8,
    make: (r, xlen) => {
      const { double, register, set } = atomicAddress(r, xlen, false);
      return plain(
        set,
        oneOf(r, double ? asm.AMOS_D : asm.AMOS_W)(destination(r), register, source(r), r.below(4)),
      );
    },
  },
  {
    // On one hart QEMU 7.2 does them as load and store: "load address misaligned" (4), not 6 as the manual has it.
    name: 'amo-misaligned',
    weight: 1,
    make: (r, xlen) => {
      const { double, register, set } = atomicAddress(r, xlen, true);
      return plain(set, oneOf(r, double ? asm.AMOS_D : asm.AMOS_W)(destination(r), register, source(r)));
    },
  },
  {
    name: 'lr-sc',
    weight: 5,
    make: (r, xlen) => {
      const { double, register, set } = atomicAddress(r, xlen, false);
      const between = r.chance(30) ? [asm.STORES.sb(source(r), register, r.below(4))] : [];
      const other = r.chance(15) ? [asm.IMMEDIATE_OPS.addi(register, register, 8)] : [];
      return plain(
        set,
        loadReserved(r, double, register),
        ...between,
        ...other,
        storeConditional(r, double, register),
      );
    },
  },
  {
    name: 'sc-alone',
    weight: 1,
    make: (r, xlen) => {
      const { double, register, set } = atomicAddress(r, xlen, false);
      return plain(set, storeConditional(r, double, register));
    },
  },
  {
    name: 'lr-misaligned',
    weight: 1,
    make: (r, xlen) => {
      const { double, register, set } = atomicAddress(r, xlen, true);
      return plain(set, loadReserved(r, double, register));
    },
  },
  { name: 'branch', weight: 14, make: branch },
  { name: 'jump', weight: 6, make: jump },
  { name: 'loop', weight: 2, make: loop },
  { name: 'csr', weight: 8, make: csrAccess },
  { name: 'illegal', weight: 6, make: (r, xlen) => plain(illegalInstruction(r, xlen)) },
  { name: 'ecall', weight: 2, make: () => plain(asm.ECALL) },
  { name: 'ebreak', weight: 2, make: r => plain(r.pick([asm.EBREAK, asm.C_EBREAK])) },
  {
    name: 'fence',
    weight: 2,
    make: r => plain(r.pick([asm.FENCE_I, asm.fence(r.below(16), r.below(16)), 0x8330000f])),
  },
  { name: 'unmapped', weight: 2, make: unmapped },
  {
    name: 'wild-jump',
    weight: 1,
    make: r => {
      const register = nonZero(r);
      return plain(asm.lui(register, UNMAPPED_UPPER), asm.jalr(1, register, immediate(r) & ~3));
    },
  },
  { name: 'drop-privilege', weight: 0.5, make: dropPrivilege },
];

/** Names for `RandomProgramOptions.without`. */
export const PIECE_KINDS: readonly string[] = KINDS.map(kind => kind.name);

/** `aligned`: no loads and stores at misaligned addresses. */
export function randomPiece(random: Random, xlen: Xlen, without: readonly string[], aligned: boolean): Piece {
  const kinds = KINDS.filter(kind => (kind.only ?? xlen) === xlen && !without.includes(kind.name));
  const total = kinds.reduce((sum, kind) => sum + kind.weight, 0);
  let at = (random.word() / 2 ** 32) * total;
  for (const kind of kinds) {
    at -= kind.weight;
    if (at < 0) return kind.make(random, xlen, aligned);
  }
  throw new Error('no kind of piece is left');
}
