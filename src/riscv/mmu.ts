import type { DecodeCache, DecodedPageKeeper } from '../engine/decode-cache.js';
import {
  TLB_BANK_BYTES,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../engine/engine-layout.js';
import type { Scheduler } from '../machine/scheduler.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { PageTableKeeper } from '../memory/invalidation.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import { BrokenInvariant } from '../state/invariant.js';
import { FilledEntries } from './filled-entries.js';
import type { HartState } from './hart-state.js';
import {
  ACCESS_FAULT,
  ENTRY_KIND,
  kindOfEntry,
  PAGE_FAULT,
  PageWalker,
  type WalkEnvironment,
} from './page-walker.js';
import type { PmpUnit } from './pmp.js';
import { ACCESS, type Access, CAUSE, type HartConfig, MPP_SHIFT, MSTATUS, PRIVILEGE } from './privileged.js';

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

/** What of a hart's surroundings translations depend on. */
interface TranslationEnvironment extends WalkEnvironment {
  readonly decode: DecodeCache;
  readonly scheduler: Scheduler;
}

/** Address spaces whose translations are kept at a time: each value of satp is one. */
const SPACES = 4;
/** Banks of an address space: U, S, and S that may access user pages (SUM). Machine mode has one bank for itself. */
const BANKS_PER_SPACE = 3;
const USER_PAGES_BANK = 2;
const SPACE_BYTES = BANKS_PER_SPACE * TLB_BANK_BYTES;
export const TLB_BYTES_PER_HART = TLB_BANK_BYTES + SPACES * SPACE_BYTES;

/** Beyond so many changed bytes all is cleared. */
const MOST_CHANGED_BYTES = 64;

/**
 * Address translation and protection of one hart, and its software TLB. The TLB holds only what a walk would find
 * again: a write to a page table drops what came out of it. So flushing it at any other time changes nothing a
 * guest can see, and sfence.vma has nothing left to do.
 */
export class Mmu implements PageTableKeeper, DecodedPageKeeper {
  /** Cause of the last failed translation. */
  cause = 0;
  readonly memory: GuestMemory;
  readonly #walker: PageWalker;
  readonly #machine: FilledEntries;
  readonly #spaces: readonly AddressSpace[];
  /** The space that satp stands for. */
  #space: AddressSpace;
  #nextVictim = 0;

  readonly xlen: 32 | 64;

  constructor(
    config: HartConfig,
    readonly state: HartState,
    private readonly env: TranslationEnvironment,
    readonly pmp: PmpUnit,
    /** Where this hart's banks stand. */
    readonly tlb: number,
    steps: () => number,
  ) {
    const { memory } = env;
    this.memory = memory;
    this.xlen = config.xlen;
    this.#walker = new PageWalker(config, state, env, pmp, steps);
    this.#machine = new FilledEntries(memory, tlb, TLB_BANK_BYTES);
    this.#spaces = Array.from({ length: SPACES }, (_, index) => {
      const banks = tlb + TLB_BANK_BYTES + index * SPACE_BYTES;
      return { banks, satpLow: 0, satpHigh: 0, filled: new FilledEntries(memory, banks, SPACE_BYTES) };
    });
    this.#space = this.#spaces[0];
    env.decode.tellOfPages(this);
    memory.invalidation.tellOfPageTables(this);
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
    return privilege === PRIVILEGE.machine ? this.tlb : this.#space.banks + privilege * TLB_BANK_BYTES;
  }

  get dataBank(): number {
    const privilege = this.dataPrivilege;
    if (privilege === PRIVILEGE.machine) return this.tlb;
    const userPages = privilege === PRIVILEGE.supervisor && (this.state.mstatus[0] & MSTATUS.sum) !== 0;
    return this.#space.banks + (userPages ? USER_PAGES_BANK : privilege) * TLB_BANK_BYTES;
  }

  /** satp was written: translations of the spaces it stood for lately are kept. */
  spaceChanged(): void {
    const [low, high] = this.state.satp;
    let space = this.#spaces.find(one => one.satpLow === low && one.satpHigh === high);
    if (space === undefined) {
      space = this.#spaces[this.#nextVictim];
      this.#nextVictim = (this.#nextVictim + 1) % SPACES;
      space.filled.invalidateAll();
      space.satpLow = low;
      space.satpHigh = high;
    }
    this.#space = space;
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

  /** Enters the translation that was found last: host is the host address that goes with the virtual one. */
  fillData(low: number, high: number, host: number, write: boolean): void {
    const table = this.dataBank + (write ? TLB_TABLE.store : TLB_TABLE.load);
    this.#fill(table, this.dataPrivilege, low, high, (host - low) | 0);
  }

  fillFetch(low: number, high: number, decodedPage: number): void {
    this.#fill(this.fetchBank + TLB_TABLE.fetch, this.state.privilege, low, high, decodedPage);
  }

  /** The decoded page that is cached for fetching at this address, or -1. */
  cachedFetch(low: number, high: number): number {
    const entry = this.fetchBank + TLB_TABLE.fetch + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
    const { i32 } = this.memory;
    const hit = i32[entry >> 2] === (low & -PAGE_BYTES) && i32[(entry >> 2) + 1] === (high | 0);
    return hit ? i32[(entry + TLB_VALUE) >> 2] : -1;
  }

  /** What the step under way left in page tables, when a debugger stops before it. */
  undoStep(): void {
    if (this.#walker.undo()) this.flush();
  }

  flush(): void {
    this.#machine.invalidateAll();
    this.flushTranslated();
    this.spaceChanged();
  }

  /** As `flush`, but for what holds in machine mode, where addresses are physical. */
  flushTranslated(): void {
    for (const space of this.#spaces) space.filled.invalidateAll();
  }

  pageEvicted(): void {
    for (let bank = this.tlb; bank < this.tlb + TLB_BYTES_PER_HART; bank += TLB_BANK_BYTES) {
      this.memory.fill(0xff, bank + TLB_TABLE.fetch, bank + TLB_BANK_BYTES);
    }
  }

  pageTableWritten(page: number, host: number, length: number): boolean {
    // The next fetch may need the new entry, though it is on the page that is already looked up.
    if (this.#dropEntries(host, length)) this.env.scheduler.endRun();
    return this.#spaces.some(space => space.filled.dependOn(page));
  }

  /** Drops what was found by way of these bytes of page tables. True when the code that runs may have been found so. */
  #dropEntries(host: number, length: number): boolean {
    if (length > MOST_CHANGED_BYTES) {
      this.flushTranslated();
      return true;
    }
    const entryBytes = this.xlen === 64 ? 8 : 4;
    let fetched = false;
    for (let at = host & -entryBytes; at < host + length; at += entryBytes) {
      const kind = kindOfEntry(this.memory.u32[at >> 2]);
      if (kind === ENTRY_KIND.invalid) continue;
      for (const { filled } of this.#spaces) {
        if (!filled.dependOn(this.memory.pageOf(at))) continue;
        if (kind === ENTRY_KIND.leaf) fetched = filled.invalidateLeaf(at) || fetched;
        else fetched = filled.invalidateAll();
      }
    }
    return fetched;
  }

  /**
   * Throws BrokenInvariant when a translation that is cached is not what a walk finds. `guestPageOf`: the page that a
   * decoded one stands for, or -1 for none.
   */
  check(guestPageOf: (decodedPage: number) => number): void {
    const { satp } = this.state;
    if (this.translates && (this.#space.satpLow !== satp[0] || this.#space.satpHigh !== satp[1]))
      throw new BrokenInvariant('the TLB', 'the address space in use is not the one that satp names');
    this.#machine.check();
    for (const { filled } of this.#spaces) filled.check();
    this.#machine.visit((entry, offset) => this.#checkEntry(entry, offset, PRIVILEGE.machine, guestPageOf));
    this.#space.filled.visit((entry, offset) =>
      this.#checkEntry(entry, offset, PRIVILEGE.supervisor, guestPageOf),
    );
  }

  #checkEntry(entry: number, offset: number, privilege: number, guestPageOf: (page: number) => number): void {
    const { memory } = this;
    const [low, high] = [memory.u32[entry >> 2], memory.u32[(entry >> 2) + 1]];
    const value = memory.i32[(entry + TLB_VALUE) >> 2];
    const fetched = offset >= TLB_TABLE.fetch;
    const page = fetched ? guestPageOf(value) : memory.pageOf((value + low) | 0);
    // Code that is fetched halfword by halfword is looked up each time.
    if (fetched && page < 0) return;
    const physical = this.#physical(low, high, ACCESS.read, privilege, true);
    const host = physical < 0 ? 0 : this.env.bus.hostAddress(physical, 4, false);
    if (host === 0 || memory.pageOf(host) !== page) {
      const address = (high * 2 ** 32 + low).toString(16);
      throw new BrokenInvariant(
        'the TLB',
        `0x${address} is cached as page ${page}, which a walk does not find`,
      );
    }
  }

  #physical(low: number, high: number, access: Access, privilege: number, quiet: boolean): number {
    if (privilege !== PRIVILEGE.machine && this.#walker.enabled) {
      return this.#walker.walk(low, high, access, privilege, quiet);
    }
    return high >= 2 ** 24 ? ACCESS_FAULT : high * 2 ** 32 + low;
  }

  #fill(table: number, privilege: number, low: number, high: number, value: number): void {
    const entry = table + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
    const { enabled, path, depth } = this.#walker;
    if (privilege === PRIVILEGE.machine) this.#machine.note(entry, path, 0);
    else this.#space.filled.note(entry, path, enabled ? depth : 0);
    const { i32 } = this.memory;
    i32[entry >> 2] = low & -PAGE_BYTES;
    i32[(entry >> 2) + 1] = high;
    i32[(entry + TLB_VALUE) >> 2] = value;
  }
}

interface AddressSpace {
  /** Address of its first bank. */
  readonly banks: number;
  satpLow: number;
  satpHigh: number;
  readonly filled: FilledEntries;
}
