import type { GuestMemory } from '../memory/guest-memory.js';
import { GRANULE, PAGE_FLAG } from '../memory/guest-memory.js';
import type { CodeKeeper } from '../memory/invalidation.js';
import {
  CODE_GRANULE_SHIFT,
  DECODE_ENTRY_BYTES,
  DECODE_PAGE_BYTES,
  PAGE_BYTES,
} from '../memory/memory-plan.js';
import { BrokenInvariant } from '../state/invariant.js';
import {
  ENTRY,
  ENTRY_SCALE_SHIFT,
  FIRST_INSTRUCTION,
  MARK,
  markOf,
  PSEUDO_OPERATION,
} from './engine-layout.js';
import { EntryWriter } from './entry-writer.js';
import type { RegisterFile } from './expressions.js';
import type { Instruction, InstructionSet } from './instruction-set.js';
import { Operations } from './operations.js';
import { resultFile } from './semantics.js';

/** Of an entry's first word, what the instruction alone decides: operations change, and the last byte counts. */
const STEP_AND_RESULT = 0xffff00;

/** How many instructions behind the wanted one are decoded along with it. */
const DECODE_AHEAD = 16;

/** Keeps what was made from decoded code. */
export interface DecodedCodeKeeper {
  /** Code in this granule of guest memory is about to change, or no longer watched for changes. */
  codeChanges(guestPage: number, granule: number): void;
  /** Entries of this page were decoded. */
  codeDecoded(guestPage: number): void;
}

/** Keeps addresses of decoded pages. */
export interface DecodedPageKeeper {
  /** A decoded page is given to another guest page. */
  pageEvicted(): void;
}

/**
 * Predecoded code pages: derived from guest memory, dropped whenever it changes, never observable.
 * Breakpoints live here and not in guest memory: their entries hold a pseudo operation.
 */
export class DecodeCache implements CodeKeeper {
  /** Decoded page of each guest page, 0 when there is none. */
  readonly #pageAddress: Int32Array;
  readonly #guestPageOf: Int32Array;
  readonly #operations: Operations;
  readonly #entries: EntryWriter;
  /** Behind an unconditional jump that is no call there may be data: decoding ahead ends there. */
  readonly #jumps: readonly boolean[];
  /** Where the result of each instruction goes. */
  readonly #resultFiles: ReadonlyMap<Instruction, RegisterFile | undefined>;
  readonly #scratch: number;
  /** Stands for a page where each fetch has to be checked by itself (permissions that differ within a page). */
  readonly carefulPage: number;
  /** Operation that a breakpoint's entry stands for, by entry address. */
  readonly #covered = new Map<number, number>();
  #breakpointOffsets = new Set<number>();
  #nextVictim = 0;
  #nextChecked = 0;
  /** Every page was handed out once: until then they are zeros. */
  #reusing = false;
  readonly #codeKeepers: DecodedCodeKeeper[] = [];
  readonly #pageKeepers: DecodedPageKeeper[] = [];

  constructor(
    readonly memory: GuestMemory,
    readonly isa: InstructionSet,
  ) {
    this.#pageAddress = new Int32Array(memory.pageCount);
    // The last two pages of the pool are for instructions that are fetched halfword by halfword.
    this.#guestPageOf = new Int32Array(memory.plan.decodePages - 2).fill(-1);
    this.#scratch = memory.plan.decode + this.#guestPageOf.length * DECODE_PAGE_BYTES;
    this.carefulPage = this.#scratch + DECODE_PAGE_BYTES;
    for (let offset = 0; offset < PAGE_BYTES; offset += 2) {
      memory.u8[this.carefulPage + (offset << ENTRY_SCALE_SHIFT)] = PSEUDO_OPERATION.crossPage;
    }
    memory.u8[this.carefulPage + (PAGE_BYTES << ENTRY_SCALE_SHIFT)] = PSEUDO_OPERATION.pageEnd;
    this.#operations = new Operations(isa);
    this.#jumps = this.#operations.own.map(i => i.semantics.statements.some(s => s.kind === 'jump'));
    this.#resultFiles = new Map(isa.instructions.map(one => [one, resultFile(one.semantics)]));
    this.#entries = new EntryWriter(memory.i32, isa, this.#operations, this.#resultFiles);
    memory.invalidation.tellOfCode(this);
  }

  /** To be called by such a keeper when it is made. */
  tellOfCode(keeper: DecodedCodeKeeper): void {
    this.#codeKeepers.push(keeper);
  }

  /** To be called by such a keeper when it is made. */
  tellOfPages(keeper: DecodedPageKeeper): void {
    this.#pageKeepers.push(keeper);
  }

  /** Address of the decoded page for a guest page, made if need be. */
  pageFor(guestPage: number): number {
    const known = this.#pageAddress[guestPage];
    if (known !== 0) return known;
    const slot = this.#nextVictim;
    this.#nextVictim = (slot + 1) % this.#guestPageOf.length;
    if (this.#guestPageOf[slot] >= 0) {
      this.#forget(this.#guestPageOf[slot]);
      for (const keeper of this.#pageKeepers) keeper.pageEvicted();
    }
    const address = this.memory.plan.decode + slot * DECODE_PAGE_BYTES;
    this.#guestPageOf[slot] = guestPage;
    this.#pageAddress[guestPage] = address;
    if (this.#reusing) this.memory.fill(0, address, address + DECODE_PAGE_BYTES);
    if (this.#nextVictim === 0) this.#reusing = true;
    const end = address + (PAGE_BYTES << ENTRY_SCALE_SHIFT);
    this.memory.u8[end + ENTRY.operation] = PSEUDO_OPERATION.pageEnd;
    // A 4-byte instruction in the last halfword never falls through to here, but decoding ahead may look.
    this.memory.u8[end + DECODE_ENTRY_BYTES + ENTRY.operation] = PSEUDO_OPERATION.pageEnd;
    return address;
  }

  /** Fills an undecoded entry, and some behind it. */
  decode(entry: number): void {
    const slot = Math.floor((entry - this.memory.plan.decode) / DECODE_PAGE_BYTES);
    const page = this.memory.plan.decode + slot * DECODE_PAGE_BYTES;
    const guestPage = this.#guestPageOf[slot];
    const host = this.memory.hostAddressOfPage(guestPage);
    let offset = (entry - page) >>> ENTRY_SCALE_SHIFT;
    let previous = 0;
    let previousAt = 0;
    for (let i = 0; i <= DECODE_AHEAD && offset < PAGE_BYTES; i++) {
      const at = page + (offset << ENTRY_SCALE_SHIFT);
      if (this.memory.u8[at + ENTRY.operation] !== PSEUDO_OPERATION.undecoded) break;
      const length = this.#decodeAt(at, host + offset, offset);
      this.markCode(guestPage, offset, Math.min(length, PAGE_BYTES - offset));
      const operation = this.memory.u8[at + ENTRY.operation];
      if (operation < FIRST_INSTRUCTION) break;
      const pair = this.#operations.ofPair(previous, operation);
      if (pair !== 0) this.memory.u8[previousAt + ENTRY.operation] = pair;
      // The second of a pair may be jumped to: it stays what it is.
      previous = pair === 0 ? operation : 0;
      previousAt = at;
      if (this.#jumps[operation - FIRST_INSTRUCTION] && !this.#keepsResult(operation, at)) break;
      offset += length;
    }
    for (const keeper of this.#codeKeepers) keeper.codeDecoded(guestPage);
  }

  /** The guest page that a predecoded entry belongs to, or -1: none, it is fetched by halfwords. */
  guestPageOf(entry: number): number {
    return this.#guestPageOf[Math.floor((entry - this.memory.plan.decode) / DECODE_PAGE_BYTES)] ?? -1;
  }

  /** Address of the decoded page of a guest page, 0 when it has none. */
  decodedPage(guestPage: number): number {
    return this.#pageAddress[guestPage];
  }

  /** Whether a whole instruction stands at this entry, decoded, or what covers one. */
  holdsInstruction(entry: number): boolean {
    const operation = this.memory.u8[entry + ENTRY.operation];
    return operation >= PSEUDO_OPERATION.region || operation === PSEUDO_OPERATION.undecoded;
  }

  /** Whether the way into a region is open here. */
  isMarked(entry: number): boolean {
    return this.memory.u8[entry + ENTRY.operation] === PSEUDO_OPERATION.region;
  }

  isDecoded(entry: number): boolean {
    return this.memory.u8[entry + ENTRY.operation] !== PSEUDO_OPERATION.undecoded;
  }

  /** Makes the instruction at this entry the way into a compiled region; false when it cannot be. */
  mark(entry: number, regionEntry: number): boolean {
    const { u8 } = this.memory;
    if (u8[entry + ENTRY.operation] === PSEUDO_OPERATION.undecoded) this.decode(entry);
    const breakpoint = u8[entry + ENTRY.operation] === PSEUDO_OPERATION.breakpoint;
    const shown = breakpoint ? this.coveredOperation(entry) : u8[entry + ENTRY.operation];
    const mark = markOf(this.memory.plan, entry);
    if (shown !== PSEUDO_OPERATION.region) {
      if (shown < FIRST_INSTRUCTION) return false;
      u8[mark + MARK.operation] = shown;
      if (breakpoint) this.#covered.set(entry, PSEUDO_OPERATION.region);
      else u8[entry + ENTRY.operation] = PSEUDO_OPERATION.region;
    }
    u8[mark + MARK.entry] = regionEntry;
    u8[mark + MARK.entry + 1] = regionEntry >>> 8;
    return true;
  }

  /** The region entry marked here, or -1. */
  markedEntry(entry: number): number {
    const { u8 } = this.memory;
    const shown = u8[entry + ENTRY.operation];
    const marked =
      shown === PSEUDO_OPERATION.region ||
      (shown === PSEUDO_OPERATION.breakpoint && this.#covered.get(entry) === PSEUDO_OPERATION.region);
    if (!marked) return -1;
    const mark = markOf(this.memory.plan, entry) + MARK.entry;
    return u8[mark] | (u8[mark + 1] << 8);
  }

  unmark(entry: number): void {
    const { u8 } = this.memory;
    const operation = u8[markOf(this.memory.plan, entry) + MARK.operation];
    if (u8[entry + ENTRY.operation] === PSEUDO_OPERATION.region) u8[entry + ENTRY.operation] = operation;
    else if (this.#covered.get(entry) === PSEUDO_OPERATION.region) this.#covered.set(entry, operation);
  }

  /** Decodes an instruction that was fetched halfword by halfword, into an entry of its own. */
  decodeCrossing(word: number): number {
    const { u8 } = this.memory;
    u8.fill(0, this.#scratch, this.#scratch + 4 * DECODE_ENTRY_BYTES);
    this.#entries.write(this.#scratch, word);
    for (const next of [1, 2]) {
      u8[this.#scratch + next * DECODE_ENTRY_BYTES + ENTRY.operation] = PSEUDO_OPERATION.pageEnd;
    }
    return this.#scratch;
  }

  /** The operation that a breakpoint's entry stands for. */
  coveredOperation(entry: number): number {
    return this.#covered.get(entry) ?? PSEUDO_OPERATION.undecoded;
  }

  /** Sets the offsets within a page (virtual and physical are equal there) that hold breakpoints. */
  setBreakpointOffsets(offsets: Set<number>): void {
    for (const offset of this.#breakpointOffsets) if (!offsets.has(offset)) this.#uncover(offset);
    const added = [...offsets].filter(offset => !this.#breakpointOffsets.has(offset));
    this.#breakpointOffsets = offsets;
    for (const offset of added) {
      for (let slot = 0; slot < this.#guestPageOf.length; slot++) {
        if (this.#guestPageOf[slot] < 0) continue;
        this.#cover(this.memory.plan.decode + slot * DECODE_PAGE_BYTES + (offset << ENTRY_SCALE_SHIFT));
      }
    }
  }

  /** Guest memory at these host addresses is about to change: drops what was decoded from it. */
  codeWritten(hostAddress: number, length: number): void {
    const { plan, granuleMap } = this.memory;
    const first = (hostAddress - plan.ram) >>> CODE_GRANULE_SHIFT;
    const last = (hostAddress + length - 1 - plan.ram) >>> CODE_GRANULE_SHIFT;
    for (let granule = first; granule <= last; granule++) {
      if ((granuleMap[granule] & GRANULE.code) === 0) continue;
      const guestPage = granule >>> (12 - CODE_GRANULE_SHIFT);
      for (const keeper of this.#codeKeepers) keeper.codeChanges(guestPage, granule);
      granuleMap[granule] &= ~GRANULE.code;
      const page = this.#pageAddress[guestPage];
      if (page === 0) continue;
      const start = (granule << CODE_GRANULE_SHIFT) & (PAGE_BYTES - 1);
      // An instruction that starts in the halfword before reaches into this granule.
      const from = page + (Math.max(start - 2, 0) << ENTRY_SCALE_SHIFT);
      const to = page + ((start + (1 << CODE_GRANULE_SHIFT)) << ENTRY_SCALE_SHIFT);
      // The store that changes the code may itself stand here: its operands stay readable until it is done.
      for (let entry = from; entry < to; entry += DECODE_ENTRY_BYTES) {
        this.memory.u8[entry + ENTRY.operation] = PSEUDO_OPERATION.undecoded;
        if (this.#covered.size > 0) this.#covered.delete(entry);
      }
    }
  }

  /** Whether the instruction at an entry has a result, as a jump has that keeps where it comes from. */
  #keepsResult(operation: number, entry: number): boolean {
    const file = this.#resultFiles.get(this.#operations.own[operation - FIRST_INSTRUCTION]);
    return file !== undefined && this.memory.u8[entry + ENTRY.result] !== file.zero?.sink;
  }

  /**
   * Throws BrokenInvariant when what is decoded is not what stands in memory. One page in turn: all would take long.
   */
  check(): void {
    for (const [slot, guestPage] of this.#guestPageOf.entries()) {
      if (
        guestPage >= 0 &&
        this.#pageAddress[guestPage] !== this.memory.plan.decode + slot * DECODE_PAGE_BYTES
      )
        throw new BrokenInvariant(
          'the decode cache',
          `slot ${slot} is not where page ${guestPage} is looked up`,
        );
    }
    for (const entry of this.#covered.keys()) {
      if (this.memory.u8[entry + ENTRY.operation] !== PSEUDO_OPERATION.breakpoint)
        throw new BrokenInvariant(
          'the decode cache',
          `a breakpoint covers the entry at ${entry}, which shows none`,
        );
    }
    const used = this.#reusing ? this.#guestPageOf.length : this.#nextVictim;
    if (used > 0) this.#checkPage(this.#nextChecked++ % used);
  }

  #checkPage(slot: number): void {
    const { u8, flags, granuleMap, plan } = this.memory;
    const guestPage = this.#guestPageOf[slot];
    for (let offset = 0; offset < PAGE_BYTES; offset += 2) {
      const entry = plan.decode + slot * DECODE_PAGE_BYTES + (offset << ENTRY_SCALE_SHIFT);
      const operation = u8[entry + ENTRY.operation];
      if (operation === PSEUDO_OPERATION.undecoded) continue;
      const granule = (guestPage << (12 - CODE_GRANULE_SHIFT)) + (offset >>> CODE_GRANULE_SHIFT);
      if ((granuleMap[granule] & GRANULE.code) === 0 || (flags[guestPage] & PAGE_FLAG.code) === 0)
        throw new BrokenInvariant(
          'the decode cache',
          `page ${guestPage} is decoded at ${offset}, and not watched for writes`,
        );
      const real = operation === PSEUDO_OPERATION.breakpoint ? this.coveredOperation(entry) : operation;
      if (
        real >= PSEUDO_OPERATION.illegal &&
        !this.#standsFor(entry, this.memory.hostAddressOfPage(guestPage) + offset)
      )
        throw new BrokenInvariant(
          'the decode cache',
          `page ${guestPage} has changed at ${offset} since it was decoded`,
        );
    }
  }

  /** Whether an entry holds the operands of the instruction at a host address, whatever its operation has become. */
  #standsFor(entry: number, host: number): boolean {
    const { u8, i32 } = this.memory;
    const [scratch, at] = [this.#scratch >> 2, entry >> 2];
    const kept = [i32[scratch], i32[scratch + 1]];
    const half = u8[host] | (u8[host + 1] << 8);
    const long = this.isa.lengthOf(half) === 4;
    this.#entries.write(
      this.#scratch,
      long ? (half | (u8[host + 2] << 16) | (u8[host + 3] << 24)) >>> 0 : half,
    );
    const legal = u8[this.#scratch + ENTRY.operation] >= FIRST_INSTRUCTION;
    const same =
      ((i32[scratch] ^ i32[at]) & STEP_AND_RESULT) === 0 && (!legal || i32[scratch + 1] === i32[at + 1]);
    [i32[scratch], i32[scratch + 1]] = kept;
    return same;
  }

  #decodeAt(entry: number, host: number, offset: number): number {
    const { u8 } = this.memory;
    const half = u8[host] | (u8[host + 1] << 8);
    if (this.isa.lengthOf(half) === 2) {
      this.#entries.write(entry, half);
    } else if (offset === PAGE_BYTES - 2) {
      u8[entry + ENTRY.operation] = PSEUDO_OPERATION.crossPage;
      return 4;
    } else {
      this.#entries.write(entry, (half | (u8[host + 2] << 16) | (u8[host + 3] << 24)) >>> 0);
    }
    if (this.#breakpointOffsets.has(offset)) this.#cover(entry);
    return u8[entry + ENTRY.step] >>> ENTRY_SCALE_SHIFT;
  }

  /** Writes to these bytes of a guest page are reported from now on. */
  markCode(guestPage: number, offset: number, length: number): void {
    const base = guestPage << (12 - CODE_GRANULE_SHIFT);
    const { granuleMap, flags } = this.memory;
    granuleMap[base + (offset >>> CODE_GRANULE_SHIFT)] |= GRANULE.code;
    granuleMap[base + ((offset + length - 1) >>> CODE_GRANULE_SHIFT)] |= GRANULE.code;
    flags[guestPage] |= PAGE_FLAG.code;
  }

  #cover(entry: number): void {
    const { u8 } = this.memory;
    const operation = u8[entry + ENTRY.operation];
    if (operation < PSEUDO_OPERATION.illegal) return;
    this.#covered.set(entry, operation);
    u8[entry + ENTRY.operation] = PSEUDO_OPERATION.breakpoint;
  }

  #uncover(offset: number): void {
    for (let slot = 0; slot < this.#guestPageOf.length; slot++) {
      const entry = this.memory.plan.decode + slot * DECODE_PAGE_BYTES + (offset << ENTRY_SCALE_SHIFT);
      const operation = this.#covered.get(entry);
      if (operation === undefined) continue;
      this.memory.u8[entry + ENTRY.operation] = operation;
      this.#covered.delete(entry);
    }
  }

  #forget(guestPage: number): void {
    const host = this.memory.hostAddressOfPage(guestPage);
    this.codeWritten(host, PAGE_BYTES);
    this.memory.flags[guestPage] &= ~PAGE_FLAG.code;
    this.#pageAddress[guestPage] = 0;
  }
}
