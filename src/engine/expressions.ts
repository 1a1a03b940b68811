import { RUNTIME_FUNCTIONS, type RuntimeFunction, type RuntimeSignature } from './runtime-functions.js';

/**
 * The vocabulary in which an instruction's meaning is said once: expression trees over abstract operands, of which
 * `semantics.ts` makes statements. Engines bind the operands (to fields of a predecoded entry, or to constants) and
 * emit WebAssembly.
 *
 * Types: `x` is an integer as wide as the instruction set's registers (i64 or i32), `w` an i32, `d` an i64.
 * Floating-point values are raw bits: a binary64 is a `d`, a binary32 a `w`.
 */

export type Type = 'x' | 'w' | 'd';

/** Binary operators as WebAssembly has them, without the type prefix. */
export type BinaryOperator =
  | 'add'
  | 'sub'
  | 'mul'
  | 'div_s'
  | 'div_u'
  | 'rem_s'
  | 'rem_u'
  | 'and'
  | 'or'
  | 'xor'
  | 'shl'
  | 'shr_s'
  | 'shr_u'
  | 'rotl'
  | 'rotr';
export type Comparison = 'eq' | 'ne' | 'lt_s' | 'lt_u' | 'ge_s' | 'ge_u';
export type UnaryOperator = 'clz' | 'ctz' | 'popcnt' | 'extend8_s' | 'extend16_s';
/** Bytes of a memory access. */
export type AccessSize = 1 | 2 | 4 | 8;
/** What an access is part of; the hart checks and watches it accordingly. */
export type AccessKind = 'plain' | 'reserved' | 'conditional' | 'atomic';

/** Registers of one kind, 8 bytes each, that an instruction names by number. */
export interface RegisterFile {
  readonly name: string;
  readonly type: 'x' | 'd';
  /** Offset of the first one in a hart's state. */
  readonly offset: number;
  /** The register that reads as zero, and the number of a slot behind the others that takes what is written to it. */
  readonly zero?: { readonly register: number; readonly sink: number };
}

/** A field of a hart's state that instructions use without naming it. */
export interface StateField {
  readonly name: string;
  readonly type: Type;
  readonly offset: number;
}

/** The places of an instruction that name registers; `result` is the usual destination. */
export type Source = 'first' | 'second' | 'third';
export type Destination = 'result' | Source;

export type Expression =
  | {
      readonly kind: 'register';
      readonly file: RegisterFile;
      readonly operand: Source;
      readonly type: 'x' | 'd';
    }
  /** The number that stands where an instruction names a register. */
  | { readonly kind: 'operand-number'; readonly operand: 'first' | 'second'; readonly type: 'x' }
  /** The small number that some instructions have beside their operands, as a rounding mode. */
  | { readonly kind: 'modifier'; readonly type: 'w' }
  | { readonly kind: 'field'; readonly field: StateField; readonly type: Type }
  | { readonly kind: 'immediate'; readonly type: 'x' }
  | { readonly kind: 'pc'; readonly type: 'x' }
  | { readonly kind: 'next-pc'; readonly type: 'x' }
  | { readonly kind: 'constant'; readonly type: Type; readonly value: number }
  /** The type's bit width less one: the mask of shift amounts. */
  | { readonly kind: 'shift-mask'; readonly type: 'x' }
  | { readonly kind: 'minimum'; readonly type: Type }
  | {
      readonly kind: 'binary';
      readonly type: Type;
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'compare';
      readonly type: 'w';
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
    }
  | {
      readonly kind: 'unary';
      readonly type: Type;
      readonly operator: UnaryOperator;
      readonly value: Expression;
    }
  /** Low 32 bits of an x or d. */
  | { readonly kind: 'low'; readonly type: 'w'; readonly value: Expression }
  | {
      readonly kind: 'extend';
      readonly type: 'x' | 'd';
      readonly signed: boolean;
      readonly value: Expression;
    }
  /** Evaluates only the branch that is taken. */
  | {
      readonly kind: 'choose';
      readonly type: Type;
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
    }
  | { readonly kind: 'let'; readonly type: Type; readonly variable: Variable; readonly body: Expression }
  | { readonly kind: 'variable'; readonly type: Type; readonly variable: Variable }
  /** A load; it may leave the instruction before anything is changed. */
  | {
      readonly kind: 'load';
      readonly type: 'x' | 'd';
      readonly size: AccessSize;
      readonly signed: boolean;
      readonly address: Expression;
      readonly access: AccessKind;
    }
  /** What stands at a place that an `at` statement opened. */
  | { readonly kind: 'place'; readonly place: Place; readonly type: 'x' | 'w' | 'd' }
  /** The rounding mode is the last operand of functions that round; engines add the address of the flags. */
  | {
      readonly kind: 'call';
      readonly type: 'w' | 'd';
      readonly function: RuntimeFunction;
      readonly operands: readonly Expression[];
    }
  /** A byte of what `InstructionSet.table` holds: the one at `offset` plus the index. */
  | { readonly kind: 'table-byte'; readonly type: 'w'; readonly offset: number; readonly index: Expression }
  /** High half of the product of two x. */
  | {
      readonly kind: 'multiply-high';
      readonly type: 'x';
      readonly signs: 'ss' | 'su' | 'uu';
      readonly left: Expression;
      readonly right: Expression;
    };

export interface Variable {
  readonly type: Type;
  readonly value: Expression;
}

/** Memory that an instruction reads and writes as one: see the statement `at`. */
export interface Place {
  readonly size: AccessSize;
}

export const register = (file: RegisterFile, operand: Source): Expression => ({
  kind: 'register',
  file,
  operand,
  type: file.type,
});
export const field = (of: StateField): Expression => ({ kind: 'field', field: of, type: of.type });
export const variable = (of: Variable): Expression => ({ kind: 'variable', type: of.type, variable: of });
export const operandNumber = (operand: 'first' | 'second'): Expression => ({
  kind: 'operand-number',
  operand,
  type: 'x',
});
export const modifier: Expression = { kind: 'modifier', type: 'w' };
export const immediate: Expression = { kind: 'immediate', type: 'x' };
export const pc: Expression = { kind: 'pc', type: 'x' };
export const nextPc: Expression = { kind: 'next-pc', type: 'x' };
export const shiftMask: Expression = { kind: 'shift-mask', type: 'x' };

export const constant = (value: number, type: Type = 'x'): Expression => ({ kind: 'constant', type, value });
/** The most negative value of a type. */
export const minimum = (type: Type): Expression => ({ kind: 'minimum', type });

export const binary = (operator: BinaryOperator, left: Expression, right: Expression): Expression => {
  if (left.type !== right.type) throw new Error(`${operator} of ${left.type} and ${right.type}`);
  return { kind: 'binary', type: left.type, operator, left, right };
};
export const compare = (operator: Comparison, left: Expression, right: Expression): Expression => {
  if (left.type !== right.type) throw new Error(`${operator} of ${left.type} and ${right.type}`);
  return { kind: 'compare', type: 'w', operator, left, right };
};
export const unary = (operator: UnaryOperator, value: Expression): Expression => ({
  kind: 'unary',
  type: value.type,
  operator,
  value,
});
export const add = (left: Expression, right: Expression) => binary('add', left, right);
export const sub = (left: Expression, right: Expression) => binary('sub', left, right);
export const and = (left: Expression, right: Expression) => binary('and', left, right);
export const or = (left: Expression, right: Expression) => binary('or', left, right);
export const xor = (left: Expression, right: Expression) => binary('xor', left, right);
export const not = (value: Expression) => xor(value, constant(-1, value.type));

export const low = (value: Expression): Expression => ({ kind: 'low', type: 'w', value });
export const signExtend = (value: Expression, type: 'x' | 'd' = 'x'): Expression => ({
  kind: 'extend',
  type,
  signed: true,
  value,
});
export const zeroExtend = (value: Expression, type: 'x' | 'd' = 'x'): Expression => ({
  kind: 'extend',
  type,
  signed: false,
  value,
});
export const choose = (condition: Expression, yes: Expression, no: Expression): Expression => {
  if (yes.type !== no.type) throw new Error(`choose between ${yes.type} and ${no.type}`);
  return { kind: 'choose', type: yes.type, condition, yes, no };
};
/** Evaluates `value` once and uses it several times. */
export const bind = (value: Expression, use: (value: Expression) => Expression): Expression => {
  const variable: Variable = { type: value.type, value };
  const body = use({ kind: 'variable', type: value.type, variable });
  return { kind: 'let', type: body.type, variable, body };
};
export const load = (
  size: AccessSize,
  signed: boolean,
  address: Expression,
  type: 'x' | 'd' = 'x',
  access: AccessKind = 'plain',
): Expression => ({ kind: 'load', type, size, signed, address, access });
export const call = (name: RuntimeFunction, ...operands: readonly Expression[]): Expression => {
  const signature: RuntimeSignature = RUNTIME_FUNCTIONS[name];
  const given = operands.map(operand => operand.type).join();
  const wanted = signature.rounds ? [...signature.operands, 'w'] : signature.operands;
  if (given !== wanted.join()) throw new Error(`${name} of (${given})`);
  return { kind: 'call', type: signature.result, function: name, operands };
};
export const tableByte = (offset: number, index: Expression): Expression => ({
  kind: 'table-byte',
  type: 'w',
  offset,
  index,
});
export const multiplyHigh = (signs: 'ss' | 'su' | 'uu', left: Expression, right: Expression): Expression => ({
  kind: 'multiply-high',
  type: 'x',
  signs,
  left,
  right,
});
/** What stands at a place. */
export const at = (place: Place, type: 'w' | 'x' = place.size === 8 ? 'x' : 'w'): Expression => ({
  kind: 'place',
  type,
  place,
});
