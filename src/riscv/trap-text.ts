/** Exceptions in words, for people. */
import type { LackingInstruction, TrapText } from '../machine/hart.js';
import type { TakenTrap } from '../machine/trap-loop.js';
import { lackingFor } from './lacking.js';
import { type HartConfig, PRIVILEGE } from './privileged.js';

/** Exception codes, privileged spec table 3.6: as users read them, and what mtval holds (3.1.16). */
const CAUSES: Readonly<
  Record<number, { readonly text: string; readonly value?: 'address' | 'instruction' }>
> = {
  0: { text: 'misaligned instruction address', value: 'address' },
  1: { text: 'instruction access fault' },
  2: { text: 'illegal instruction', value: 'instruction' },
  3: { text: 'breakpoint (ebreak)' },
  4: { text: 'misaligned load', value: 'address' },
  5: { text: 'load access fault', value: 'address' },
  6: { text: 'misaligned store or atomic', value: 'address' },
  7: { text: 'store or atomic access fault', value: 'address' },
  8: { text: 'ecall from user mode' },
  9: { text: 'ecall from supervisor mode' },
  11: { text: 'ecall from machine mode' },
  12: { text: 'instruction page fault' },
  13: { text: 'load page fault', value: 'address' },
  15: { text: 'store or atomic page fault', value: 'address' },
};

export function describeTrap(config: HartConfig, trap: Readonly<TakenTrap>): TrapText {
  const { text, value } = CAUSES[trap.cause] ?? { text: `exception ${trap.cause}` };
  const number = hex(trap.valueHigh, trap.valueLow);
  let what = text;
  if (value === 'address') what += ` of ${number}`;
  let lacking: LackingInstruction | undefined;
  if (value === 'instruction') {
    lacking = lackingFor(config, trap.valueLow);
    const bits = instructionText(trap.valueLow);
    what += lacking === undefined ? ` ${bits}` : ` ${lacking.name} (${lacking.extension}, ${bits})`;
  }
  const vector = trap.handlerMode === PRIVILEGE.supervisor ? 'stvec' : 'mtvec';
  const handler = hex(trap.handlerHigh, trap.handlerLow);
  return { what, handler: `${vector} is ${handler === '0x0' ? '0' : handler}`, lacking };
}

const instructionText = (bits: number): string =>
  `0x${(bits >>> 0).toString(16).padStart((bits & 3) === 3 ? 8 : 4, '0')}`;

const hex = (high: number, low: number): string =>
  `0x${high === 0 ? low.toString(16) : high.toString(16) + low.toString(16).padStart(8, '0')}`;
