import { PAGE_BYTES } from '../../memory/memory-plan.js';
import type { DecodeCache } from '../decode-cache.js';
import { TLB_INDEX_MASK, TLB_INDEX_SHIFT, TLB_TABLE, TLB_VALUE } from '../engine-layout.js';
import type { Decoded, Instruction } from '../instruction-set.js';
import { instructionTraits } from './instruction-traits.js';

/** How control leaves an instruction. `interpret`: the region ends before it, the interpreter runs it. */
export type Flow = 'next' | 'branch' | 'jump' | 'call' | 'indirect' | 'interpret';

/** An instruction of a region. Addresses are the low words of virtual addresses; a region has one high word. */
export interface CodeInstruction {
  readonly low: number;
  readonly length: number;
  readonly instruction: Instruction | undefined;
  readonly rd: number;
  readonly rs1: number;
  readonly rs2: number;
  readonly immediate: number;
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

const MOST_PAGES = 4;

/** Finds the code that can be reached from given addresses by jumps and branches, not by calls. */
export class CodeReader {
  readonly #pages = new Map<number, CodePage | undefined>();
  readonly #used = new Set<number>();
  readonly #decoded: Decoded;

  constructor(
    readonly decode: DecodeCache,
    readonly high: number,
    readonly fetchTlb: number,
    /** Code at these addresses is left to the interpreter. */
    readonly excluded: (low: number, high: number) => boolean,
  ) {
    this.#decoded = {
      instruction: decode.isa.instructions[0],
      rd: 0,
      rs1: 0,
      rs2: 0,
      rs3: 0,
      roundingMode: 0,
      immediate: 0,
      length: 4,
    };
  }

  /** Reads at most `limit` instructions, nearest first. Undefined when not one can be compiled. */
  read(roots: readonly number[], limit: number): RegionCode | undefined {
    const found = new Map<number, CodeInstruction>();
    const entries = new Set<number>(roots);
    const queue = [...roots];
    let count = 0;
    const first = this.#instruction(roots[0]);
    if (first === undefined || first.flow === 'interpret') return undefined;
    for (let head = 0; head < queue.length && count < limit; head++) {
      let at = queue[head];
      while (count < limit && !found.has(at)) {
        const one = this.#instruction(at);
        if (one === undefined) break;
        found.set(at, one);
        count++;
        const next = at + one.length;
        if (one.flow === 'branch' || one.flow === 'jump') queue.push(one.target);
        if (one.flow === 'jump') break;
        if (one.flow === 'interpret') {
          if (one.instruction === undefined || !instructionTraits(one.instruction).continues) break;
          entries.add(next);
        } else if (one.flow === 'call' || one.flow === 'indirect') {
          if (one.rd === 0) break;
          entries.add(next);
        }
        at = next;
      }
    }
    const instructions = [...found.values()].sort((a, b) => a.low - b.low);
    if (!instructions.some(one => one.flow !== 'interpret')) return undefined;
    for (const entry of entries) {
      const one = found.get(entry);
      if (one === undefined || one.flow === 'interpret') entries.delete(entry);
    }
    const pages = [...this.#used].map(low => this.#pages.get(low)!);
    return { root: roots[0], high: this.high, pages, instructions, entries };
  }

  #instruction(low: number): CodeInstruction | undefined {
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
    this.#used.add(page.low);
    const legal = isa.decode(word, d);
    if (!legal || this.excluded(low, this.high)) {
      const length = isa.lengthOf(word);
      const instruction = legal ? d.instruction : undefined;
      return { low, length, instruction, rd: 0, rs1: 0, rs2: 0, immediate: 0, flow: 'interpret', target: 0 };
    }
    if (second !== undefined) this.#used.add(second.low);
    const { rd, rs1, rs2, immediate, length, instruction } = d;
    const target = low + immediate;
    const { transfer } = instructionTraits(instruction);
    let flow: Flow = transfer === 'jump' && rd !== 0 ? 'call' : transfer;
    const relative = flow === 'branch' || flow === 'jump' || flow === 'call';
    // A region does not reach over a multiple of 2^32.
    if (relative && (target < 0 || target >= 2 ** 32)) flow = 'interpret';
    return { low, length, instruction, rd, rs1, rs2, immediate, flow, target };
  }

  /** The page of an address, if the hart fetched from it lately. */
  #page(address: number): CodePage | undefined {
    if (address < 0 || address >= 2 ** 32 - 4) return undefined;
    const low = (address & -PAGE_BYTES) >>> 0;
    if (this.#pages.has(low)) {
      const known = this.#pages.get(low);
      return known !== undefined && (this.#used.has(low) || this.#used.size < MOST_PAGES) ? known : undefined;
    }
    const { i32 } = this.decode.memory;
    const entry = this.fetchTlb + TLB_TABLE.fetch + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK);
    let page: CodePage | undefined;
    if (i32[entry >> 2] === (low | 0) && i32[(entry >> 2) + 1] === (this.high | 0)) {
      const decoded = i32[(entry + TLB_VALUE) >> 2];
      const guestPage = this.decode.guestPageOf(decoded);
      if (guestPage >= 0) page = { low, guestPage, decoded };
    }
    this.#pages.set(low, page);
    return page !== undefined && this.#used.size < MOST_PAGES ? page : undefined;
  }
}
