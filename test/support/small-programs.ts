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
