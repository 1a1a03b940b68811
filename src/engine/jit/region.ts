import { CODE_GRANULE_SHIFT, PAGE_BYTES } from '../../memory/memory-plan.js';
import type { DecodeCache } from '../decode-cache.js';
import { ENTRY, ENTRY_SCALE_SHIFT, type RegionVariant } from '../engine-layout.js';
import type { CodePage, FoundCode, RegionCode } from './region-code.js';

/** A place where a region is entered: its slot in a predecoded page, its record, its block. */
export interface RegionEntry {
  readonly low: number;
  readonly slot: number;
  readonly id: number;
  readonly block: number;
}

/** A compiled region and what it was compiled from. */
export class Region {
  /** Whether its entries are marked. Asleep: its code changed, or a breakpoint lies in it; it may wake again. */
  awake = false;
  entries: readonly RegionEntry[] = [];
  /** How often its code was written to. */
  disturbed = 0;
  /** As the reader found it, to be combined with other code. */
  readonly found: FoundCode;
  readonly #content: Uint8Array;
  readonly #addresses: ReadonlySet<number>;
  readonly #granules = new Set<number>();

  constructor(
    readonly decode: DecodeCache,
    readonly code: RegionCode,
    readonly variant: RegionVariant,
    /** Place in the function table. */
    readonly slot: number,
    /** Its selector tables. */
    readonly tables: readonly number[],
    /** How often this code was compiled again for the sake of another entry. */
    readonly generation: number,
  ) {
    const addresses = new Set<number>();
    for (const one of code.instructions) if (one.flow !== 'interpret') addresses.add(one.low);
    this.#addresses = addresses;
    this.found = {
      instructions: new Map(code.instructions.map(one => [one.low, one])),
      entries: code.entries,
    };
    const content: number[] = [];
    this.#eachByte((guestPage, offset, byte) => {
      this.#granules.add(granuleOf(guestPage, offset));
      content.push(byte);
    });
    this.#content = Uint8Array.from(content);
  }

  /** Whether it runs the instruction at this address. */
  holds(low: number, high: number): boolean {
    return high >>> 0 === this.code.high >>> 0 && this.#addresses.has(low);
  }

  usesGranule(granule: number): boolean {
    return this.#granules.has(granule);
  }

  /** Whether guest memory still holds its code, predecoded at the same place. */
  get isCurrent(): boolean {
    for (const page of this.code.pages) {
      if (this.decode.decodedPage(page.guestPage) !== page.decoded) return false;
    }
    let at = 0;
    let same = true;
    this.#eachByte((_page, _offset, byte) => {
      if (this.#content[at++] !== byte) same = false;
    });
    return same;
  }

  /** From here on it is told of changes of its code. */
  watchCode(): void {
    this.#eachByte((guestPage, offset) => this.decode.markCode(guestPage, offset, 1));
  }

  /** Addresses in it that were jumped to from outside at least `times` times, modulo 256, since `forgetJumps`. */
  jumpedTo(times: number): number[] {
    const { u8 } = this.decode.memory;
    return [...this.#addresses].filter(low => u8[this.slotOf(low) + ENTRY.hotness] >= times);
  }

  forgetJumps(): void {
    const { u8 } = this.decode.memory;
    for (const low of this.#addresses) u8[this.slotOf(low) + ENTRY.hotness] = 0;
  }

  slotOf(low: number): number {
    return this.#page(low).decoded + ((low & (PAGE_BYTES - 1)) << ENTRY_SCALE_SHIFT);
  }

  #eachByte(visit: (guestPage: number, offset: number, byte: number) => void): void {
    const { memory } = this.decode;
    for (const one of this.code.instructions) {
      if (one.flow === 'interpret') continue;
      for (let low = one.low; low < one.low + one.length; low++) {
        const { guestPage } = this.#page(low);
        const offset = low & (PAGE_BYTES - 1);
        visit(guestPage, offset, memory.u8[memory.hostAddressOfPage(guestPage) + offset]);
      }
    }
  }

  #page(low: number): CodePage {
    const base = (low & -PAGE_BYTES) >>> 0;
    return this.code.pages.find(page => page.low === base)!;
  }
}

const granuleOf = (guestPage: number, offset: number) =>
  guestPage * (PAGE_BYTES >>> CODE_GRANULE_SHIFT) + (offset >>> CODE_GRANULE_SHIFT);
