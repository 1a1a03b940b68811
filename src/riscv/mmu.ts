import {
  TLB_BANK_BYTES,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../engine/engine-layout.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { SystemBus } from '../memory/system-bus.js';
import type { HartState } from './hart-state.js';
import { ACCESS_FAULT, PAGE_FAULT, PageWalker } from './page-walker.js';
import type { PmpUnit } from './pmp.js';
import { ACCESS, type Access, CAUSE, MPP_SHIFT, MSTATUS, PRIVILEGE } from './privileged.js';

const ACCESS_CAUSE: Record<Access, number> = {
  [ACCESS.read]: CAUSE.loadAccess,
  [ACCESS.write]: CAUSE.storeAccess,
  [ACCESS.execute]: CAUSE.fetchAccess,
};
const PAGE_CAUSE: Record<Access, number> = {
  [ACCESS.read]: CAUSE.loadPage,
  [ACCESS.write]: CAUSE.storePage,
  [ACCESS.execute]: CAUSE.fetchPage,
};

/** One TLB bank for each view of memory: U, S, M, and S that may access user pages (SUM). */
export const TLB_BANKS = 4;
export const TLB_BYTES_PER_HART = TLB_BANKS * TLB_BANK_BYTES;

const MACHINE_BANK = 2;
const USER_PAGES_BANK = 3;

/** Beyond so many filled entries, a flush clears the tables as a whole. */
const MOST_LISTED = 2048;

/**
 * Address translation and protection of one hart, and its software TLB. The TLB holds only what a walk
 * would find again: writes to page tables flush it. So flushing it at any other time changes nothing a guest
 * can see, and sfence.vma has nothing left to do.
 */
export class Mmu {
  /** Cause of the last failed translation. */
  cause = 0;
  readonly #walker: PageWalker;
  /** Addresses of the entries filled since the last flush, unless there were too many. */
  readonly #filled = new Int32Array(MOST_LISTED);
  #filledCount = MOST_LISTED;

  constructor(
    readonly xlen: 32 | 64,
    readonly state: HartState,
    readonly memory: GuestMemory,
    bus: SystemBus,
    readonly pmp: PmpUnit,
    /** Where this hart's banks stand. */
    readonly tlb: number,
    steps: () => number,
  ) {
    this.#walker = new PageWalker(xlen, state, memory, bus, pmp, steps);
  }

  /** The mode that loads and stores act in: MPRV lends machine mode that of MPP (privileged spec 3.1.6.3). */
  get dataPrivilege(): number {
    const { privilege, mstatus } = this.state;
    if (privilege !== PRIVILEGE.machine || (mstatus[0] & MSTATUS.mprv) === 0) return privilege;
    return (mstatus[0] & MSTATUS.mpp) >>> MPP_SHIFT;
  }

  /** Whether addresses below machine mode are translated. */
  get translates(): boolean {
    return this.#walker.enabled;
  }

  get fetchBank(): number {
    const { privilege } = this.state;
    return this.tlb + (privilege === PRIVILEGE.machine ? MACHINE_BANK : privilege) * TLB_BANK_BYTES;
  }

  get dataBank(): number {
    const privilege = this.dataPrivilege;
    let bank = privilege;
    if (privilege === PRIVILEGE.machine) bank = MACHINE_BANK;
    else if (privilege === PRIVILEGE.supervisor && (this.state.mstatus[0] & MSTATUS.sum) !== 0) {
      bank = USER_PAGES_BANK;
    }
    return this.tlb + bank * TLB_BANK_BYTES;
  }

  /** Physical address, or -1 with `cause` set. The access must not cross a page. */
  translate(low: number, high: number, size: number, access: Access): number {
    const privilege = access === ACCESS.execute ? this.state.privilege : this.dataPrivilege;
    const address = this.#physical(low, high, access, privilege, false);
    if (address < 0) {
      this.cause = address === PAGE_FAULT ? PAGE_CAUSE[access] : ACCESS_CAUSE[access];
      return -1;
    }
    if (!this.pmp.allows(address, size, access, privilege)) {
      this.cause = ACCESS_CAUSE[access];
      return -1;
    }
    return address;
  }

  /** Physical address as a debugger sees it: no protection, no side effects; negative when unmapped. */
  peek(low: number, high: number): number {
    return this.#physical(low, high, ACCESS.read, this.state.privilege, true);
  }

  /** Whether every byte of the page may be accessed if one may. */
  cacheable(physical: number): boolean {
    const page = physical - (physical % PAGE_BYTES);
    return this.pmp.uniform(page, page + PAGE_BYTES);
  }

  /** Enters a translation: host is the host address that goes with the virtual one. */
  fillData(low: number, high: number, host: number, write: boolean): void {
    const table = write ? TLB_TABLE.store : TLB_TABLE.load;
    this.#fill(this.dataBank + table, low, high, (host - low) | 0);
  }

  fillFetch(low: number, high: number, decodedPage: number): void {
    this.#fill(this.fetchBank + TLB_TABLE.fetch, low, high, decodedPage);
  }

  /** What the step under way left in page tables, when a debugger stops before it. */
  undoStep(): void {
    if (this.#walker.undo()) this.flush();
  }

  flush(): void {
    if (this.#filledCount === MOST_LISTED) {
      this.memory.fill(0xff, this.tlb, this.tlb + TLB_BYTES_PER_HART);
    } else {
      for (let i = 0; i < this.#filledCount; i++) this.#invalidate(this.#filled[i]);
    }
    this.#filledCount = 0;
  }

  /** As `flush`, but for what holds in machine mode, where addresses are physical. */
  flushTranslated(): void {
    if (this.#filledCount === MOST_LISTED) {
      this.flush();
      return;
    }
    const machine = this.tlb + MACHINE_BANK * TLB_BANK_BYTES;
    let kept = 0;
    for (let i = 0; i < this.#filledCount; i++) {
      const entry = this.#filled[i];
      if (entry >= machine && entry < machine + TLB_BANK_BYTES) this.#filled[kept++] = entry;
      else this.#invalidate(entry);
    }
    this.#filledCount = kept;
  }

  flushFetch(): void {
    for (let bank = 0; bank < TLB_BANKS; bank++) {
      const table = this.tlb + bank * TLB_BANK_BYTES + TLB_TABLE.fetch;
      this.memory.fill(0xff, table, table + (TLB_BANK_BYTES - TLB_TABLE.fetch));
    }
  }

  #physical(low: number, high: number, access: Access, privilege: number, quiet: boolean): number {
    if (privilege !== PRIVILEGE.machine && this.#walker.enabled) {
      return this.#walker.walk(low, high, access, privilege, quiet);
    }
    return high >= 2 ** 24 ? ACCESS_FAULT : high * 2 ** 32 + low;
  }

  #invalidate(entry: number): void {
    const { i32 } = this.memory;
    i32[entry >> 2] = -1;
    i32[(entry >> 2) + 1] = -1;
  }

  #fill(table: number, low: number, high: number, value: number): void {
    const entry = table + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
    if (this.#filledCount < MOST_LISTED) this.#filled[this.#filledCount++] = entry;
    const { i32 } = this.memory;
    i32[entry >> 2] = low & -PAGE_BYTES;
    i32[(entry >> 2) + 1] = high;
    i32[(entry + TLB_VALUE) >> 2] = value;
  }
}
