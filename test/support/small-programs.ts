/** Small raw programs for the start of RAM, assembled by hand: what fixtures in C do not do. */

import * as asm from '../lockstep/encode.js';
import { type RandomProgramOptions, randomProgram } from '../lockstep/random-program.js';

const { addi } = asm.IMMEDIATE_OPS;

/** Every hart adds its number plus one to a shared word for ever, and keeps what it saw. */
export function sharedCounter(): Uint8Array {
  const [T0, T1, T2, S0] = [5, 6, 7, 8];
  const start = 0x8000_0000;
  const MHARTID = 0xf14;
  return asm.assemble([
    asm.CSR_OPS.csrrs(T1, MHARTID, 0),
    addi(T1, T1, 1),
    ...asm.loadAddress(T0, start + 0x1000, start + 8),
    asm.AMOS_W.add(T2, T0, T1),
    asm.REGISTER_OPS.add(S0, S0, T2),
    asm.jal(0, -8),
  ]);
}

/** A random program as a raw image that all harts start at. */
export function randomImage(options: RandomProgramOptions): Uint8Array {
  const start = 0x8000_0000;
  const program = randomProgram(options);
  const { scratch } = program;
  const image = new Uint8Array(scratch.address + scratch.bytes.length - start);
  image.set(asm.assemble([asm.jal(0, program.entry - start)]));
  image.set(scratch.bytes, scratch.address - start);
  image.set(program.bytes, program.address - start);
  return image;
}

/** Three harts that sleep until the one before them sends a software interrupt, and then wake the next. */
export function tokenRing(): Uint8Array {
  const [T0, T1, T2, S0, T3, T4, T5] = [5, 6, 7, 8, 28, 29, 30];
  const MHARTID = 0xf14;
  const MIE = 0x304;
  const MSIE = 8;
  const msip = asm.lui(T0, 0x2000);
  return asm.assemble([
    asm.CSR_OPS.csrrs(T1, MHARTID, 0),
    asm.CSR_OPS_IMMEDIATE.csrrwi(0, MIE, MSIE),
    asm.SHIFTS.slli(T4, T1, 2),
    msip,
    asm.REGISTER_OPS.add(T0, T0, T4),
    addi(T3, T1, 1),
    addi(T4, 0, 3),
    asm.BRANCHES.bne(T3, T4, 8),
    addi(T3, 0, 0),
    asm.SHIFTS.slli(T3, T3, 2),
    asm.lui(T2, 0x2000),
    asm.REGISTER_OPS.add(T2, T2, T3),
    // Hart 0 holds the token at first.
    asm.BRANCHES.beq(T1, 0, 20),
    asm.WFI,
    asm.LOADS.lw(T5, T0, 0),
    asm.BRANCHES.beq(T5, 0, -8),
    asm.STORES.sw(0, T0, 0),
    addi(S0, S0, 1),
    addi(T5, 0, 1),
    asm.STORES.sw(T5, T2, 0),
    asm.jal(0, -28),
  ]);
}

/** Sets a timer that it does not listen to, and sleeps for ever. */
export function deafSleeper(): Uint8Array {
  const [T0, T1] = [5, 6];
  const MIE = 0x304;
  return asm.assemble([
    asm.lui(T0, 0x2004),
    addi(T1, 0, 1000),
    asm.STORES.sw(T1, T0, 0),
    asm.STORES.sw(0, T0, 4),
    asm.CSR_OPS_IMMEDIATE.csrrwi(0, MIE, 0),
    asm.WFI,
    asm.jal(0, -4),
  ]);
}

/** Where `newerExtensions` stops by its breakpoint, and the word that it writes in every way there is. */
export const NEWER_MARKER = 0x8000_0400;
export const NEWER_WORD = 0x8000_1000;

/** What `newerExtensions` needs of a hart. */
export const NEWER_CPU = 'rv64imacsu_zicond_zacas_zabha_zicboz_zawrs_zbkb_zknh_zkne_zcb_zcmp';

/** Harts that share a word: atomic bytes, swaps of words and pairs, zeroed blocks, pushes, and what computes. */
export function newerExtensions(): Uint8Array {
  const [RA, SP, T0, S1, A0, A1, S2, S3, S4] = [1, 2, 5, 9, 10, 11, 18, 19, 20];
  const start = 0x8000_0000;
  const amo = (funct5: number, width: number) => asm.rType(0x2f, width, funct5 << 2);
  const setUp = [
    asm.CSR_OPS.csrrs(S1, 0xf14, 0),
    addi(S4, S1, 1),
    asm.SHIFTS.slli(S1, S1, 8),
    ...asm.loadAddress(T0, NEWER_WORD, start + 12),
    // A stack for each hart, of which that of hart 0 ends behind the word.
    addi(SP, T0, 16),
    asm.REGISTER_OPS.add(SP, SP, S1),
  ];
  const first = [
    addi(S2, S2, 1),
    asm.iType(0x13, 1)(S3, S2, 0x100),
    asm.rType(0x33, 5, 0x07)(S4, S3, S4),
    asm.rType(0x33, 0, 0x19)(S3, S3, S4),
    amo(0x00, 0)(A1, T0, S3),
    asm.LOADS.lw(A1, T0, 0),
    amo(0x05, 2)(A1, T0, S2),
    amo(0x05, 4)(A0, T0, S2),
    asm.IMMEDIATE_OPS.andi(A1, S2, 15),
    asm.BRANCHES.bne(A1, 0, 8),
    asm.iType(0x0f, 2)(0, T0, 4),
    // cm.push {ra, s0-s2}, -32 and cm.pop; wrs.sto.
    0xb872,
    0xba72,
    0x01d00073,
  ];
  const here = start + asm.assemble([...setUp, ...first]).length;
  const code = [...setUp, ...first, asm.jal(RA, NEWER_MARKER - here)];
  const image = new Uint8Array(NEWER_MARKER - start + 8);
  image.set(asm.assemble(code));
  const back = start + asm.assemble(setUp).length;
  image.set(asm.assemble([asm.NOP, asm.jal(0, back - NEWER_MARKER - 4)]), NEWER_MARKER - start);
  return image;
}
