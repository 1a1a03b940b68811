/** An instruction that may leave - by a trap, a missing translation - does so before it has changed anything. */
import { describe, expect, test } from 'vitest';
import { add, compare, constant, load } from '../../src/engine/expressions.js';
import { type Statement, semantics, set, when } from '../../src/engine/semantics.js';
import { rs1, rs2, X } from '../../src/riscv/isa/operands.js';

const effect = set(X, rs1);
const condition = compare('eq', rs1, rs2);
const leaves: readonly (readonly [string, Statement])[] = [
  ['a load', set(X, load(4, true, rs1))],
  ['a load within an expression', set(X, add(rs2, load(4, true, rs1)))],
  ['a store', { kind: 'store', size: 4, address: rs1, value: rs2 }],
  ['a demand', { kind: 'require', condition }],
  ['a system operation', { kind: 'system', operation: 'x' }],
  ['a list', { kind: 'list', direction: 'store', file: X, size: 8, address: rs1 }],
];

describe.each(leaves)('%s', (_, leaving) => {
  const refused = new RegExp(`${leaving.kind} may leave behind an effect`);

  test('may come first, and not behind an effect', () => {
    expect(semantics(leaving).statements).toEqual([leaving]);
    expect(() => semantics(effect, leaving)).toThrow(refused);
    expect(() => semantics(when(condition, effect), leaving)).toThrow(/may leave/);
    expect(() => semantics(effect, when(condition, leaving))).toThrow(/may leave/);
    expect(() => semantics(when(condition, effect, leaving))).toThrow(refused);
  });
});

test('what only changes something may come in any number', () => {
  const again = set(X, add(rs1, constant(1)));
  expect(semantics(effect, again, when(condition, effect), again).statements).toHaveLength(4);
  expect(
    semantics({ kind: 'require', condition }, set(X, load(8, true, rs2)), again).statements,
  ).toHaveLength(3);
});
