/** Accesses of more than eight bytes, all of which are done or none: cache blocks, and swaps of register pairs. */
import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { DataAccess } from './data-access.js';
import type { ExecutingHart, LongAccesses } from './executing-hart.js';
import { ACCESS, CAUSE } from './privileged.js';

export const BLOCK_BYTES = 64;
const WORD_BYTES = 8;

/** Of an access over two pages. */
interface Part {
  readonly host: number;
  readonly physical: number;
  /** From the start of the access. */
  readonly at: number;
  readonly length: number;
  /** ROM ignores stores. */
  readonly writable: boolean;
}

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
    if (this.data.intercepted(start, high, BLOCK_BYTES, false, true)) return 0;
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
    if (this.data.intercepted(low, high, size, true, true)) return 0;
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

  loadList(low: number, high: number, words: Uint32Array): number {
    const parts = this.#partsOf(low, high, words.byteLength, ACCESS.read);
    if (parts === undefined) return 0;
    if (this.data.intercepted(low, high, words.byteLength, true, false)) return 0;
    const bytes = new Uint8Array(words.buffer);
    const { u8 } = this.hart.env.memory;
    for (const { host, at, length } of parts) bytes.set(u8.subarray(host, host + length), at);
    return 1;
  }

  storeList(low: number, high: number, words: Uint32Array): number {
    const length = words.byteLength;
    const parts = this.#partsOf(low, high, length, ACCESS.write);
    if (parts === undefined) return 0;
    if (this.data.intercepted(low, high, length, false, true)) return 0;
    const bytes = new Uint8Array(words.buffer);
    const { memory } = this.hart.env;
    const second = parts.length > 1 ? parts[1].physical : -1;
    this.data.observe(low, high, length, parts[0].physical, parts[0].length, second);
    for (const { host, at, length: part, writable } of parts) {
      this.data.noteWritten((low + at) >>> 0, this.#highAt(low, high, at));
      if (!writable) continue;
      memory.beforeWrite(host, part);
      memory.u8.set(bytes.subarray(at, at + part), host);
    }
    return 1;
  }

  /** Where the bytes stand, page by page; undefined after a trap: a device does not take lists. */
  #partsOf(low: number, high: number, length: number, access: 0 | 1): Part[] | undefined {
    const { bus } = this.hart.env;
    const parts: Part[] = [];
    for (let at = 0; at < length; ) {
      const [partLow, partHigh] = [(low + at) >>> 0, this.#highAt(low, high, at)];
      const part = Math.min(length - at, PAGE_BYTES - (partLow % PAGE_BYTES));
      const physical = this.#translated(partLow, partHigh, part, access);
      if (physical < 0) return undefined;
      const host = bus.hostAddress(physical, part, false);
      if (host === 0) {
        const cause = access === ACCESS.read ? CAUSE.loadAccess : CAUSE.storeAccess;
        this.hart.trap(cause, partLow, partHigh);
        return undefined;
      }
      const writable = access === ACCESS.write && bus.hostAddress(physical, part, true) !== 0;
      parts.push({ host, physical, at, length: part, writable });
      at += part;
    }
    return parts;
  }

  /** The high word of an address a little further on. */
  #highAt(low: number, high: number, at: number): number {
    return this.hart.config.xlen === 64 && low + at >= 2 ** 32 ? (high + 1) >>> 0 : high;
  }

  /** Of an access within a page; -1 after a trap. */
  #translated(low: number, high: number, size: number, access: 0 | 1): number {
    if ((low % PAGE_BYTES) + size > PAGE_BYTES) throw new RangeError('an access over two pages');
    const physical = this.hart.mmu.translate(low, high, size, access);
    if (physical < 0) this.hart.trap(this.hart.mmu.cause, low, high);
    return physical;
  }
}
