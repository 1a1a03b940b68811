import { PAGE_BYTES } from '../../memory/memory-plan.js';
import type { DecodeCache } from '../decode-cache.js';
import {
  ENTRY_SCALE_SHIFT,
  TLB_INDEX_MASK,
  TLB_INDEX_SHIFT,
  TLB_TABLE,
  TLB_VALUE,
} from '../engine-layout.js';
import { type Decoded, nothingDecoded } from '../instruction-set.js';
import { instructionTraits, registersWritten } from './instruction-traits.js';

/** How control leaves an instruction. `interpret`: the region ends before it, the interpreter runs it. */
export type Flow = 'next' | 'branch' | 'jump' | 'call' | 'indirect' | 'interpret';

/** An instruction of a region. Addresses are the low words of virtual addresses; a region has one high word. */
export interface CodeInstruction {
  readonly low: number;
  readonly length: number;
  /** Undefined: no legal one. */
  readonly decoded: Readonly<Decoded> | undefined;
  readonly flow: Flow;
  /** Where a branch, jump or call goes. */
  readonly target: number;
}

export interface CodePage {
  readonly low: number;
  readonly guestPage: number;
  /** Address of the predecoded page. */
  readonly decoded: number;
}

export interface RegionCode {
  readonly root: number;
  readonly high: number;
  readonly pages: readonly CodePage[];
  /** In the order of their addresses. */
  readonly instructions: readonly CodeInstruction[];
  /** Addresses where the region is to be entered from outside, besides its loops. */
  readonly entries: ReadonlySet<number>;
}

/** Instructions by address, and where other code is to come in. */
export interface FoundCode {
  readonly instructions: ReadonlyMap<number, CodeInstruction>;
  readonly entries: ReadonlySet<number>;
}

/** Finds the code that can be reached from given addresses by jumps and branches, not by calls. */
export class CodeReader {
  readonly #pages = new Map<number, CodePage | undefined>();
  readonly #read = new Map<number, CodeInstruction | undefined>();
  readonly #decoded: Decoded;

  constructor(
    readonly decode: DecodeCache,
    readonly high: number,
    readonly fetchTlb: number,
    /** Code at these addresses is left to the interpreter. */
    readonly excluded: (low: number, high: number) => boolean,
  ) {
    this.#decoded = nothingDecoded(decode.isa);
  }

  /**
   * Finds at most `limit` instructions from a root on, nearest first, of code that has run. None when the root
   * itself is not for compiled code. `foreign` code is not followed: it is in another region.
   */
  discover(root: number, limit: number, foreign: (low: number) => boolean): FoundCode | undefined {
    const instructions = new Map<number, CodeInstruction>();
    const entries = new Set<number>([root]);
    const queue = [root];
    const first = this.#instruction(root);
    if (first === undefined || first.flow === 'interpret') return undefined;
    for (let head = 0; head < queue.length; head++) {
      let at = queue[head];
      while (instructions.size < limit && !instructions.has(at) && !foreign(at)) {
        const one = this.#instruction(at);
        if (one === undefined) break;
        instructions.set(at, one);
        const next = at + one.length;
        if ((one.flow === 'branch' || one.flow === 'jump') && this.#hasRun(one.target))
          queue.push(one.target);
        if (one.flow === 'jump') break;
        if (one.flow === 'interpret') {
          if (one.decoded === undefined || !instructionTraits(one.decoded.instruction).continues) break;
          entries.add(next);
        } else if (one.flow === 'call' || one.flow === 'indirect') {
          if (!comesBack(one)) break;
          entries.add(next);
        }
        if (one.flow !== 'next' && !this.#hasRun(next)) break;
        at = next;
      }
    }
    return { instructions, entries };
  }

  /** Whether these pages are mapped as they were when they were read. */
  agrees(pages: readonly CodePage[]): boolean {
    return pages.every(page => this.#page(page.low)?.decoded === page.decoded);
  }

  /** One region of code found here and in regions that it takes the place of. */
  combine(root: number, parts: readonly FoundCode[]): RegionCode {
    const all = new Map<number, CodeInstruction>();
    const entries = new Set<number>();
    for (const part of parts) {
      for (const [low, one] of part.instructions) {
        // What was left to the interpreter for a breakpoint's sake may be compiled by now.
        if (one.flow !== 'interpret' || !all.has(low)) all.set(low, one);
      }
      for (const entry of part.entries) entries.add(entry);
    }
    for (const entry of entries) {
      const one = all.get(entry);
      if (one === undefined || one.flow === 'interpret') entries.delete(entry);
    }
    const pages = new Map<number, CodePage>();
    for (const one of all.values()) {
      for (const at of [one.low, one.low + one.length - 1]) {
        const page = this.#page(at);
        if (page !== undefined) pages.set(page.low, page);
      }
    }
    const instructions = [...all.values()].sort((a, b) => a.low - b.low);
    return { root, high: this.high, pages: [...pages.values()], instructions, entries };
  }

  /** Whether the code there was decoded, which is done when it runs, or a little ahead. */
  #hasRun(low: number): boolean {
    const page = this.#page(low);
    return (
      page !== undefined &&
      this.decode.isDecoded(page.decoded + ((low & (PAGE_BYTES - 1)) << ENTRY_SCALE_SHIFT))
    );
  }

  #instruction(low: number): CodeInstruction | undefined {
    let one = this.#read.get(low);
    if (one === undefined && !this.#read.has(low)) {
      one = this.#decode(low);
      this.#read.set(low, one);
    }
    return one;
  }

  #decode(low: number): CodeInstruction | undefined {
    const page = this.#page(low);
    if (page === undefined) return undefined;
    const { memory, isa } = this.decode;
    const offset = low & (PAGE_BYTES - 1);
    const host = memory.hostAddressOfPage(page.guestPage) + offset;
    let word = memory.u8[host] | (memory.u8[host + 1] << 8);
    let second: CodePage | undefined;
    if (isa.lengthOf(word) === 4) {
      let upper = host + 2;
      if (offset === PAGE_BYTES - 2) {
        second = this.#page(low + 2);
        if (second === undefined) return undefined;
        upper = memory.hostAddressOfPage(second.guestPage);
      }
      word = (word | (memory.u8[upper] << 16) | (memory.u8[upper + 1] << 24)) >>> 0;
    }
    const d = this.#decoded;
    const legal = isa.decode(word, d);
    if (!legal || this.excluded(low, this.high)) {
      const length = isa.lengthOf(word);
      return { low, length, decoded: legal ? { ...d } : undefined, flow: 'interpret', target: 0 };
    }
    const decoded = { ...d };
    const target = low + d.immediate;
    const { transfer, special } = instructionTraits(d.instruction);
    let flow: Flow;
    if (special !== undefined) flow = isa.compilesSpecial(special, d.immediate) ? 'next' : 'interpret';
    else flow = transfer === 'jump' && registersWritten(d).length > 0 ? 'call' : transfer;
    const relative = flow === 'branch' || flow === 'jump' || flow === 'call';
    // A region does not reach over a multiple of 2^32.
    if (relative && (target < 0 || target >= 2 ** 32)) flow = 'interpret';
    return { low, length: d.length, decoded, flow, target };
  }

  /** The page of an address, if the hart fetched from it lately. */
  #page(address: number): CodePage | undefined {
    if (address < 0 || address >= 2 ** 32 - 4) return undefined;
    const low = (address & -PAGE_BYTES) >>> 0;
    if (this.#pages.has(low)) return this.#pages.get(low);
    const { i32 } = this.decode.memory;
    const entry = this.fetchTlb + TLB_TABLE.fetch + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
    let page: CodePage | undefined;
    if (i32[entry >> 2] === (low | 0) && i32[(entry >> 2) + 1] === (this.high | 0)) {
      const decoded = i32[(entry + TLB_VALUE) >> 2];
      const guestPage = this.decode.guestPageOf(decoded);
      if (guestPage >= 0) page = { low, guestPage, decoded };
    }
    this.#pages.set(low, page);
    return page;
  }
}

/** A jump that keeps where it comes from is a call. */
const comesBack = ({ decoded }: CodeInstruction): boolean =>
  decoded !== undefined && registersWritten(decoded).length > 0;
