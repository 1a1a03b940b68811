import { PAGE_BYTES } from '../../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../../wasm/function-body.js';
import { ModuleBuilder } from '../../wasm/module-builder.js';
import {
  REGION_PARAMETERS,
  REGION_VARIANT,
  type RegionVariant,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../engine-layout.js';
import { emitMultiplyHighUnsigned } from '../expression-emitter.js';
import { type RuntimeFunction, runtimeTypes } from '../runtime-functions.js';
import { type ControlStructure, structureOf } from './control-structure.js';
import { instructionTraits } from './instruction-traits.js';
import type { CodeInstruction, RegionCode } from './region-code.js';
import { RegionEmitter } from './region-emitter.js';
import { PARAMETER, type RegionTarget } from './region-memory.js';

export interface RegionModule {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly structure: ControlStructure;
}

/**
 * Compiles a region to a module that exports its function as `region`. `slot` is its place in the function table,
 * `tables` are the selector tables of its pages.
 */
export function compileRegion(
  target: RegionTarget,
  code: RegionCode,
  variant: RegionVariant,
  slot: number,
  tables: readonly number[],
): RegionModule {
  const builder = new ModuleBuilder();
  builder.importMemory('host', 'memory', target.plan.wasmPages);
  const traits = code.instructions.flatMap(one =>
    one.decoded === undefined || one.flow === 'interpret' ? [] : instructionTraits(one.decoded.instruction),
  );
  const runtime = new Map<RuntimeFunction, number>();
  for (const name of new Set(traits.flatMap(one => one.calls))) {
    const { parameters, results } = runtimeTypes(name);
    runtime.set(name, builder.importFunction('runtime', name, parameters, results));
  }
  let multiplyHigh = 0;
  if (traits.some(one => one.multipliesHigh)) {
    const helper = builder.function(['i64', 'i64'], ['i64']);
    emitMultiplyHighUnsigned(helper.body);
    multiplyHigh = helper.index;
  }
  const { body } = builder.function(REGION_PARAMETERS, ['i32'], 'region');
  const structure = structureOf(code);
  new RegionFunction(body, target, code, structure, variant, slot, tables, multiplyHigh, runtime).emit();
  return { bytes: builder.finish(), structure };
}

/** A run of blocks that is being emitted: a loop's, or the whole region's. */
interface Scope {
  readonly first: number;
  readonly last: number;
  /** Whether its first block is the head of a loop that is this scope. */
  readonly isLoop: boolean;
  /** Where forward branches to its blocks and inner loops land, by their first block. */
  readonly landings: Map<number, Label>;
}

class RegionFunction {
  readonly #emitter: RegionEmitter;
  readonly #scopes: Scope[] = [];
  readonly #loops = new Map<number, Label>();
  readonly #pc: Local;
  #root: Label = 0;
  #leaveAnywhere: Label = 0;

  constructor(
    readonly f: FunctionBody,
    readonly target: RegionTarget,
    readonly code: RegionCode,
    readonly structure: ControlStructure,
    readonly variant: RegionVariant,
    readonly slot: number,
    /** Addresses of the selector tables of the code's pages; none when there are no indirect jumps. */
    readonly tables: readonly number[],
    multiplyHighUnsigned: number,
    runtime: ReadonlyMap<RuntimeFunction, number>,
  ) {
    this.#emitter = new RegionEmitter(f, target, code, variant, multiplyHighUnsigned, runtime);
    this.#pc = f.local(this.#emitter.x);
  }

  emit(): void {
    const { f, structure } = this;
    const e = this.#emitter;
    const pc = this.#pc;
    f.get(PARAMETER.budget).i32(structure.blocks[0].ahead).op('i32_lt_u').if();
    f.get(PARAMETER.budget).op('return').end();
    if (this.variant === REGION_VARIANT.translated && this.code.pages.length > 1) this.#checkPages();
    f.i32(this.slot).i32(1).memory('i32_store8', this.target.plan.regionNotes);
    e.loadRegisters();
    this.#leaveAnywhere = f.block();
    e.exit = f.block();
    this.#root = f.loop();
    this.#scope(0, structure.blocks.length - 1, false, structure.entries);
    f.op('unreachable').end();
    f.end();
    e.address(e.base);
    f.get(e.exitAt);
    if (e.x === 'i64') f.op('i64_extend_i32_s');
    f.op(`${e.x}_add`).set(pc);
    f.end();
    e.storeRegisters();
    f.get(PARAMETER.hart).get(pc).memory(`${e.x}_store`, this.target.isa.pc.offset);
    f.get(PARAMETER.budget);
  }

  /**
   * The page the region was entered on is mapped: the interpreter came there. The others have to be mapped, for
   * fetching in this mode, to the pages whose code this is. The fetch TLB says so; it is emptied whenever a
   * mapping or protection changes, which does not happen while a region runs.
   */
  #checkPages(): void {
    const { f } = this;
    const e = this.#emitter;
    const present = f.block();
    const missing = f.block();
    for (const page of this.code.pages) {
      const entry = TLB_TABLE.fetch + ((page.low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
      f.get(PARAMETER.fetchTlb).memory(`${e.x}_load`, entry);
      e.address(page.low);
      f.op(`${e.x}_ne`).brIf(missing);
      f.get(PARAMETER.fetchTlb).memory('i32_load', entry + TLB_VALUE);
      f.i32(page.decoded).op('i32_ne').brIf(missing);
    }
    f.br(present).end();
    f.get(PARAMETER.budget).op('return').end();
  }

  /** Last block of the inner loop that starts at a block of a scope. */
  #innerLoop(scope: Scope, block: number): number | undefined {
    return scope.isLoop && block === scope.first ? undefined : this.structure.loopEnd.get(block);
  }

  #scope(first: number, last: number, isLoop: boolean, selected: readonly number[]): void {
    const { f, structure } = this;
    const scope: Scope = { first, last, isLoop, landings: new Map() };
    const items: number[] = [];
    for (let at = first; at <= last; at = (this.#innerLoop(scope, at) ?? at) + 1) items.push(at);
    this.#scopes.push(scope);
    for (let i = items.length - 1; i >= 0; i--) {
      if (isLoop && items[i] === first) continue;
      const end = items[i + 1] === undefined ? last : items[i + 1] - 1;
      for (let block = items[i]; block <= end; block++) {
        if (!structure.landings.has(block)) continue;
        scope.landings.set(items[i], f.block());
        break;
      }
    }
    this.#select(scope, selected);
    if (isLoop) this.#checkBudget(first);
    for (const item of items) {
      if (scope.landings.delete(item)) f.end();
      const end = this.#innerLoop(scope, item);
      if (end === undefined) {
        this.#block(item);
        continue;
      }
      this.#loops.set(item, f.loop());
      this.#scope(item, end, true, [...(structure.throughHead.get(item) ?? [])]);
      f.end();
    }
    this.#scopes.pop();
  }

  /** At the head of a scope: goes on to the selected block, if one is. */
  #select(scope: Scope, selected: readonly number[]): void {
    if (selected.length === 0) return;
    const { f } = this;
    const lowest = Math.min(...selected);
    const highest = Math.max(...selected);
    const none = f.block();
    const labels: Label[] = [];
    for (let block = lowest; block <= highest; block++) {
      labels.push(selected.includes(block) ? scope.landings.get(this.#itemOf(scope, block))! : none);
    }
    f.get(PARAMETER.selector)
      .i32(lowest + 1)
      .op('i32_sub')
      .brTable(labels, none);
    f.end();
  }

  #checkBudget(head: number): void {
    const { f } = this;
    const block = this.structure.blocks[head];
    f.get(PARAMETER.budget).i32(block.ahead).op('i32_lt_u').if();
    this.#emitter.leaveAt(block.low);
    f.end();
  }

  /** First block of the scope's item that holds a block. */
  #itemOf(scope: Scope, block: number): number {
    let item = block;
    for (const landing of scope.landings.keys()) {
      const end = this.#innerLoop(scope, landing) ?? landing;
      if (landing <= block && block <= end) item = landing;
    }
    return item;
  }

  #block(index: number): void {
    const { f, structure } = this;
    const e = this.#emitter;
    const block = structure.blocks[index];
    if (structure.landings.has(index) && structure.throughHead.size > 0) f.i32(0).set(PARAMETER.selector);
    if (block.steps > 0) {
      f.get(PARAMETER.budget).i32(block.steps).op('i32_sub').set(PARAMETER.budget);
    }
    e.startBlock();
    let unpaid = block.steps;
    let last = block.instructions[0];
    for (const one of block.instructions) {
      last = one;
      if (one.flow !== 'next') break;
      e.work(one, unpaid--);
    }
    const next = last.low + last.length;
    switch (last.flow) {
      case 'interpret':
        e.leaveAt(last.low);
        return;
      case 'branch':
        e.transfer(last);
        this.#branchIf(index, last.target);
        break;
      case 'jump':
      case 'call':
        e.work(last, 1);
        this.#goTo(index, last.target);
        return;
      case 'indirect':
        this.#indirect(last);
        return;
    }
    if (structure.blockAt.get(next) !== index + 1) this.#goTo(index, next);
  }

  #goTo(from: number, low: number): void {
    const place = this.#placeOf(from, low);
    if (place === undefined) {
      this.#emitter.leaveAt(low);
      return;
    }
    if (place.selector > 0) this.f.i32(place.selector).set(PARAMETER.selector);
    this.f.br(place.label);
  }

  /** Goes there when the value on the stack is not zero. */
  #branchIf(from: number, low: number): void {
    const place = this.#placeOf(from, low);
    if (place !== undefined && place.selector === 0) {
      this.f.brIf(place.label);
      return;
    }
    this.f.if();
    this.#goTo(from, low);
    this.f.end();
  }

  /** The label for a block, and a selector if it lies inside of an inner loop; undefined outside of the region. */
  #placeOf(from: number, low: number): { label: Label; selector: number } | undefined {
    const block = this.structure.blockAt.get(low);
    if (block === undefined) return undefined;
    if (block <= from) return { label: this.#loops.get(block)!, selector: 0 };
    for (let i = this.#scopes.length - 1; i >= 0; i--) {
      const scope = this.#scopes[i];
      if (block > scope.last) continue;
      const item = this.#itemOf(scope, block);
      const label = scope.landings.get(item);
      if (label === undefined) throw new Error('no landing for a branch');
      if (item === block) return { label, selector: 0 };
      return { label, selector: block + 1 };
    }
    throw new Error('a block lies in no scope');
  }

  /** Goes on inside of the region when the target is one of its entries, else leaves. */
  #indirect(last: CodeInstruction): void {
    const { f, structure } = this;
    const e = this.#emitter;
    const pc = this.#pc;
    e.transfer(last);
    f.set(pc);
    e.work(last, 1);
    const distance = e.scratch(e.x);
    this.code.pages.forEach((page, index) => {
      f.get(pc);
      e.address(page.low);
      f.op(`${e.x}_sub`).tee(distance);
      e.constant('x', PAGE_BYTES);
      f.op(`${e.x}_lt_u`).if();
      f.get(distance);
      if (e.x === 'i64') f.op('i32_wrap_i64');
      f.memory('i32_load16_u', this.tables[index]).tee(PARAMETER.selector).if();
      f.get(PARAMETER.budget).i32(structure.blocks[0].ahead).op('i32_ge_u').brIf(this.#root);
      f.end();
      f.end();
    });
    e.release(e.x, distance);
    f.br(this.#leaveAnywhere);
  }
}
