/** Harts without compressed instructions: where they jump to is aligned to 4 bytes (unprivileged spec 2.5). */
import { and, choose, constant, type Expression, immediate, low } from '../../engine/expressions.js';
import { type Semantics, type Statement, semantics } from '../../engine/semantics.js';
import type { RiscvInstruction } from './encoding.js';

export const MISALIGNED_TARGET = 'misaligned-target';

const bit1 = (address: Expression) => and(low(address), constant(2, 'w'));
const trapIf = (condition: Expression): Statement => ({
  kind: 'system-when',
  condition,
  operation: MISALIGNED_TARGET,
});

/** The trap is the jump's, and of a branch only where it is taken. */
function trapFor(statement: Statement): readonly Statement[] {
  if (statement.kind === 'jump') return [trapIf(bit1(statement.target))];
  // The instruction itself is aligned.
  if (statement.kind === 'branch')
    return [trapIf(choose(bit1(immediate), statement.condition, constant(0, 'w')))];
  return [];
}

const aligned = ({ statements }: Semantics): Semantics =>
  semantics(...statements.flatMap(statement => [...trapFor(statement), statement]));

/** The same instructions on a hart where jumps to other places trap. */
export const withAlignedTargets = (instructions: readonly RiscvInstruction[]): readonly RiscvInstruction[] =>
  instructions.map(one => {
    const jumps = one.semantics.statements.some(({ kind }) => kind === 'jump' || kind === 'branch');
    return jumps ? { ...one, semantics: aligned(one.semantics) } : one;
  });
