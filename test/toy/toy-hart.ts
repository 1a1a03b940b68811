import type { BreakpointSet } from '../../src/engine/breakpoint-set.js';
import type { DecodeCache, DecodedPageKeeper } from '../../src/engine/decode-cache.js';
import type { Engine } from '../../src/engine/engine.js';
import {
  ACCESS_SIZE_MASK,
  CONTROL,
  type EngineHost,
  LIST_STORES,
  REGION_VARIANT,
  TLB_BANK_BYTES,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../../src/engine/engine-layout.js';
import { type TouchedPages, virtualPage } from '../../src/engine/touched-pages.js';
import type { WatchList } from '../../src/engine/watch-list.js';
import type { DebugHooks } from '../../src/machine/board.js';
import { type CodeReader, type Hart, type HartContext, NO_INTERRUPT } from '../../src/machine/hart.js';
import { type TakenTrap, TrapLoopWatch } from '../../src/machine/trap-loop.js';
import type { GuestMemory } from '../../src/memory/guest-memory.js';
import { PAGE_BYTES } from '../../src/memory/memory-plan.js';
import type { SystemBus } from '../../src/memory/system-bus.js';
import { toy } from './toy-isa.js';
import { ToyRegisters } from './toy-registers.js';
import type { ToyState } from './toy-state.js';

export const TOY_TLB_BYTES = TLB_BANK_BYTES;
/** Traps go to this address, and four bytes a cause behind it. */
export const TOY_VECTORS = 0x1000_0000;
export const TOY_CAUSE = { interrupt: 0, call: 1, illegal: 2, fetch: 3, data: 4 } as const;
const SHORT_RUN = 64;
/** What an access costs that must not be cached because it is near something watched; a hit is 1. */
const SLOW_ACCESS = 0.1;
const STACK = 2 * 13;

const RETURN = toy('rfe');

type Exit = 'budget' | 'trap' | 'retired' | 'stopped';

export interface ToyEnvironment {
  readonly memory: GuestMemory;
  readonly bus: SystemBus;
  readonly decode: DecodeCache;
  readonly watches: WatchList;
  readonly breakpoints: BreakpointSet;
  readonly touched: TouchedPages;
  readonly engine: Engine;
  readonly hooks: DebugHooks;
  readonly time: { readonly icount: number };
}

/** One hart of the toy instruction set: physical addresses only, one mode, one interrupt. */
export class ToyHart implements Hart, EngineHost, DecodedPageKeeper {
  readonly addressBits = 32;
  readonly translates = false;
  readonly registers: ToyRegisters;
  readonly trapLoops: TrapLoopWatch;
  yields = false;
  #granted = 0;
  #surrendered = 0;
  #exit: Exit = 'budget';
  #cause = 0;
  #fault = 0;
  #device: { readonly address: number; readonly size: number } | undefined;

  constructor(
    readonly id: number,
    readonly state: ToyState,
    /** Host address of the state. */
    readonly address: number,
    readonly tlb: number,
    readonly env: ToyEnvironment,
  ) {
    this.registers = new ToyRegisters(state);
    this.trapLoops = new TrapLoopWatch(id);
    env.decode.tellOfPages(this);
    this.afterRestore();
  }

  readonly pageEvicted = (): void => this.flush();
  readonly afterRestore = (): void => this.flush();

  flush(): void {
    this.env.memory.u8.fill(0xff, this.tlb, this.tlb + TOY_TLB_BYTES);
  }

  get stopped(): boolean {
    return this.#exit === 'stopped';
  }

  get asleep(): boolean {
    return this.state.waiting !== 0;
  }

  get wakes(): boolean {
    return this.state.lines !== 0;
  }

  wake(): void {
    this.state.waiting = 0;
  }

  pendingInterrupt(): number {
    return this.state.lines !== 0 && this.state.handling === 0 ? TOY_CAUSE.interrupt : NO_INTERRUPT;
  }

  enterInterrupt(cause: number): void {
    this.state.waiting = 0;
    this.trapLoops.progress();
    this.#enter(cause, 0, this.state.pc[0]);
    this.state.steps++;
  }

  /** Which hart it is a program finds in r0. */
  reset(pc: number): void {
    this.state.pc[0] = pc;
    this.state.r[0] = this.id;
  }

  peek(low: number): number {
    return low >>> 0;
  }

  context(): HartContext {
    const { pc, r, handling } = this.state;
    return { hart: this.id, pcLow: pc[0], pcHigh: 0, spLow: r[STACK], spHigh: 0, mode: handling };
  }

  standsIn(context: HartContext): boolean {
    const { hart, pcLow, spLow, mode } = this.context();
    return (
      hart === context.hart && pcLow === context.pcLow && spLow === context.spLow && mode === context.mode
    );
  }

  endsHandler(memory: CodeReader): boolean {
    const { pc, handling } = this.state;
    return handling !== 0 && memory.readMemory(pc[0], 0, 4) && memory.low === RETURN;
  }

  describe(): string {
    return this.state.waiting !== 0 ? 'waiting' : this.state.handling !== 0 ? 'in a handler' : 'running';
  }

  check(): void {}

  get stepsThisRun(): number {
    return this.#granted === 0 ? 0 : this.#granted - this.#left - this.#surrendered;
  }

  get #left(): number {
    return this.env.memory.i32[this.#control(CONTROL.budget)];
  }

  #control(field: number): number {
    return (this.env.memory.plan.control + field) >> 2;
  }

  run(budget: number): number {
    this.#exit = 'budget';
    this.#granted = budget;
    this.#surrendered = 0;
    const { i32 } = this.env.memory;
    i32[this.#control(CONTROL.variant)] = this.#variant();
    i32[this.#control(CONTROL.fetchTlb)] = this.tlb;
    i32[this.#control(CONTROL.dataTlb)] = this.tlb;
    this.env.engine.run(this, this.address, this.tlb, this.tlb, budget);
    const steps = this.stepsThisRun;
    this.#granted = 0;
    this.state.steps += steps;
    return steps;
  }

  #variant() {
    if (this.env.engine.regions === undefined || this.#granted < SHORT_RUN) return REGION_VARIANT.none;
    return this.env.watches.watchesReads ? REGION_VARIANT.bareWatched : REGION_VARIANT.bare;
  }

  requestBoundary(): void {
    const left = this.#left;
    if (this.#granted === 0 || left <= 1) return;
    this.#surrendered += left - 1;
    this.env.memory.i32[this.#control(CONTROL.budget)] = 1;
  }

  resume(): number {
    if (this.#exit === 'stopped') return 0;
    if (this.#exit === 'trap' && this.#except()) this.requestBoundary();
    this.#exit = 'budget';
    const left = --this.env.memory.i32[this.#control(CONTROL.budget)];
    return left === 0 || this.pendingInterrupt() !== NO_INTERRUPT ? 0 : 1;
  }

  #except(): boolean {
    const [pcLow] = this.state.pc;
    const place = { icount: this.env.time.icount, pcLow, stack: this.state.r[STACK] };
    this.#enter(this.#cause, this.#fault, pcLow + 4);
    const [handlerLow] = this.state.pc;
    const trap = { ...place, cause: this.#cause, valueLow: this.#fault, handlerLow };
    Object.assign(this.trapLoops.present, trap);
    return this.trapLoops.entered(this.#cause !== TOY_CAUSE.call);
  }

  describeTrap({ cause, handlerLow }: Readonly<TakenTrap>) {
    return { what: `trap ${cause}`, handler: `its vector is 0x${handlerLow.toString(16)}` };
  }

  /** An exception comes back behind the instruction that it ended, an interrupt to the one that it came before. */
  #enter(cause: number, fault: number, link: number): void {
    const { state } = this;
    state.link[0] = link;
    state.cause = cause;
    state.fault = fault;
    state.handling = 1;
    state.pc[0] = TOY_VECTORS + 4 * cause;
  }

  #trap(cause: number, fault: number): 0 {
    this.#exit = 'trap';
    this.#cause = cause;
    this.#fault = fault >>> 0;
    return 0;
  }

  #stop(): 0 {
    this.#exit = 'stopped';
    return 0;
  }

  // EngineHost.

  fetch(): number {
    const { bus, memory, decode, touched } = this.env;
    const [pc] = this.state.pc;
    if (this.#stopsHere()) return this.#stop();
    const host = bus.hostAddress(pc, 4, false);
    if (host === 0) return this.#trap(TOY_CAUSE.fetch, pc);
    touched.executed.add(virtualPage(pc, 0));
    this.#fill(TLB_TABLE.fetch, pc, decode.pageFor(memory.pageOf(host)));
    return 1;
  }

  decode(entry: number): number {
    this.env.decode.decode(entry);
    return 1;
  }

  cross(): number {
    throw new Error('an instruction over two pages');
  }

  breakpoint(entry: number): number {
    if (!this.#stopsHere()) return this.env.decode.coveredOperation(entry);
    this.#stop();
    return -1;
  }

  #stopsHere(): boolean {
    const [low, high] = this.state.pc;
    const point = this.env.breakpoints.at(low, high);
    if (point === undefined || (point.condition !== undefined && !point.condition.holds(this.id)))
      return false;
    return this.env.hooks.breakpointReached(this.id, low, high);
  }

  load(access: number, low: number): number {
    const address = low >>> 0;
    const size = access & ACCESS_SIZE_MASK;
    const { bus, memory, watches } = this.env;
    if (address % size !== 0) return this.#trap(TOY_CAUSE.data, address);
    if (this.#watched(address, size, true)) return this.#stop();
    const host = bus.hostAddress(address, size, false);
    if (host !== 0) {
      if (watches.touchesPage(address, 0, false)) this.env.hooks.charge(SLOW_ACCESS);
      else this.#fill(TLB_TABLE.load, address, host - address);
      return host;
    }
    if (!bus.readDevice(address, size)) return this.#trap(TOY_CAUSE.data, address);
    this.trapLoops.progress();
    memory.u32[memory.plan.mailbox >> 2] = bus.low;
    return memory.plan.mailbox;
  }

  store(access: number, low: number): number {
    const address = low >>> 0;
    const size = access & ACCESS_SIZE_MASK;
    const { bus, memory, watches, touched } = this.env;
    if (address % size !== 0) return this.#trap(TOY_CAUSE.data, address);
    if (this.#watched(address, size, false)) return this.#stop();
    this.#observe(address, size);
    const host = bus.hostAddress(address, size, true);
    if (host === 0) {
      if (!bus.acceptsWrite(address, size)) return this.#trap(TOY_CAUSE.data, address);
      this.#device = { address, size };
      return memory.plan.mailbox;
    }
    touched.written.add(virtualPage(address, 0));
    if (!watches.touchesPage(address, 0, false)) {
      if (watches.observesPage(address) || watches.touchesPage(address, 0, true))
        memory.watchPage(memory.pageOf(host));
      this.#fill(TLB_TABLE.store, address, host - address);
    }
    memory.beforeWrite(host, size);
    return host;
  }

  commit(): void {
    const device = this.#device;
    this.#device = undefined;
    if (device === undefined) return;
    const { memory, bus } = this.env;
    this.trapLoops.progress();
    bus.writeDevice(device.address, device.size, memory.u32[memory.plan.mailbox >> 2], 0);
  }

  special(): number {
    throw new Error('the toy set has no special instructions');
  }

  list(access: number, _file: number, registers: number, low: number): number {
    const { bus, memory, touched } = this.env;
    const stores = (access & LIST_STORES) !== 0;
    const numbers = Array.from({ length: 16 }, (_, n) => n).filter(n => (registers & (1 << n)) !== 0);
    const places = numbers.map((_, index) => (low + 4 * index) >>> 0);
    for (const address of places) {
      if (address % 4 !== 0 || bus.hostAddress(address, 4, stores) === 0) {
        return this.#trap(TOY_CAUSE.data, address);
      }
    }
    for (const address of places) if (this.#watched(address, 4, !stores)) return this.#stop();
    numbers.forEach((number, index) => {
      const address = places[index];
      const host = bus.hostAddress(address, 4, stores);
      if (!stores) {
        this.state.r[2 * number] = memory.u32[host >>> 2];
        return;
      }
      this.#observe(address, 4);
      touched.written.add(virtualPage(address, 0));
      memory.beforeWrite(host, 4);
      memory.u32[host >>> 2] = this.state.r[2 * number];
    });
    return 1;
  }

  system(operation: number): number {
    const { state } = this;
    switch (this.env.engine.systemOperations[operation]) {
      case 'svc':
        return this.#trap(TOY_CAUSE.call, 0);
      case 'rfe':
        state.pc[0] = state.link[0];
        state.handling = 0;
        this.trapLoops.returned(state.pc[0], 0);
        this.#exit = 'retired';
        return 0;
      default:
        this.trapLoops.progress();
        if (!this.wakes) state.waiting = 1;
        this.yields = true;
        this.requestBoundary();
        return 1;
    }
  }

  illegal(): number {
    return this.#trap(TOY_CAUSE.illegal, this.state.pc[0]);
  }

  hot(entry: number): void {
    const variant = this.#variant();
    const [low, high] = this.state.pc;
    if (variant !== REGION_VARIANT.none) this.env.engine.regions?.hot(entry, low, high, this.tlb, variant);
  }

  #watched(address: number, size: number, reads: boolean): boolean {
    const { watches } = this.env;
    if (watches.empty) return false;
    const range = watches.match(address, 0, size, reads, !reads, this.id);
    return range !== undefined && this.env.hooks.watchTouched(this.id, range.kind, range.low, range.high);
  }

  #observe(address: number, size: number): void {
    const { watches, hooks } = this.env;
    const store = { low: address, high: 0, size, physical: address, firstBytes: size, second: -1 };
    if (watches.observed?.concerns(store) === true) hooks.storeObserved(this.id, store);
  }

  #fill(table: number, address: number, value: number): void {
    const { i32 } = this.env.memory;
    const entry = (this.tlb + table + ((address >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK)) >> 2;
    i32[entry] = address & -PAGE_BYTES;
    i32[entry + 1] = 0;
    i32[entry + (TLB_VALUE >> 2)] = value | 0;
  }
}
