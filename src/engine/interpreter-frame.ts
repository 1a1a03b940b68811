import { type CommonPlan, PAGE_BYTES } from '../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../wasm/function-body.js';
import {
  CONTROL,
  ENTRY,
  ENTRY_SCALE_SHIFT,
  type EngineHost,
  REGISTER_SHIFT,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_VALUE,
} from './engine-layout.js';
import type { AccessSize, Destination, RegisterFile, Source } from './expressions.js';
import type { InstructionSet, OperandLayout } from './instruction-set.js';
import type { RuntimeFunction, RuntimeIndices } from './runtime-functions.js';
import { StatementEmitter } from './statement-emitter.js';

/**
 * The interpreter's function as all of it sees it: its locals, the operands of the predecoded entry at `ip`, and
 * the small pieces of code that handlers are made of.
 */
export abstract class InterpreterFrame extends StatementEmitter {
  protected readonly fetchTlb: Local = 1;
  protected readonly dataTlb: Local = 2;
  /** Steps left. */
  protected readonly n: Local = 3;
  protected readonly ip: Local;
  protected readonly pageBase: Local;
  protected readonly pageVa: Local;
  protected readonly newPc: Local;
  /** Host address of the present access. */
  protected readonly host: Local;
  protected operands: OperandLayout = 'short';
  protected exitHost: Label = 0;
  protected illegal: Label = 0;

  constructor(
    f: FunctionBody,
    isa: InstructionSet,
    readonly plan: CommonPlan,
    readonly imports: Readonly<Record<keyof EngineHost, number>>,
    readonly runtime: RuntimeIndices,
  ) {
    super(f, isa, runtime.multiply_high);
    this.ip = f.local('i32');
    this.pageBase = f.local('i32');
    this.pageVa = f.local(this.x);
    this.newPc = f.local(this.x);
    this.host = f.local('i32');
    f.local('i32');
  }

  // Operands.

  source(file: RegisterFile, operand: Source): void {
    this.registerAddress(operand);
    this.f.memory(`${this.wasmType(file.type)}_load`, file.offset);
  }

  operandNumber(operand: 'first' | 'second'): void {
    this.f.get(this.ip).memory('i32_load8_u', ENTRY[operand]).i32(REGISTER_SHIFT).op('i32_shr_u');
    if (this.x === 'i64') this.f.op('i64_extend_i32_u');
  }

  modifier(): void {
    this.f.get(this.ip).memory('i32_load8_u', ENTRY.modifier);
  }

  runtimeFunction(name: RuntimeFunction): number {
    return this.runtime[name];
  }

  immediate(): void {
    this.immediate32();
    if (this.x === 'i64') this.f.op('i64_extend_i32_s');
  }

  pc(): void {
    this.pcOfIp();
  }

  nextPc(): void {
    const { f } = this;
    this.pcOfIp();
    f.get(this.ip).memory('i32_load8_u', ENTRY.step).i32(ENTRY_SCALE_SHIFT).op('i32_shr_u');
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.op(`${this.x}_add`);
  }

  protected immediate32(): void {
    const { f } = this;
    f.get(this.ip);
    if (this.operands === 'wide') f.memory('i32_load', ENTRY.immediate32);
    else f.memory('i32_load16_s', ENTRY.immediate16);
  }

  /** Pushes where a register stands, less the offset of its file. */
  protected registerAddress(operand: Destination): void {
    const { f } = this;
    f.get(this.hart).get(this.ip).memory('i32_load8_u', ENTRY[operand]);
    // The number of a result may be 32.
    if (operand === 'result') f.i32(REGISTER_SHIFT).op('i32_shl');
    f.op('i32_add');
  }

  protected setRegister(file: RegisterFile, operand: Destination, push: () => void): void {
    this.registerAddress(operand);
    push();
    this.f.memory(`${this.wasmType(file.type)}_store`, file.offset);
  }

  protected illegalIf(): void {
    this.f.brIf(this.illegal);
  }

  /** An instruction may follow any other: nothing is known before it. */
  protected learn(): boolean {
    return false;
  }

  protected onOneWay(emit: () => void): void {
    emit();
  }

  // Small pieces.

  /** Address of the TLB entry for a virtual address, less the table's offset. */
  protected tlbEntry(va: Local, bank: Local): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(TLB_INDEX_SHIFT).op('i32_shr_u').i32(TLB_INDEX_MASK).op('i32_and').get(bank).op('i32_add');
  }

  /** The page of va, with the low bits that a `size`-aligned address must not have. */
  protected pageOf(va: Local, size: AccessSize): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.i64Number(-PAGE_BYTES + size - 1);
    else f.i32(-PAGE_BYTES + size - 1);
    f.op(`${this.x}_and`);
  }

  protected addValueOf(entry: Local, va: Local, table: number): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.get(entry)
      .memory('i32_load', table + TLB_VALUE)
      .op('i32_add');
  }

  /** Pushes a value as two 32-bit words, low then high. */
  protected words(value: Local): void {
    const { f } = this;
    f.get(value);
    if (this.x === 'i32') {
      f.i32(0);
      return;
    }
    f.op('i32_wrap_i64').get(value).i64(32, 0).op('i64_shr_u').op('i32_wrap_i64');
  }

  protected pcOfIp(): void {
    const { f } = this;
    f.get(this.pageVa).get(this.ip).get(this.pageBase).op('i32_sub');
    f.i32(ENTRY_SCALE_SHIFT).op('i32_shr_u');
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.op(`${this.x}_add`);
  }

  protected storePcOfIp(): void {
    this.f.get(this.hart);
    this.pcOfIp();
    this.f.memory(`${this.x}_store`, this.isa.pc.offset);
  }

  protected storeNewPc(): void {
    this.f.get(this.hart).get(this.newPc).memory(`${this.x}_store`, this.isa.pc.offset);
  }

  protected storeBudget(): void {
    this.f
      .i32(0)
      .get(this.n)
      .memory('i32_store', this.plan.control + CONTROL.budget);
  }

  /** Takes over what the host may have changed in the control block. */
  protected reload(local: Local, field: number): void {
    this.f
      .i32(0)
      .memory('i32_load', this.plan.control + field)
      .set(local);
  }

  /** Before the host is called: what it may look at is in memory. */
  protected sync(): void {
    this.storePcOfIp();
    this.storeBudget();
  }
}
