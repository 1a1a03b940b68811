import type { Xlen } from '../support/qemu.js';
import * as asm from './encode.js';
import { initialTables, type PagingPlan, pagingPiece, VIRTUAL_BASE } from './paging-pieces.js';
import { BASE, type Piece, plain, STACK } from './piece.js';
import { Random } from './random.js';
import { dropPrivilege, randomPiece } from './random-pieces.js';

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
  /** For a hart with S mode: the program runs behind page tables, in S or U mode or in M mode with MPRV. */
  readonly paging?: boolean;
  /** Page tables change without fences, too: QEMU is no judge of such programs. */
  readonly careless?: boolean;
  /** Instructions that come in between, on a hart whose mstatus.FS is dirty. */
  readonly float?: (random: Random) => number;
  /** More pieces that come in between. */
  readonly also?: (random: Random) => Piece;
  /** Trap handlers do not look at what mtval and stval hold. */
  readonly blindToValues?: boolean;
  /** Kinds of pieces left out, by their name in random-pieces.ts; 'pmp' for programs behind PMP regions. */
  readonly without?: readonly string[];
}

/** Somewhere here, so that most programs cross a page boundary. */
const FIRST_CODE = 0x8000_0c00;
const SCRATCH = 0x8001_0000;
const SCRATCH_BYTES = 0x3000;
/** Page tables of programs with paging. */
const ROOT_TABLE = 0x8002_0000;
/** Where the trap handler saves its two registers. */
const SAVE_AREA = SCRATCH + 0x2000;

/** BASE points at a page boundary, with scratch memory for every 12-bit offset on both sides. */
const BASE_VALUE = SCRATCH + 0x1000;
const STACK_VALUE = SCRATCH + 0x100;

const { csrrw, csrrs } = asm.CSR_OPS;
const { addi, andi, sltiu } = asm.IMMEDIATE_OPS;
const MSTATUS = 0x300;
const FS_DIRTY = 0x6000;
const MTVEC = 0x305;
const MSCRATCH = 0x340;
const MEPC = 0x341;
const MCAUSE = 0x342;
const MTVAL = 0x343;
const SATP = 0x180;
const SRET = 0x10200073;
const MACHINE_TRAP = {
  tvec: MTVEC,
  scratch: MSCRATCH,
  epc: MEPC,
  cause: MCAUSE,
  tval: MTVAL,
  back: asm.MRET as number,
};
const SUPERVISOR_TRAP: typeof MACHINE_TRAP = {
  tvec: 0x105,
  scratch: 0x140,
  epc: 0x141,
  cause: 0x142,
  tval: 0x143,
  back: SRET,
};

export function randomProgram(options: RandomProgramOptions): RandomProgram {
  const { seed, xlen } = options;
  const random = new Random(seed);
  const store = xlen === 64 ? asm.STORES_64.sd : asm.STORES.sw;
  const load = xlen === 64 ? asm.LOADS_64.ld : asm.LOADS.lw;
  const width = xlen / 8;

  const paging = options.paging ? pagingPlan(random, xlen, options.careless === true) : undefined;
  const without = [...(options.without ?? [])];
  // With S mode, not all encodings that the IMAC hart refuses are illegal. QEMU 7.2 does not clear MPRV in mret,
  // and mixes up the translations of M mode and of MPRV: no page is fetched from that is not accessed alike.
  if (paging) without.push('illegal', 'pmp', 'drop-privilege');
  if (paging?.lent) without.push('wild-jump');
  const code = FIRST_CODE + random.below(512) * 2;
  const length = options.length ?? 150;

  // A third runs in U mode behind random PMP regions: without misaligned accesses, which QEMU checks in parts.
  const behindPmp = random.chance(33) && !without.includes('pmp');
  const regions = behindPmp ? [scratchRegion(random), scratchRegion(random), scratchRegion(random)] : [];
  const body: Piece[] = behindPmp ? [dropPrivilege(random)] : [];
  if (options.float) body.push(plain(...asm.loadConstant(31, FS_DIRTY), csrrs(0, MSTATUS, 31)));
  if (paging) body.push(enterPaging(paging));
  while (body.length < length) {
    if (options.float && random.chance(30)) body.push(plain(options.float(random)));
    else if (options.also && random.chance(40)) body.push(options.also(random));
    else if (paging && random.chance(25)) body.push(pagingPiece(random, paging));
    else body.push(randomPiece(random, xlen, without, behindPmp || paging !== undefined));
  }

  const blind = options.blindToValues === true;
  const handler = [
    ...assembleHandler(load, store, width, MACHINE_TRAP, blind),
    ...(paging ? assembleHandler(load, store, width, SUPERVISOR_TRAP, blind) : []),
  ];
  const handlerBytes = (handler.length / (paging ? 2 : 1)) * 4;
  const table = initialRegisters(random, xlen, paging ? VIRTUAL_BASE : BASE_VALUE);
  // Supervisor code cannot run on the user's pages: there, everything goes to M mode.
  const delegated = paging && !paging.user ? random.word() & 0xb3ff : 0;
  const encodePrologue = (handlerAt: number, tableAt: number) =>
    assemblePrologue(
      {
        at: code,
        handlerAt,
        supervisorHandlerAt: paging ? handlerAt + handlerBytes : undefined,
        tableAt,
        regions,
        delegated,
      },
      load,
      width,
    );

  // The table of initial values comes last, 8-byte aligned; the handler before it, 4-byte aligned for mtvec.
  const starts: number[] = [];
  let at = code + encodePrologue(0, 0).length * 4;
  for (const piece of body) {
    starts.push(at);
    at += piece.length;
  }
  const end = at;
  starts.push(end);
  const handlerAt = Math.ceil((end + 4) / 4) * 4;
  const tableAt = Math.ceil((handlerAt + handler.length * 4) / 8) * 8;

  let scratch = random.bytes(SCRATCH_BYTES);
  if (paging) {
    const tables = initialTables(random, paging);
    const both = new Uint8Array(ROOT_TABLE - SCRATCH + tables.length);
    both.set(scratch);
    both.set(tables, ROOT_TABLE - SCRATCH);
    scratch = both;
  }

  const image = new Uint8Array(tableAt - code + table.length);
  const place = (bytes: Uint8Array, address: number): void => image.set(bytes, address - code);
  place(asm.assemble(encodePrologue(handlerAt, tableAt)), code);
  body.forEach((piece, index) => {
    const ahead = (skip: number) => starts[Math.min(index + 1 + skip, body.length)]!;
    const bytes = asm.assemble(piece.encode(starts[index]!, ahead));
    if (bytes.length !== piece.length)
      throw new Error(`a piece of ${piece.length} bytes came out as ${bytes.length}`);
    place(bytes, starts[index]!);
  });
  place(asm.assemble([asm.jal(0, 0)]), end);
  place(asm.assemble(handler), handlerAt);
  place(table, tableAt);
  return {
    seed,
    xlen,
    bytes: image,
    address: code,
    entry: code,
    scratch: { bytes: scratch, address: SCRATCH },
    end,
    maxSteps: 40 * length,
  };
}

function pagingPlan(random: Random, xlen: Xlen, careless: boolean): PagingPlan {
  const lent = random.chance(20);
  return {
    xlen,
    levels: xlen === 32 ? 2 : random.pick([3, 4]),
    root: ROOT_TABLE,
    pages: [SCRATCH, SCRATCH + 0x1000, SCRATCH + 0x2000],
    user: lent || random.chance(50),
    lent,
    careless,
  };
}

/** Sets satp, then to the next piece in S or U mode, or in M mode with loads and stores of S or U mode. */
function enterPaging(plan: PagingPlan): Piece {
  const register = 31;
  const privilege = plan.user ? 0 : 1;
  const set = [
    asm.lui(register, 0x20),
    plan.lent ? csrrs(0, MSTATUS, register) : asm.NOP,
    ...(privilege === 1
      ? [addi(register, 0, 1), asm.SHIFTS.slli(register, register, 11), csrrs(0, MSTATUS, register)]
      : [asm.NOP, asm.NOP, asm.NOP]),
  ];
  const mode = plan.xlen === 32 ? 1 : plan.levels + 5;
  return {
    length: 4 * (13 + set.length),
    encode: (at, ahead) => [
      ...asm.loadAddress(register, ahead(0), at),
      csrrw(0, MEPC, register),
      addi(register, 0, mode),
      asm.SHIFTS.slli(register, register, plan.xlen === 32 ? 31 : 60),
      ...asm.loadConstant(30, plan.root / 4096),
      asm.REGISTER_OPS.or(register, register, 30),
      csrrw(0, SATP, register),
      ...asm.loadConstant(register, 0x1800),
      asm.CSR_OPS.csrrc(0, MSTATUS, register),
      ...set,
      plan.lent ? asm.jal(0, 4) : asm.MRET,
    ],
  };
}

interface PmpEntry {
  readonly address: number;
  readonly configuration: number;
}

/** Part of the scratch memory with permissions of its own; not locked, so that M mode is free of it. */
function scratchRegion(random: Random): PmpEntry {
  const NAPOT = 3 << 3;
  const NA4 = 2 << 3;
  const TOR = 1 << 3;
  // Writable but not readable is reserved.
  const permissions = random.pick([0, 1, 3, 4, 5, 7]);
  const bytes = 8 << random.below(10);
  const start = SCRATCH + 0x800 + (random.below(0x1000) & ~(bytes - 1));
  switch (random.below(4)) {
    case 0:
      return { address: start / 4, configuration: NA4 | permissions };
    case 1:
      // From the entry before it, or from 0.
      return {
        address: (SCRATCH + 0x800 + (random.below(0x1000) & ~7)) / 4,
        configuration: TOR | permissions | 4,
      };
    default:
      return { address: start / 4 + (bytes / 8 - 1), configuration: NAPOT | permissions };
  }
}

/** Handler, save area, PMP, no interrupts, every register from the table. All instructions are 4 bytes. */
function assemblePrologue(
  plan: {
    at: number;
    handlerAt: number;
    supervisorHandlerAt: number | undefined;
    tableAt: number;
    regions: readonly PmpEntry[];
    delegated: number;
  },
  load: typeof asm.LOADS.lw,
  width: number,
): number[] {
  const code: number[] = [];
  const address = (register: number, target: number) => {
    code.push(...asm.loadAddress(register, target, plan.at + code.length * 4));
  };
  address(5, plan.handlerAt);
  code.push(csrrw(0, MTVEC, 5));
  address(5, SAVE_AREA);
  code.push(csrrw(0, MSCRATCH, 5));
  if (plan.supervisorHandlerAt !== undefined) {
    address(5, plan.supervisorHandlerAt);
    code.push(csrrw(0, SUPERVISOR_TRAP.tvec, 5));
    address(5, SAVE_AREA + 64);
    code.push(csrrw(0, SUPERVISOR_TRAP.scratch, 5));
    code.push(...asm.loadConstant(5, plan.delegated), csrrw(0, 0x302, 5));
    const { epc, cause, tval } = SUPERVISOR_TRAP;
    for (const csr of [SATP, 0x303, 0x106, epc, cause, tval]) code.push(csrrw(0, csr, 0));
  }
  for (const csr of [0x300, 0x304, MEPC, MCAUSE, MTVAL, 0x306]) code.push(csrrw(0, csr, 0));

  // After the regions, all of memory is open to U mode: NAPOT, RWX, all ones.
  let configuration = 0;
  plan.regions.forEach((region, index) => {
    code.push(...asm.loadConstant(5, region.address), csrrw(0, 0x3b0 + index, 5));
    configuration |= region.configuration << (8 * index);
  });
  const last = plan.regions.length;
  configuration |= 0x1f << (8 * last);
  code.push(addi(5, 0, -1), csrrw(0, 0x3b0 + last, 5));
  code.push(...asm.loadConstant(5, configuration), csrrw(0, 0x3a0, 5));

  // No reservation is left from the program before.
  address(5, SAVE_AREA);
  code.push(asm.sc_w(0, 5, 0));
  address(31, plan.tableAt);
  for (let register = 1; register < 31; register++) code.push(load(register, 31, register * width));
  code.push(load(31, 31, 31 * width));
  return code;
}

/** Skips the instruction that trapped; after a jump to where no code can be, returns to ra. */
function assembleHandler(
  load: typeof asm.LOADS.lw,
  store: typeof asm.STORES.sw,
  width: number,
  trap: typeof MACHINE_TRAP,
  blind: boolean,
): number[] {
  const skip = [
    ...(blind ? [] : [csrrs(30, trap.tval, 0)]),
    csrrs(30, trap.epc, 0),
    asm.LOADS.lhu(29, 30, 0),
    andi(29, 29, 3),
    addi(29, 29, -3),
    sltiu(29, 29, 1),
    asm.SHIFTS.slli(29, 29, 1),
    addi(29, 29, 2),
    asm.REGISTER_OPS.add(30, 30, 29),
    csrrw(0, trap.epc, 30),
  ];
  return [
    csrrw(31, trap.scratch, 31),
    store(30, 31, 0),
    store(29, 31, width),
    csrrs(30, trap.cause, 0),
    // Instruction access fault and instruction page fault.
    addi(29, 0, 1),
    asm.BRANCHES.beq(30, 29, 12),
    addi(29, 0, 12),
    asm.BRANCHES.bne(30, 29, 12),
    csrrw(0, trap.epc, 1),
    asm.jal(0, 4 * (skip.length + 1)),
    ...skip,
    load(29, 31, width),
    load(30, 31, 0),
    csrrw(31, trap.scratch, 31),
    trap.back,
  ];
}

function initialRegisters(random: Random, xlen: Xlen, base: number): Uint8Array {
  const table = new DataView(new ArrayBuffer((32 * xlen) / 8));
  for (let register = 1; register < 32; register++) {
    let value = interestingValue(random);
    if (register === STACK) value = BigInt(STACK_VALUE);
    if (register === BASE) value = BigInt(base);
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
