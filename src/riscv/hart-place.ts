/** Where a hart is in its program, and in what mode. */
import type { CodeReader, HartContext } from '../machine/hart.js';
import type { HartState } from './hart-state.js';
import { PRIVILEGE } from './privileged.js';
import { REGISTER_NUMBER } from './registers.js';

const STACK = 2 * REGISTER_NUMBER.sp;
/** By the values of WAITING. */
const WAITING_FOR: readonly (string | undefined)[] = [
  undefined,
  'interrupt',
  'the end of its call by semihosting',
];
const PRIVILEGE_NAMES = ['user', 'supervisor', '', 'machine'];
/** mret and sret (privileged spec 3.3.2). */
const TRAP_RETURNS: ReadonlySet<number> = new Set([0x30200073, 0x10200073]);

export function contextOf(hart: number, { pc, x, privilege }: HartState): HartContext {
  const [pcLow, pcHigh] = pc;
  return { hart, pcLow, pcHigh, spLow: x[STACK], spHigh: x[STACK + 1], mode: privilege };
}

export const standsIn = ({ pc, x, privilege }: HartState, context: HartContext): boolean =>
  context.pcLow === pc[0] &&
  context.pcHigh === pc[1] &&
  context.spLow === x[STACK] &&
  context.spHigh === x[STACK + 1] &&
  context.mode === privilege;

export const endsHandler = ({ pc, privilege }: HartState, memory: CodeReader): boolean =>
  privilege !== PRIVILEGE.user && memory.readMemory(pc[0], pc[1], 4) && TRAP_RETURNS.has(memory.low);

export function describe({ privilege, waiting }: HartState): string {
  const mode = `${PRIVILEGE_NAMES[privilege]} mode`;
  const why = WAITING_FOR[waiting];
  return why === undefined ? mode : `waiting for ${why}, ${mode}`;
}
