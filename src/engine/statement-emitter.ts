import type { Local } from '../wasm/function-body.js';
import { ExpressionEmitter, type HostPlace, storeOperation } from './expression-emitter.js';
import type {
  AccessKind,
  AccessSize,
  Destination,
  Expression,
  RegisterFile,
  StateField,
  Type,
  Variable,
} from './expressions.js';
import { nodesOf, type Statement } from './semantics.js';
import type { SpecialEmitter } from './special.js';

type StatementOf<Kind extends Statement['kind']> = Extract<Statement, { kind: Kind }>;

/**
 * Emits statements: the one place that says what each kind means. Interpreter and regions differ in where registers
 * are, how memory is reached, and how an instruction is left.
 */
export abstract class StatementEmitter extends ExpressionEmitter implements SpecialEmitter {
  abstract readonly knownImmediate: number | undefined;
  /** Scratch locals of the variables that statements have bound. */
  readonly #held: { readonly type: 'i32' | 'i64'; readonly local: Local }[] = [];

  abstract immediateBits(): void;
  abstract operandNumbers(): void;
  abstract resultOf(file: RegisterFile, inline: (leaveIf: () => void) => void, host: () => void): void;

  /** Sets a register to what `push` leaves on the stack. */
  protected abstract setRegister(file: RegisterFile, operand: Destination, push: () => void): void;
  /** Finds where to write, or leaves. */
  protected abstract storePlace(address: Expression, size: AccessSize, access: AccessKind): HostPlace;
  protected abstract releasePlace(place: HostPlace): void;
  /** A plain store was made at a place. */
  protected abstract stored(place: HostPlace): void;
  /** Takes a condition from the stack: the instruction is illegal. */
  protected abstract illegalIf(): void;
  /** Whether it is known here that a fact holds; from now on it is. */
  protected abstract learn(fact: string): boolean;
  /** Emits what is done on one way only: what is learned there is not known behind it. */
  protected abstract onOneWay(emit: () => void): void;
  protected abstract list(statement: StatementOf<'list'>): void;
  protected abstract system(operation: string): void;
  /** Takes a condition from the stack: what is left to do is a system operation, which leaves. */
  protected abstract systemIf(operation: string): void;
  protected abstract jump(target: Expression): void;
  protected abstract branch(condition: Expression): void;

  /** Emits all that an instruction does. */
  protected statements(statements: readonly Statement[]): void {
    for (const statement of statements) this.#statement(statement);
    for (const { type, local } of this.#held.splice(0)) this.release(type, local);
  }

  #statement(statement: Statement): void {
    const { f } = this;
    switch (statement.kind) {
      case 'set':
        this.setRegister(statement.file, statement.operand, () => this.expression(statement.value));
        return;
      case 'set-field':
        f.get(this.hart);
        this.expression(statement.value);
        this.#storeField(statement.field);
        return;
      case 'set-bits':
        if (this.learn(`set ${statement.field.name} ${statement.mask}`)) return;
        f.get(this.hart);
        this.loadField(statement.field);
        f.i32(statement.mask).op('i32_or');
        this.#storeField(statement.field);
        return;
      case 'require-bits':
        if (this.learn(`any ${statement.field.name} ${statement.mask}`)) return;
        this.loadField(statement.field);
        f.i32(statement.mask).op('i32_and').op('i32_eqz');
        this.illegalIf();
        return;
      case 'require':
        if (this.known(statement.condition) === 1) return;
        this.expression(statement.condition);
        f.op('i32_eqz');
        this.illegalIf();
        return;
      case 'let':
        this.#let(statement.variable, statement.variable.value);
        return;
      case 'assign':
        this.#assign(statement.variable, statement.value);
        return;
      case 'when':
        this.#when(statement);
        return;
      case 'store': {
        const place = this.storePlace(statement.address, statement.size, 'plain');
        this.#storeAt(place, statement.size, statement.value);
        this.stored(place);
        this.releasePlace(place);
        return;
      }
      case 'at': {
        const place = this.storePlace(statement.address, statement.place.size, statement.access);
        this.places.set(statement.place, place);
        for (const inner of statement.body) this.#statement(inner);
        this.releasePlace(place);
        return;
      }
      case 'set-place':
        this.#storeAt(this.places.get(statement.place)!, statement.place.size, statement.value);
        return;
      case 'list':
        this.list(statement);
        return;
      case 'special':
        statement.special.emit(this);
        return;
      case 'system-when':
        this.expression(statement.condition);
        this.systemIf(statement.operation);
        return;
      case 'system':
        this.system(statement.operation);
        return;
      case 'jump':
        this.jump(statement.target);
        return;
      case 'branch':
        this.branch(statement.condition);
        return;
    }
  }

  #storeField({ type, offset }: StateField): void {
    this.f.memory(`${this.wasmType(type)}_store`, offset);
  }

  #storeAt({ local, offset }: HostPlace, size: AccessSize, value: Expression): void {
    this.f.get(local);
    this.expression(value);
    this.f.memory(storeOperation(this.wasmType(value.type), size), offset);
  }

  #let(variable: Variable, value: Expression): void {
    const known = this.known(value);
    if (known !== undefined) {
      this.bindVariable(variable, { known });
      return;
    }
    const local = this.#hold(variable.type);
    this.expression(value);
    this.f.set(local);
    this.bindVariable(variable, local);
  }

  #assign(variable: Variable, value: Expression): void {
    const place = this.placeOf(variable);
    if (typeof place !== 'number') {
      this.#let(variable, value);
      return;
    }
    this.expression(value);
    this.f.set(place);
  }

  #when({ condition, body }: StatementOf<'when'>): void {
    const known = this.known(condition);
    if (known === 0) return;
    if (known !== undefined) {
      for (const inner of body) this.#statement(inner);
      return;
    }
    // What is assigned on one way only has to be in a local on both.
    for (const node of nodesOf(body)) {
      if (node.kind === 'assign') this.#materialize(node.variable as Variable);
    }
    this.expression(condition);
    this.f.if();
    this.onOneWay(() => {
      for (const inner of body) this.#statement(inner);
    });
    this.f.end();
  }

  #materialize(variable: Variable): void {
    const place = this.placeOf(variable);
    if (typeof place !== 'object') return;
    const local = this.#hold(variable.type);
    this.constant(variable.type, place.known);
    this.f.set(local);
    this.bindVariable(variable, local);
  }

  #hold(of: Type): Local {
    const type = this.wasmType(of);
    const local = this.scratch(type);
    this.#held.push({ type, local });
    return local;
  }
}
