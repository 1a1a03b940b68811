import type { GuestMemory } from '../../memory/guest-memory.js';
import { PAGE_BYTES } from '../../memory/memory-plan.js';
import type { CodePage } from './region-code.js';

/** Tables that there are; a region with indirect jumps has one for each of its pages. */
const SELECTOR_TABLES = 2048;
/** Two bytes for each halfword of a page: the selector of the block that starts there, 0: no entry of the region. */
const TABLE_BYTES = PAGE_BYTES;
export const SELECTOR_TABLE_BYTES = SELECTOR_TABLES * TABLE_BYTES;

/** Where regions look up, by address, whether an indirect jump ends in one of their own blocks. */
export class SelectorTables {
  readonly #free: number[];

  constructor(readonly memory: GuestMemory) {
    const first = memory.plan.selectorTables;
    this.#free = Array.from({ length: SELECTOR_TABLES }, (_, i) => first + i * TABLE_BYTES);
  }

  /** Whether so many can be taken. */
  has(count: number): boolean {
    return this.#free.length >= count;
  }

  take(): number {
    const table = this.#free.pop();
    if (table === undefined) throw new Error('no selector table is left');
    return table;
  }

  /** Sets what stands in the tables of these pages: selectors by address. */
  fill(pages: readonly CodePage[], tables: readonly number[], selectors: ReadonlyMap<number, number>): void {
    const { u8 } = this.memory;
    for (const table of tables) this.memory.fill(0, table, table + TABLE_BYTES);
    for (const [low, selector] of selectors) {
      const at = tables[pages.findIndex(page => page.low === (low & -PAGE_BYTES) >>> 0)];
      u8[at + (low % PAGE_BYTES)] = selector;
      u8[at + (low % PAGE_BYTES) + 1] = selector >>> 8;
    }
  }

  release(tables: readonly number[]): void {
    this.#free.push(...tables);
  }
}
