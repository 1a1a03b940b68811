/**
 * An instruction set that no machine has, to show that the engine takes any: condition flags that are set beside a
 * result, predicates, two results, lists of registers, a literal that is loaded relative to the pc.
 */
import {
  add,
  and,
  binary,
  compare,
  constant,
  type Expression,
  field,
  immediate,
  load,
  multiplyHigh,
  nextPc,
  not,
  pc,
  type RegisterFile,
  register,
  type StateField,
  sub,
  unary,
  type Variable,
  variable,
  xor,
} from '../../src/engine/expressions.js';
import type {
  Decoded,
  Instruction,
  InstructionSet,
  OperandLayout,
} from '../../src/engine/instruction-set.js';
import { type Statement, semantics, set, when } from '../../src/engine/semantics.js';
import { TOY_STATE } from './toy-state.js';

export const R: RegisterFile = { name: 'r', type: 'x', offset: TOY_STATE.offsetOf('r') };
export const LINK_REGISTER = 14;

const first = register(R, 'first');
const second = register(R, 'second');

const flag = (name: 'negative' | 'zero' | 'carry' | 'overflow'): StateField => ({
  name,
  type: 'w',
  offset: TOY_STATE.offsetOf(name),
});
export const FLAGS = {
  negative: flag('negative'),
  zero: flag('zero'),
  carry: flag('carry'),
  overflow: flag('overflow'),
};

const ZERO = constant(0);
const isNegative = (value: Expression) => compare('lt_s', value, ZERO);
const setFlag = (name: keyof typeof FLAGS, value: Expression): Statement => ({
  kind: 'set-field',
  field: FLAGS[name],
  value,
});

/** Flags as Arm's subtraction sets them: carry means that nothing was borrowed. */
const subtractionFlags = (left: Variable, right: Variable, result: Variable): Statement[] => [
  setFlag('negative', isNegative(variable(result))),
  setFlag('zero', compare('eq', variable(result), ZERO)),
  setFlag('carry', compare('ge_u', variable(left), variable(right))),
  setFlag(
    'overflow',
    isNegative(and(xor(variable(left), variable(right)), xor(variable(left), variable(result)))),
  ),
];

function subtraction(keeps: boolean): readonly Statement[] {
  const left: Variable = { type: 'x', value: first };
  const right: Variable = { type: 'x', value: second };
  const result: Variable = { type: 'x', value: sub(variable(left), variable(right)) };
  const lets: Statement[] = [left, right, result].map(one => ({ kind: 'let', variable: one }));
  const results = keeps ? [set(R, variable(result))] : [];
  return [...lets, ...results, ...subtractionFlags(left, right, result)];
}

function additionWithFlags(): readonly Statement[] {
  const left: Variable = { type: 'x', value: first };
  const right: Variable = { type: 'x', value: second };
  const result: Variable = { type: 'x', value: add(variable(left), variable(right)) };
  return [
    ...[left, right, result].map((one): Statement => ({ kind: 'let', variable: one })),
    set(R, variable(result)),
    setFlag('negative', isNegative(variable(result))),
    setFlag('zero', compare('eq', variable(result), ZERO)),
    setFlag('carry', compare('lt_u', variable(result), variable(left))),
    setFlag(
      'overflow',
      isNegative(and(not(xor(variable(left), variable(right))), xor(variable(left), variable(result)))),
    ),
  ];
}

/** The registers of a list take four bytes each. */
const listBytes = binary('shl', unary('popcnt', and(immediate, constant(0xffff))), constant(2));

/** Stores below the base, which comes down to the lowest, and loads from there on again: a full descending stack. */
function storeList(): readonly Statement[] {
  const base: Variable = { type: 'x', value: sub(first, listBytes) };
  return [
    { kind: 'let', variable: base },
    { kind: 'list', direction: 'store', file: R, size: 4, address: variable(base) },
    set(R, variable(base), 'first'),
  ];
}

function loadList(): readonly Statement[] {
  const base: Variable = { type: 'x', value: first };
  return [
    { kind: 'let', variable: base },
    { kind: 'list', direction: 'load', file: R, size: 4, address: variable(base) },
    set(R, add(variable(base), listBytes), 'first'),
  ];
}

function multiplyLong(): readonly Statement[] {
  const low32: Variable = { type: 'x', value: binary('mul', first, second) };
  const high32: Variable = { type: 'x', value: multiplyHigh('uu', first, second) };
  return [
    { kind: 'let', variable: low32 },
    { kind: 'let', variable: high32 },
    set(R, variable(low32)),
    set(R, variable(high32), 'third'),
  ];
}

const isSet = (name: keyof typeof FLAGS) => compare('ne', field(FLAGS[name]), constant(0, 'w'));
/** Predicates by the bits of an instruction that name one; the first one always holds. */
export const PREDICATES = {
  '': undefined,
  eq: isSet('zero'),
  ne: compare('eq', field(FLAGS.zero), constant(0, 'w')),
  lt: compare('ne', field(FLAGS.negative), field(FLAGS.overflow)),
  cs: isSet('carry'),
} as const;
export type Predicate = keyof typeof PREDICATES;

interface Row {
  readonly operands: OperandLayout;
  readonly statements: readonly Statement[];
  /** Whether it may be predicated: what jumps says so itself. */
  readonly plain: boolean;
}

const address = add(first, immediate);
const plain = (operands: OperandLayout, ...statements: readonly Statement[]): Row => ({
  operands,
  statements,
  plain: true,
});
const other = (operands: OperandLayout, ...statements: readonly Statement[]): Row => ({
  operands,
  statements,
  plain: false,
});

const ROWS = {
  mov: plain('wide', set(R, immediate)),
  add: plain('modified', set(R, add(first, second))),
  addi: plain('short', set(R, add(first, immediate))),
  adds: plain('modified', ...additionWithFlags()),
  subs: plain('modified', ...subtraction(true)),
  cmp: plain('modified', ...subtraction(false)),
  mull: plain('modified', ...multiplyLong()),
  ldr: plain('short', set(R, load(4, true, address))),
  str: plain('short', { kind: 'store', size: 4, address, value: second }),
  lit: plain('wide', set(R, load(4, true, add(and(pc, constant(-4)), immediate)))),
  push: plain('short', ...storeList()),
  pop: plain('short', ...loadList()),
  bl: other('wide', { kind: 'jump', target: add(pc, immediate) }, set(R, nextPc)),
  bx: other('short', { kind: 'jump', target: and(first, constant(-4)) }),
  svc: other('short', { kind: 'system', operation: 'svc' }),
  rfe: other('short', { kind: 'system', operation: 'rfe' }),
  wait: other('short', { kind: 'system', operation: 'wait' }),
} satisfies Record<string, Row>;
export type Mnemonic = keyof typeof ROWS | 'b';

const NAMES = Object.keys(ROWS) as (keyof typeof ROWS)[];
const PREDICATE_NAMES = Object.keys(PREDICATES) as Predicate[];
const BRANCH = NAMES.length;

interface ToyInstruction extends Instruction {
  readonly code: number;
}

const predicated = (predicate: Predicate, statements: readonly Statement[]): readonly Statement[] => {
  const condition = PREDICATES[predicate];
  return condition === undefined ? statements : [when(condition, ...statements)];
};

const INSTRUCTIONS: readonly ToyInstruction[] = PREDICATE_NAMES.flatMap((predicate, index) => {
  const all: ToyInstruction[] = [];
  NAMES.forEach((name, row) => {
    const { operands, statements, plain: predicable } = ROWS[name] as Row;
    if (predicate !== '' && !predicable) return;
    const meaning = semantics(...predicated(predicate, statements));
    all.push({ name: `${name}${predicate}`, operands, semantics: meaning, code: (index << 5) | row });
  });
  const condition = PREDICATES[predicate] ?? constant(1, 'w');
  const meaning = semantics({ kind: 'branch', condition });
  all.push({ name: `b${predicate}`, operands: 'short', semantics: meaning, code: (index << 5) | BRANCH });
  return all;
});

export interface ToyOperands {
  readonly d?: number;
  readonly a?: number;
  readonly b?: number;
  readonly c?: number;
  readonly value?: number;
  readonly if?: Predicate;
}

/**
 * An instruction word: predicate and operation in the top byte, then result, first and second in four bits each and
 * twelve bits of immediate or a third register; wide ones have twenty bits, lists sixteen, stores no result.
 */
export function toy(name: Mnemonic, operands: ToyOperands = {}): number {
  const { d = 0, a = 0, b = 0, c = 0, value = 0 } = operands;
  const row = name === 'b' ? BRANCH : NAMES.indexOf(name);
  const top = ((PREDICATE_NAMES.indexOf(operands.if ?? '') << 5) | row) << 24;
  if (name === 'mov' || name === 'lit' || name === 'bl') return (top | (d << 20) | (value & 0xfffff)) >>> 0;
  if (name === 'push' || name === 'pop') return (top | (a << 16) | (value & 0xffff)) >>> 0;
  const rest = ROWS[name as keyof typeof ROWS]?.operands === 'modified' ? c << 8 : value & 0xfff;
  return (top | (d << 20) | (a << 16) | (b << 12) | rest) >>> 0;
}

const signed = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits);

const BY_CODE = new Map(INSTRUCTIONS.map(one => [one.code, one]));

export const TOY_SET: InstructionSet = {
  name: 'toy',
  bits: 32,
  registerFiles: [R],
  pc: { name: 'pc', type: 'x', offset: TOY_STATE.offsetOf('pc') },
  instructions: INSTRUCTIONS,
  frequentPairs: [],
  compilesSpecial: () => false,
  lengthOf: () => 4,
  decode(word: number, out: Decoded): boolean {
    const instruction = BY_CODE.get(word >>> 24);
    if (instruction === undefined) return false;
    const row = (word >>> 24) & 31;
    const name = row === BRANCH ? 'b' : NAMES[row];
    out.instruction = instruction;
    out.length = 4;
    out.result = (word >>> 20) & 15;
    out.first = (word >>> 16) & 15;
    out.second = (word >>> 12) & 15;
    out.third = (word >>> 8) & 15;
    out.modifier = 0;
    if (name === 'bl') out.result = LINK_REGISTER;
    if (instruction.operands === 'wide') out.immediate = signed(word, 20);
    else if (name === 'push' || name === 'pop') out.immediate = signed(word, 16);
    else out.immediate = signed(word, 12);
    return true;
  },
};
