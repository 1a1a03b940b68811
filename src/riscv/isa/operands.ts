/** The operands that RISC-V's instructions name, and the state that they use without naming it. */
import { type RegisterFile, register, type StateField } from '../../engine/expressions.js';
import { HART_STATE } from '../hart-state.js';

/** x0 is zero; slot 32 takes what is written to it. */
export const X: RegisterFile = {
  name: 'x',
  type: 'x',
  offset: HART_STATE.offsetOf('x'),
  zero: { register: 0, sink: 32 },
};
export const F: RegisterFile = { name: 'f', type: 'd', offset: HART_STATE.offsetOf('f') };

export const rs1 = register(X, 'first');
export const rs2 = register(X, 'second');
/** Of an instruction whose destination is a source. */
export const rdBefore = register(X, 'third');
export const fs1 = register(F, 'first');
export const fs2 = register(F, 'second');
export const fs3 = register(F, 'third');

const field = (name: 'pc' | 'reservedAddress' | 'reservedValue', type: 'x'): StateField => ({
  name,
  type,
  offset: HART_STATE.offsetOf(name),
});
const word = (name: 'fcsr' | 'mstatus'): StateField => ({
  name,
  type: 'w',
  offset: HART_STATE.offsetOf(name),
});

export const PC = field('pc', 'x');
/** LR/SC reservation: virtual address, all ones when there is none, and the value that was loaded. */
export const RESERVED_ADDRESS = field('reservedAddress', 'x');
export const RESERVED_VALUE = field('reservedValue', 'x');
/** Exception flags in bits 4..0, above them the rounding mode (unprivileged spec 11.2). */
export const FCSR = word('fcsr');
export const STATUS = word('mstatus');
