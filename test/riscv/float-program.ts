import type { RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { allInstructions } from '../../src/riscv/isa/riscv-instructions.js';
import {
  assemble,
  auipc,
  CSR_OPS,
  CSR_OPS_IMMEDIATE,
  IMMEDIATE_OPS,
  jal,
  LOADS,
  lui,
  MRET,
  REGISTER_OPS,
  rType,
} from '../lockstep/encode.js';
import type { Random } from '../lockstep/random.js';
import type { RandomProgram } from '../lockstep/random-program.js';
import type { Xlen } from '../support/qemu.js';
import { randomOperand } from './float-operands.js';
import { F32, F64 } from './ieee-reference.js';
import { writesFloat } from './operation-table.js';

const CODE = 0x8000_0000;
const HANDLER = 0x8000_0100;
const BODY = 0x8000_0200;
const SCRATCH = 0x8001_0000;
const SCRATCH_BYTES = 0x1000;
/** Points into the middle of the scratch memory. */
const BASE = 8;
const STACK = 2;
/** The trap handler's own. */
const [X5, X6] = [5, 6];
/** Integer operands and results. */
const INTEGERS = [10, 11, 12, 13, 14, 15];
const [FFLAGS, FRM, FCSR, MSTATUS, MTVEC, MEPC] = [0x001, 0x002, 0x003, 0x300, 0x305, 0x341];
const FS = 0x6000;

const fmvWX = rType(0x53, 0, 0x78);

const floats = (xlen: Xlen) =>
  allInstructions().filter(
    one =>
      one.extensions.some(name => name === 'f' || name === 'd') &&
      (one.xlen === undefined || one.xlen === xlen),
  );

function randomInstruction(random: Random, instruction: RiscvInstruction): number {
  const { format, mask, match, name } = instruction;
  const put = (value: number, shift: number, width: number) =>
    ((value & ((1 << width) - 1)) << shift) & ~mask;
  if (format === 'I' || format === 'S') {
    const offset = random.between(-0x400, 0x3f0) & (random.chance(80) ? ~7 : ~0);
    const register = random.below(32);
    const fields =
      format === 'I'
        ? put(offset, 20, 12) | put(register, 7, 5)
        : put(offset >> 5, 25, 7) | put(offset, 7, 5) | put(register, 20, 5);
    return (match | fields | put(BASE, 15, 5)) >>> 0;
  }
  const source = /^fmv\.[wd]\.x|^fcvt\.[sd]\.[wl]/.test(name) ? random.pick(INTEGERS) : random.below(32);
  let word = match | put(source, 15, 5) | put(random.below(32), 20, 5);
  word |= put(writesFloat(instruction) ? random.below(32) : random.pick(INTEGERS), 7, 5);
  if (format === 'R4') word |= put(random.below(32), 27, 5);
  if (format === 'R4' || format === 'R-rounding') {
    word |= put(random.chance(70) ? 7 : random.chance(90) ? random.below(5) : random.between(5, 6), 12, 3);
  }
  return word >>> 0;
}

/** One of F and D, its memory operands aligned: of others QEMU 7.2 reports another address. */
export function alignedInstruction(random: Random, xlen: Xlen): number {
  const instruction = random.pick(floats(xlen));
  const word = randomInstruction(random, instruction);
  if (instruction.format === 'I') return (word & ~(7 << 20)) >>> 0;
  return instruction.format === 'S' ? (word & ~(7 << 7)) >>> 0 : word;
}

/** c.fld, c.fsd and their stack forms; on RV32 those of single precision as well. */
function randomCompressed(random: Random, xlen: Xlen): number {
  const single = xlen === 32 && random.chance(50);
  const stack = random.chance(50);
  const stores = random.chance(50);
  const funct3 = (single ? 3 : 1) + (stores ? 4 : 0);
  const fields = random.below(1 << 11) << 2;
  const half = (funct3 << 13) | (stack ? fields | 2 : (fields & ~0x0380) | ((BASE - 8) << 7));
  return half & 0xffff;
}

/**
 * Sets mstatus.FS, then writes an f register: in QEMU a comparison that raises a flag does not make clean state
 * dirty, which the manual asks for.
 */
function switchFloat(random: Random): number[] {
  const state = random.pick([0, 1, 2, 3]);
  const set = [CSR_OPS.csrrc(0, MSTATUS, X6), lui(X5, state * 2), CSR_OPS.csrrs(0, MSTATUS, X5)];
  return [lui(X6, FS >> 12), ...set, fmvWX(random.below(32), random.pick(INTEGERS), 0)];
}

/**
 * Random F and D instructions with loads, stores and changes of rounding mode, flags and mstatus.FS between
 * them; traps are passed over. All f registers are stored in the end.
 */
export function floatProgram(random: Random, seed: number, xlen: Xlen, length: number): RandomProgram {
  const instructions = floats(xlen);
  const { addi, andi } = IMMEDIATE_OPS;
  const { csrrs, csrrw } = CSR_OPS;
  const { csrrwi } = CSR_OPS_IMMEDIATE;
  const fld = instructions.find(one => one.name === 'fld')!;
  const fsd = instructions.find(one => one.name === 'fsd')!;
  const load = (register: number, offset: number) =>
    (fld.match | ((offset & 0xfff) << 20) | (BASE << 15) | (register << 7)) >>> 0;
  const save = (register: number, offset: number) =>
    (fsd.match | (((offset >> 5) & 0x7f) << 25) | (register << 20) | (BASE << 15) | ((offset & 31) << 7)) >>>
    0;

  const all = Array.from({ length: 32 }, (_, register) => register);
  const body: number[] = [];
  while (body.length < length) {
    const kind = random.below(100);
    if (kind < 55) body.push(randomInstruction(random, random.pick(instructions)));
    else if (kind < 70) body.push(csrrs(random.pick(INTEGERS), FCSR, 0));
    else if (kind < 78) body.push(randomCompressed(random, xlen));
    else if (kind < 88) body.push(load(random.below(32), random.between(-128, 126) * 8));
    else if (kind < 92) body.push(csrrwi(random.pick(INTEGERS), FRM, random.below(8)));
    else if (kind < 95) body.push(csrrwi(random.pick(INTEGERS), FFLAGS, random.below(32)));
    else if (kind < 97) body.push(csrrw(random.pick(INTEGERS), FCSR, random.pick(INTEGERS)));
    else body.push(...switchFloat(random));
  }
  const start = [
    auipc(X5, 0),
    addi(X5, X5, HANDLER - CODE),
    csrrw(0, MTVEC, X5),
    lui(X6, FS >> 12),
    csrrs(0, MSTATUS, X6),
    auipc(BASE, 0),
    lui(X5, (SCRATCH - CODE) >> 12),
    REGISTER_OPS.add(BASE, BASE, X5),
    addi(BASE, BASE, 0x7ec),
    addi(STACK, BASE, -0x400),
    csrrwi(0, FCSR, 0),
    ...all.map(register => load(register, -8 * (register + 1))),
    ...INTEGERS.map((register, i) => LOADS.lw(register, BASE, 8 * i)),
  ];
  // mepc past the instruction: two bytes when its low bits say so.
  const handler = [
    csrrs(X5, MEPC, 0),
    LOADS.lhu(X6, X5, 0),
    andi(X6, X6, 3),
    addi(X6, X6, -3),
    IMMEDIATE_OPS.sltiu(X6, X6, 1),
    REGISTER_OPS.add(X6, X6, X6),
    addi(X6, X6, 2),
    REGISTER_OPS.add(X5, X5, X6),
    csrrw(0, MEPC, X5),
    MRET,
  ];
  const finish = [
    lui(X6, FS >> 12),
    csrrs(0, MSTATUS, X6),
    ...all.map(register => save(register, 8 * register)),
  ];
  const main = assemble([...body, ...finish, jal(0, 0)]);
  start.push(jal(0, BODY - (CODE + start.length * 4)));
  const bytes = new Uint8Array(BODY - CODE + main.length);
  bytes.set(assemble(start), 0);
  bytes.set(assemble(handler), HANDLER - CODE);
  bytes.set(main, BODY - CODE);
  if (start.length * 4 > HANDLER - CODE) throw new Error('the prologue does not fit');

  const scratch = random.bytes(SCRATCH_BYTES);
  const view = new DataView(scratch.buffer);
  for (let at = 0; at < SCRATCH_BYTES; at += 8) {
    const single = random.chance(50);
    const bits = randomOperand(random, single ? F32 : F64);
    view.setBigUint64(at, single ? bits | (0xffffffffn << 32n) : bits, true);
  }
  return {
    seed,
    xlen,
    bytes,
    address: CODE,
    entry: CODE,
    scratch: { bytes: scratch, address: SCRATCH },
    end: CODE + bytes.length - 4,
    maxSteps: 20 * length,
  };
}
