import { bytes, count, defineState, type StateOf, u8, u32, u64, u64s } from '../state/layout.js';

/** What a hart sleeps for: an interrupt, in wfi, or the end of a call by semihosting. */
export const WAITING = { nothing: 0, interrupt: 1, semihosting: 2 } as const;

/** Everything a hart holds. Values of XLEN bits use 64-bit fields on RV32 too, high word zero. */
export const HART_STATE = defineState('hart', {
  /** x0..x31, and the discarding slot that generated code writes for rd = x0 (zero between runs). */
  x: u64s(33),
  pc: u64(),
  f: u64s(32),
  fcsr: u32(),
  privilege: u8(3),
  /** Why it sleeps: a value of WAITING. */
  waiting: u8(),
  /** Steps this hart has taken, and how many of them were trap or interrupt entries. */
  steps: count(),
  trapEntries: count(),
  /** LR/SC reservation: virtual address, all ones when there is none; and the value that was loaded. */
  reservedAddress: u64(0xffffffff, 0xffffffff),
  reservedValue: u64(),

  mstatus: u64(),
  medeleg: u64(),
  mideleg: u64(),
  mie: u64(),
  /** Interrupt lines as devices drive them, by bit as in mip. */
  lines: u32(),
  /** Pending bits that software set: SSIP, STIP, SEIP. */
  softwarePending: u32(),
  mtvec: u64(),
  mcounteren: u32(),
  mcountinhibit: u32(),
  mscratch: u64(),
  mepc: u64(),
  mcause: u64(),
  mtval: u64(),
  menvcfg: u64(),
  /** What mcycle and minstret are ahead of the step counts; the value itself while inhibited. */
  mcycleOffset: u64(),
  minstretOffset: u64(),
  pmpcfg: bytes(16),
  pmpaddr: u64s(16),

  stvec: u64(),
  scounteren: u32(),
  senvcfg: u64(),
  sscratch: u64(),
  sepc: u64(),
  scause: u64(),
  stval: u64(),
  satp: u64(),
});

export type HartState = StateOf<typeof HART_STATE>;
