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
