import { type CommonPlan, PAGE_BYTES } from '../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../wasm/function-body.js';
import {
  CONTROL,
  DYNAMIC_ROUNDING,
  ENTRY,
  ENTRY_SCALE_SHIFT,
  type EngineHost,
  type HartOffsets,
  ROUNDING_MODES,
  ROUNDING_SHIFT,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_VALUE,
} from './engine-layout.js';
import type { Instruction, InstructionSet } from './instruction-set.js';
import type { RuntimeFunction, RuntimeIndices } from './runtime-functions.js';
import type { AccessSize, Expression } from './semantics.js';
import { SemanticsEmitter } from './semantics-emitter.js';

/**
 * The interpreter's function as all of it sees it: its locals, the operands of the predecoded entry at `ip`, and
 * the small pieces of code that handlers are made of.
 */
export abstract class InterpreterFrame extends SemanticsEmitter {
  protected readonly hart: Local = 0;
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
  /** Rounding mode of the present instruction. */
  protected readonly rounding: Local;
  protected format: Instruction['format'] = 'none';
  protected exitHost: Label = 0;
  protected illegal: Label = 0;

  constructor(
    f: FunctionBody,
    readonly isa: InstructionSet,
    readonly plan: CommonPlan,
    readonly offsets: HartOffsets,
    readonly imports: Record<keyof EngineHost, number>,
    readonly runtime: RuntimeIndices,
  ) {
    super(f, isa.xlen, runtime.multiply_high);
    this.ip = f.local('i32');
    this.pageBase = f.local('i32');
    this.pageVa = f.local(this.x);
    this.newPc = f.local(this.x);
    this.host = f.local('i32');
    this.rounding = f.local('i32');
  }

  // Operands.

  register(operand: 'rs1' | 'rs2'): void {
    const { f } = this;
    f.get(this.hart)
      .get(this.ip)
      .memory('i32_load8_u', operand === 'rs1' ? ENTRY.rs1 : ENTRY.rs2);
    f.op('i32_add').memory(`${this.x}_load`, this.offsets.x);
  }

  floatRegister(operand: 'rs1' | 'rs2' | 'rs3'): void {
    this.f.get(this.hart).get(this.ip).memory('i32_load8_u', ENTRY[operand]);
    this.f.op('i32_add').memory('i64_load', this.offsets.f);
  }

  roundingMode(): void {
    this.f.get(this.rounding);
  }

  floatFlags(): void {
    this.f.get(this.hart).i32(this.offsets.floatControl).op('i32_add');
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
    if (this.format === 'U' || this.format === 'J') f.memory('i32_load', ENTRY.immediate32);
    else f.memory('i32_load16_s', ENTRY.immediate16);
  }

  /** Pushes where rd stands, less the offset of the registers. */
  protected resultAddress(): void {
    this.f.get(this.hart).get(this.ip).memory('i32_load8_u', ENTRY.rd).i32(3).op('i32_shl').op('i32_add');
  }

  protected setRd(value: Expression): void {
    const { f } = this;
    this.resultAddress();
    this.expression(value);
    f.memory(`${this.x}_store`, this.offsets.x);
  }

  protected setFd(value: Expression): void {
    const { f, offsets } = this;
    this.resultAddress();
    this.expression(value);
    f.memory('i64_store', offsets.f);
    f.get(this.hart).get(this.hart).memory('i32_load', offsets.floatStatus);
    f.i32(offsets.floatStatusMask).op('i32_or').memory('i32_store', offsets.floatStatus);
  }

  protected requireFloat(rounding: boolean): void {
    const { f, offsets } = this;
    f.get(this.hart).memory('i32_load', offsets.floatStatus).i32(offsets.floatStatusMask).op('i32_and');
    f.op('i32_eqz').brIf(this.illegal);
    if (!rounding) return;
    f.get(this.ip).memory('i32_load8_u', ENTRY.roundingMode).tee(this.rounding);
    f.i32(DYNAMIC_ROUNDING).op('i32_eq').if();
    f.get(this.hart).memory('i32_load', offsets.floatControl).i32(ROUNDING_SHIFT).op('i32_shr_u');
    f.tee(this.rounding).i32(ROUNDING_MODES).op('i32_ge_u').brIf(this.illegal);
    f.end();
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

  protected loadState(offset: number): void {
    this.f.get(this.hart).memory(`${this.x}_load`, offset);
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
    this.f.memory(`${this.x}_store`, this.offsets.pc);
  }

  protected storeNewPc(): void {
    this.f.get(this.hart).get(this.newPc).memory(`${this.x}_store`, this.offsets.pc);
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
