import { type MemoryPlan, PAGE_BYTES } from '../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../wasm/function-body.js';
import { ModuleBuilder } from '../wasm/module-builder.js';
import {
  ACCESS_FLAG,
  CONTROL,
  CSR_OPERATION,
  DYNAMIC_ROUNDING,
  ENTRY,
  ENTRY_SCALE_SHIFT,
  type EngineHost,
  FIRST_INSTRUCTION,
  type HartOffsets,
  MARK,
  MARK_SHIFT,
  mailboxEnd,
  REGION_ENTRY,
  REGION_ENTRY_SHIFT,
  REGION_FUNCTIONS,
  REGION_PARAMETERS,
  ROUNDING_MODES,
  ROUNDING_SHIFT,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from './engine-layout.js';
import type { Instruction, InstructionSet } from './instruction-set.js';
import type { RuntimeFunction, RuntimeIndices } from './runtime-functions.js';
import type { AccessSize, Expression, Statement } from './semantics.js';
import { loadOperation, SemanticsEmitter, storeOperation } from './semantics-emitter.js';
import { defineRuntime } from './softfloat/runtime.js';
import { emitFlaggedStore, emitPageFlag } from './watched-stores.js';

/** `run(hart, fetchTlb, dataTlb, budget)`: 0 when the budget is used up, 1 when the host asked to leave. */
export type RunFunction = (hart: number, fetchTlb: number, dataTlb: number, budget: number) => number;

export interface InterpreterModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Names of the system operations, by the number `EngineHost.system` is called with. */
  readonly systemOperations: readonly string[];
}

type HostImport = keyof EngineHost;

/**
 * Generates the interpreter: one wasm function that walks predecoded pages.
 *
 * `ip` points at the entry of the next instruction; the pc follows from it and is only computed when asked
 * for. Leaving at an instruction leaves the machine as it was before that instruction.
 */
export function generateInterpreter(
  isa: InstructionSet,
  plan: MemoryPlan,
  hart: HartOffsets,
  /** Jumps to an instruction, up to 256, after which it is hot; undefined: no regions. */
  hotAfter: number | undefined,
): InterpreterModule {
  const builder = new ModuleBuilder();
  builder.importMemory('host', 'memory', plan.wasmPages);
  // Regions are entered through a table.
  if (hotAfter !== undefined) builder.importTable('host', 'regions', REGION_FUNCTIONS);
  const i32 = 'i32' as const;
  const hostImport = (name: HostImport, parameters: number, result = true) =>
    builder.importFunction('host', name, Array<'i32'>(parameters).fill(i32), result ? [i32] : []);
  const imports: Record<HostImport, number> = {
    fetch: hostImport('fetch', 0),
    decode: hostImport('decode', 1),
    cross: hostImport('cross', 0),
    breakpoint: hostImport('breakpoint', 1),
    load: hostImport('load', 3),
    store: hostImport('store', 3),
    commit: hostImport('commit', 0, false),
    csr: hostImport('csr', 6),
    system: hostImport('system', 1),
    illegal: hostImport('illegal', 0),
    hot: hostImport('hot', 1, false),
  };
  const regions =
    hotAfter !== undefined ? { type: builder.type(REGION_PARAMETERS, [i32]), hotAfter } : undefined;
  const runtime = defineRuntime(builder, {
    distance: hart.floatStatus - hart.floatControl,
    mask: hart.floatStatusMask,
  });
  const run = builder.function([i32, i32, i32, i32], [i32], 'run');
  const emitter = new InterpreterEmitter(run.body, isa, plan, hart, imports, runtime, regions);
  emitter.emit();
  return { bytes: builder.finish(), systemOperations: emitter.systemOperations };
}

class InterpreterEmitter extends SemanticsEmitter {
  readonly systemOperations: string[] = [];
  readonly #hart: Local = 0;
  readonly #fetchTlb: Local = 1;
  readonly #dataTlb: Local = 2;
  readonly #n: Local = 3;
  readonly #ip: Local;
  readonly #pageBase: Local;
  readonly #pageVa: Local;
  /** Page within which `pageBase` may serve jumps; no page at all while in a crossing instruction. */
  readonly #jumpVa: Local;
  /** Bytes of entries within which a branch may stay; zero while in a crossing instruction. */
  readonly #span: Local;
  readonly #newPc: Local;
  readonly #operation: Local;
  readonly #host: Local;
  /** Rounding mode of the present instruction. */
  readonly #rounding: Local;
  #format: Instruction['format'] = 'none';
  #exitAtIp: Label = 0;
  #exitHost: Label = 0;
  #next: Label = 0;
  #illegal: Label = 0;
  #dispatch: Label = 0;
  #lookup: Label = 0;

  constructor(
    f: FunctionBody,
    readonly isa: InstructionSet,
    readonly plan: MemoryPlan,
    readonly offsets: HartOffsets,
    readonly imports: Record<HostImport, number>,
    readonly runtime: RuntimeIndices,
    /** Type of a region's function, and how many jumps make a place hot; undefined when there are none. */
    readonly regions: { readonly type: number; readonly hotAfter: number } | undefined,
  ) {
    super(f, isa.xlen, runtime.multiply_high);
    this.#ip = f.local('i32');
    this.#pageBase = f.local('i32');
    this.#pageVa = f.local(this.x);
    this.#jumpVa = f.local(this.x);
    this.#span = f.local('i32');
    this.#newPc = f.local(this.x);
    this.#operation = f.local('i32');
    this.#host = f.local('i32');
    this.#rounding = f.local('i32');
  }

  emit(): void {
    const { f } = this;
    this.#loadState(this.offsets.pc);
    f.set(this.#newPc);
    this.constant('x', -1);
    f.set(this.#jumpVa);
    this.#exitHost = f.block();
    this.#exitAtIp = f.block();
    this.#illegal = f.block();
    this.#lookup = f.loop();
    this.#emitLookup();
    this.#next = f.loop();
    f.get(this.#n).op('i32_eqz').brIf(this.#exitAtIp);
    f.get(this.#ip).memory('i32_load8_u', ENTRY.operation).set(this.#operation);
    this.#dispatch = f.loop();
    this.#emitHandlers();
    f.end().end().end();
    f.end();
    this.#leaveThrough(this.imports.illegal);
    f.end();
    this.#storePcOfIp();
    this.#storeBudget();
    f.i32(0).op('return');
    f.end();
    f.i32(1);
  }

  /** newPc -> ip, pageBase, pageVa; leaves when the fetch faults or no step may be taken. */
  #emitLookup(): void {
    const { f } = this;
    const entry = this.scratch('i32');
    const found = f.block();
    this.#pageOf(this.#newPc, 1);
    f.get(this.#jumpVa).op(`${this.x}_eq`).brIf(found);
    f.get(this.#n).op('i32_eqz').if();
    this.#storeNewPc();
    this.#storeBudget();
    f.i32(0).op('return');
    f.end();
    const retry = f.loop();
    this.#tlbEntry(this.#newPc, this.#fetchTlb);
    f.tee(entry);
    f.memory(this.x === 'i64' ? 'i64_load' : 'i32_load', TLB_TABLE.fetch);
    this.#pageOf(this.#newPc, 1);
    f.op(`${this.x}_ne`).if();
    this.#storeNewPc();
    this.#storeBudget();
    f.call(this.imports.fetch);
    this.#reloadBudget();
    f.op('i32_eqz').brIf(this.#exitHost);
    f.br(retry);
    f.end();
    f.end();
    f.get(entry)
      .memory('i32_load', TLB_TABLE.fetch + TLB_VALUE)
      .set(this.#pageBase);
    this.#pageOf(this.#newPc, 1);
    f.tee(this.#pageVa).set(this.#jumpVa);
    f.i32(PAGE_BYTES << ENTRY_SCALE_SHIFT).set(this.#span);
    f.end();
    f.get(this.#pageBase).get(this.#newPc);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(PAGE_BYTES - 1)
      .op('i32_and')
      .i32(ENTRY_SCALE_SHIFT)
      .op('i32_shl')
      .op('i32_add')
      .set(this.#ip);
    this.release('i32', entry);
    this.#countJump();
  }

  #emitHandlers(): void {
    const { f } = this;
    const handlers: (() => void)[] = [
      () => this.#undecoded(),
      () => this.#pageEnd(),
      () => this.#crossPage(),
      () => this.#breakpoint(),
      () => f.br(this.#illegal),
      () => this.#region(),
    ];
    if (handlers.length !== FIRST_INSTRUCTION) throw new Error('pseudo operations out of step');
    for (const instruction of this.isa.instructions) handlers.push(() => this.#instruction(instruction));
    const labels = handlers.map(() => f.block()).reverse();
    f.get(this.#operation).brTable(labels, labels[4]);
    for (const handler of handlers) {
      f.end();
      handler();
    }
  }

  // Pseudo operations.

  #undecoded(): void {
    const { f } = this;
    this.#sync();
    f.get(this.#ip).call(this.imports.decode).op('i32_eqz').brIf(this.#exitHost);
    f.br(this.#next);
  }

  #pageEnd(): void {
    const { f } = this;
    this.#pcOfIp();
    f.set(this.#newPc).br(this.#lookup);
  }

  #crossPage(): void {
    const { f } = this;
    this.#sync();
    f.call(this.imports.cross).tee(this.#host).op('i32_eqz').brIf(this.#exitHost);
    // Keep pc = pageVa + (ip - pageBase) / scale true for the entry that stands elsewhere.
    f.get(this.#pageBase).get(this.#ip).op('i32_sub').get(this.#host).op('i32_add').set(this.#pageBase);
    f.get(this.#host).set(this.#ip);
    this.constant('x', -1);
    f.set(this.#jumpVa);
    f.i32(0).set(this.#span);
    f.br(this.#next);
  }

  #breakpoint(): void {
    const { f } = this;
    this.#sync();
    f.get(this.#ip).call(this.imports.breakpoint).tee(this.#operation);
    f.i32(0).op('i32_lt_s').brIf(this.#exitHost).br(this.#dispatch);
  }

  /** Calls the region that is marked here, if it is for this mode and address; else runs the instruction. */
  #region(): void {
    const { f, plan, regions } = this;
    if (regions === undefined) {
      f.op('unreachable');
      return;
    }
    const entry = this.scratch('i32');
    const left = this.scratch('i32');
    const covered = f.block();
    this.#mark();
    f.memory('i32_load16_u', plan.marks - (plan.decode >>> MARK_SHIFT) + MARK.entry);
    f.i32(REGION_ENTRY_SHIFT).op('i32_shl').tee(entry);
    f.memory('i32_load', plan.regionEntries + REGION_ENTRY.variant);
    f.i32(0).memory('i32_load', plan.control + CONTROL.variant);
    f.op('i32_ne').brIf(covered);
    f.get(entry)
      .memory(`${this.x}_load`, plan.regionEntries + REGION_ENTRY.page)
      .get(this.#pageVa);
    f.op(`${this.x}_ne`).brIf(covered);
    f.get(this.#hart).get(this.#fetchTlb).get(this.#dataTlb).get(this.#n);
    f.get(entry).memory('i32_load', plan.regionEntries + REGION_ENTRY.selector);
    f.i32(0)
      .get(entry)
      .memory('i32_load', plan.regionEntries + REGION_ENTRY.function)
      .tee(entry);
    f.memory('i32_store', plan.control + CONTROL.lastRegion).get(entry);
    f.callIndirect(regions.type).tee(left).get(this.#n).op('i32_eq').brIf(covered);
    f.i32(0)
      .get(left)
      .memory('i32_store', plan.control + CONTROL.lastBudget);
    f.get(left).set(this.#n);
    this.#loadState(this.offsets.pc);
    f.set(this.#newPc).br(this.#lookup);
    f.end();
    this.#mark();
    f.memory('i32_load8_u', plan.marks - (plan.decode >>> MARK_SHIFT) + MARK.operation);
    f.set(this.#operation).br(this.#dispatch);
    this.release('i32', entry);
    this.release('i32', left);
  }

  /** Address of the mark of the present slot, less a constant. */
  #mark(): void {
    this.f.get(this.#ip).i32(MARK_SHIFT).op('i32_shr_u');
  }

  /** A jump to the present slot was taken. */
  #countJump(): void {
    const { f, plan, regions } = this;
    if (regions === undefined) return;
    const mark = this.scratch('i32');
    const count = this.scratch('i32');
    const hotness = plan.marks - (plan.decode >>> MARK_SHIFT) + MARK.hotness;
    this.#mark();
    f.tee(mark).get(mark).memory('i32_load8_u', hotness).i32(1).op('i32_add').tee(count);
    f.memory('i32_store8', hotness);
    f.get(count).i32(regions.hotAfter).op('i32_eq').if();
    f.get(mark).i32(0).memory('i32_store8', hotness);
    this.#sync();
    f.get(this.#ip).call(this.imports.hot);
    f.end();
    this.release('i32', mark);
    this.release('i32', count);
  }

  #leaveThrough(hostFunction: number): void {
    this.#sync();
    this.f.call(hostFunction).op('drop').br(this.#exitHost);
  }

  // Instructions.

  #instruction(instruction: Instruction): void {
    this.#format = instruction.format;
    let jumps = false;
    for (const statement of instruction.semantics.statements) {
      if (this.#statement(statement)) jumps = true;
    }
    if (jumps) this.#endJump(instruction);
    else this.#retire();
  }

  /** Emits one statement; true when the instruction ends by going to newPc. */
  #statement(statement: Statement): boolean {
    const { f } = this;
    switch (statement.kind) {
      case 'nothing':
        return false;
      case 'set-rd':
        this.#setRd(statement.value);
        return false;
      case 'set-fd':
        this.#setFd(statement.value);
        return false;
      case 'require-float':
        this.#requireFloat(statement.rounding);
        return false;
      case 'jump':
        if (!isRelative(statement.target)) {
          this.expression(statement.target);
          f.set(this.#newPc);
        }
        return true;
      case 'branch':
        this.expression(statement.condition);
        f.if();
        this.#endRelative();
        f.end();
        return false;
      case 'store':
        this.#store(statement.size, statement.address, statement.value);
        return false;
      case 'atomic': {
        const type = statement.size === 4 ? 'i32' : 'i64';
        const old = this.scratch(type);
        this.#storeAddress(statement.size, ACCESS_FLAG.atomic);
        f.get(this.#host).memory(`${type}_load`, 0).set(old);
        this.bindVariable(statement.old, old);
        f.get(this.#host);
        this.expression(statement.update);
        f.memory(`${type}_store`, 0);
        f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add').get(old);
        if (type === 'i32' && this.x === 'i64') f.op('i64_extend_i32_s');
        f.memory(`${this.x}_store`, this.offsets.x);
        this.release(type, old);
        return false;
      }
      case 'load-reserved':
        this.#loadReserved(statement.size);
        return false;
      case 'store-conditional':
        this.#storeConditional(statement.size);
        return false;
      case 'csr':
        this.#csr(statement.operation, statement.source);
        return false;
      case 'system': {
        this.#sync();
        f.i32(this.#systemNumber(statement.operation)).call(this.imports.system);
        this.#reloadBudget();
        f.op('i32_eqz').brIf(this.#exitHost);
        return false;
      }
    }
  }

  #endJump(instruction: Instruction): void {
    const jump = instruction.semantics.statements.find(s => s.kind === 'jump');
    if (jump?.kind === 'jump' && isRelative(jump.target)) {
      this.#endRelative();
      return;
    }
    this.f.get(this.#n).i32(1).op('i32_sub').set(this.#n).br(this.#lookup);
  }

  /** Goes to pc + immediate, within the decoded page when the target lies there. */
  #endRelative(): void {
    const { f } = this;
    const target = this.scratch('i32');
    f.get(this.#n).i32(1).op('i32_sub').set(this.#n);
    f.get(this.#ip);
    this.#immediate32();
    f.i32(ENTRY_SCALE_SHIFT).op('i32_shl').op('i32_add').tee(target);
    f.get(this.#pageBase).op('i32_sub').get(this.#span).op('i32_lt_u').if();
    f.get(target).set(this.#ip);
    this.#countJump();
    f.br(this.#next);
    f.end();
    this.pc();
    this.immediate();
    f.op(`${this.x}_add`).set(this.#newPc).br(this.#lookup);
    this.release('i32', target);
  }

  #retire(): void {
    const { f } = this;
    f.get(this.#n).i32(1).op('i32_sub').set(this.#n);
    f.get(this.#ip).get(this.#ip).memory('i32_load8_u', ENTRY.step).op('i32_add').set(this.#ip);
    f.br(this.#next);
  }

  // Operands.

  register(operand: 'rs1' | 'rs2'): void {
    const { f } = this;
    f.get(this.#hart)
      .get(this.#ip)
      .memory('i32_load8_u', operand === 'rs1' ? ENTRY.rs1 : ENTRY.rs2);
    f.op('i32_add').memory(`${this.x}_load`, this.offsets.x);
  }

  floatRegister(operand: 'rs1' | 'rs2' | 'rs3'): void {
    this.f.get(this.#hart).get(this.#ip).memory('i32_load8_u', ENTRY[operand]);
    this.f.op('i32_add').memory('i64_load', this.offsets.f);
  }

  roundingMode(): void {
    this.f.get(this.#rounding);
  }

  floatFlags(): void {
    this.f.get(this.#hart).i32(this.offsets.floatControl).op('i32_add');
  }

  runtimeFunction(name: RuntimeFunction): number {
    return this.runtime[name];
  }

  immediate(): void {
    this.#immediate32();
    if (this.x === 'i64') this.f.op('i64_extend_i32_s');
  }

  pc(): void {
    this.#pcOfIp();
  }

  nextPc(): void {
    const { f } = this;
    this.#pcOfIp();
    f.get(this.#ip).memory('i32_load8_u', ENTRY.step).i32(ENTRY_SCALE_SHIFT).op('i32_shr_u');
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.op(`${this.x}_add`);
  }

  #immediate32(): void {
    const { f } = this;
    f.get(this.#ip);
    if (this.#format === 'U' || this.#format === 'J') f.memory('i32_load', ENTRY.immediate32);
    else f.memory('i32_load16_s', ENTRY.immediate16);
  }

  #setRd(value: Expression): void {
    const { f } = this;
    f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add');
    this.expression(value);
    f.memory(`${this.x}_store`, this.offsets.x);
  }

  #setFd(value: Expression): void {
    const { f, offsets } = this;
    f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add');
    this.expression(value);
    f.memory('i64_store', offsets.f);
    f.get(this.#hart).get(this.#hart).memory('i32_load', offsets.floatStatus);
    f.i32(offsets.floatStatusMask).op('i32_or').memory('i32_store', offsets.floatStatus);
  }

  #requireFloat(rounding: boolean): void {
    const { f, offsets } = this;
    f.get(this.#hart).memory('i32_load', offsets.floatStatus).i32(offsets.floatStatusMask).op('i32_and');
    f.op('i32_eqz').brIf(this.#illegal);
    if (!rounding) return;
    f.get(this.#ip).memory('i32_load8_u', ENTRY.roundingMode).tee(this.#rounding);
    f.i32(DYNAMIC_ROUNDING).op('i32_eq').if();
    f.get(this.#hart).memory('i32_load', offsets.floatControl).i32(ROUNDING_SHIFT).op('i32_shr_u');
    f.tee(this.#rounding).i32(ROUNDING_MODES).op('i32_ge_u').brIf(this.#illegal);
    f.end();
  }

  // Memory.

  load(node: Extract<Expression, { kind: 'load' }>): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.expression(node.address);
    f.set(va);
    this.#loadAddress(va, node.size, 0);
    f.get(this.#host).memory(loadOperation(this.wasmType(node.type), node.size, node.signed), 0);
    this.release(this.x, va);
  }

  /** Sets `host` to where the bytes at va can be loaded, or leaves. */
  #loadAddress(va: Local, size: AccessSize, flags: number): void {
    const { f } = this;
    const entry = this.scratch('i32');
    this.#tlbEntry(va, this.#dataTlb);
    f.tee(entry).memory(`${this.x}_load`, TLB_TABLE.load);
    this.#pageOf(va, size);
    f.op(`${this.x}_eq`).if();
    this.#addValueOf(entry, va, TLB_TABLE.load);
    f.set(this.#host);
    f.else();
    this.#callAccess(this.imports.load, size | flags, va);
    f.end();
    this.release('i32', entry);
  }

  #store(size: AccessSize, address: Expression, value: Expression): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.expression(address);
    f.set(va);
    this.#resolveStore(va, size, 0);
    f.get(this.#host);
    this.expression(value);
    f.memory(storeOperation(this.wasmType(value.type), size), 0);
    f.get(this.#host).i32(mailboxEnd(this.plan)).op('i32_lt_u').if();
    f.call(this.imports.commit);
    f.i32(0)
      .memory('i32_load', this.plan.control + CONTROL.budget)
      .set(this.#n);
    f.end();
    this.release(this.x, va);
  }

  #storeAddress(size: 4 | 8, flags: number): void {
    const va = this.scratch(this.x);
    this.register('rs1');
    this.f.set(va);
    this.#resolveStore(va, size, flags);
    this.release(this.x, va);
  }

  /** Sets `host` to where the bytes at va can be stored, or leaves. */
  #resolveStore(va: Local, size: AccessSize, flags: number): void {
    const { f, plan } = this;
    const entry = this.scratch('i32');
    const flag = this.scratch('i32');
    const done = f.block();
    const slow = f.block();
    this.#tlbEntry(va, this.#dataTlb);
    f.tee(entry).memory(`${this.x}_load`, TLB_TABLE.store);
    this.#pageOf(va, size);
    f.op(`${this.x}_ne`).brIf(slow);
    this.#addValueOf(entry, va, TLB_TABLE.store);
    f.set(this.#host);
    emitPageFlag(f, plan, this.#host, 0);
    f.tee(flag).op('i32_eqz').brIf(done);
    const address = () => f.get(va);
    emitFlaggedStore(f, this.x, plan, { flag, host: this.#host, bias: 0, address });
    f.op('i32_eqz').brIf(done);
    f.end();
    this.#callAccess(this.imports.store, size | flags, va);
    f.end();
    this.release('i32', flag);
    this.release('i32', entry);
  }

  #callAccess(hostFunction: number, access: number, va: Local): void {
    const { f } = this;
    this.#sync();
    f.i32(access);
    this.#words(va);
    f.call(hostFunction).set(this.#host);
    f.i32(0)
      .memory('i32_load', this.plan.control + CONTROL.budget)
      .set(this.#n);
    f.get(this.#host).op('i32_eqz').brIf(this.#exitHost);
  }

  #loadReserved(size: 4 | 8): void {
    const { f } = this;
    const va = this.scratch(this.x);
    this.register('rs1');
    f.set(va);
    this.#loadAddress(va, size, ACCESS_FLAG.reserved);
    f.get(this.#hart).get(va).memory(`${this.x}_store`, this.offsets.reservedAddress);
    f.get(this.#hart)
      .get(this.#host)
      .memory(loadOperation(this.x, size, true), 0);
    f.memory(`${this.x}_store`, this.offsets.reservedValue);
    f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add');
    f.get(this.#hart).memory(`${this.x}_load`, this.offsets.reservedValue);
    f.memory(`${this.x}_store`, this.offsets.x);
    this.release(this.x, va);
  }

  #storeConditional(size: 4 | 8): void {
    const { f } = this;
    const va = this.scratch(this.x);
    const failed = this.scratch('i32');
    this.register('rs1');
    f.set(va);
    f.i32(1).set(failed);
    f.get(va).get(this.#hart).memory(`${this.x}_load`, this.offsets.reservedAddress).op(`${this.x}_eq`).if();
    this.#resolveStore(va, size, ACCESS_FLAG.conditional);
    f.get(this.#host).memory(loadOperation(this.x, size, true), 0);
    f.get(this.#hart).memory(`${this.x}_load`, this.offsets.reservedValue).op(`${this.x}_eq`).if();
    f.get(this.#host);
    this.register('rs2');
    f.memory(storeOperation(this.x, size), 0);
    f.i32(0).set(failed);
    f.end();
    f.end();
    f.get(this.#hart);
    this.constant('x', -1);
    f.memory(`${this.x}_store`, this.offsets.reservedAddress);
    f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add').get(failed);
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.memory(`${this.x}_store`, this.offsets.x);
    this.release('i32', failed);
    this.release(this.x, va);
  }

  #csr(operation: keyof typeof CSR_OPERATION, source: 'register' | 'immediate'): void {
    const { f } = this;
    const value = this.scratch(this.x);
    if (source === 'register') {
      this.register('rs1');
    } else {
      f.get(this.#ip).memory('i32_load8_u', ENTRY.rs1).i32(3).op('i32_shr_u');
      if (this.x === 'i64') f.op('i64_extend_i32_u');
    }
    f.set(value);
    this.#sync();
    f.get(this.#ip).memory('i32_load16_u', ENTRY.immediate16);
    f.i32(CSR_OPERATION[operation]);
    f.get(this.#ip).memory('i32_load8_u', ENTRY.rs1);
    f.get(this.#ip).memory('i32_load16_u', ENTRY.rd);
    this.#words(value);
    f.call(this.imports.csr);
    this.#reloadBudget();
    f.op('i32_eqz').brIf(this.#exitHost);
    f.get(this.#hart).get(this.#ip).memory('i32_load16_u', ENTRY.rd).op('i32_add');
    f.i32(0).memory(`${this.x}_load`, this.plan.mailbox).memory(`${this.x}_store`, this.offsets.x);
    this.release(this.x, value);
  }

  #systemNumber(operation: string): number {
    const known = this.systemOperations.indexOf(operation);
    return known >= 0 ? known : this.systemOperations.push(operation) - 1;
  }

  // Small pieces.

  /** Address of the TLB entry for a virtual address, less the table's offset. */
  #tlbEntry(va: Local, bank: Local): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(TLB_INDEX_SHIFT).op('i32_shr_u').i32(TLB_INDEX_MASK).op('i32_and').get(bank).op('i32_add');
  }

  /** The page of va, with the low bits that a `size`-aligned address must not have. */
  #pageOf(va: Local, size: AccessSize): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.i64Number(-PAGE_BYTES + size - 1);
    else f.i32(-PAGE_BYTES + size - 1);
    f.op(`${this.x}_and`);
  }

  #addValueOf(entry: Local, va: Local, table: number): void {
    const { f } = this;
    f.get(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.get(entry)
      .memory('i32_load', table + TLB_VALUE)
      .op('i32_add');
  }

  /** Pushes a value as two 32-bit words, low then high. */
  #words(value: Local): void {
    const { f } = this;
    f.get(value);
    if (this.x === 'i32') {
      f.i32(0);
      return;
    }
    f.op('i32_wrap_i64').get(value).i64(32, 0).op('i64_shr_u').op('i32_wrap_i64');
  }

  #loadState(offset: number): void {
    this.f.get(this.#hart).memory(`${this.x}_load`, offset);
  }

  #pcOfIp(): void {
    const { f } = this;
    f.get(this.#pageVa).get(this.#ip).get(this.#pageBase).op('i32_sub');
    f.i32(ENTRY_SCALE_SHIFT).op('i32_shr_u');
    if (this.x === 'i64') f.op('i64_extend_i32_u');
    f.op(`${this.x}_add`);
  }

  #storePcOfIp(): void {
    this.f.get(this.#hart);
    this.#pcOfIp();
    this.f.memory(`${this.x}_store`, this.offsets.pc);
  }

  #storeNewPc(): void {
    this.f.get(this.#hart).get(this.#newPc).memory(`${this.x}_store`, this.offsets.pc);
  }

  #storeBudget(): void {
    this.f
      .i32(0)
      .get(this.#n)
      .memory('i32_store', this.plan.control + CONTROL.budget);
  }

  #reloadBudget(): void {
    this.f
      .i32(0)
      .memory('i32_load', this.plan.control + CONTROL.budget)
      .set(this.#n);
  }

  /** Before the host is called: what it may look at is in memory. */
  #sync(): void {
    this.#storePcOfIp();
    this.#storeBudget();
  }
}

function isRelative(target: Expression): boolean {
  return (
    target.kind === 'binary' &&
    target.operator === 'add' &&
    target.left.kind === 'pc' &&
    target.right.kind === 'immediate'
  );
}
