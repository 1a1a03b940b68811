import type { Xlen } from '../support/qemu.js';
import * as asm from './encode.js';
import { type Piece, plain, STACK } from './piece.js';
import type { Random } from './random.js';

/** Two registers that these pieces may use up. */
const [FIRST, SECOND] = [28, 29];
const SATP = 0x180;
const SSTATUS = 0x100;
const SUM_OR_MXR = [0x40000, 0x80000, 0xc0000];

/** Where the tables of a program with paging stand, and what they map. Addresses below 2^31 are virtual. */
export interface PagingPlan {
  readonly xlen: Xlen;
  /** 3 or 4 on RV64, 2 on RV32. */
  readonly levels: 2 | 3 | 4;
  /** Physical address of the root; the other tables follow it, from the top down. */
  readonly root: number;
  /** Physical pages that entries point to. */
  readonly pages: readonly number[];
  /** The mode that the program runs in most. */
  readonly user: boolean;
  /** It is in M mode really, with MPRV set. */
  readonly lent: boolean;
  /** Changes entries in any mode, and often without a fence. */
  readonly careless: boolean;
}

const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128 } as const;
const PAGE = 4096;
/** The page that BASE points into the middle of, and the one before. */
export const VIRTUAL_BASE = 0x4000_1000;
/** A page of the second level: 2 MiB, or 4 MiB on RV32. */
const LARGE_PAGE = 0x4040_0000;
const UNMAPPED = 0x0800_0000;

const entryBytes = ({ xlen }: PagingPlan) => xlen / 8;
const tableOf = (plan: PagingPlan, level: number) => plan.root + (plan.levels - 1 - level) * PAGE;
const shiftOf = (plan: PagingPlan, level: number) => 12 + level * (plan.xlen === 64 ? 9 : 10);
function slotOf(plan: PagingPlan, level: number, virtual: number): number {
  const index = Math.floor(virtual / 2 ** shiftOf(plan, level)) % (plan.xlen === 64 ? 512 : 1024);
  return tableOf(plan, level) + index * entryBytes(plan);
}
const leaf = (page: number, flags: number) => BigInt(page / PAGE) * 1024n + BigInt(flags);

/** Some entry that a program may come across: mostly usable, sometimes anything. */
export function randomEntry(random: Random, plan: PagingPlan, level: 0 | 1): bigint {
  const bytes = 2 ** shiftOf(plan, level);
  let flags = PTE.v | PTE.r | (random.chance(70) ? PTE.w : 0) | (random.chance(30) ? PTE.x : 0);
  flags |= (random.chance(60) ? PTE.a : 0) | (random.chance(50) ? PTE.d : 0);
  if (plan.user !== random.chance(15)) flags |= PTE.u;
  if (random.chance(20)) flags = random.below(256);
  flags |= random.below(4) << 8;
  let page = random.pick(plan.pages);
  // QEMU 7.2 reports a table that is not there as a page fault: only leaves point nowhere.
  if ((flags & (PTE.r | PTE.x)) !== 0 && random.chance(8)) page = UNMAPPED;
  if (level === 1 && random.chance(85)) page -= page % bytes;
  // A table in place of a large page: the one that there is.
  if (level === 1 && (flags & (PTE.r | PTE.w | PTE.x)) === 0) page = tableOf(plan, 0);
  let entry = leaf(page, flags);
  if (plan.xlen === 64 && random.chance(4)) entry |= 1n << BigInt(random.between(54, 63));
  return entry;
}

/** The tables' bytes, from the root on. RAM is mapped to itself by one large page. */
export function initialTables(random: Random, plan: PagingPlan): Uint8Array {
  const bytes = new Uint8Array(plan.levels * PAGE);
  const view = new DataView(bytes.buffer);
  const set = (slot: number, entry: bigint) => {
    if (plan.xlen === 64) view.setBigUint64(slot - plan.root, entry, true);
    else view.setUint32(slot - plan.root, Number(BigInt.asUintN(32, entry)), true);
  };
  const top = plan.levels - 1;
  for (let level = top; level > 0; level--) {
    set(slotOf(plan, level, VIRTUAL_BASE), leaf(tableOf(plan, level - 1), PTE.v));
  }
  const everything = PTE.v | PTE.r | PTE.w | PTE.x | PTE.a | PTE.d | (plan.user ? PTE.u : 0);
  // With four levels the second table maps it; the root's entry 0 serves all addresses used.
  const identity = plan.levels === 4 ? 2 : top;
  set(slotOf(plan, identity, 0x8000_0000), leaf(0x8000_0000, everything));
  for (const virtual of [VIRTUAL_BASE - PAGE, VIRTUAL_BASE]) {
    set(slotOf(plan, 0, virtual), randomEntry(random, plan, 0));
  }
  set(slotOf(plan, 1, LARGE_PAGE), randomEntry(random, plan, 1));
  return bytes;
}

const sfence = (random: Random) =>
  asm.rType(0x73, 0, 0x09)(0, random.pick([0, FIRST, 5]), random.pick([0, 0, 6]));

/** Changes an entry and fences at once, if careful: without, QEMU may show what it remembers. */
function editEntry(random: Random, plan: PagingPlan): Piece {
  const [level, virtual] = random.pick([
    [0, VIRTUAL_BASE],
    [0, VIRTUAL_BASE - PAGE],
    [1, LARGE_PAGE],
  ] as const);
  const entry = randomEntry(random, plan, level);
  const slot = slotOf(plan, level, virtual);
  const fence = plan.careless && random.chance(60) ? asm.NOP : asm.rType(0x73, 0, 0x09)(0, 0, 0);
  if (plan.xlen === 32) {
    return plain(
      ...asm.loadConstant(FIRST, slot),
      ...asm.loadConstant(SECOND, Number(BigInt.asIntN(32, entry))),
      asm.STORES.sw(SECOND, FIRST, 0),
      fence,
    );
  }
  // Two halves, each followed by a fence: there is a state between them.
  const half = (shift: bigint, offset: number) => [
    ...asm.loadConstant(SECOND, Number(BigInt.asIntN(32, entry >> shift))),
    asm.STORES.sw(SECOND, FIRST, offset),
    fence,
  ];
  return plain(
    // Slots lie above 2^31: as a zero-extended number.
    ...asm.loadConstant(FIRST, slot | 0),
    asm.SHIFTS.slli(FIRST, FIRST, 32),
    asm.SHIFTS.srli(FIRST, FIRST, 32),
    ...half(0n, 0),
    ...half(32n, 4),
  );
}

function access(random: Random, plan: PagingPlan, register: number, offset: number, only = ''): number {
  const wide = plan.xlen === 64;
  const loads = Object.values(wide ? { ...asm.LOADS, ...asm.LOADS_64 } : asm.LOADS);
  const stores = Object.values(wide ? { ...asm.STORES, ...asm.STORES_64 } : asm.STORES);
  const other = random.pick([10, 11, 12, 30, 31]);
  if (only === '' && random.chance(20)) return random.pick(Object.values(asm.AMOS_W))(other, register, 12);
  return only === 'load' || random.chance(50)
    ? random.pick(loads)(other, register, offset)
    : random.pick(stores)(other, register, offset);
}

function largePage(random: Random, plan: PagingPlan): Piece {
  // Where scratch memory or nothing that matters stands; or, by way of another table, the small pages, which is
  // where the program's code may be, too.
  const index = random.pick([0, 1, 0x10, 0x11, 0x12, 0x40, 0x1ff]);
  return plain(
    asm.lui(FIRST, LARGE_PAGE / PAGE + index),
    access(random, plan, FIRST, random.between(0, 255) * 8, index < 2 ? 'load' : ''),
  );
}

/** An address with bits set where it may not be canonical. */
function strangeAddress(random: Random, plan: PagingPlan): Piece {
  const shift = random.between(0, plan.xlen - 21);
  return plain(
    asm.lui(FIRST, random.pick([0x40000, 0x80000, 0xc0001, 0x7ffff])),
    asm.SHIFTS.slli(FIRST, FIRST, shift),
    access(random, plan, FIRST, random.between(0, 255) * 8),
  );
}

function status(random: Random): Piece {
  const change = random.pick([asm.CSR_OPS.csrrs, asm.CSR_OPS.csrrc]);
  return plain(asm.lui(FIRST, random.pick(SUM_OR_MXR) / PAGE), change(SECOND, SSTATUS, FIRST));
}

/** Accesses that translation makes interesting. */
export function pagingPiece(random: Random, plan: PagingPlan): Piece {
  switch (random.below(8)) {
    case 0:
    case 1:
      // User mode cannot fence.
      return plan.user && !plan.lent && !plan.careless ? largePage(random, plan) : editEntry(random, plan);
    case 2:
      return status(random);
    case 3:
      return plain(sfence(random));
    case 4:
      return strangeAddress(random, plan);
    case 5:
      return plain(
        asm.CSR_OPS.csrrs(random.pick([10, 11]), random.pick([SATP, SSTATUS, 0x141, 0x142, 0x143]), 0),
      );
    case 6:
      return largePage(random, plan);
    default:
      return plain(
        asm.IMMEDIATE_OPS.addi(FIRST, STACK, 0),
        access(random, plan, FIRST, random.between(0, 63) * 8),
      );
  }
}
