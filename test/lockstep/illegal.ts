import type { Xlen } from '../support/qemu.js';
import { AMOS_D, COMPRESSED, lr_w, rType, SHIFTS, SHIFTS_W } from './encode.js';
import type { Random } from './random.js';

type Make = (random: Random) => number;

const register: Make = random => random.below(32);
const fields =
  (opcode: number, funct3: readonly number[], funct7?: readonly number[]): Make =>
  random =>
    rType(opcode, random.pick(funct3), funct7 ? random.pick(funct7) : random.below(128))(
      register(random),
      register(random),
      register(random),
    );
const fixed =
  (...words: number[]): Make =>
  random =>
    random.pick(words);

const EVERY_FUNCT3 = [0, 1, 2, 3, 4, 5, 6, 7];
const FLOAT_LOAD = 0x07;
const FLOAT_STORE = 0x27;
const FLOAT_OP = 0x53;
const FUSED = [0x43, 0x47, 0x4b, 0x4f];

const SHARED: readonly Make[] = [
  fixed(0xffffffff),
  fixed(0x0000),
  fields(0x0b, EVERY_FUNCT3),
  fields(0x2b, EVERY_FUNCT3),
  fields(FLOAT_LOAD, [2, 3]),
  fields(FLOAT_STORE, [2, 3]),
  fields(FLOAT_OP, EVERY_FUNCT3, [0x00, 0x01, 0x08, 0x60, 0x70, 0x78]),
  random => fields(random.pick(FUSED), [0], [0, 1])(random),
  fields(0x03, [7]),
  fields(0x23, [4, 5, 6, 7]),
  fields(0x33, EVERY_FUNCT3, [0x02, 0x12, 0x41, 0x7f]),
  fields(0x33, [1, 2, 3, 4, 6, 7], [0x20]),
  fields(0x13, [1], [0x08, 0x20, 0x7e]),
  fields(0x13, [5], [0x08, 0x7e]),
  fields(0x63, [2, 3]),
  fields(0x67, [1, 2, 3, 4, 5, 6, 7]),
  fields(0x0f, [2, 3, 4, 5, 6, 7]),
  fields(0x73, [4]),
  // sret, uret, dret; ecall, ebreak and mret with a register.
  fixed(0x10200073, 0x00200073, 0x7b200073, 0x000000f3, 0x00108073, 0x302000f3),
  fields(0x2f, [0, 1, 4, 5, 6, 7]),
  fields(0x2f, [2], [0x05 << 2, 0x09 << 2, 0x1d << 2]),
  random => (lr_w(register(random), register(random)) | (random.between(1, 31) << 20)) >>> 0,
  // c.addi4spn 0 with a register, c.addi16sp 0, c.lui x5 0, c.lwsp x0, c.jr x0, quadrant 0 function 4.
  fixed(0x0004, 0x6101, 0x6281, 0x4002, 0x8002, 0x8000),
  // c.fld, c.fsd, c.fldsp, c.fsdsp.
  fixed(0x2000, 0xa000, 0x2002, 0xa002),
  // Reserved register operations.
  fixed(0x9c41, 0x9c61),
];

const ONLY_32: readonly Make[] = [
  fields(0x03, [3, 6]),
  fields(0x23, [3]),
  fields(0x1b, EVERY_FUNCT3),
  fields(0x3b, EVERY_FUNCT3),
  random => AMOS_D.add(register(random), register(random), register(random)),
  random => SHIFTS.slli(register(random), register(random), random.between(32, 63)),
  random => SHIFTS.srai(register(random), register(random), random.between(32, 63)),
  random => COMPRESSED.subw(random.between(8, 15), random.between(8, 15)),
  // c.flw, c.fsw, c.flwsp, c.fswsp.
  fixed(0x6000, 0xe000, 0x6002, 0xe002),
];

const ONLY_64: readonly Make[] = [
  random => SHIFTS_W.slliw(register(random), register(random), random.between(32, 63)),
  random => SHIFTS_W.sraiw(register(random), register(random), random.between(32, 63)),
  fields(0x3b, [2, 3], [0, 0x20]),
  fields(0x3b, [1, 2, 3], [1]),
  fields(0x1b, [2, 3, 4, 6, 7]),
  // c.addiw x0, c.ldsp x0.
  fixed(0x2005, 0x6002),
];

/** An encoding that an IMAC hart without S mode has to refuse. */
export function illegalInstruction(random: Random, xlen: Xlen): number {
  return random.pick([...SHARED, ...(xlen === 32 ? ONLY_32 : ONLY_64)])(random);
}
