import type { FunctionBody, Local } from '../wasm/function-body.js';
import type { OpName, ValueType } from '../wasm/opcodes.js';
import type {
  AccessSize,
  BinaryOperator,
  Comparison,
  Expression,
  Place,
  RegisterFile,
  Source,
  StateField,
  Type,
  UnaryOperator,
  Variable,
} from './expressions.js';
import type { InstructionSet } from './instruction-set.js';
import { RUNTIME_FUNCTIONS, type RuntimeFunction, type RuntimeSignature } from './runtime-functions.js';
import type { Value } from './softfloat/code.js';
import { hostRounds, standIn } from './softfloat/stand-in.js';

export type LoadExpression = Extract<Expression, { kind: 'load' }>;
type CallExpression = Extract<Expression, { kind: 'call' }>;

/** Where memory is reached: a local and what is added to it. */
export interface HostPlace {
  readonly local: Local;
  readonly offset: number;
}

/** Expressions that have parts. */
type TreeKind =
  | 'binary'
  | 'call'
  | 'choose'
  | 'compare'
  | 'extend'
  | 'let'
  | 'load'
  | 'low'
  | 'multiply-high'
  | 'table-byte'
  | 'unary';

/**
 * Emits expressions as WebAssembly. Interpreter and region JIT share all of it and differ in the abstract
 * members: how operands are bound and how memory is reached.
 */
export abstract class ExpressionEmitter {
  readonly x: 'i32' | 'i64';
  /** Local with the address of the hart's state. */
  readonly hart: Local = 0;
  /** Whether float operations are done in place where the host's arithmetic is sure to agree. */
  readonly inlinesFloats: boolean = false;
  protected readonly places = new Map<Place, HostPlace>();
  readonly #variables = new Map<Variable, Local | { readonly known: number }>();
  readonly #free: Record<'i32' | 'i64', Local[]> = { i32: [], i64: [] };

  constructor(
    readonly f: FunctionBody,
    readonly isa: InstructionSet,
    readonly multiplyHighUnsigned: number,
  ) {
    this.x = isa.bits === 64 ? 'i64' : 'i32';
  }

  /** The modifier of the instruction that is compiled; undefined where one text serves all. */
  protected get knownModifier(): number | undefined {
    return undefined;
  }

  /** Address of what `InstructionSet.table` holds. */
  abstract readonly table: number;
  /** Pushes a register that the instruction names. */
  abstract source(file: RegisterFile, operand: Source): void;
  abstract operandNumber(operand: 'first' | 'second'): void;
  abstract modifier(): void;
  abstract immediate(): void;
  /** Index of a runtime function in the module under construction. */
  abstract runtimeFunction(name: RuntimeFunction): number;
  abstract pc(): void;
  abstract nextPc(): void;
  /** Emits a load that leaves its value, of the node's type, on the stack. */
  abstract load(node: LoadExpression): void;

  /** Pushes the address of the word in which exception flags accrue. */
  floatFlags(): void {
    if (this.isa.floatFlags === undefined) throw new Error('an instruction set without floating point');
    this.f.get(this.hart).i32(this.isa.floatFlags.field.offset).op('i32_add');
  }

  wasmType(type: Type): 'i32' | 'i64' {
    return type === 'x' ? this.x : type === 'w' ? 'i32' : 'i64';
  }

  /** A scratch local; give it back with `release`. */
  scratch(type: ValueType & ('i32' | 'i64')): Local {
    return this.#free[type].pop() ?? this.f.local(type);
  }

  release(type: 'i32' | 'i64', local: Local): void {
    this.#free[type].push(local);
  }

  /** Says where a variable's value is: in a local, or known while code is emitted. */
  protected bindVariable(variable: Variable, to: Local | { readonly known: number }): void {
    this.#variables.set(variable, to);
  }

  protected placeOf(variable: Variable): Local | { readonly known: number } | undefined {
    return this.#variables.get(variable);
  }

  /** The value of an expression where it is the same whenever this code runs. */
  protected known(node: Expression): number | undefined {
    switch (node.kind) {
      case 'constant':
        return node.value;
      case 'modifier':
        return this.knownModifier;
      case 'variable': {
        const place = this.#variables.get(node.variable);
        return typeof place === 'object' ? place.known : undefined;
      }
      case 'compare': {
        const [left, right] = [this.known(node.left), this.known(node.right)];
        if (left === undefined || right === undefined) return undefined;
        return COMPARE[node.operator](left, right) ? 1 : 0;
      }
      default:
        return undefined;
    }
  }

  constant(type: Type, value: number): void {
    if (this.wasmType(type) === 'i32') this.f.i32(value);
    else this.f.i64Number(value);
  }

  expression(node: Expression): void {
    const { f } = this;
    switch (node.kind) {
      case 'call':
        this.#call(node);
        return;
      case 'binary':
      case 'compare':
        this.expression(node.left);
        this.expression(node.right);
        this.#typed(node.left.type, node.operator);
        return;
      case 'unary':
        this.expression(node.value);
        this.#typed(node.type, node.operator);
        return;
      case 'low':
        this.expression(node.value);
        if (this.wasmType(node.value.type) === 'i64') f.op('i32_wrap_i64');
        return;
      case 'extend':
        this.expression(node.value);
        if (this.wasmType(node.value.type) === 'i32' && this.wasmType(node.type) === 'i64') {
          f.op(node.signed ? 'i64_extend_i32_s' : 'i64_extend_i32_u');
        }
        return;
      case 'choose':
        this.expression(node.condition);
        f.if(this.wasmType(node.type));
        this.expression(node.yes);
        f.else();
        this.expression(node.no);
        f.end();
        return;
      case 'let': {
        const type = this.wasmType(node.variable.type);
        this.expression(node.variable.value);
        const local = this.scratch(type);
        f.set(local);
        this.bindVariable(node.variable, local);
        this.expression(node.body);
        this.release(type, local);
        return;
      }
      case 'load':
        this.load(node);
        return;
      case 'table-byte':
        this.expression(node.index);
        f.memory('i32_load8_u', this.table + node.offset);
        return;
      case 'multiply-high':
        this.#multiplyHigh(node.signs, node.left, node.right);
        return;
      default:
        this.#leaf(node);
    }
  }

  /** An expression without parts. */
  #leaf(node: Exclude<Expression, { kind: TreeKind }>): void {
    const { f } = this;
    switch (node.kind) {
      case 'register':
        this.source(node.file, node.operand);
        return;
      case 'operand-number':
        this.operandNumber(node.operand);
        return;
      case 'modifier':
        this.modifier();
        return;
      case 'field':
        this.loadField(node.field);
        return;
      case 'place': {
        const { local, offset } = this.places.get(node.place)!;
        f.get(local).memory(loadOperation(this.wasmType(node.type), node.place.size, true), offset);
        return;
      }
      case 'immediate':
        this.immediate();
        return;
      case 'pc':
        this.pc();
        return;
      case 'next-pc':
        this.nextPc();
        return;
      case 'constant':
        this.constant(node.type, node.value);
        return;
      case 'shift-mask':
        this.constant('x', this.isa.bits - 1);
        return;
      case 'minimum':
        if (this.wasmType(node.type) === 'i32') f.i32(-(2 ** 31));
        else f.i64(0, -(2 ** 31));
        return;
      case 'variable': {
        const place = this.#variables.get(node.variable);
        if (place === undefined) throw new Error('variable used outside its let');
        if (typeof place === 'number') f.get(place);
        else this.constant(node.type, place.known);
        return;
      }
    }
  }

  /** Pushes a field of the hart's state. */
  loadField(field: StateField): void {
    this.f.get(this.hart).memory(`${this.wasmType(field.type)}_load`, field.offset);
  }

  #call(node: CallExpression): void {
    const { f } = this;
    const { rounds, raises, result }: RuntimeSignature = RUNTIME_FUNCTIONS[node.function];
    const values = rounds ? node.operands.slice(0, -1) : node.operands;
    const roundingMode = () => this.expression(node.operands[values.length]);
    const call = (pushOperands: () => void) => {
      pushOperands();
      if (rounds) roundingMode();
      if (raises) this.floatFlags();
      f.call(this.runtimeFunction(node.function));
    };
    const operands = values.map(({ type }) => this.#held(this.wasmType(type)));
    const host = this.inlinesFloats ? standIn(node.function, operands) : undefined;
    if (host === undefined) {
      for (const { type, local } of operands) this.release(type, local);
      call(() => {
        for (const operand of values) this.expression(operand);
      });
      return;
    }
    values.forEach((operand, i) => {
      this.expression(operand);
      f.set(operands[i].local);
    });
    const value = this.#held(this.wasmType(result));
    const done = f.block(value.type);
    const slow = f.block();
    if (host.rounds) {
      const mode: Value = { type: 'i32', emit: roundingMode };
      const flags: Value = { type: 'i32', emit: () => this.floatFlags() };
      hostRounds(mode, flags).emit(f);
      f.op('i32_eqz').brIf(slow);
    }
    host.result.emit(f);
    f.set(value.local);
    host.sure(value).emit(f);
    f.op('i32_eqz').brIf(slow);
    f.get(value.local).br(done);
    f.end();
    call(() => {
      for (const operand of operands) operand.emit(f);
    });
    f.end();
    for (const { type, local } of [...operands, value]) this.release(type, local);
  }

  /** A scratch local as a value. */
  #held(type: 'i32' | 'i64') {
    const local = this.scratch(type);
    return { type, local, emit: (f: FunctionBody) => f.get(local) };
  }

  #typed(type: Type, operator: BinaryOperator | Comparison | UnaryOperator): void {
    this.f.op(`${this.wasmType(type)}_${operator}` as OpName);
  }

  #multiplyHigh(signs: 'ss' | 'su' | 'uu', left: Expression, right: Expression): void {
    const { f } = this;
    if (this.isa.bits === 32) {
      this.expression(left);
      f.op(signs === 'uu' ? 'i64_extend_i32_u' : 'i64_extend_i32_s');
      this.expression(right);
      f.op(signs === 'ss' ? 'i64_extend_i32_s' : 'i64_extend_i32_u');
      f.op('i64_mul').i64(32, 0).op('i64_shr_u').op('i32_wrap_i64');
      return;
    }
    const a = this.scratch('i64');
    const b = this.scratch('i64');
    this.expression(left);
    f.set(a);
    this.expression(right);
    f.set(b);
    f.get(a).get(b).call(this.multiplyHighUnsigned);
    // A negative operand counts 2^64 too much when taken as unsigned: subtract the other operand once.
    if (signs !== 'uu') f.get(a).i64(63, 0).op('i64_shr_s').get(b).op('i64_and').op('i64_sub');
    if (signs === 'ss') f.get(b).i64(63, 0).op('i64_shr_s').get(a).op('i64_and').op('i64_sub');
    this.release('i64', a);
    this.release('i64', b);
  }
}

const COMPARE: Readonly<Record<Comparison, (left: number, right: number) => boolean>> = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  lt_s: (left, right) => (left | 0) < (right | 0),
  lt_u: (left, right) => left >>> 0 < right >>> 0,
  ge_s: (left, right) => (left | 0) >= (right | 0),
  ge_u: (left, right) => left >>> 0 >= right >>> 0,
};

/** The wasm load that reads `size` bytes into type x. */
export function loadOperation(x: 'i32' | 'i64', size: AccessSize, signed: boolean) {
  if (x === 'i32') {
    if (size === 8) throw new Error('8-byte load into 32 bits');
    if (size === 4) return 'i32_load';
    if (size === 2) return signed ? 'i32_load16_s' : 'i32_load16_u';
    return signed ? 'i32_load8_s' : 'i32_load8_u';
  }
  if (size === 8) return 'i64_load';
  if (size === 4) return signed ? 'i64_load32_s' : 'i64_load32_u';
  if (size === 2) return signed ? 'i64_load16_s' : 'i64_load16_u';
  return signed ? 'i64_load8_s' : 'i64_load8_u';
}

/** The wasm store that writes the low `size` bytes of a value of type x. */
export function storeOperation(x: 'i32' | 'i64', size: AccessSize) {
  if (size === 1) return x === 'i32' ? 'i32_store8' : 'i64_store8';
  if (size === 2) return x === 'i32' ? 'i32_store16' : 'i64_store16';
  if (size === 4) return x === 'i32' ? 'i32_store' : 'i64_store32';
  return 'i64_store';
}

/** Body of the function (i64, i64) -> i64: the high half of an unsigned 64 x 64 product. */
export function emitMultiplyHighUnsigned(f: FunctionBody): void {
  const half = (local: Local, high: boolean) => {
    f.get(local);
    if (high) f.i64(32, 0).op('i64_shr_u');
    else f.i64(-1, 0).op('i64_and');
  };
  const product = (aHigh: boolean, bHigh: boolean) => {
    half(0, aHigh);
    half(1, bHigh);
    f.op('i64_mul');
  };
  const middle = f.local('i64');
  product(true, false);
  product(false, false);
  f.i64(32, 0).op('i64_shr_u').op('i64_add').set(middle);
  product(true, true);
  half(middle, true);
  f.op('i64_add');
  product(false, true);
  half(middle, false);
  f.op('i64_add').i64(32, 0).op('i64_shr_u').op('i64_add');
}
