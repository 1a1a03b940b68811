/** Accesses of more than eight bytes, all of which are done or none: cache blocks, and swaps of register pairs. */
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { DataAccess } from './data-access.js';
import type { ExecutingHart, LongAccesses } from './executing-hart.js';
import { ACCESS, CAUSE } from './privileged.js';

export const BLOCK_BYTES = 64;
const WORD_BYTES = 8;

export class BlockAccess implements LongAccesses {
  constructor(
    readonly hart: ExecutingHart,
    readonly data: DataAccess,
  ) {}

  zero(low: number, high: number): number {
    const { memory, bus } = this.hart.env;
    const start = (low & ~(BLOCK_BYTES - 1)) >>> 0;
    // Permissions may differ within the block where PMP regions end in it.
    for (let at = 0; at < BLOCK_BYTES; at += WORD_BYTES) {
      const physical = this.#translated(start + at, high, WORD_BYTES, ACCESS.write);
      if (physical < 0) return 0;
      if (bus.hostAddress(physical, WORD_BYTES, false) === 0)
        return this.hart.trap(CAUSE.storeAccess, start + at, high);
    }
    if (this.data.watched(start, high, BLOCK_BYTES, false, true)) return this.hart.stop();
    const physical = this.hart.mmu.translate(start, high, BLOCK_BYTES, ACCESS.write);
    const host = bus.hostAddress(physical, BLOCK_BYTES, true);
    // ROM ignores stores.
    if (host === 0) return 1;
    for (let at = 0; at < BLOCK_BYTES; at += WORD_BYTES)
      this.data.observe(start + at, high, WORD_BYTES, physical + at, WORD_BYTES, -1);
    this.data.noteWritten(start, high);
    memory.beforeWrite(host, BLOCK_BYTES);
    memory.u8.fill(0, host, host + BLOCK_BYTES);
    return 1;
  }

  manage(low: number, high: number): number {
    const start = (low & ~(BLOCK_BYTES - 1)) >>> 0;
    const { mmu } = this.hart;
    if (mmu.translate(start, high, BLOCK_BYTES, ACCESS.read) >= 0) return 1;
    return this.#translated(start, high, BLOCK_BYTES, ACCESS.write) < 0 ? 0 : 1;
  }

  compareAndSwap(
    low: number,
    high: number,
    expected: Uint32Array,
    swapped: Uint32Array,
    found: Uint32Array,
  ): number {
    const { memory, bus } = this.hart.env;
    const size = found.byteLength;
    if (low % size !== 0) return this.hart.trap(CAUSE.loadMisaligned, low, high);
    const readable = this.#translated(low, high, size, ACCESS.read);
    if (readable < 0) return 0;
    const from = bus.hostAddress(readable, size, false);
    if (from === 0) {
      const cause = bus.acceptsWrite(readable, WORD_BYTES) ? CAUSE.storeAccess : CAUSE.loadAccess;
      return this.hart.trap(cause, low, high);
    }
    const physical = this.#translated(low, high, size, ACCESS.write);
    if (physical < 0) return 0;
    if (this.data.watched(low, high, size, true, true)) return this.hart.stop();
    found.set(memory.u32.subarray(from >>> 2, (from + size) >>> 2));
    const host = bus.hostAddress(physical, size, true);
    if (host === 0 || found.some((word, index) => word !== expected[index])) return 1;
    for (let at = 0; at < size; at += WORD_BYTES)
      this.data.observe(low + at, high, WORD_BYTES, physical + at, WORD_BYTES, -1);
    this.data.noteWritten(low, high);
    memory.beforeWrite(host, size);
    memory.u32.set(swapped, host >>> 2);
    return 1;
  }

  /** Of an access within a page; -1 after a trap. */
  #translated(low: number, high: number, size: number, access: 0 | 1): number {
    if ((low % PAGE_BYTES) + size > PAGE_BYTES) throw new RangeError('an access over two pages');
    const physical = this.hart.mmu.translate(low, high, size, access);
    if (physical < 0) this.hart.trap(this.hart.mmu.cause, low, high);
    return physical;
  }
}
