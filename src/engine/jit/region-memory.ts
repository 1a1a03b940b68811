import { type MemoryPlan, PAGE_BYTES } from '../../memory/memory-plan.js';
import type { FunctionBody, Label, Local } from '../../wasm/function-body.js';
import {
  CONTROL,
  REGION_VARIANT,
  type RegionVariant,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../engine-layout.js';
import { type HostPlace, type LoadExpression, loadOperation } from '../expression-emitter.js';
import type { AccessKind, AccessSize, Expression } from '../expressions.js';
import type { Decoded, InstructionSet } from '../instruction-set.js';
import { emitReservedAt } from '../reserved-place.js';
import { StatementEmitter } from '../statement-emitter.js';
import { emitFlaggedStore, emitNearWatched, emitPageFlag } from '../watched-stores.js';
import type { CodeInstruction, RegionCode } from './region-code.js';

/** What regions of one machine share. */
export interface RegionTarget {
  readonly isa: InstructionSet;
  readonly plan: MemoryPlan;
  /** Physical address of the first byte of RAM. */
  readonly ramBase: number;
}

/** Parameters of a region's function. */
export const PARAMETER = { hart: 0, fetchTlb: 1, dataTlb: 2, budget: 3, selector: 4 } as const;

/** How a region reaches memory, and how it leaves where it cannot go on. */
export abstract class RegionMemory extends StatementEmitter {
  /** Distance of the exit's pc from the region's first instruction. */
  readonly exitAt: Local;
  /** Leaves the region at `exitAt`; open while instructions are emitted. */
  exit: Label = 0;
  protected one!: CodeInstruction;
  /** Instructions of the block that are paid for and not done, the present one included. */
  protected unpaid = 0;
  /** What is added to the local that an address was resolved to. */
  protected readonly ramOffset: number;
  readonly #bare: boolean;

  constructor(
    f: FunctionBody,
    readonly target: RegionTarget,
    readonly code: RegionCode,
    readonly variant: RegionVariant,
    multiplyHighUnsigned: number,
  ) {
    super(f, target.isa, multiplyHighUnsigned);
    this.exitAt = f.local('i32');
    this.#bare = variant !== REGION_VARIANT.translated;
    this.ramOffset = this.#bare ? target.plan.ram : 0;
  }

  get base(): number {
    return this.code.instructions[0].low;
  }

  /** Leaves at this address, with nothing to pay back. */
  leaveAt(low: number): void {
    this.f
      .i32(low - this.base)
      .set(this.exitAt)
      .br(this.exit);
  }

  /** Pushes an address of the region. */
  address(low: number): void {
    if (this.x === 'i32') this.f.i32(low | 0);
    else this.f.i64(low | 0, this.code.high | 0);
  }

  /** Leaves before the present instruction when the value on the stack is not zero. */
  protected leaveIf(): void {
    const { f } = this;
    f.if();
    f.get(PARAMETER.budget).i32(this.unpaid).op('i32_add').set(PARAMETER.budget);
    this.leaveAt(this.one.low);
    f.end();
  }

  /** The instruction under way. */
  protected get decoded(): Readonly<Decoded> {
    return this.one.decoded!;
  }

  load(node: LoadExpression): void {
    const host = this.scratch('i32');
    const reserves = node.access === 'reserved';
    this.loadAddress(node.address, node.size, host, reserves);
    if (reserves) emitReservedAt(this.f, this.target.plan, host, node.size, this.ramOffset);
    this.f.get(host).memory(loadOperation(this.wasmType(node.type), node.size, node.signed), this.ramOffset);
    this.release('i32', host);
  }

  protected loadAddress(address: Expression, size: AccessSize, host: Local, aligned: boolean): void {
    const { f, target } = this;
    const at = this.scratch(this.x);
    if (this.#bare) {
      this.#ramOffsetOf(address);
      f.tee(at);
      if (aligned) {
        this.#rotated(size);
      } else {
        this.constant('x', target.plan.ramBytes - size);
        f.op(`${this.x}_gt_u`);
      }
      this.leaveIf();
      this.#setHost(host, at);
      this.leaveIfLoadWatched(at);
    } else {
      this.#throughTlb(address, size, host, TLB_TABLE.load, at);
    }
    this.release(this.x, at);
  }

  protected storePlace(address: Expression, size: AccessSize, access: AccessKind): HostPlace {
    const host = this.scratch('i32');
    this.#storeAddress(address, size, host, access === 'atomic');
    return { local: host, offset: this.ramOffset };
  }

  protected releasePlace({ local }: HostPlace): void {
    this.release('i32', local);
  }

  /** What is not RAM was left to the interpreter. */
  protected stored(): void {}

  #storeAddress(address: Expression, size: AccessSize, host: Local, reads: boolean): void {
    const { f, target } = this;
    const { plan } = target;
    const flag = this.scratch('i32');
    const at = this.scratch(this.x);
    if (this.#bare) {
      this.#ramOffsetOf(address);
      f.tee(at);
      this.#rotated(size);
      this.leaveIf();
      this.#setHost(host, at);
      if (reads) this.leaveIfLoadWatched(at);
    } else {
      this.#throughTlb(address, size, host, TLB_TABLE.store, at);
    }
    emitPageFlag(f, plan, host, this.ramOffset);
    f.tee(flag).if();
    const virtual = () => (this.#bare ? this.#virtualOf(at) : void f.get(at));
    emitFlaggedStore(f, this.x, plan, { flag, host, bias: this.ramOffset, address: virtual });
    this.leaveIf();
    f.end();
    this.release(this.x, at);
    this.release('i32', flag);
  }

  /** Where a list of registers is loaded or stored: within one page, which nothing watches for stores. */
  protected listPlace(address: Expression, size: 4 | 8, count: number, stores: boolean): HostPlace {
    const { f } = this;
    const at = this.scratch(this.x);
    const host = this.scratch('i32');
    if (this.#bare) {
      this.#ramOffsetOf(address);
      f.tee(at);
      this.#rotated(size);
      this.leaveIf();
      this.#setHost(host, at);
    } else {
      this.#throughTlb(address, size, host, stores ? TLB_TABLE.store : TLB_TABLE.load, at);
    }
    f.get(at);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(PAGE_BYTES - 1).op('i32_and');
    f.i32(PAGE_BYTES - size * count).op('i32_gt_u');
    this.leaveIf();
    if (stores) {
      emitPageFlag(f, this.target.plan, host, this.ramOffset);
      this.leaveIf();
    } else if (this.#bare) {
      this.#leaveIfListWatched(at, size, count);
    }
    this.release(this.x, at);
    return { local: host, offset: this.ramOffset };
  }

  #leaveIfListWatched(first: Local, size: 4 | 8, count: number): void {
    const at = this.scratch(this.x);
    for (let index = 0; index < count; index++) {
      this.f.get(first);
      this.constant('x', index * size);
      this.f.op(`${this.x}_add`).set(at);
      this.leaveIfLoadWatched(at);
    }
    this.release(this.x, at);
  }

  protected leaveIfLoadWatched(ramOffset: Local): void {
    if (this.variant !== REGION_VARIANT.bareWatched) return;
    this.#virtualOf(ramOffset);
    emitNearWatched(this.f, this.x, this.target.plan, CONTROL.loadWatchStart);
    this.leaveIf();
  }

  /** Pushes the address that is this far behind the start of RAM. */
  #virtualOf(ramOffset: Local): void {
    this.f.get(ramOffset);
    this.constant('x', this.target.ramBase);
    this.f.op(`${this.x}_add`);
  }

  #setHost(host: Local, ramOffset: Local): void {
    this.f.get(ramOffset);
    if (this.x === 'i64') this.f.op('i32_wrap_i64');
    this.f.set(host);
  }

  /** Pushes the address less the base of RAM. */
  #ramOffsetOf(address: Expression): void {
    const { f, target } = this;
    if (address.kind === 'binary' && address.operator === 'add' && address.right.kind === 'immediate') {
      this.expression(address.left);
      this.constant('x', this.decoded.immediate - target.ramBase);
    } else {
      this.expression(address);
      this.constant('x', -target.ramBase);
    }
    f.op(`${this.x}_add`);
  }

  /** Offset into RAM -> whether it is out of bounds or misaligned: low bits are rotated to the top. */
  #rotated(size: AccessSize): void {
    const { f, target } = this;
    const shift = Math.log2(size);
    if (shift > 0) {
      this.constant('x', shift);
      f.op(`${this.x}_rotr`);
    }
    this.constant('x', target.plan.ramBytes / size);
    f.op(`${this.x}_ge_u`);
  }

  #throughTlb(address: Expression, size: AccessSize, host: Local, table: number, va: Local): void {
    const { f } = this;
    const entry = this.scratch('i32');
    this.expression(address);
    f.tee(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.i32(TLB_INDEX_SHIFT).op('i32_shr_u').i32(TLB_INDEX_MASK).op('i32_and');
    f.get(PARAMETER.dataTlb).op('i32_add').tee(entry).memory(`${this.x}_load`, table);
    f.get(va);
    this.constant('x', -PAGE_BYTES + size - 1);
    f.op(`${this.x}_and`).op(`${this.x}_ne`);
    this.leaveIf();
    f.get(va);
    if (this.x === 'i64') f.op('i32_wrap_i64');
    f.get(entry)
      .memory('i32_load', table + TLB_VALUE)
      .op('i32_add')
      .set(host);
    this.release('i32', entry);
  }
}
