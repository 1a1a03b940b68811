import type { FunctionBody, Local } from '../../wasm/function-body.js';
import type { OpName, ValueType } from '../../wasm/opcodes.js';

/** An integer or float expression; it is emitted where it is used, each time anew. */
export interface Value {
  readonly type: ValueType;
  readonly emit: (f: FunctionBody) => void;
}

export interface Variable extends Value {
  readonly local: Local;
}

/** A number stands for a constant of the other operand's type. */
export type Operand = Value | number;

export const i32 = (value: number): Value => ({ type: 'i32', emit: f => f.i32(value) });
/** An integer of at most 53 bits. */
export const i64 = (value: number): Value => ({ type: 'i64', emit: f => f.i64Number(value) });
export const i64Words = (high: number, low: number): Value => ({
  type: 'i64',
  emit: f => f.i64(low, high),
});
export const power = (type: 'i32' | 'i64', exponent: number): Value =>
  type === 'i32'
    ? i32((2 ** exponent) | 0)
    : i64Words(exponent < 32 ? 0 : (2 ** (exponent - 32)) | 0, exponent < 32 ? (2 ** exponent) | 0 : 0);

const as = (type: ValueType, operand: Operand): Value =>
  typeof operand !== 'number' ? operand : type === 'i32' ? i32(operand) : i64(operand);

export const operation = (type: ValueType, op: OpName, ...operands: readonly Value[]): Value => ({
  type,
  emit: f => {
    for (const operand of operands) operand.emit(f);
    f.op(op);
  },
});

const binary =
  (name: string) =>
  (left: Value, right: Operand): Value =>
    operation(left.type, `${left.type}_${name}` as OpName, left, as(left.type, right));
const comparison =
  (name: string) =>
  (left: Value, right: Operand): Value =>
    operation('i32', `${left.type}_${name}` as OpName, left, as(left.type, right));
const unary =
  (name: string) =>
  (value: Value): Value =>
    operation(value.type, `${value.type}_${name}` as OpName, value);
const convert =
  (type: ValueType, op: OpName) =>
  (value: Value): Value =>
    operation(type, op, value);

export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const div = binary('div');
export const and = binary('and');
export const or = binary('or');
export const xor = binary('xor');
export const shrS = binary('shr_s');
export const eq = comparison('eq');
export const ne = comparison('ne');
export const ltS = comparison('lt_s');
export const ltU = comparison('lt_u');
export const gtS = comparison('gt_s');
export const gtU = comparison('gt_u');
export const geS = comparison('ge_s');
/** Comparisons of floats. */
export const lt = comparison('lt');
export const le = comparison('le');
export const clz = unary('clz');
export const sqrt = unary('sqrt');
export const isZero = (value: Value): Value => operation('i32', `${value.type}_eqz` as OpName, value);
export const wrap = convert('i32', 'i32_wrap_i64');
export const extendU = convert('i64', 'i64_extend_i32_u');
export const extendS = convert('i64', 'i64_extend_i32_s');

/** Shift counts may be of type i32 and are taken modulo the width. */
export const shl = (value: Value, count: Operand): Value =>
  operation(value.type, `${value.type}_shl` as OpName, value, countAs(value.type, count));
export const shiftRight = (value: Value, count: Operand): Value =>
  operation(value.type, `${value.type}_shr_u` as OpName, value, countAs(value.type, count));

const countAs = (type: ValueType, count: Operand): Value =>
  typeof count !== 'number' && type === 'i64' && count.type === 'i32' ? extendU(count) : as(type, count);

/** Both are evaluated. */
export const select = (condition: Value, yes: Value, no: Operand): Value => ({
  type: yes.type,
  emit: f => {
    yes.emit(f);
    as(yes.type, no).emit(f);
    condition.emit(f);
    f.op('select');
  },
});
export const all = (first: Value, ...more: readonly Value[]): Value =>
  more.reduce((a, b) => and(a, b), first);
export const any = (first: Value, ...more: readonly Value[]): Value => more.reduce((a, b) => or(a, b), first);

export const load32 = (address: Value): Value => ({
  type: 'i32',
  emit: f => {
    address.emit(f);
    f.memory('i32_load', 0);
  },
});
export const call = (index: number, result: ValueType, ...parameters: readonly Value[]): Value => ({
  type: result,
  emit: f => {
    for (const parameter of parameters) parameter.emit(f);
    f.call(index);
  },
});

/** Statements of one function. */
export class Code {
  constructor(readonly f: FunctionBody) {}

  parameter(index: number): Variable {
    return { type: this.f.parameters[index], local: index, emit: f => f.get(index) };
  }

  /** A new local that holds the value. */
  let(value: Value): Variable {
    const local = this.f.local(value.type);
    value.emit(this.f);
    this.f.set(local);
    return { type: value.type, local, emit: f => f.get(local) };
  }

  set(variable: Variable, value: Operand): void {
    as(variable.type, value).emit(this.f);
    this.f.set(variable.local);
  }

  if(condition: Value, yes: () => void, no?: () => void): void {
    condition.emit(this.f);
    this.f.if();
    yes();
    if (no !== undefined) {
      this.f.else();
      no();
    }
    this.f.end();
  }

  do(effect: Value | { emit(f: FunctionBody): void }): void {
    effect.emit(this.f);
  }

  store32(address: Value, value: Value, offset = 0): void {
    address.emit(this.f);
    value.emit(this.f);
    this.f.memory('i32_store', offset);
  }

  return(value: Value): void {
    value.emit(this.f);
    this.f.op('return');
  }
}
