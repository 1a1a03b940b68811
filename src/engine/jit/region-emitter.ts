import type { FunctionBody, Local } from '../../wasm/function-body.js';
import { DYNAMIC_ROUNDING, type RegionVariant, ROUNDING_MODES, ROUNDING_SHIFT } from '../engine-layout.js';
import { emitPlainCsr, knownFields } from '../plain-csr.js';
import { emitReservedAt } from '../reserved-place.js';
import type { RuntimeFunction } from '../runtime-functions.js';
import type { CsrOperation, Expression, Statement } from '../semantics.js';
import { loadOperation, storeOperation } from '../semantics-emitter.js';
import { instructionTraits } from './instruction-traits.js';
import type { CodeInstruction, RegionCode } from './region-code.js';
import { PARAMETER, RegionMemory, type RegionTarget } from './region-memory.js';

/**
 * Emits instructions with guest registers in locals. Whatever is not plain work on RAM leaves the region before
 * the instruction, with all state as it was: the interpreter does it. So no host call is made from a region, and
 * what was checked on its way in (mode, mappings, page contents) stays true until it is left.
 */
export class RegionEmitter extends RegionMemory {
  override readonly inlinesFloats = true;
  readonly registers = new Map<number, Local>();
  readonly dirty = new Set<number>();
  readonly floats = new Map<number, Local>();
  readonly dirtyFloats = new Set<number>();
  /** Whether floating point is known to be on, and to be marked dirty, in the present block. */
  #floatOn = false;
  #floatDirty = false;
  #rounding: Local | undefined;

  constructor(
    f: FunctionBody,
    target: RegionTarget,
    code: RegionCode,
    variant: RegionVariant,
    multiplyHighUnsigned: number,
    readonly runtime: ReadonlyMap<RuntimeFunction, number>,
  ) {
    super(f, target, code, variant, multiplyHighUnsigned);
    const used = new Set<number>();
    const usedFloats = new Set<number>();
    for (const one of code.instructions) {
      if (one.instruction === undefined || one.flow === 'interpret') continue;
      const traits = instructionTraits(one.instruction);
      if (traits.readsRs1) used.add(one.rs1);
      if (traits.readsRs2) used.add(one.rs2);
      for (const source of traits.floatSources) usedFloats.add(one[source]);
      if (traits.writesFd) {
        usedFloats.add(one.rd);
        this.dirtyFloats.add(one.rd);
      }
      if (!traits.writesRd || one.rd === 0) continue;
      used.add(one.rd);
      this.dirty.add(one.rd);
    }
    used.delete(0);
    for (const register of [...used].sort((a, b) => a - b)) this.registers.set(register, f.local(this.x));
    for (const register of [...usedFloats].sort((a, b) => a - b)) this.floats.set(register, f.local('i64'));
  }

  loadRegisters(): void {
    for (const [register, local] of this.registers) {
      this.f
        .get(PARAMETER.hart)
        .memory(`${this.x}_load`, this.target.hart.x + 8 * register)
        .set(local);
    }
    for (const [register, local] of this.floats) {
      this.f
        .get(PARAMETER.hart)
        .memory('i64_load', this.target.hart.f + 8 * register)
        .set(local);
    }
  }

  storeRegisters(): void {
    for (const register of this.dirty) {
      this.f.get(PARAMETER.hart).get(this.registers.get(register)!);
      this.f.memory(`${this.x}_store`, this.target.hart.x + 8 * register);
    }
    for (const register of this.dirtyFloats) {
      this.f.get(PARAMETER.hart).get(this.floats.get(register)!);
      this.f.memory('i64_store', this.target.hart.f + 8 * register);
    }
  }

  /** What holds in one block need not hold in the next. */
  startBlock(): void {
    this.#floatOn = false;
    this.#floatDirty = false;
  }

  /** Emits what an instruction does besides going elsewhere. */
  work(one: CodeInstruction, unpaid: number): void {
    this.one = one;
    this.unpaid = unpaid;
    for (const statement of one.instruction!.semantics.statements) this.#statement(statement);
  }

  /** Pushes the condition of a branch, or the target of an indirect jump. */
  transfer(one: CodeInstruction): void {
    this.one = one;
    for (const statement of one.instruction!.semantics.statements) {
      if (statement.kind === 'branch') this.expression(statement.condition);
      else if (statement.kind === 'jump') this.expression(statement.target);
    }
  }

  #statement(statement: Statement): void {
    const { f } = this;
    switch (statement.kind) {
      case 'set-rd':
        if (this.one.rd === 0) {
          this.expression(statement.value);
          f.op('drop');
          return;
        }
        this.expression(statement.value);
        f.set(this.registers.get(this.one.rd)!);
        return;
      case 'set-fd':
        this.expression(statement.value);
        f.set(this.floats.get(this.one.rd)!);
        this.#markFloatDirty();
        return;
      case 'require-float':
        this.#requireFloat(statement.rounding);
        return;
      case 'store': {
        const host = this.scratch('i32');
        this.storeAddress(statement.address, statement.size, host, false);
        f.get(host);
        this.expression(statement.value);
        f.memory(storeOperation(this.wasmType(statement.value.type), statement.size), this.ramOffset);
        this.release('i32', host);
        return;
      }
      case 'atomic': {
        const type = statement.size === 4 ? 'i32' : 'i64';
        const host = this.scratch('i32');
        const old = this.scratch(type);
        this.storeAddress(RS1, statement.size, host, true);
        f.get(host).memory(`${type}_load`, this.ramOffset).set(old);
        this.bindVariable(statement.old, old);
        f.get(host);
        this.expression(statement.update);
        f.memory(`${type}_store`, this.ramOffset);
        if (this.one.rd !== 0) {
          f.get(old);
          if (type === 'i32' && this.x === 'i64') f.op('i64_extend_i32_s');
          f.set(this.registers.get(this.one.rd)!);
        }
        this.release(type, old);
        this.release('i32', host);
        return;
      }
      case 'load-reserved':
        this.#loadReserved(statement.size);
        return;
      case 'store-conditional':
        this.#storeConditional(statement.size);
        return;
      case 'csr':
        this.#csr(statement.operation, statement.source);
        return;
      default:
        return;
    }
  }

  #loadReserved(size: 4 | 8): void {
    const { f } = this;
    const { hart } = this.target;
    const host = this.scratch('i32');
    this.loadAddress(RS1, size, host, true);
    f.get(PARAMETER.hart);
    this.register('rs1');
    f.memory(`${this.x}_store`, hart.reservedAddress);
    emitReservedAt(f, this.target.plan, host, size, this.ramOffset);
    f.get(PARAMETER.hart)
      .get(host)
      .memory(loadOperation(this.x, size, true), this.ramOffset);
    f.memory(`${this.x}_store`, hart.reservedValue);
    if (this.one.rd !== 0) {
      f.get(PARAMETER.hart).memory(`${this.x}_load`, hart.reservedValue);
      f.set(this.registers.get(this.one.rd)!);
    }
    this.release('i32', host);
  }

  #storeConditional(size: 4 | 8): void {
    const { f } = this;
    const { hart } = this.target;
    const host = this.scratch('i32');
    const failed = this.scratch('i32');
    f.i32(1).set(failed);
    this.register('rs1');
    f.get(PARAMETER.hart).memory(`${this.x}_load`, hart.reservedAddress).op(`${this.x}_eq`).if();
    this.storeAddress(RS1, size, host, false);
    f.get(host).memory(loadOperation(this.x, size, true), this.ramOffset);
    f.get(PARAMETER.hart).memory(`${this.x}_load`, hart.reservedValue).op(`${this.x}_eq`).if();
    f.get(host);
    this.register('rs2');
    f.memory(storeOperation(this.x, size), this.ramOffset);
    f.i32(0).set(failed);
    f.end();
    f.end();
    f.get(PARAMETER.hart);
    this.constant('x', -1);
    f.memory(`${this.x}_store`, hart.reservedAddress);
    if (this.one.rd !== 0) {
      f.get(failed);
      if (this.x === 'i64') f.op('i64_extend_i32_u');
      f.set(this.registers.get(this.one.rd)!);
    }
    this.release('i32', failed);
    this.release('i32', host);
  }

  #csr(operation: CsrOperation, source: 'register' | 'immediate'): void {
    const { f, target } = this;
    const operand = this.scratch(this.x);
    if (source === 'register') this.register('rs1');
    else this.constant('x', this.one.rs1);
    f.set(operand);
    emitPlainCsr(this, target.hart, {
      fields: knownFields(this, target.plainCsrs.get(this.one.immediate)!),
      operation,
      operand,
      hart: PARAMETER.hart,
      leaveIf: () => this.leaveIf(),
    });
    if (this.one.rd === 0) f.op('drop');
    else f.set(this.registers.get(this.one.rd)!);
    this.release(this.x, operand);
    // It may have turned floating point off, or made it clean.
    this.startBlock();
  }

  // Operands.

  register(operand: 'rs1' | 'rs2'): void {
    const number = operand === 'rs1' ? this.one.rs1 : this.one.rs2;
    if (number === 0) this.constant('x', 0);
    else this.f.get(this.registers.get(number)!);
  }

  floatRegister(operand: 'rs1' | 'rs2' | 'rs3'): void {
    this.f.get(this.floats.get(this.one[operand])!);
  }

  roundingMode(): void {
    if (this.one.roundingMode === DYNAMIC_ROUNDING) this.f.get(this.#rounding!);
    else this.f.i32(this.one.roundingMode);
  }

  floatFlags(): void {
    this.f.get(PARAMETER.hart).i32(this.target.hart.floatControl).op('i32_add');
  }

  runtimeFunction(name: RuntimeFunction): number {
    return this.runtime.get(name)!;
  }

  #requireFloat(rounding: boolean): void {
    const { f } = this;
    const { hart } = this.target;
    if (!this.#floatOn) {
      f.get(PARAMETER.hart).memory('i32_load', hart.floatStatus).i32(hart.floatStatusMask).op('i32_and');
      f.op('i32_eqz');
      this.leaveIf();
      this.#floatOn = true;
    }
    if (!rounding || this.one.roundingMode !== DYNAMIC_ROUNDING) return;
    this.#rounding ??= f.local('i32');
    f.get(PARAMETER.hart).memory('i32_load', hart.floatControl).i32(ROUNDING_SHIFT).op('i32_shr_u');
    f.tee(this.#rounding).i32(ROUNDING_MODES).op('i32_ge_u');
    this.leaveIf();
  }

  #markFloatDirty(): void {
    if (this.#floatDirty) return;
    const { f } = this;
    const { hart } = this.target;
    this.#floatDirty = true;
    f.get(PARAMETER.hart).get(PARAMETER.hart).memory('i32_load', hart.floatStatus);
    f.i32(hart.floatStatusMask).op('i32_or').memory('i32_store', hart.floatStatus);
  }

  immediate(): void {
    this.constant('x', this.one.immediate);
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

const RS1: Expression = { kind: 'register', operand: 'rs1', type: 'x' };
