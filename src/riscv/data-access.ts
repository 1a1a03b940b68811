/** Loads and stores that generated code leaves to TypeScript: TLB misses, devices, page crossings, atomics. */
import { ACCESS_FLAG, ACCESS_SIZE_MASK } from '../engine/engine-layout.js';
import { virtualPage } from '../engine/touched-pages.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { ExecutingHart } from './executing-hart.js';
import { ACCESS, CAUSE } from './privileged.js';

/** What `commit` does with the bytes in the mailbox. */
type PendingStore = 'nothing' | 'device' | 'device-bytes' | 'split';

/** What an access costs that must not be cached because it is near something watched; a hit is 1. */
const SLOW_ACCESS = 0.1;

/** Part of a split store that lies in ROM: nothing happens. */
const IGNORED = -1;

export class DataAccess {
  #pending: PendingStore = 'nothing';
  #address = 0;
  #second = 0;
  #first = 0;
  #size = 0;
  /** Physical address of the part of an access over two pages that was looked up last. */
  #partPhysical = 0;

  constructor(readonly hart: ExecutingHart) {}

  /** Host address of the bytes to load (perhaps the mailbox), or 0 when the instruction ends here. */
  load(access: number, low: number, high: number): number {
    const { hart } = this;
    const { bus, memory, watches, hooks } = hart.env;
    const size = access & ACCESS_SIZE_MASK;
    if ((access & ACCESS_FLAG.reserved) !== 0 && low % size !== 0) {
      return hart.trap(CAUSE.loadMisaligned, low, high);
    }
    const inPage = PAGE_BYTES - (low % PAGE_BYTES);
    if (inPage < size) return this.#loadSplit(low, high, inPage, size);
    const physical = hart.mmu.translate(low, high, size, ACCESS.read);
    if (physical < 0) return hart.trap(hart.mmu.cause, low, high);
    if (this.intercepted(low, high, size, true, false)) return 0;
    const host = bus.hostAddress(physical, size, false);
    if (host !== 0) {
      if (watches.touchesPage(low, high, false)) hooks.charge(SLOW_ACCESS);
      else if (this.#cacheable(physical, low, high)) hart.mmu.fillData(low, high, host, false);
      return host;
    }
    const inWord = physical % size;
    const { mailbox } = memory.plan;
    if (!this.#readDevice(physical - inWord, size, mailbox)) return hart.trap(CAUSE.loadAccess, low, high);
    if (inWord === 0) return mailbox;
    // As QEMU does a misaligned one: the two aligned units around it are read.
    const second = this.#readDevice(physical - inWord + size, size, mailbox + size);
    return second ? mailbox + inWord : hart.trap(CAUSE.loadAccess, low, high);
  }

  /** Host address where to store; the mailbox when `commit` has to follow; 0 when the instruction ends here. */
  store(access: number, low: number, high: number): number {
    const { hart } = this;
    const { bus, memory, watches, touched, hooks } = hart.env;
    const size = access & ACCESS_SIZE_MASK;
    const conditional = (access & ACCESS_FLAG.conditional) !== 0;
    const atomic = conditional || (access & ACCESS_FLAG.atomic) !== 0;
    this.#pending = 'nothing';
    if (atomic && !this.#atomicReads(low, high, size)) return 0;
    const inPage = PAGE_BYTES - (low % PAGE_BYTES);
    if (inPage < size) return this.#storeSplit(low, high, inPage, size);
    const physical = hart.mmu.translate(low, high, size, ACCESS.write);
    if (physical < 0) return hart.trap(hart.mmu.cause, low, high);
    const host = bus.hostAddress(physical, size, true);
    const readable = host !== 0 ? host : bus.hostAddress(physical, size, false);
    const writes = !conditional || this.#conditionalSucceeds(readable, size);
    if (writes) {
      if (this.intercepted(low, high, size, atomic && !conditional, true)) return 0;
      this.observe(low, high, size, physical, size, -1);
    }
    if (host !== 0) {
      touched.written.add(virtualPage(low, high));
      // An atomic reads, too: only where loads need not be watched it may take the fast path. The entry comes
      // before the write, which may drop it: a page table can map itself.
      const observed = watches.observesPage(physical);
      // Generated code knows observed memory by its own address only: what goes by another is not cached.
      const ownAddress = !observed || physical === high * 2 ** 32 + low;
      if (!ownAddress) hooks.charge(SLOW_ACCESS);
      if (this.#cacheable(physical, low, high) && !watches.touchesPage(low, high, false) && ownAddress) {
        if (observed || watches.touchesPage(low, high, true)) memory.watchPage(memory.pageOf(host));
        hart.mmu.fillData(low, high, host, true);
      }
      if (writes) memory.beforeWrite(host, size);
      return host;
    }
    const { mailbox } = memory.plan;
    if (readable !== 0) {
      // ROM ignores stores; an atomic still sees what stands there.
      memory.u8.copyWithin(mailbox, readable, readable + size);
      return mailbox;
    }
    const aligned = physical % size === 0;
    if (atomic || !this.#deviceTakes(physical, size, aligned)) return hart.trap(CAUSE.storeAccess, low, high);
    this.#pending = aligned ? 'device' : 'device-bytes';
    this.#address = physical;
    this.#size = size;
    return mailbox;
  }

  /** Carries out the store whose bytes generated code put into the mailbox. */
  commit(): void {
    const { bus, memory } = this.hart.env;
    const { mailbox } = memory.plan;
    switch (this.#pending) {
      case 'device': {
        const [low, high] = [memory.u32[mailbox >> 2], memory.u32[(mailbox >> 2) + 1]];
        this.hart.trapLoops.progress();
        bus.writeDevice(this.#address, this.#size, low, high);
        break;
      }
      case 'device-bytes':
        this.hart.trapLoops.progress();
        for (let i = 0; i < this.#size; i++) bus.writeDevice(this.#address + i, 1, memory.u8[mailbox + i], 0);
        break;
      case 'split': {
        const first = this.#first;
        for (let i = 0; i < this.#size; i++) {
          const part = i < first ? this.#address : this.#second;
          if (part === IGNORED) continue;
          const host = part + (i < first ? i : i - first);
          memory.beforeWrite(host, 1);
          memory.u8[host] = memory.u8[mailbox + i];
        }
        break;
      }
    }
    this.#pending = 'nothing';
  }

  /**
   * The load half of an atomic. As in QEMU 7.2, an AMO is a load and then a store: what the load may not do is
   * reported with a load's causes.
   */
  #atomicReads(low: number, high: number, size: number): boolean {
    const { hart } = this;
    if (low % size !== 0) {
      hart.trap(CAUSE.loadMisaligned, low, high);
      return false;
    }
    const physical = hart.mmu.translate(low, high, size, ACCESS.read);
    if (physical < 0) {
      hart.trap(hart.mmu.cause, low, high);
      return false;
    }
    const { bus } = hart.env;
    if (bus.hostAddress(physical, size, false) !== 0 || bus.acceptsWrite(physical, size)) return true;
    hart.trap(CAUSE.loadAccess, low, high);
    return false;
  }

  #cacheable(physical: number, low: number, high: number): boolean {
    const { mmu, triggers } = this.hart;
    return mmu.cacheable(physical) && !triggers?.nearPage(low, high);
  }

  #readDevice(physical: number, size: number, to: number): boolean {
    const { bus, memory } = this.hart.env;
    if (!bus.readDevice(physical, size)) return false;
    this.hart.trapLoops.progress();
    memory.u32[to >>> 2] = bus.low;
    memory.u32[(to >>> 2) + 1] = bus.high;
    return true;
  }

  /** A misaligned store goes to a device byte by byte, as QEMU does it. */
  #deviceTakes(physical: number, size: number, aligned: boolean): boolean {
    const { bus } = this.hart.env;
    if (aligned) return bus.acceptsWrite(physical, size);
    for (let i = 0; i < size; i++) if (!bus.acceptsWrite(physical + i, 1)) return false;
    return true;
  }

  /** `host`: where the present value stands, 0 when it is not memory. */
  #conditionalSucceeds(host: number, size: number): boolean {
    const { u32 } = this.hart.env.memory;
    const { reservedValue } = this.hart.state;
    if (host === 0 || u32[host >>> 2] !== reservedValue[0]) return false;
    return size === 4 || u32[(host >>> 2) + 1] === reservedValue[1];
  }

  /** A store within a page was made, or is about to be. */
  noteWritten(low: number, high: number): void {
    this.hart.env.touched.written.add(virtualPage(low, high));
  }

  /** Whether the instruction ends here: by a trigger of the guest, or for the debugger. */
  intercepted(low: number, high: number, size: number, reads: boolean, writes: boolean): boolean {
    if (this.hart.triggers?.matchesAccess(low, high, size, reads, writes)) {
      this.hart.trap(CAUSE.breakpoint, 0, 0);
      return true;
    }
    if (!this.#watched(low, high, size, reads, writes)) return false;
    this.hart.stop();
    return true;
  }

  #watched(low: number, high: number, size: number, reads: boolean, writes: boolean): boolean {
    const { watches, hooks } = this.hart.env;
    if (watches.empty) return false;
    const range = watches.match(low, high, size, reads, writes, this.hart.id);
    return range !== undefined && hooks.watchTouched(this.hart.id, range.kind, range.low, range.high);
  }

  observe(
    low: number,
    high: number,
    size: number,
    physical: number,
    firstBytes: number,
    second: number,
  ): void {
    const { watches, hooks } = this.hart.env;
    if (watches.observed === undefined) return;
    const store = { low, high, size, physical, firstBytes, second };
    if (watches.observed.concerns(store)) hooks.storeObserved(this.hart.id, store);
  }

  /** A load over a page boundary: both pages are looked up before a byte is read. Devices do not take it. */
  #loadSplit(low: number, high: number, first: number, size: number): number {
    const firstHost = this.#memoryPart(low, high, first, ACCESS.read);
    if (firstHost === 0) return 0;
    const secondHost = this.#secondPart(low, high, first, size, ACCESS.read);
    if (secondHost === 0) return 0;
    if (this.intercepted(low, high, size, true, false)) return 0;
    const { u8, plan } = this.hart.env.memory;
    for (let i = 0; i < size; i++)
      u8[plan.mailbox + i] = u8[i < first ? firstHost + i : secondHost + i - first];
    return plan.mailbox;
  }

  #storeSplit(low: number, high: number, first: number, size: number): number {
    const firstHost = this.#memoryPart(low, high, first, ACCESS.write);
    if (firstHost === 0) return 0;
    const physical = this.#partPhysical;
    const secondHost = this.#secondPart(low, high, first, size, ACCESS.write);
    if (secondHost === 0) return 0;
    if (this.intercepted(low, high, size, false, true)) return 0;
    this.observe(low, high, size, physical, first, this.#partPhysical);
    this.#pending = 'split';
    this.#address = firstHost;
    this.#second = secondHost;
    this.#first = first;
    this.#size = size;
    return this.hart.env.memory.plan.mailbox;
  }

  #secondPart(low: number, high: number, first: number, size: number, access: 0 | 1): number {
    const next = low + first;
    const carried = this.hart.config.xlen === 64 && next >= 2 ** 32 ? (high + 1) >>> 0 : high;
    return this.#memoryPart(next >>> 0, carried, size - first, access);
  }

  /** Host address of a part of an access that must be memory; 0 after raising its fault. */
  #memoryPart(low: number, high: number, size: number, access: 0 | 1): number {
    const { hart } = this;
    const { bus } = hart.env;
    const physical = hart.mmu.translate(low, high, size, access);
    if (physical < 0) return hart.trap(hart.mmu.cause, low, high);
    this.#partPhysical = physical;
    const host = bus.hostAddress(physical, size, access === ACCESS.write);
    if (access === ACCESS.write) hart.env.touched.written.add(virtualPage(low, high));
    if (host !== 0) return host;
    if (access === ACCESS.read) return hart.trap(CAUSE.loadAccess, low, high);
    return bus.hostAddress(physical, size, false) !== 0 ? IGNORED : hart.trap(CAUSE.storeAccess, low, high);
  }
}
