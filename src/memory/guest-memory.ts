import { InputError } from '../state/input-error.js';
import { BrokenInvariant } from '../state/invariant.js';
import { Invalidation } from './invalidation.js';
import { CODE_GRANULE_SHIFT, type MemoryPlan, PAGE_BYTES, PAGE_SHIFT } from './memory-plan.js';

/** Bits of a page's flag byte. A store looks at the byte; zero is the common case. */
export const PAGE_FLAG = {
  /** Not written since the last epoch: the first write must be noted (copy-on-write, digests). */
  clean: 1,
  /** Holds decoded code somewhere; see the code map for where. */
  code: 2,
  /** Supplied a page-table entry to a TLB. */
  pageTable: 4,
  /** Overlaps a write watchpoint. */
  watched: 8,
  /** Holds what a hart that is not running has reserved; see the granule map for where. */
  reserved: 16,
} as const;

/** Bits of the granule map: what stands in 64 bytes of a page that has the flag of that name. */
export const GRANULE = { code: 1, reserved: 2 } as const;
const IN_GRANULES = PAGE_FLAG.code | PAGE_FLAG.reserved;

const ZEROS = new Uint8Array(4 * PAGE_BYTES);
const ONES = new Uint8Array(4 * PAGE_BYTES).fill(0xff);
const CODE_GRANULE_BYTES = 1 << CODE_GRANULE_SHIFT;

/** The pages written since this set was last emptied, for one consumer (snapshots, digests). */
class DirtyPages {
  readonly #member: Uint8Array;
  readonly #list: number[] = [];

  constructor(pageCount: number) {
    this.#member = new Uint8Array(pageCount);
  }

  get pages(): readonly number[] {
    return this.#list;
  }

  get size(): number {
    return this.#list.length;
  }

  add(page: number): void {
    if (this.#member[page] !== 0) return;
    this.#member[page] = 1;
    this.#list.push(page);
  }

  has(page: number): boolean {
    return this.#member[page] !== 0;
  }

  /** Visits each page, in the order of first write, and empties the set. */
  drain(visit: (page: number) => void): void {
    for (const page of this.#list) {
      this.#member[page] = 0;
      visit(page);
    }
    this.#list.length = 0;
  }
}

/**
 * Guest memory and all that stands beside it in one WebAssembly.Memory.
 * A *host address* is a byte address in that memory; a *page* is an index counted from the first page of RAM,
 * the pages of ROM and of backing storage following those of RAM.
 */
export class GuestMemory {
  readonly memory: WebAssembly.Memory;
  readonly u8: Uint8Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly flags: Uint8Array;
  readonly granuleMap: Uint8Array;
  readonly pageCount: number;
  readonly ramPages: number;
  readonly sinceSnapshot: DirtyPages;
  readonly sinceDigest: DirtyPages;
  /** For the notes of touched pages: see `startNoting`. */
  readonly sinceNoting: DirtyPages;
  readonly #sinceEpoch: DirtyPages;
  readonly #watchedPages: number[] = [];
  /** Pages that anything was ever written to; the host has no memory behind the others. */
  readonly #touched: Uint8Array;
  readonly invalidation = new Invalidation();

  constructor(readonly plan: MemoryPlan) {
    this.memory = allocate(plan);
    const { buffer } = this.memory;
    this.u8 = new Uint8Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.ramPages = plan.ramBytes / PAGE_BYTES;
    const guestBytes = plan.ramBytes + plan.romBytes + plan.backingBytes;
    this.pageCount = guestBytes / PAGE_BYTES;
    this.flags = new Uint8Array(buffer, plan.flags, this.pageCount);
    this.granuleMap = new Uint8Array(buffer, plan.granuleMap, Math.ceil(guestBytes / CODE_GRANULE_BYTES));
    this.sinceSnapshot = new DirtyPages(this.pageCount);
    this.sinceDigest = new DirtyPages(this.pageCount);
    this.sinceNoting = new DirtyPages(this.pageCount);
    this.#sinceEpoch = new DirtyPages(this.pageCount);
    this.#touched = new Uint8Array(this.pageCount);
    this.flags.fill(PAGE_FLAG.clean);
  }

  /** As `u8.fill`, which in shared memory is ten times slower. */
  fill(byte: 0 | 0xff, from: number, to: number): void {
    const pattern = byte === 0 ? ZEROS : ONES;
    let at = from;
    for (; at + pattern.length <= to; at += pattern.length) this.u8.set(pattern, at);
    if (at < to) this.u8.set(pattern.subarray(0, to - at), at);
  }

  /** Stores to this page have to look whether they touch what is watched. */
  watchPage(page: number): void {
    if ((this.flags[page] & PAGE_FLAG.watched) !== 0) return;
    this.flags[page] |= PAGE_FLAG.watched;
    this.#watchedPages.push(page);
  }

  unwatchPages(): void {
    for (const page of this.#watchedPages) this.flags[page] &= ~PAGE_FLAG.watched;
    this.#watchedPages.length = 0;
  }

  /** The declared state's bytes: a live view, not a copy. */
  get stateBytes(): Uint8Array {
    return this.u8.subarray(this.plan.state, this.plan.state + this.plan.stateBytes);
  }

  hostAddressOfPage(page: number): number {
    return this.plan.ram + page * PAGE_BYTES;
  }

  pageOf(hostAddress: number): number {
    return (hostAddress - this.plan.ram) >>> PAGE_SHIFT;
  }

  /**
   * Whether a page of RAM holds zeros because nothing was ever written to it: to read it would make the host map it.
   */
  isUntouched(page: number): boolean {
    return page < this.ramPages && this.#touched[page] === 0;
  }

  isZeroPage(page: number): boolean {
    const start = this.hostAddressOfPage(page) >>> 2;
    for (let i = start; i < start + PAGE_BYTES / 4; i++) if (this.u32[i] !== 0) return false;
    return true;
  }

  pageBytes(page: number): Uint8Array {
    const at = this.hostAddressOfPage(page);
    return this.u8.subarray(at, at + PAGE_BYTES);
  }

  /**
   * Every change of guest memory from outside the engine's inline path comes through here before it
   * happens: slow stores, DMA, debugger writes, the loader, restores.
   */
  beforeWrite(hostAddress: number, length: number): void {
    const last = this.pageOf(hostAddress + length - 1);
    for (let page = this.pageOf(hostAddress); page <= last; page++) {
      const flag = this.flags[page];
      this.#noteWrite(page);
      if ((flag & (PAGE_FLAG.pageTable | IN_GRANULES)) === 0) continue;
      const start = Math.max(hostAddress, this.hostAddressOfPage(page));
      const end = Math.min(hostAddress + length, this.hostAddressOfPage(page) + PAGE_BYTES);
      if ((flag & PAGE_FLAG.pageTable) !== 0) this.#tableWritten(page, start, end - start);
      if ((flag & PAGE_FLAG.code) !== 0) this.invalidation.codeWritten(start, end - start);
      if ((flag & PAGE_FLAG.reserved) !== 0) this.invalidation.reservedWritten(start, end - start);
    }
  }

  /** To a marked page, writes are slow: it may be a table no more. The next walk by way of it marks it again. */
  #tableWritten(page: number, hostAddress: number, length: number): void {
    const needed = this.invalidation.pageTableWritten(page, hostAddress, length);
    if (!needed) this.flags[page] &= ~PAGE_FLAG.pageTable;
  }

  /**
   * Replaces a whole page (zeros when `bytes` is undefined) as a restore does: code that does not differ
   * stays decoded.
   */
  replacePage(page: number, bytes: Uint8Array | undefined): void {
    const at = this.hostAddressOfPage(page);
    if ((this.flags[page] & PAGE_FLAG.code) !== 0) {
      for (let offset = 0; offset < PAGE_BYTES; offset += CODE_GRANULE_BYTES) {
        if (!this.#granuleEquals(at + offset, bytes, offset)) {
          this.invalidation.codeWritten(at + offset, CODE_GRANULE_BYTES);
        }
      }
    }
    this.#noteWrite(page);
    if (bytes === undefined) this.fill(0, at, at + PAGE_BYTES);
    else this.u8.set(bytes, at);
  }

  /** Throws BrokenInvariant when a page's flags and the lists beside them tell different things. */
  check(): void {
    let [written, watched] = [0, 0];
    for (const flag of this.flags) {
      if ((flag & PAGE_FLAG.clean) === 0) written++;
      if ((flag & PAGE_FLAG.watched) !== 0) watched++;
    }
    if (written !== this.#sinceEpoch.size || watched !== this.#watchedPages.length) {
      const counted = `${written} pages flagged as written of ${this.#sinceEpoch.size}`;
      throw new BrokenInvariant(
        'memory',
        `${counted}, ${watched} as watched of ${this.#watchedPages.length}`,
      );
    }
    for (const page of this.#sinceEpoch.pages) {
      if ((this.flags[page] & PAGE_FLAG.clean) !== 0)
        throw new BrokenInvariant('memory', `page ${page} was written and is flagged clean`);
      if (!this.sinceSnapshot.has(page) || !this.sinceDigest.has(page))
        throw new BrokenInvariant(
          'memory',
          `page ${page} was written and is not known to snapshots and digests`,
        );
    }
    for (const page of this.#watchedPages) {
      if ((this.flags[page] & PAGE_FLAG.watched) === 0)
        throw new BrokenInvariant('memory', `page ${page} is watched and not flagged`);
    }
  }

  #granuleEquals(host: number, bytes: Uint8Array | undefined, offset: number): boolean {
    for (let i = 0; i < CODE_GRANULE_BYTES; i++) {
      if (this.u8[host + i] !== (bytes === undefined ? 0 : bytes[offset + i])) return false;
    }
    return true;
  }

  #noteWrite(page: number): void {
    if ((this.flags[page] & PAGE_FLAG.clean) === 0) return;
    this.flags[page] &= ~PAGE_FLAG.clean;
    this.#touched[page] = 1;
    this.#sinceEpoch.add(page);
    this.sinceSnapshot.add(page);
    this.sinceDigest.add(page);
    this.sinceNoting.add(page);
  }

  /** From here on, `sinceNoting` gathers every page that is written, however that is done. */
  startNoting(): void {
    this.startEpoch();
    this.sinceNoting.drain(() => {});
  }

  /** From here on, the first write to each page is noted again. */
  startEpoch(): void {
    this.#sinceEpoch.drain(page => {
      this.flags[page] |= PAGE_FLAG.clean;
    });
  }
}

/** Throws InputError when the host has no room for it. */
function allocate({ wasmPages, ramBytes }: MemoryPlan): WebAssembly.Memory {
  try {
    // Shared, because V8 counts memory that is not as garbage to be: it then collects at once, and again and again.
    return new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages, shared: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`the host has no memory for a machine with ${ramBytes} bytes of RAM`);
  }
}
