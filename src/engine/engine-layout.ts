import { type CommonPlan, DECODE_ENTRY_BYTES, type MemoryPlan, PAGE_SHIFT } from '../memory/memory-plan.js';

/**
 * What generated code and TypeScript agree on: offsets in the control block, in a hart's state and in TLBs.
 */

/** Control block. */
export const CONTROL = {
  /** i32: steps the running hart may still take. The host may lower it to reach a boundary sooner. */
  budget: 0,
  /** i32: which compiled code may be entered in this run, a number of `REGION_VARIANT`. */
  variant: 4,
  /** i32: the table's function that was entered last. */
  lastRegion: 8,
  /** i32: the budget that was left when it was left. */
  lastBudget: 12,
  /** Two words each: stores at less than `watchSpan` bytes from `watchStart` on may touch what is watched. */
  watchStart: 16,
  watchSpan: 24,
  /** The same for loads of code that uses physical addresses; elsewhere watched pages are in no TLB. */
  loadWatchStart: 32,
  loadWatchSpan: 40,
  /** i32 each: the TLB banks that the running hart uses. The host sets them when they change within a run. */
  fetchTlb: 48,
  dataTlb: 52,
  /**
   * i32: host address that the running hart's last reserving load read, plus a quarter of its size; the host sets it
   * to 0.
   */
  reservedAt: 56,
} as const;
/** Of what stands at `reservedAt`: the quarter of the size. */
export const RESERVED_SIZE_MASK = 3;

/** What compiled code takes for granted about the hart that runs it. */
export const REGION_VARIANT = {
  /** No compiled code in this run. */
  none: -1,
  /** Addresses are physical and nothing is protected: no TLB on the way to RAM. */
  bare: 0,
  /** Everything else: through the software TLB. */
  translated: 1,
  /** As `bare`, and loads look whether they touch what is watched. */
  bareWatched: 2,
} as const;
export type RegionVariant = (typeof REGION_VARIANT)[keyof typeof REGION_VARIANT];

/** A TLB bank: three direct-mapped tables, one for each kind of access. */
const TLB_ENTRIES = 1024;
const TLB_ENTRY_SHIFT = 4;
export const TLB_ENTRY_BYTES = 1 << TLB_ENTRY_SHIFT;
const TLB_TABLE_BYTES = TLB_ENTRIES << TLB_ENTRY_SHIFT;
export const TLB_BANK_BYTES = 3 * TLB_TABLE_BYTES;
export const TLB_TABLE = { load: 0, store: TLB_TABLE_BYTES, fetch: 2 * TLB_TABLE_BYTES } as const;
/** Entry: 8-byte tag (virtual page; all ones: invalid), then an i32: host minus virtual address, or a decoded page. */
export const TLB_VALUE = 8;
/** Shifting a virtual address right by this and masking gives the entry's byte offset. */
export const TLB_INDEX_SHIFT = PAGE_SHIFT - TLB_ENTRY_SHIFT;
export const TLB_INDEX_MASK = (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT;

/**
 * A predecoded instruction, 8 bytes: operation, distance to the next entry, number of the result, taken jumps to it
 * modulo 256, then as its `OperandLayout` says: a 32-bit immediate; or the first and second source (times 8) and a
 * 16-bit immediate; or three sources and the modifier.
 */
export const ENTRY = {
  operation: 0,
  step: 1,
  result: 2,
  hotness: 3,
  first: 4,
  second: 5,
  immediate16: 6,
  third: 6,
  /** What tells instructions apart that share an operation. */
  number: 6,
  modifier: 7,
  immediate32: 4,
} as const;
/** Registers take 8 bytes. */
export const REGISTER_SHIFT = 3;
/** Entries stand for halfwords: pc offset times this gives the entry's offset. */
export const ENTRY_SCALE_SHIFT = Math.log2(DECODE_ENTRY_BYTES / 2);

/** Operations that are not instructions. Zero is what a fresh entry holds. */
export const PSEUDO_OPERATION = {
  undecoded: 0,
  pageEnd: 1,
  /** A 4-byte instruction that continues on the next page. */
  crossPage: 2,
  breakpoint: 3,
  illegal: 4,
  /** A compiled region can be entered here; its mark tells which. */
  region: 5,
} as const;
export const FIRST_INSTRUCTION = 6;
/** An operation is a byte. */
export const MOST_OPERATIONS = 256;

/**
 * What stands beside each slot of a predecoded page where a region is entered: the operation and the region's entry.
 */
export const MARK = { operation: 1, entry: 2 } as const;
/** Slots are twice as far apart as their marks. */
export const MARK_SHIFT = 1;
export const markOf = (plan: MemoryPlan, slot: number) => plan.marks + ((slot - plan.decode) >>> MARK_SHIFT);

/** An entry into a region: the virtual page it is for (8 bytes), the variant, the table's function, the block in it. */
export const REGION_ENTRY = { page: 0, variant: 8, function: 12, selector: 16 } as const;
export const REGION_ENTRY_SHIFT = 5;
export const REGION_ENTRIES = 1 << 15;
export const REGION_FUNCTIONS = 1 << 12;
/** A region: `(hart, fetchTlb, dataTlb, budget, selector)` -> budget left. Stores pc only when it used budget. */
export const REGION_PARAMETERS = ['i32', 'i32', 'i32', 'i32', 'i32'] as const;

/** Flags beside the size, in calls to the host's `load` and `store`. */
export const ACCESS_FLAG = { plain: 0, atomic: 16, reserved: 32, conditional: 64 } as const;
export const ACCESS_SIZE_MASK = 15;
/** Beside the size in calls to the host's `list`: registers are stored. */
export const LIST_STORES = 16;

/** Host addresses below this are the mailbox: a store there has to be committed by the host. */
export const mailboxEnd = (plan: CommonPlan) => plan.mailbox + 64;

/** What generated code calls. Before each call the hart's pc and the budget are written back. */
export interface EngineHost {
  /** Resolves the hart's pc for fetching; 1: the fetch TLB now has an entry, 0: leave. */
  fetch(): number;
  /** Decodes the entry at this address; 1: done, 0: leave. */
  decode(entry: number): number;
  /** Decodes the instruction at the hart's pc, which crosses a page; its entry's address, or 0: leave. */
  cross(): number;
  /** A breakpoint entry is about to run: the operation to run, or -1: leave. */
  breakpoint(entry: number): number;
  /** Host address of the bytes to load (perhaps the mailbox), or 0: leave. */
  load(access: number, low: number, high: number): number;
  /** Host address where to store; the mailbox when `commit` has to follow; 0: leave. */
  store(access: number, low: number, high: number): number;
  commit(): void;
  /**
   * A special instruction that generated code leaves to the host, with the words that it was emitted with. It may
   * change the data TLB. 1: the result is in the mailbox, 0: leave.
   */
  special(a: number, b: number, c: number, d: number, e: number, f: number): number;
  /**
   * Loads or stores all registers that `registers` has bits for, from an address on: see the statement `list`. `access`
   * is the size, with `LIST_STORES`; `file` is the offset of the register file. 1: retire, 0: leave.
   */
  list(access: number, file: number, registers: number, low: number, high: number): number;
  /** A system operation, by its position in the engine's list; 1: retire, 0: leave. */
  system(operation: number): number;
  /** An illegal instruction; always leaves. */
  illegal(): number;
  /** An instruction ended elsewhere than at the next one, or not at all. 1: go on at the hart's pc, 0: leave. */
  resume(): number;
  /** This entry, where the hart is, was jumped to often. */
  hot(entry: number): void;
}

/** Told by harts of code that runs often. */
export interface HotCode {
  /** The code at this predecoded entry, virtual address low and high, would be worth compiling. */
  hot(entry: number, low: number, high: number, fetchTlb: number, variant: RegionVariant): void;
}

/** `run(hart, fetchTlb, dataTlb, budget)`: 0 when the budget is used up, 1 when the host asked to leave. */
export type RunFunction = (hart: number, fetchTlb: number, dataTlb: number, budget: number) => number;
