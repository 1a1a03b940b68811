/** Zcmp 1.0: instructions of 16 bits that stand for several, in the place of Zcd's. Each is all done or not at all. */
import type { RiscvInstruction } from './encoding.js';
import { encodeShort, extension } from './encoding.js';
import { system } from './forms.js';

const zcmp = extension('zcmp');

const LISTED = 0xff03;
const MOVE = 0xfc63;

export const PUSH_POP: readonly RiscvInstruction[] = [
  zcmp('cm.push', encodeShort(0xb802, LISTED), system('cm.push')),
  zcmp('cm.pop', encodeShort(0xba02, LISTED), system('cm.pop')),
  zcmp('cm.popretz', encodeShort(0xbc02, LISTED), system('cm.popretz')),
  zcmp('cm.popret', encodeShort(0xbe02, LISTED), system('cm.popret')),
  zcmp('cm.mvsa01', encodeShort(0xac22, MOVE), system('cm.mvsa01')),
  zcmp('cm.mva01s', encodeShort(0xac62, MOVE), system('cm.mva01s')),
];

const RA = 1;
/** The registers that are saved, s0 to s11. */
const SAVED = [8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27] as const;
/** Fewer are reserved. */
const LEAST_LIST = 4;
const ALL_SAVED = 15;
const STACK_UNIT = 16;

/** What a push or pop is of: registers in the order of their places, and how far the stack pointer moves. */
export interface StackList {
  readonly registers: readonly number[];
  readonly adjustment: number;
}

/** Undefined: the list is reserved. */
export function stackList(half: number, xlen: 32 | 64): StackList | undefined {
  const list = (half >>> 4) & 15;
  if (list < LEAST_LIST) return undefined;
  // The list of all has two more than the one before it.
  const count = list === ALL_SAVED ? SAVED.length : list - LEAST_LIST;
  const registers = [RA, ...SAVED.slice(0, count)];
  const space = Math.ceil((registers.length * xlen) / 8 / STACK_UNIT) * STACK_UNIT;
  return { registers, adjustment: space + ((half >>> 2) & 3) * STACK_UNIT };
}

/** The saved registers that a move names. */
export const movedRegisters = (half: number): readonly [number, number] => [
  SAVED[(half >>> 7) & 7],
  SAVED[(half >>> 2) & 7],
];
