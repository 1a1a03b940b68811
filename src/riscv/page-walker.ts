/** Sv32, Sv39, Sv48 and Sv57 page tables, with Svnapot and Svpbmt: privileged spec 4.3 to 4.6, chapters 5 and 6. */
import type { DebugHooks } from '../machine/board.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import { PAGE_FLAG } from '../memory/guest-memory.js';
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { SystemBus } from '../memory/system-bus.js';
import type { HartState } from './hart-state.js';
import type { PmpUnit } from './pmp.js';
import { ACCESS, type Access, type HartConfig, MENVCFG_HIGH, MSTATUS, PRIVILEGE } from './privileged.js';

const PTE = { v: 1, r: 2, w: 4, x: 8, u: 16, a: 64, d: 128 } as const;

/** Result of a walk that found no permitted page; or, the other, that a table itself was out of reach. */
export const PAGE_FAULT = -1;
export const ACCESS_FAULT = -2;

/** Levels of the deepest page tables, those of Sv57. */
export const MOST_LEVELS = 5;

/** Bits 63 to 54 of an entry, shifted down. */
const TOP_SHIFT = 22;
const TOP = { napot: 0x200, memoryType: 0x180, reserved: 0x7f } as const;
/** Pages of the one size of Svnapot, and how it is encoded in the low bits of the page number. */
const NAPOT = { pages: 16, code: 8, shift: 16 } as const;

/** What a page-table entry stands for: nothing that could be cached, a page, a further table. */
export const ENTRY_KIND = { invalid: 0, leaf: 1, table: 2 } as const;

/** The kind of a page-table entry, by its low word. */
export function kindOfEntry(pte: number): number {
  if ((pte & PTE.v) === 0) return ENTRY_KIND.invalid;
  return (pte & (PTE.r | PTE.w | PTE.x)) === 0 ? ENTRY_KIND.table : ENTRY_KIND.leaf;
}

/** What it walks through; hooks are told of each entry whose A and D bits are about to be set. */
export interface WalkEnvironment {
  readonly memory: GuestMemory;
  readonly bus: SystemBus;
  readonly hooks: Pick<DebugHooks, 'tableUpdated'>;
}

export class PageWalker {
  /** Host addresses of the entries that the last walk went by, the leaf last, and their number. */
  readonly path = new Int32Array(MOST_LEVELS);
  depth = 0;
  /** Entries whose A and D bits one step set, with what they were. */
  readonly #updates: { readonly host: number; readonly pte: number }[] = [];
  #updatesStep = -1;
  readonly memory: GuestMemory;
  readonly bus: SystemBus;

  readonly xlen: 32 | 64;
  readonly #extensions: HartConfig['extensions'];

  constructor(
    { xlen, extensions }: HartConfig,
    readonly state: HartState,
    private readonly env: WalkEnvironment,
    readonly pmp: PmpUnit,
    /** Steps of the hart so far: tells the step under way from those before. */
    readonly steps: () => number,
  ) {
    this.xlen = xlen;
    this.#extensions = extensions;
    this.memory = env.memory;
    this.bus = env.bus;
  }

  /** Whether addresses below machine mode are translated. */
  get enabled(): boolean {
    return this.#levels() > 0;
  }

  /**
   * Physical address of a virtual one, or PAGE_FAULT or ACCESS_FAULT. Sets the A and D bits as QEMU does,
   * unless `quiet`: then the walk changes nothing, and protection does not count.
   */
  walk(low: number, high: number, access: Access, privilege: number, quiet: boolean): number {
    const levels = this.#levels();
    this.depth = 0;
    const indexBits = this.xlen === 64 ? 9 : 10;
    const entryBytes = this.xlen === 64 ? 8 : 4;
    if (this.xlen === 64 && !isCanonical(high, levels * 9 + 12)) return PAGE_FAULT;
    const { satp } = this.state;
    let table =
      this.xlen === 64
        ? ((satp[1] & 0xfff) * 2 ** 32 + satp[0]) * PAGE_BYTES
        : (satp[0] & 0x3fffff) * PAGE_BYTES;
    for (let level = levels - 1; level >= 0; level--) {
      const shift = 12 + level * indexBits;
      const index = bitsAt(low, high, shift) & ((1 << indexBits) - 1);
      const address = table + index * entryBytes;
      if (!this.pmp.allows(address, entryBytes, ACCESS.read, PRIVILEGE.supervisor)) return ACCESS_FAULT;
      const host = this.bus.hostAddress(address, entryBytes, false);
      if (host === 0) return ACCESS_FAULT;
      this.memory.flags[this.memory.pageOf(host)] |= PAGE_FLAG.pageTable;
      this.path[this.depth++] = host;
      const pte = this.memory.u32[host >>> 2];
      const pteHigh = this.xlen === 64 ? this.memory.u32[(host >>> 2) + 1] : 0;
      const top = pteHigh >>> TOP_SHIFT;
      if ((pte & PTE.v) === 0 || (top !== 0 && !this.#topPermitted(top, pte, level))) return PAGE_FAULT;
      const page = ((pteHigh & 0x3fffff) * 2 ** 22 + (pte >>> 10)) * PAGE_BYTES;
      if ((pte & (PTE.r | PTE.w | PTE.x)) === 0) {
        if ((pte & (PTE.u | PTE.a | PTE.d)) !== 0) return PAGE_FAULT;
        table = page;
        continue;
      }
      if (!quiet && !this.#permitted(pte, access, privilege)) return PAGE_FAULT;
      if (level > 0 && !isAligned(pte, page, shift)) return PAGE_FAULT;
      const wanted = PTE.a | (access === ACCESS.write ? PTE.d : 0);
      if ((pte & wanted) !== wanted && !quiet) {
        if (this.bus.hostAddress(address, entryBytes, true) === 0) return ACCESS_FAULT;
        this.env.hooks.tableUpdated(address, entryBytes);
        this.#update(host, pte | wanted);
      }
      if ((top & TOP.napot) !== 0) return page - NAPOT.code * PAGE_BYTES + (low & ((1 << NAPOT.shift) - 1));
      if (shift < 32) return page + (low & ((1 << shift) - 1));
      return page + (high % 2 ** (shift - 32)) * 2 ** 32 + low;
    }
    return PAGE_FAULT;
  }

  /** The step under way will not be made after all: takes back the A and D bits that it set, true if any. */
  undo(): boolean {
    if (this.#updatesStep !== this.steps()) return false;
    for (const { host, pte } of this.#updates.reverse()) this.memory.u32[host >>> 2] = pte;
    this.#updatesStep = -1;
    return true;
  }

  /** A and D only add permissions: no translation that is cached becomes wrong. */
  #update(host: number, pte: number): void {
    const { memory } = this;
    const page = memory.pageOf(host);
    const step = this.steps();
    if (this.#updatesStep !== step) this.#updates.length = 0;
    this.#updatesStep = step;
    this.#updates.push({ host, pte: memory.u32[host >>> 2] });
    // Of an SC to this entry it is the value that tells: this may be taken back, an ended reservation not.
    const reserved = memory.flags[page] & PAGE_FLAG.reserved;
    memory.flags[page] &= ~(PAGE_FLAG.pageTable | PAGE_FLAG.reserved);
    memory.beforeWrite(host, 4);
    memory.flags[page] |= PAGE_FLAG.pageTable | reserved;
    memory.u32[host >>> 2] = pte;
  }

  #levels(): number {
    const { satp } = this.state;
    if (this.xlen === 32) return satp[0] >>> 31 === 1 ? 2 : 0;
    const mode = satp[1] >>> 28;
    return mode >= 8 ? mode - 5 : 0;
  }

  /** Whether the bits above the page number, some of which are set, may be so; no table has any. */
  #topPermitted(top: number, pte: number, level: number): boolean {
    if ((top & TOP.reserved) !== 0 || (pte & (PTE.r | PTE.w | PTE.x)) === 0) return false;
    const type = top & TOP.memoryType;
    // What memory is made of does not matter here.
    if (type === TOP.memoryType || (type !== 0 && (this.state.menvcfg[1] & MENVCFG_HIGH.pbmte) === 0))
      return false;
    if ((top & TOP.napot) === 0) return true;
    const code = (pte >>> 10) & (NAPOT.pages - 1);
    return this.#extensions.has('svnapot') && level === 0 && code === NAPOT.code;
  }

  #permitted(pte: number, access: Access, privilege: number): boolean {
    // W without R is reserved.
    if ((pte & PTE.w) !== 0 && (pte & PTE.r) === 0) return false;
    const status = this.state.mstatus[0];
    if ((pte & PTE.u) !== 0) {
      const supervisorMay = access !== ACCESS.execute && (status & MSTATUS.sum) !== 0;
      if (privilege === PRIVILEGE.supervisor && !supervisorMay) return false;
    } else if (privilege === PRIVILEGE.user) {
      return false;
    }
    switch (access) {
      case ACCESS.read:
        return (pte & PTE.r) !== 0 || ((status & MSTATUS.mxr) !== 0 && (pte & PTE.x) !== 0);
      case ACCESS.write:
        return (pte & PTE.w) !== 0;
      case ACCESS.execute:
        return (pte & PTE.x) !== 0;
    }
  }
}

/** The low 32 bits of (high:low) >>> shift, for shift from 12 to 48. */
function bitsAt(low: number, high: number, shift: number): number {
  if (shift >= 32) return high >>> (shift - 32);
  return (low >>> shift) | (high << (32 - shift));
}

/** Whether a superpage of 2^shift bytes stands at a multiple of its size. */
function isAligned(pte: number, page: number, shift: number): boolean {
  return shift < 32 ? ((pte >>> 10) & ((1 << (shift - 12)) - 1)) === 0 : page % 2 ** shift === 0;
}

/** Whether all bits from `bits` - 1 upwards are equal. */
function isCanonical(high: number, bits: number): boolean {
  const upper = (high | 0) >> (bits - 1 - 32);
  return upper === 0 || upper === -1;
}
