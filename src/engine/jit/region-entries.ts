import type { GuestMemory } from '../../memory/guest-memory.js';
import { PAGE_BYTES } from '../../memory/memory-plan.js';
import { REGION_ENTRIES, REGION_ENTRY, REGION_ENTRY_SHIFT, type RegionVariant } from '../engine-layout.js';
import { FreeNumbers } from './free-numbers.js';
import type { Region, RegionEntry } from './region.js';

/** The records by which the interpreter enters regions: see REGION_ENTRY. */
export class RegionEntries {
  readonly #free = new FreeNumbers(REGION_ENTRIES);

  constructor(readonly memory: GuestMemory) {}

  /** Whether so many can be made. */
  has(count: number): boolean {
    return this.#free.size >= count;
  }

  make(region: Region, low: number, block: number): RegionEntry {
    const id = this.#free.take();
    const { i32 } = this.memory;
    const at = this.#wordOf(id);
    i32[at + (REGION_ENTRY.page >> 2)] = low & -PAGE_BYTES;
    i32[at + (REGION_ENTRY.page >> 2) + 1] = region.code.high;
    i32[at + (REGION_ENTRY.variant >> 2)] = region.variant;
    i32[at + (REGION_ENTRY.function >> 2)] = region.slot;
    i32[at + (REGION_ENTRY.selector >> 2)] = block + 1;
    return { low, slot: region.slotOf(low), id, block };
  }

  release(entries: readonly RegionEntry[]): void {
    for (const entry of entries) this.#free.release(entry.id);
  }

  /** Whether an entry, -1: none, is for this address and variant. */
  suits(id: number, low: number, high: number, variant: RegionVariant): boolean {
    if (id < 0) return false;
    const { i32 } = this.memory;
    const at = this.#wordOf(id);
    return (
      i32[at + (REGION_ENTRY.variant >> 2)] === variant &&
      i32[at + (REGION_ENTRY.page >> 2)] === (low & -PAGE_BYTES) &&
      i32[at + (REGION_ENTRY.page >> 2) + 1] === (high | 0)
    );
  }

  #wordOf(id: number): number {
    return (this.memory.plan.regionEntries + (id << REGION_ENTRY_SHIFT)) >> 2;
  }
}
