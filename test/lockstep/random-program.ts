import type { Xlen } from '../support/qemu.js';
import * as asm from './encode.js';
import { BASE, type Piece, STACK } from './piece.js';
import { Random } from './random.js';
import { randomPiece } from './random-pieces.js';

export interface RandomProgram {
  readonly seed: number;
  readonly xlen: Xlen;
  readonly bytes: Uint8Array;
  /** Physical address of `bytes`, and the first instruction. */
  readonly address: number;
  readonly entry: number;
  /** Data the program works on, loaded with it. */
  readonly scratch: { readonly bytes: Uint8Array; readonly address: number };
  /** The program ends here, in a jump to itself. */
  readonly end: number;
  readonly maxSteps: number;
}

export interface RandomProgramOptions {
  readonly seed: number;
  readonly xlen: Xlen;
  /** Pieces of one to eight instructions between prologue and end; 150 when absent. */
  readonly length?: number;
  /** Kinds of pieces left out, by their name in random-pieces.ts. */
  readonly without?: readonly string[];
}

const CODE = 0x8000_0000;
const SCRATCH = 0x8001_0000;
const SCRATCH_BYTES = 0x3000;
/** Where the trap handler saves its two registers. */
const SAVE_AREA = SCRATCH + 0x2000;

/** BASE points at a page boundary, with scratch memory for every 12-bit offset on both sides. */
const BASE_VALUE = SCRATCH + 0x1000;
const STACK_VALUE = SCRATCH + 0x100;

const { csrrw, csrrs } = asm.CSR_OPS;
const { addi, andi, sltiu } = asm.IMMEDIATE_OPS;
const MTVEC = 0x305;
const MSCRATCH = 0x340;
const MEPC = 0x341;
const MCAUSE = 0x342;
const MTVAL = 0x343;

export function randomProgram(options: RandomProgramOptions): RandomProgram {
  const { seed, xlen } = options;
  const random = new Random(seed);
  const store = xlen === 64 ? asm.STORES_64.sd : asm.STORES.sw;
  const load = xlen === 64 ? asm.LOADS_64.ld : asm.LOADS.lw;
  const width = xlen / 8;

  const body: Piece[] = [];
  const length = options.length ?? 150;
  while (body.length < length) body.push(randomPiece(random, xlen, options.without ?? []));

  const handler = assembleHandler(load, store, width);
  const table = initialRegisters(random, xlen);
  const prologue = assemblePrologue(load, width);

  // The table of initial values comes last, 8-byte aligned; the handler before it, 4-byte aligned for mtvec.
  const starts: number[] = [];
  let at = CODE + prologue.length;
  for (const piece of body) {
    starts.push(at);
    at += piece.length;
  }
  const end = at;
  starts.push(end);
  const handlerAt = Math.ceil((end + 4) / 4) * 4;
  const tableAt = Math.ceil((handlerAt + handler.length * 4) / 8) * 8;

  const image = new Uint8Array(tableAt - CODE + table.length);
  const place = (bytes: Uint8Array, address: number): void => image.set(bytes, address - CODE);
  place(asm.assemble(prologue.encode(handlerAt, tableAt)), CODE);
  body.forEach((piece, index) => {
    const ahead = (skip: number) => starts[Math.min(index + 1 + skip, body.length)]!;
    const code = asm.assemble(piece.encode(starts[index]!, ahead));
    if (code.length !== piece.length)
      throw new Error(`a piece of ${piece.length} bytes came out as ${code.length}`);
    place(code, starts[index]!);
  });
  place(asm.assemble([asm.jal(0, 0)]), end);
  place(asm.assemble(handler), handlerAt);
  place(table, tableAt);
  return {
    seed,
    xlen,
    bytes: image,
    address: CODE,
    entry: CODE,
    scratch: { bytes: random.bytes(SCRATCH_BYTES), address: SCRATCH },
    end,
    maxSteps: 40 * length,
  };
}

/** Handler, save area, PMP open to U mode, no interrupts, every register from the table. */
function assemblePrologue(load: typeof asm.LOADS.lw, width: number) {
  const encode = (handlerAt: number, tableAt: number): number[] => {
    const code: number[] = [];
    const address = (register: number, target: number) => {
      code.push(...asm.loadAddress(register, target, CODE + code.length * 4));
    };
    address(5, handlerAt);
    code.push(csrrw(0, MTVEC, 5));
    address(5, SAVE_AREA);
    code.push(csrrw(0, MSCRATCH, 5));
    for (const csr of [0x300, 0x304, MEPC, MCAUSE, MTVAL, 0x306]) code.push(csrrw(0, csr, 0));
    // pmpaddr0 all ones, NAPOT, RWX: all of memory.
    code.push(addi(5, 0, -1), csrrw(0, 0x3b0, 5), addi(5, 0, 0x1f), csrrw(0, 0x3a0, 5));
    // No reservation is left from the program before.
    address(5, SAVE_AREA);
    code.push(asm.sc_w(0, 5, 0));
    address(31, tableAt);
    for (let register = 1; register < 31; register++) code.push(load(register, 31, register * width));
    code.push(load(31, 31, 31 * width));
    return code;
  };
  return { length: encode(0, 0).length * 4, encode };
}

/** Skips the instruction that trapped; after a jump to where no code can be, returns to ra. */
function assembleHandler(load: typeof asm.LOADS.lw, store: typeof asm.STORES.sw, width: number): number[] {
  const skip = [
    csrrs(30, MTVAL, 0),
    csrrs(30, MEPC, 0),
    asm.LOADS.lhu(29, 30, 0),
    andi(29, 29, 3),
    addi(29, 29, -3),
    sltiu(29, 29, 1),
    asm.SHIFTS.slli(29, 29, 1),
    addi(29, 29, 2),
    asm.REGISTER_OPS.add(30, 30, 29),
    csrrw(0, MEPC, 30),
  ];
  return [
    csrrw(31, MSCRATCH, 31),
    store(30, 31, 0),
    store(29, 31, width),
    csrrs(30, MCAUSE, 0),
    addi(29, 0, 1),
    asm.BRANCHES.bne(30, 29, 12),
    csrrw(0, MEPC, 1),
    asm.jal(0, 4 * (skip.length + 1)),
    ...skip,
    load(29, 31, width),
    load(30, 31, 0),
    csrrw(31, MSCRATCH, 31),
    asm.MRET,
  ];
}

function initialRegisters(random: Random, xlen: Xlen): Uint8Array {
  const table = new DataView(new ArrayBuffer((32 * xlen) / 8));
  for (let register = 1; register < 32; register++) {
    let value = interestingValue(random);
    if (register === STACK) value = BigInt(STACK_VALUE);
    if (register === BASE) value = BigInt(BASE_VALUE);
    if (xlen === 64) table.setBigUint64(register * 8, BigInt.asUintN(64, value), true);
    else table.setUint32(register * 4, Number(BigInt.asUintN(32, value)), true);
  }
  return new Uint8Array(table.buffer);
}

function interestingValue(random: Random): bigint {
  const full = (BigInt(random.word()) << 32n) | BigInt(random.word());
  return random.pick([
    0n,
    1n,
    -1n,
    -2n,
    0x7fff_ffffn,
    -0x8000_0000n,
    0x8000_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0x7fff_ffff_ffff_ffffn,
    -0x8000_0000_0000_0000n,
    1n << BigInt(random.below(64)),
    BigInt(random.between(-2048, 2047)),
    BigInt(random.word()),
    full,
    full,
  ]);
}
