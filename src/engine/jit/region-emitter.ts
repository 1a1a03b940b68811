import type { FunctionBody, Local } from '../../wasm/function-body.js';
import type { RegionVariant } from '../engine-layout.js';
import { loadOperation, storeOperation } from '../expression-emitter.js';
import type { Destination, RegisterFile, Source } from '../expressions.js';
import type { RuntimeFunction } from '../runtime-functions.js';
import {
  type ListStatement,
  listed,
  type Register,
  registersRead,
  registersWritten,
} from './instruction-traits.js';
import type { CodeInstruction, RegionCode } from './region-code.js';
import { PARAMETER, RegionMemory, type RegionTarget } from './region-memory.js';

/**
 * Emits instructions with guest registers in locals. Whatever is not plain work on RAM leaves the region before
 * the instruction, with all state as it was: the interpreter does it. So no host call is made from a region, and
 * what was checked on its way in (mode, mappings, page contents) stays true until it is left.
 */
export class RegionEmitter extends RegionMemory {
  override readonly inlinesFloats = true;
  /** Where the registers of each file that the region uses are. */
  readonly #registers: ReadonlyMap<RegisterFile, Map<number, Local>>;
  /** Those that it changes. */
  readonly #dirty: Register[] = [];
  /** What is known in the present block. */
  #facts = new Set<string>();

  constructor(
    f: FunctionBody,
    target: RegionTarget,
    code: RegionCode,
    variant: RegionVariant,
    multiplyHighUnsigned: number,
    readonly runtime: ReadonlyMap<RuntimeFunction, number>,
  ) {
    super(f, target, code, variant, multiplyHighUnsigned);
    const compiled = code.instructions.filter(one => one.flow !== 'interpret');
    const written = compiled.flatMap(one => registersWritten(one.decoded!));
    const used = [...written, ...compiled.flatMap(one => registersRead(one.decoded!))];
    const numbers = (registers: readonly Register[], file: RegisterFile) =>
      new Set(registers.filter(one => one.file === file).map(({ number }) => number));
    this.#registers = new Map(
      target.isa.registerFiles.map(file => {
        const all = numbers(used, file);
        if (file.zero !== undefined) all.delete(file.zero.register);
        const type = this.wasmType(file.type);
        return [file, new Map([...all].sort((a, b) => a - b).map(number => [number, f.local(type)]))];
      }),
    );
    for (const file of target.isa.registerFiles) {
      for (const number of numbers(written, file)) this.#dirty.push({ file, number });
    }
  }

  loadRegisters(): void {
    for (const [file, locals] of this.#registers) {
      for (const [number, local] of locals) {
        this.f
          .get(PARAMETER.hart)
          .memory(`${this.wasmType(file.type)}_load`, file.offset + 8 * number)
          .set(local);
      }
    }
  }

  storeRegisters(): void {
    for (const { file, number } of this.#dirty) {
      this.f.get(PARAMETER.hart).get(this.#local(file, number)!);
      this.f.memory(`${this.wasmType(file.type)}_store`, file.offset + 8 * number);
    }
  }

  /** What holds in one block need not hold in the next. */
  startBlock(): void {
    this.#facts.clear();
  }

  /** Emits what an instruction does besides going elsewhere. */
  work(one: CodeInstruction, unpaid: number): void {
    this.one = one;
    this.unpaid = unpaid;
    this.statements(this.decoded.instruction.semantics.statements);
  }

  /** Pushes the condition of a branch, or the target of an indirect jump. */
  transfer(one: CodeInstruction): void {
    this.one = one;
    for (const statement of this.decoded.instruction.semantics.statements) {
      if (statement.kind === 'branch') this.expression(statement.condition);
      else if (statement.kind === 'jump') this.expression(statement.target);
    }
  }

  // Where control goes is the region's to say.
  protected jump(): void {}
  protected branch(): void {}

  protected system(operation: string): void {
    throw new Error(`${operation} in compiled code`);
  }

  protected systemIf(): void {
    this.leaveIf();
  }

  protected illegalIf(): void {
    this.leaveIf();
  }

  protected learn(fact: string): boolean {
    if (this.#facts.has(fact)) return true;
    this.#facts.add(fact);
    return false;
  }

  protected onOneWay(emit: () => void): void {
    const before = new Set(this.#facts);
    emit();
    this.#facts = before;
  }

  protected list(statement: ListStatement): void {
    const { f } = this;
    const { direction, size, address } = statement;
    const registers = listed(statement, this.decoded.immediate);
    const place = this.listPlace(address, size, registers.length, direction === 'store');
    const x = this.wasmType(statement.file.type);
    registers.forEach(({ file, number }, index) => {
      const offset = place.offset + index * size;
      if (direction === 'store') {
        f.get(place.local);
        this.#push(file, number);
        f.memory(storeOperation(x, size), offset);
      } else {
        this.#set(
          { file, number },
          () => void f.get(place.local).memory(loadOperation(x, size, true), offset),
        );
      }
    });
    this.releasePlace(place);
  }

  // Special instructions.

  get knownImmediate(): number {
    return this.decoded.immediate;
  }

  get table(): number {
    return this.target.plan.isaTable;
  }

  immediateBits(): void {
    this.f.i32(this.decoded.immediate & 0xffff);
  }

  operandNumbers(): void {
    this.f.i32(this.decoded.first).i32(this.decoded.result);
  }

  resultOf(file: RegisterFile, inline: (leaveIf: () => void) => void): void {
    this.#set({ file, number: this.decoded.result }, () => inline(() => this.leaveIf()));
    // It may have changed what was known.
    this.startBlock();
  }

  // Operands.

  source(file: RegisterFile, operand: Source): void {
    this.#push(file, this.decoded[operand]);
  }

  protected setRegister(file: RegisterFile, operand: Destination, push: () => void): void {
    this.#set({ file, number: this.decoded[operand] }, push);
  }

  operandNumber(operand: 'first' | 'second'): void {
    this.constant('x', this.decoded[operand]);
  }

  modifier(): void {
    this.f.i32(this.decoded.modifier);
  }

  protected override get knownModifier(): number {
    return this.decoded.modifier;
  }

  #push(file: RegisterFile, number: number): void {
    const local = this.#local(file, number);
    if (local === undefined) this.constant(file.type, 0);
    else this.f.get(local);
  }

  #set({ file, number }: Register, push: () => void): void {
    const local = this.#local(file, number);
    push();
    if (local === undefined) this.f.op('drop');
    else this.f.set(local);
  }

  /** Undefined for the zero register. */
  #local(file: RegisterFile, number: number): Local | undefined {
    return this.#registers.get(file)!.get(number);
  }

  runtimeFunction(name: RuntimeFunction): number {
    return this.runtime.get(name)!;
  }

  immediate(): void {
    this.constant('x', this.decoded.immediate);
  }

  pc(): void {
    this.address(this.one.low);
  }

  nextPc(): void {
    const next = this.one.low + this.one.length;
    if (next < 2 ** 32 || this.x === 'i32') this.address(next);
    else this.f.i64(next | 0, (this.code.high + 1) | 0);
  }
}
