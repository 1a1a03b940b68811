import { RUNTIME_FUNCTIONS, type RuntimeFunction, type RuntimeSignature } from './runtime-functions.js';

/**
 * The vocabulary in which an instruction's meaning is said once: an expression tree over abstract operands.
 * Engines bind the operands (to fields of a predecoded entry, or to constants) and emit WebAssembly.
 *
 * Types: `x` is an XLEN-wide integer (i64 on RV64, i32 on RV32), `w` an i32, `d` an i64. Floating-point values
 * are raw bits: a register is a `d`, a binary32 a `w`.
 * Faults come before effects: a load, store address or trap condition stands before the first write.
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

export type Expression =
  | { readonly kind: 'register'; readonly operand: 'rs1' | 'rs2'; readonly type: 'x' }
  | { readonly kind: 'float-register'; readonly operand: 'rs1' | 'rs2' | 'rs3'; readonly type: 'd' }
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
    }
  /** Engines add the rounding mode and the address of the flags where the function takes them. */
  | {
      readonly kind: 'call';
      readonly type: 'w' | 'd';
      readonly function: RuntimeFunction;
      readonly operands: readonly Expression[];
    }
  /** High half of the XLEN x XLEN product. */
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

export type CsrOperation = 'write' | 'set' | 'clear';

export type Statement =
  | { readonly kind: 'set-rd'; readonly value: Expression }
  /** Floating-point state is dirty from here on. */
  | { readonly kind: 'set-fd'; readonly value: Expression }
  /** Illegal while floating point is off; with `rounding`, when the rounding mode is none, too. Comes first. */
  | { readonly kind: 'require-float'; readonly rounding: boolean }
  | {
      readonly kind: 'store';
      readonly size: AccessSize;
      readonly address: Expression;
      readonly value: Expression;
    }
  | { readonly kind: 'jump'; readonly target: Expression }
  /** To pc + immediate when the condition holds. */
  | { readonly kind: 'branch'; readonly condition: Expression }
  /** rd = old value; memory = update(old). `old` is a variable of type w (size 4) or x (size 8). */
  | {
      readonly kind: 'atomic';
      readonly size: 4 | 8;
      readonly old: Variable;
      readonly update: Expression;
    }
  | { readonly kind: 'load-reserved'; readonly size: 4 | 8 }
  | { readonly kind: 'store-conditional'; readonly size: 4 | 8 }
  | { readonly kind: 'csr'; readonly operation: CsrOperation; readonly source: 'register' | 'immediate' }
  /** Done by the hart's owner in TypeScript: privileged and environment instructions. */
  | { readonly kind: 'system'; readonly operation: string }
  | { readonly kind: 'nothing' };

export interface Semantics {
  readonly statements: readonly Statement[];
}

export const rs1: Expression = { kind: 'register', operand: 'rs1', type: 'x' };
export const rs2: Expression = { kind: 'register', operand: 'rs2', type: 'x' };
export const fs1: Expression = { kind: 'float-register', operand: 'rs1', type: 'd' };
export const fs2: Expression = { kind: 'float-register', operand: 'rs2', type: 'd' };
export const fs3: Expression = { kind: 'float-register', operand: 'rs3', type: 'd' };
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
): Expression => ({
  kind: 'load',
  type,
  size,
  signed,
  address,
});
export const call = (name: RuntimeFunction, ...operands: readonly Expression[]): Expression => {
  const signature: RuntimeSignature = RUNTIME_FUNCTIONS[name];
  const given = operands.map(operand => operand.type).join();
  if (given !== signature.operands.join()) throw new Error(`${name} of (${given})`);
  return { kind: 'call', type: signature.result, function: name, operands };
};
export const multiplyHigh = (signs: 'ss' | 'su' | 'uu', left: Expression, right: Expression): Expression => ({
  kind: 'multiply-high',
  type: 'x',
  signs,
  left,
  right,
});

const semantics = (...statements: Statement[]): Semantics => ({ statements });

export const setRd = (value: Expression): Semantics => semantics({ kind: 'set-rd', value });
export const setFd = (value: Expression, rounding = false): Semantics =>
  semantics({ kind: 'require-float', rounding }, { kind: 'set-fd', value });
/** Like `setRd`, for instructions that are illegal while floating point is off. */
export const setRdFromFloat = (value: Expression, rounding = false): Semantics =>
  semantics({ kind: 'require-float', rounding }, { kind: 'set-rd', value });
export const storeFloat = (size: AccessSize, address: Expression, value: Expression): Semantics =>
  semantics({ kind: 'require-float', rounding: false }, { kind: 'store', size, address, value });
export const store = (size: AccessSize, address: Expression, value: Expression): Semantics =>
  semantics({ kind: 'store', size, address, value });
/** Jumps, leaving the return address in rd. */
export const jumpAndLink = (target: Expression): Semantics =>
  // The target is computed before the link register is written: they may be the same register.
  semantics({ kind: 'jump', target }, { kind: 'set-rd', value: nextPc });
export const branchIf = (condition: Expression): Semantics => semantics({ kind: 'branch', condition });
export const atomic = (size: 4 | 8, update: (old: Expression) => Expression): Semantics => {
  const type = size === 4 ? 'w' : 'x';
  const old: Variable = { type, value: constant(0, type) };
  return semantics({ kind: 'atomic', size, old, update: update({ kind: 'variable', type, variable: old }) });
};
export const loadReserved = (size: 4 | 8): Semantics => semantics({ kind: 'load-reserved', size });
export const storeConditional = (size: 4 | 8): Semantics => semantics({ kind: 'store-conditional', size });
export const csr = (operation: CsrOperation, source: 'register' | 'immediate'): Semantics =>
  semantics({ kind: 'csr', operation, source });
export const system = (operation: string): Semantics => semantics({ kind: 'system', operation });
export const nothing: Semantics = semantics({ kind: 'nothing' });

/** Whether a jump's target is pc + immediate. */
export function isPcRelative(target: Expression): boolean {
  return (
    target.kind === 'binary' &&
    target.operator === 'add' &&
    target.left.kind === 'pc' &&
    target.right.kind === 'immediate'
  );
}
