/** Physical memory protection: privileged spec 3.7. */
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { HartState } from './hart-state.js';
import { ACCESS, type Access, PRIVILEGE } from './privileged.js';

const ENTRIES = 16;
const MODE_SHIFT = 3;
const MODE = { off: 0, tor: 1, na4: 2, napot: 3 } as const;
const LOCKED = 0x80;
const PERMISSION: Record<Access, number> = { [ACCESS.read]: 1, [ACCESS.write]: 2, [ACCESS.execute]: 4 };

/** The regions that pmpcfg and pmpaddr describe, recomputed when either is written. Derived state. */
export class PmpUnit {
  /** First address and first address behind, by entry; empty when off. Addresses are below 2^56. */
  readonly #start = new Float64Array(ENTRIES);
  readonly #end = new Float64Array(ENTRIES);
  #any = false;
  /** The last answer: all accesses within [from, to) are decided by this entry. */
  #from = 0;
  #to = 0;
  #decides = -1;
  #anyLocked = false;
  #withinPage = false;

  constructor(readonly state: HartState) {}

  update(): void {
    const { pmpcfg, pmpaddr } = this.state;
    this.#any = false;
    this.#to = 0;
    this.#anyLocked = false;
    this.#withinPage = false;
    for (let i = 0; i < ENTRIES; i++) {
      const mode = (pmpcfg[i] >>> MODE_SHIFT) & 3;
      const value = pmpaddr[2 * i + 1] * 2 ** 32 + pmpaddr[2 * i];
      let start = 0;
      let end = 0;
      if (mode === MODE.tor) {
        start = i === 0 ? 0 : (pmpaddr[2 * i - 1] * 2 ** 32 + pmpaddr[2 * i - 2]) * 4;
        end = Math.max(value * 4, start);
      } else if (mode === MODE.na4) {
        start = value * 4;
        end = start + 4;
      } else if (mode === MODE.napot) {
        const size = 2 ** (trailingOnes(pmpaddr[2 * i], pmpaddr[2 * i + 1]) + 3);
        start = Math.floor((value * 4) / size) * size;
        end = start + size;
      }
      this.#start[i] = start;
      this.#end[i] = end;
      if (mode !== MODE.off) this.#any = true;
      if ((pmpcfg[i] & LOCKED) !== 0) this.#anyLocked = true;
      if (end > start && (start % PAGE_BYTES !== 0 || end % PAGE_BYTES !== 0)) this.#withinPage = true;
    }
  }

  /**
   * Whether no entry can deny machine mode anything. One that is not locked still does where it matches an access
   * in part (3.7.1), which takes an end within a page: accesses that cross pages are checked page by page.
   */
  get transparentToMachine(): boolean {
    return !this.#anyLocked && !this.#withinPage;
  }

  /**
   * Whether every byte of [address, address + size) may be accessed. With no entry set, only machine mode may
   * (3.7.1).
   */
  allows(address: number, size: number, access: Access, privilege: number): boolean {
    const entry = this.#matching(address, address + size);
    if (entry === NONE) return privilege === PRIVILEGE.machine;
    if (entry === PARTIAL) return false;
    const config = this.state.pmpcfg[entry];
    if (privilege === PRIVILEGE.machine && (config & LOCKED) === 0) return true;
    return (config & PERMISSION[access]) !== 0;
  }

  /** Whether one entry, or none, decides for all of [start, end): such a page may be cached. */
  uniform(start: number, end: number): boolean {
    return this.#matching(start, end) !== PARTIAL;
  }

  /** The lowest entry that matches any byte: its number, or NONE; PARTIAL when it misses some bytes. */
  #matching(start: number, end: number): number {
    if (!this.#any) return NONE;
    if (start >= this.#from && end <= this.#to) return this.#decides;
    let from = 0;
    let to = Number.POSITIVE_INFINITY;
    let decides = NONE;
    for (let i = 0; i < ENTRIES; i++) {
      if (this.#end[i] === this.#start[i]) continue;
      if (this.#end[i] <= start) {
        from = Math.max(from, this.#end[i]);
      } else if (this.#start[i] >= end) {
        to = Math.min(to, this.#start[i]);
      } else {
        if (this.#start[i] > start || this.#end[i] < end) return PARTIAL;
        from = Math.max(from, this.#start[i]);
        to = Math.min(to, this.#end[i]);
        decides = i;
        break;
      }
    }
    this.#from = from;
    this.#to = to;
    this.#decides = decides;
    return decides;
  }
}

const NONE = -1;
const PARTIAL = -2;

function trailingOnes(low: number, high: number): number {
  const inLow = Math.clz32(~low & -~low);
  if (low !== 0xffffffff) return 31 - inLow;
  return 32 + (high === 0xffffffff ? 32 : 31 - Math.clz32(~high & -~high));
}
