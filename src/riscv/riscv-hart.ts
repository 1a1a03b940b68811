import { CONTROL, type EngineHost, REGION_VARIANT, type RegionVariant } from '../engine/engine-layout.js';
import { virtualPage } from '../engine/touched-pages.js';
import {
  type CodeReader,
  type Hart,
  type HartContext,
  type HartRegisters,
  NO_INTERRUPT,
  type TrapText,
} from '../machine/hart.js';
import type { TakenTrap, TrapLoopWatch } from '../machine/trap-loop.js';
import { BlockAccess } from './block-access.js';
import { csrEffects } from './csr-effects.js';
import { CsrFile } from './csr-file.js';
import { buildCsrTable } from './csr-table.js';
import { DataAccess } from './data-access.js';
import type { ExecutingHart, HartEnvironment } from './executing-hart.js';
import type { ExtensionStates } from './extension-state.js';
import { EXIT } from './hart-exit.js';
import { contextOf, describe, endsHandler, standsIn } from './hart-place.js';
import { type HartState, WAITING } from './hart-state.js';
import { X } from './isa/operands.js';
import { Mmu } from './mmu.js';
import { PmpUnit } from './pmp.js';
import { ACCESS, CAUSE, type HartConfig, MSTATUS, PRIVILEGE } from './privileged.js';
import { RiscvRegisters } from './registers.js';
import { SupervisorTimer } from './supervisor-timer.js';
import { SystemOperations } from './system-operations.js';
import { describeTrap } from './trap-text.js';
import { TrapUnit } from './traps.js';
import { TriggerUnit } from './triggers.js';

const SINK = X.zero!.sink;

/** Runs shorter than this stay in the interpreter: compiled code checks its budget in larger pieces. */
const SHORT_RUN = 256;

/** One RISC-V hart: what generated code leaves to TypeScript. */
export class RiscvHart implements Hart, EngineHost, ExecutingHart {
  readonly csrs: CsrFile;
  readonly mmu: Mmu;
  readonly pmp: PmpUnit;
  readonly traps: TrapUnit;
  readonly registers: HartRegisters;
  readonly supervisorTimer: SupervisorTimer | undefined;
  readonly triggers: TriggerUnit | undefined;
  readonly #system: SystemOperations;
  readonly #data = new DataAccess(this);
  readonly blocks = new BlockAccess(this, this.#data);
  exit: number = EXIT.budget;
  yields = false;
  #granted = 0;
  #variant: RegionVariant = REGION_VARIANT.none;
  #surrendered = 0;

  constructor(
    readonly id: number,
    readonly config: HartConfig,
    readonly state: HartState,
    readonly extensionStates: ExtensionStates,
    /** Host address of the state. */
    readonly address: number,
    tlb: number,
    readonly env: HartEnvironment,
  ) {
    this.pmp = new PmpUnit(state);
    this.mmu = new Mmu(config, state, env, this.pmp, tlb, () => this.steps);
    this.csrs = new CsrFile(buildCsrTable(config), id, config, state, extensionStates, csrEffects(this));
    const { sdtrig, sstc } = extensionStates;
    this.triggers = sdtrig && new TriggerUnit(config.xlen, state, sdtrig);
    this.supervisorTimer =
      sstc && env.supervisorTimers && new SupervisorTimer(id, state, sstc, env.supervisorTimers);
    this.traps = new TrapUnit(id, config, state);
    this.#system = new SystemOperations(this, env.engine.systemOperations);
    this.registers = new RiscvRegisters(this);
    this.afterRestore();
  }

  afterRestore(): void {
    this.pmp.update();
    this.triggers?.update();
    this.mmu.flush();
  }

  get addressBits(): 32 | 64 {
    return this.config.xlen;
  }

  get asleep(): boolean {
    return this.state.waiting !== 0;
  }

  wake(): void {
    this.state.waiting = 0;
  }

  get stopped(): boolean {
    return this.exit === EXIT.stopped;
  }

  pendingInterrupt(): number {
    return this.traps.interrupt();
  }

  reset(pc: number): void {
    this.state.pc[0] = pc;
    this.state.pc[1] = 0;
  }

  flush(): void {
    this.mmu.flush();
  }

  get translates(): boolean {
    return this.mmu.translates;
  }

  peek(low: number, high: number): number {
    return this.mmu.peek(low, high);
  }

  context(): HartContext {
    return contextOf(this.id, this.state);
  }

  standsIn(context: HartContext): boolean {
    return context.hart === this.id && standsIn(this.state, context);
  }

  endsHandler(memory: CodeReader): boolean {
    return endsHandler(this.state, memory);
  }

  describe(): string {
    return describe(this.state);
  }

  get trapLoops(): TrapLoopWatch {
    return this.traps.loops;
  }

  describeTrap(trap: Readonly<TakenTrap>): TrapText {
    return describeTrap(this.config, trap);
  }

  check(): void {
    this.mmu.check(page => this.env.decode.guestPageOf(page));
  }

  get writesCsrsExactly(): boolean {
    return this.env.writesCsrsExactly;
  }

  /** Steps of this hart so far; right also in the middle of `run`. */
  get steps(): number {
    return this.state.steps + this.stepsThisRun;
  }

  get stepsThisRun(): number {
    return this.#granted === 0 ? 0 : this.#granted - this.#left - this.#surrendered;
  }

  get #left(): number {
    return this.env.memory.i32[(this.env.memory.plan.control + CONTROL.budget) >> 2];
  }

  run(budget: number): number {
    this.exit = EXIT.budget;
    this.#granted = budget;
    this.#surrendered = 0;
    this.publishView();
    this.env.engine.run(this, this.address, this.mmu.fetchBank, this.mmu.dataBank, budget);
    const steps = this.stepsThisRun;
    this.#granted = 0;
    this.state.x.fill(0, 2 * SINK);
    this.state.steps += steps;
    return steps;
  }

  /** Finishes a step that ended in a trap or a return from one; 1 when the run may go on behind it. */
  resume(): number {
    if (this.exit === EXIT.stopped) return 0;
    if (this.exit === EXIT.trap && this.traps.enterException(this.env.icount())) this.requestBoundary();
    this.exit = EXIT.budget;
    const left = --this.env.memory.i32[(this.env.memory.plan.control + CONTROL.budget) >> 2];
    if (left === 0 || this.traps.interrupt() !== NO_INTERRUPT) return 0;
    this.publishView();
    return 1;
  }

  /** The instruction under way is the last of this run: something changed that the machine must look at. */
  requestBoundary(): void {
    const left = this.#left;
    if (this.#granted === 0 || left <= 1) return;
    this.#surrendered += left - 1;
    this.env.memory.i32[(this.env.memory.plan.control + CONTROL.budget) >> 2] = 1;
  }

  /** The instruction under way is the last before another hart gets its turn. */
  yield(): void {
    this.yields = true;
    this.requestBoundary();
  }

  /** Enters the pending interrupt `cause`: one step. */
  enterInterrupt(cause: number): void {
    this.state.waiting = 0;
    this.traps.enterInterrupt(cause);
    this.state.steps++;
  }

  /** Makes the current instruction end in an exception. */
  trap(cause: number, low: number, high: number): 0 {
    this.exit = EXIT.trap;
    this.traps.raise(cause, low, high);
    return 0;
  }

  /** Leaves before the current instruction, for the debugger. */
  stop(): 0 {
    this.exit = EXIT.stopped;
    this.mmu.undoStep();
    return 0;
  }

  // EngineHost: fetching.

  fetch(): number {
    const low = this.state.pc[0];
    const high = this.state.pc[1];
    this.env.touched.executed.add(virtualPage(low, high));
    const physical = this.mmu.translate(low, high, 2, ACCESS.execute);
    if (physical < 0) return this.#fetchFaults(this.mmu.cause, low, high);
    const host = this.env.bus.hostAddress(physical, 2, false);
    if (host === 0) return this.#fetchFaults(CAUSE.fetchAccess, low, high);
    const { decode, memory } = this.env;
    const direct = this.mmu.cacheable(physical) && !this.triggers?.nearPage(low, high);
    const page = direct ? decode.pageFor(memory.pageOf(host)) : decode.carefulPage;
    this.mmu.fillFetch(low, high, page);
    return 1;
  }

  decode(entry: number): number {
    this.env.decode.decode(entry);
    return 1;
  }

  cross(): number {
    const low = this.state.pc[0];
    const high = this.state.pc[1];
    if (this.#stopsHere()) return this.stop();
    if (this.triggers?.matchesFetch(low, high)) return this.trap(CAUSE.breakpoint, 0, 0);
    const first = this.#fetchHalf(low, high);
    if (first < 0) return 0;
    if (this.env.decode.isa.lengthOf(first) === 2) return this.env.decode.decodeCrossing(first);
    const nextLow = (low + 2) >>> 0;
    const nextHigh = this.config.xlen === 64 && nextLow < 2 ? (high + 1) >>> 0 : high;
    const second = this.#fetchHalf(nextLow, nextHigh);
    return second < 0 ? 0 : this.env.decode.decodeCrossing((first | (second << 16)) >>> 0);
  }

  breakpoint(entry: number): number {
    if (this.#stopsHere()) {
      this.stop();
      return -1;
    }
    return this.env.decode.coveredOperation(entry);
  }

  illegal(): number {
    return this.trap(CAUSE.illegal, this.instructionBits(), 0);
  }

  /** The instruction at pc, which was fetched before; 0 when it cannot be read. */
  instructionBits(): number {
    const low = this.state.pc[0];
    const high = this.state.pc[1];
    const first = this.#fetchHalf(low, high);
    if (first < 0) return 0;
    if (this.env.decode.isa.lengthOf(first) === 2) return first;
    const second = this.#fetchHalf((low + 2) >>> 0, low >= 0xfffffffe ? high + 1 : high);
    return second < 0 ? 0 : (first | (second << 16)) >>> 0;
  }

  hot(entry: number): void {
    if (this.#variant === REGION_VARIANT.none) return;
    const { pc } = this.state;
    this.env.engine.regions?.hot(entry, pc[0], pc[1], this.mmu.fetchBank, this.#variant);
  }

  // EngineHost: data.

  load(access: number, low: number, high: number): number {
    return this.#data.load(access, low >>> 0, high >>> 0);
  }

  store(access: number, low: number, high: number): number {
    return this.#data.store(access, low >>> 0, high >>> 0);
  }

  commit(): void {
    this.#data.commit();
  }

  // EngineHost: privileged instructions.

  /** A CSR instruction. */
  special(number: number, operation: number, source: number, rd: number, low: number, high: number): number {
    const writes = operation === 0 || source !== 0;
    const reads = operation !== 0 || rd !== SINK;
    if (!this.csrs.execute(number & 0xfff, operation, reads, writes, low >>> 0, high >>> 0)) {
      return this.illegal();
    }
    const { memory } = this.env;
    memory.u32[memory.plan.mailbox >> 2] = this.csrs.low;
    memory.u32[(memory.plan.mailbox >> 2) + 1] = this.csrs.high;
    return 1;
  }

  list(): number {
    throw new Error('no instruction of RISC-V transfers a list of registers');
  }

  system(operation: number): number {
    return this.#system.execute(operation);
  }

  get wakes(): boolean {
    const { waiting, mie } = this.state;
    return waiting !== WAITING.semihosting && (this.traps.pending & mie[0]) !== 0;
  }

  get inSupervisorTrapVirtualMemory(): boolean {
    return this.state.privilege === PRIVILEGE.supervisor && (this.state.mstatus[0] & MSTATUS.tvm) !== 0;
  }

  #regionVariant(): RegionVariant {
    // Compiled code looks at no trigger.
    if (this.env.engine.regions === undefined || this.triggers?.active) return REGION_VARIANT.none;
    const bare =
      this.mmu.dataPrivilege === PRIVILEGE.machine &&
      this.state.privilege === PRIVILEGE.machine &&
      this.pmp.transparentToMachine;
    if (!bare) return REGION_VARIANT.translated;
    return this.env.watches.watchesReads ? REGION_VARIANT.bareWatched : REGION_VARIANT.bare;
  }

  /** Tells generated code how it sees memory now. */
  publishView(): void {
    const { i32, plan } = this.env.memory;
    this.#variant = this.#granted < SHORT_RUN ? REGION_VARIANT.none : this.#regionVariant();
    i32[(plan.control + CONTROL.variant) >> 2] = this.#variant;
    i32[(plan.control + CONTROL.fetchTlb) >> 2] = this.mmu.fetchBank;
    i32[(plan.control + CONTROL.dataTlb) >> 2] = this.mmu.dataBank;
  }

  #fetchHalf(low: number, high: number): number {
    const cached = this.mmu.cachedFetch(low, high);
    const page = cached < 0 ? -1 : this.env.decode.guestPageOf(cached);
    if (page >= 0) return this.#halfAt(this.env.memory.hostAddressOfPage(page) + (low & 0xffe));
    const physical = this.mmu.translate(low, high, 2, ACCESS.execute);
    if (physical < 0) {
      this.trap(this.mmu.cause, low, high);
      return -1;
    }
    const host = this.env.bus.hostAddress(physical, 2, false);
    if (host === 0) {
      this.trap(CAUSE.fetchAccess, low, high);
      return -1;
    }
    this.env.touched.executed.add(virtualPage(low, high));
    return this.#halfAt(host);
  }

  /** Nothing can be fetched at pc. A breakpoint there comes first (privileged spec 3.1.15, table of priorities). */
  #fetchFaults(cause: number, low: number, high: number): 0 {
    if (this.#stopsHere()) return this.stop();
    if (this.triggers?.matchesFetch(low, high)) return this.trap(CAUSE.breakpoint, 0, 0);
    return this.trap(cause, low, high);
  }

  #halfAt(host: number): number {
    return this.env.memory.u8[host] | (this.env.memory.u8[host + 1] << 8);
  }

  /** Whether a breakpoint at pc counts, and the debugger wants to stop at it. */
  #stopsHere(): boolean {
    const [low, high] = [this.state.pc[0], this.state.pc[1]];
    const point = this.env.breakpoints.at(low, high);
    if (point === undefined) return false;
    if (point.condition !== undefined && !point.condition.holds(this.id)) return false;
    return this.env.hooks.breakpointReached(this.id, low, high);
  }
}
