import { count, defineState, type StateOf, u8, u32, u64, u64s } from '../../src/state/layout.js';

/** All that a toy hart holds: 16 registers, four condition flags, a link for traps. */
export const TOY_STATE = defineState('toy', {
  r: u64s(16),
  pc: u64(),
  negative: u32(),
  zero: u32(),
  carry: u32(),
  overflow: u32(),
  /** Where the trap came from, what it was, and the address it was about. */
  link: u64(),
  cause: u32(),
  fault: u32(),
  /** 1: in a trap handler, where no interrupt is taken. */
  handling: u8(1),
  waiting: u8(),
  /** Interrupt lines, as devices drive them: a bit each. */
  lines: u8(),
  steps: count(),
});

export type ToyState = StateOf<typeof TOY_STATE>;
