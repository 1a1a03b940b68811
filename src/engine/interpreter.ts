import { type CommonPlan, PAGE_BYTES } from '../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../wasm/function-body.js';
import {
  CONTROL,
  ENTRY,
  ENTRY_SCALE_SHIFT,
  type EngineHost,
  FIRST_INSTRUCTION,
  MARK,
  MARK_SHIFT,
  PSEUDO_OPERATION,
  REGION_ENTRY,
  REGION_ENTRY_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from './engine-layout.js';
import type { Expression } from './expressions.js';
import type { Instruction, InstructionSet } from './instruction-set.js';
import { InterpreterAccess } from './interpreter-access.js';
import { Operations } from './operations.js';
import type { RuntimeIndices } from './runtime-functions.js';
import { isPcRelative } from './semantics.js';

/** Emits the one function that walks predecoded pages: see `generateInterpreter`. */
export class InterpreterEmitter extends InterpreterAccess {
  /** Page within which `pageBase` may serve jumps; no page at all while in a crossing instruction. */
  readonly #jumpVa: Local;
  /** Bytes of entries within which a branch may stay; zero while in a crossing instruction. */
  readonly #span: Local;
  readonly #operation: Local;
  #exitAtIp: Label = 0;
  #next: Label = 0;
  #dispatch: Label = 0;
  #lookup: Label = 0;

  constructor(
    f: FunctionBody,
    isa: InstructionSet,
    plan: CommonPlan,
    imports: Record<keyof EngineHost, number>,
    runtime: RuntimeIndices,
    /** Type of a region's function, and how many jumps make a place hot; undefined when there are none. */
    readonly regions: { readonly type: number; readonly hotAfter: number } | undefined,
  ) {
    super(f, isa, plan, imports, runtime);
    this.#jumpVa = f.local(this.x);
    this.#span = f.local('i32');
    this.#operation = f.local('i32');
  }

  emit(): void {
    const { f } = this;
    const resumed = f.loop();
    this.loadField(this.isa.pc);
    f.set(this.newPc);
    this.constant('x', -1);
    f.set(this.#jumpVa);
    this.exitHost = f.block();
    this.#exitAtIp = f.block();
    this.illegal = f.block();
    this.#lookup = f.loop();
    this.#emitLookup();
    this.#next = f.loop();
    f.get(this.n).op('i32_eqz').brIf(this.#exitAtIp);
    f.get(this.ip).memory('i32_load8_u', ENTRY.operation).set(this.#operation);
    this.#dispatch = f.loop();
    this.#emitHandlers();
    f.end().end().end();
    f.end();
    this.#leaveThrough(this.imports.illegal);
    f.end();
    this.storePcOfIp();
    this.storeBudget();
    f.i32(0).op('return');
    f.end();
    f.call(this.imports.resume).if();
    this.reload(this.n, CONTROL.budget);
    this.reload(this.fetchTlb, CONTROL.fetchTlb);
    this.reload(this.dataTlb, CONTROL.dataTlb);
    f.br(resumed).end();
    f.end();
    f.i32(1);
  }

  /** newPc -> ip, pageBase, pageVa; leaves when the fetch faults or no step may be taken. */
  #emitLookup(): void {
    const { f } = this;
    const entry = this.scratch('i32');
    const found = f.block();
    this.pageOf(this.newPc, 1);
    f.get(this.#jumpVa).op(`${this.x}_eq`).brIf(found);
    f.get(this.n).op('i32_eqz').if();
    this.storeNewPc();
    this.storeBudget();
    f.i32(0).op('return');
    f.end();
    const retry = f.loop();
    this.tlbEntry(this.newPc, this.fetchTlb);
    f.tee(entry);
    f.memory(this.x === 'i64' ? 'i64_load' : 'i32_load', TLB_TABLE.fetch);
    this.pageOf(this.newPc, 1);
    f.op(`${this.x}_ne`).if();
    this.storeNewPc();
    this.storeBudget();
    f.call(this.imports.fetch);
    this.reload(this.n, CONTROL.budget);
    f.op('i32_eqz').brIf(this.exitHost);
    f.br(retry);
    f.end();
    f.end();
    f.get(entry)
      .memory('i32_load', TLB_TABLE.fetch + TLB_VALUE)
      .set(this.pageBase);
    this.pageOf(this.newPc, 1);
    f.tee(this.pageVa).set(this.#jumpVa);
    f.i32(PAGE_BYTES << ENTRY_SCALE_SHIFT).set(this.#span);
    f.end();
    f.get(this.pageBase).get(this.newPc);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(PAGE_BYTES - 1)
      .op('i32_and')
      .i32(ENTRY_SCALE_SHIFT)
      .op('i32_shl')
      .op('i32_add')
      .set(this.ip);
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
      () => f.br(this.illegal),
      () => this.#region(),
    ];
    if (handlers.length !== FIRST_INSTRUCTION) throw new Error('pseudo operations out of step');
    const operations = new Operations(this.isa);
    for (const instruction of operations.own) handlers.push(() => this.#instruction(instruction));
    if (operations.sharing.length > 0) handlers.push(() => this.#shared(operations.sharing));
    for (const { first, second, operation } of operations.pairs) {
      handlers.push(() => this.#pair(first, second, operation));
    }
    this.#select(handlers, () => f.get(this.#operation), PSEUDO_OPERATION.illegal);
  }

  /** Instructions that share the operation. */
  #shared(instructions: readonly Instruction[]): void {
    const handlers = instructions.map(one => () => this.#instruction(one));
    this.#select(handlers, () => this.f.get(this.ip).memory('i32_load8_u', ENTRY.number), 0);
  }

  /** Runs the handler whose number is pushed. Each ends in a jump. */
  #select(handlers: readonly (() => void)[], push: () => void, otherwise: number): void {
    const { f } = this;
    const labels = handlers.map(() => f.block()).reverse();
    push();
    f.brTable(labels, labels[otherwise]);
    for (const handler of handlers) {
      f.end();
      handler();
    }
  }

  // Pseudo operations.

  #undecoded(): void {
    const { f } = this;
    this.sync();
    f.get(this.ip).call(this.imports.decode).op('i32_eqz').brIf(this.exitHost);
    f.br(this.#next);
  }

  #pageEnd(): void {
    const { f } = this;
    this.pcOfIp();
    f.set(this.newPc).br(this.#lookup);
  }

  #crossPage(): void {
    const { f } = this;
    this.sync();
    f.call(this.imports.cross).set(this.host);
    this.reload(this.n, CONTROL.budget);
    f.get(this.host).op('i32_eqz').brIf(this.exitHost);
    // Keep pc = pageVa + (ip - pageBase) / scale true for the entry that stands elsewhere.
    f.get(this.pageBase).get(this.ip).op('i32_sub').get(this.host).op('i32_add').set(this.pageBase);
    f.get(this.host).set(this.ip);
    this.constant('x', -1);
    f.set(this.#jumpVa);
    f.i32(0).set(this.#span);
    f.br(this.#next);
  }

  #breakpoint(): void {
    const { f } = this;
    this.sync();
    f.get(this.ip).call(this.imports.breakpoint).set(this.#operation);
    this.reload(this.n, CONTROL.budget);
    f.get(this.#operation).i32(0).op('i32_lt_s').brIf(this.exitHost).br(this.#dispatch);
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
      .get(this.pageVa);
    f.op(`${this.x}_ne`).brIf(covered);
    f.get(this.hart).get(this.fetchTlb).get(this.dataTlb).get(this.n);
    f.get(entry).memory('i32_load', plan.regionEntries + REGION_ENTRY.selector);
    f.i32(0)
      .get(entry)
      .memory('i32_load', plan.regionEntries + REGION_ENTRY.function)
      .tee(entry);
    f.memory('i32_store', plan.control + CONTROL.lastRegion).get(entry);
    f.callIndirect(regions.type).tee(left).get(this.n).op('i32_eq').brIf(covered);
    f.i32(0)
      .get(left)
      .memory('i32_store', plan.control + CONTROL.lastBudget);
    f.get(left).set(this.n);
    this.loadField(this.isa.pc);
    f.set(this.newPc).br(this.#lookup);
    f.end();
    this.#mark();
    f.memory('i32_load8_u', plan.marks - (plan.decode >>> MARK_SHIFT) + MARK.operation);
    f.set(this.#operation).br(this.#dispatch);
    this.release('i32', entry);
    this.release('i32', left);
  }

  /** Address of the mark of the present slot, less a constant. */
  #mark(): void {
    this.f.get(this.ip).i32(MARK_SHIFT).op('i32_shr_u');
  }

  /** A jump to the present slot was taken. */
  #countJump(): void {
    const { f, regions } = this;
    if (regions === undefined) return;
    const count = this.scratch('i32');
    f.get(this.ip).get(this.ip).memory('i32_load8_u', ENTRY.hotness).i32(1).op('i32_add').tee(count);
    f.memory('i32_store8', ENTRY.hotness);
    f.get(count).i32(regions.hotAfter).op('i32_eq').if();
    f.get(this.ip).i32(0).memory('i32_store8', ENTRY.hotness);
    this.sync();
    f.get(this.ip).call(this.imports.hot);
    f.end();
    this.release('i32', count);
  }

  #leaveThrough(hostFunction: number): void {
    this.sync();
    this.f.call(hostFunction).op('drop').br(this.exitHost);
  }

  // Instructions.

  /** The first instruction, and if the second stands behind it as when it was decoded, that as well. */
  #pair(first: Instruction, second: Instruction, secondOperation: number): void {
    const { f } = this;
    this.operands = first.operands;
    this.statements(first.semantics.statements);
    this.#advance();
    f.get(this.n).op('i32_eqz').brIf(this.#exitAtIp);
    f.get(this.ip).memory('i32_load8_u', ENTRY.operation).tee(this.#operation);
    f.i32(secondOperation).op('i32_ne').brIf(this.#dispatch);
    this.#instruction(second);
  }

  #instruction(instruction: Instruction): void {
    this.operands = instruction.operands;
    const { statements } = instruction.semantics;
    this.statements(statements);
    const jump = statements.find(statement => statement.kind === 'jump');
    if (jump === undefined) this.#retire();
    else if (isPcRelative(jump.target)) this.#endRelative();
    else this.f.get(this.n).i32(1).op('i32_sub').set(this.n).br(this.#lookup);
  }

  /** The jump itself comes last. */
  protected jump(target: Expression): void {
    if (isPcRelative(target)) return;
    this.expression(target);
    this.f.set(this.newPc);
  }

  protected branch(condition: Expression): void {
    this.expression(condition);
    this.f.if();
    this.#endRelative();
    this.f.end();
  }

  protected system(operation: string): void {
    this.sync();
    this.f.i32(this.systemNumber(operation)).call(this.imports.system);
    this.reload(this.n, CONTROL.budget);
    this.f.op('i32_eqz').brIf(this.exitHost);
  }

  protected systemIf(operation: string): void {
    this.f.if();
    this.system(operation);
    this.f.end();
  }

  /** Goes to pc + immediate, within the decoded page when the target lies there. */
  #endRelative(): void {
    const { f } = this;
    const target = this.scratch('i32');
    f.get(this.n).i32(1).op('i32_sub').set(this.n);
    f.get(this.ip);
    this.immediate32();
    f.i32(ENTRY_SCALE_SHIFT).op('i32_shl').op('i32_add').tee(target);
    f.get(this.pageBase).op('i32_sub').get(this.#span).op('i32_lt_u').if();
    f.get(target).set(this.ip);
    this.#countJump();
    f.br(this.#next);
    f.end();
    this.pc();
    this.immediate();
    f.op(`${this.x}_add`).set(this.newPc).br(this.#lookup);
    this.release('i32', target);
  }

  #retire(): void {
    this.#advance();
    this.f.br(this.#next);
  }

  #advance(): void {
    const { f } = this;
    f.get(this.n).i32(1).op('i32_sub').set(this.n);
    f.get(this.ip).get(this.ip).memory('i32_load8_u', ENTRY.step).op('i32_add').set(this.ip);
  }
}
