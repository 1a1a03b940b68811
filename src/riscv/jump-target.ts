/** Where a jump or branch goes that cannot be carried out: unprivileged spec 2.5. */
import type { Decoded } from '../engine/instruction-set.js';
import type { HartState } from './hart-state.js';
import { decodeOperands, OPCODE } from './isa/encoding.js';

type Operands = Omit<Decoded, 'instruction'>;

const FORMATS: Readonly<Record<number, 'J' | 'I' | 'B'>> = {
  [OPCODE.jal]: 'J',
  [OPCODE.jalr]: 'I',
  [OPCODE.branch]: 'B',
};

/** The target of the instruction at pc, as two words. */
export function jumpTarget(state: HartState, word: number, xlen: 32 | 64): readonly [number, number] {
  const operands: Operands = {
    result: 0,
    first: 0,
    second: 0,
    third: 0,
    modifier: 0,
    immediate: 0,
    length: 4,
  };
  decodeOperands(FORMATS[word & 0x7f], word, operands as Decoded);
  const { first, immediate } = operands;
  const indirect = (word & 0x7f) === OPCODE.jalr;
  const [low, high] = indirect ? [state.x[2 * first], state.x[2 * first + 1]] : [state.pc[0], state.pc[1]];
  const sum = low + (immediate >>> 0);
  const carry = sum >= 2 ** 32 ? 1 : 0;
  const target = indirect ? (sum & ~1) >>> 0 : sum >>> 0;
  return [target, xlen === 32 ? 0 : (high + (immediate >> 31) + carry) >>> 0];
}
