import { PAGE_BYTES } from '../../memory/memory-plan.js';
import type { DecodeCache } from '../decode-cache.js';
import {
  type HartOffsets,
  type HotCode,
  REGION_ENTRIES,
  REGION_ENTRY,
  REGION_ENTRY_SHIFT,
  REGION_FUNCTIONS,
  type RegionVariant,
} from '../engine-layout.js';
import { Region, type RegionEntry } from './region.js';
import { CodeReader, type RegionCode } from './region-code.js';
import type { RegionTarget } from './region-emitter.js';
import { compileRegion } from './region-function.js';

/** Instructions of a region, at most: beyond some hundred, V8's compiled code gets no better. */
const MOST_INSTRUCTIONS = 300;
/** How often code is compiled again because one more entry into it became hot. */
const MOST_GENERATIONS = 24;
/** Regions kept, awake or asleep. When there would be more, all are thrown away. */
const MOST_REGIONS = REGION_FUNCTIONS - 64;

export interface RegionStatistics {
  /** Regions compiled since the machine was built, and how many there are now. */
  compiled: number;
  present: number;
  /** Guest instructions and bytes of WebAssembly that were compiled. */
  instructions: number;
  bytes: number;
  /** Time in the compiler, as the clock that was given tells it. */
  compileMs: number;
}

/**
 * Compiles hot code to regions and keeps them. Derived state only: a region is entered from a mark on a
 * predecoded instruction and does exactly what the interpreter would do from there on.
 */
export class RegionJit implements HotCode {
  readonly statistics: RegionStatistics = {
    compiled: 0,
    present: 0,
    instructions: 0,
    bytes: 0,
    compileMs: 0,
  };
  /** Milliseconds, for the statistics. */
  now: () => number = () => 0;
  /** The breakpoints that are set: high words by low word. */
  breakpoints: () => ReadonlyMap<number, readonly number[]> = () => new Map();
  readonly #target: RegionTarget;
  readonly #regions = new Set<Region>();
  readonly #onPage = new Map<number, Set<Region>>();
  readonly #freeSlots = Array.from({ length: REGION_FUNCTIONS }, (_, i) => REGION_FUNCTIONS - 1 - i);
  readonly #freeEntries = Array.from({ length: REGION_ENTRIES }, (_, i) => REGION_ENTRIES - 1 - i);
  /** Regions that are asleep, by page. */
  readonly #asleep = new Map<number, number>();
  #waking = false;

  constructor(
    readonly decode: DecodeCache,
    hart: HartOffsets,
    ramBase: number,
    readonly table: WebAssembly.Table,
  ) {
    this.#target = { xlen: decode.isa.xlen, plan: decode.memory.plan, hart, ramBase };
    decode.onInvalidate = (guestPage, granule) => this.#codeChanges(guestPage, granule);
    decode.onDecode = guestPage => {
      if (this.#asleep.has(guestPage)) this.#wakePage(guestPage);
    };
    decode.onBreakpoints = () => this.#breakpointsChanged();
  }

  hot(slot: number, low: number, high: number, fetchTlb: number, variant: RegionVariant): void {
    const guestPage = this.decode.guestPageOf(slot);
    if (guestPage < 0 || !this.decode.holdsInstruction(slot)) return;
    if (this.#isMarked(slot, low, high, variant) || this.#remark(guestPage, slot, low, high, variant)) return;
    if (this.#regions.size >= MOST_REGIONS || this.#freeEntries.length < MOST_INSTRUCTIONS) this.#dropAll();
    const reader = new CodeReader(this.decode, high, fetchTlb, this.#isBreakpoint);
    const around = this.#find(guestPage, r => r.variant === variant && r.holds(low, high));
    const code =
      around !== undefined && around.generation < MOST_GENERATIONS
        ? reader.read([low, around.code.root, ...around.code.entries], MOST_INSTRUCTIONS)
        : reader.read([low], MOST_INSTRUCTIONS);
    if (code?.entries.has(low) !== true) return;
    this.#compile(reader, around === undefined ? code : { ...code, root: around.code.root }, variant);
  }

  /** Compiles, taking the place of regions that lie within. */
  #compile(reader: CodeReader, first: RegionCode, variant: RegionVariant): void {
    const within: Region[] = [];
    const addresses = new Set(first.instructions.map(one => one.low));
    for (const region of this.#neighbours(first)) {
      if (region.variant !== variant || region.code.high !== first.high || !region.awake) continue;
      if (addresses.has(region.code.root) && region.generation < MOST_GENERATIONS) within.push(region);
    }
    let code = first;
    if (within.length > 0) {
      const roots = new Set([...first.entries].slice(0, 1));
      for (const entry of first.entries) roots.add(entry);
      for (const region of within) for (const entry of region.entries) roots.add(entry.low);
      const merged = reader.read([...roots], MOST_INSTRUCTIONS);
      if (merged !== undefined) code = { ...merged, root: first.root };
    }
    const slot = this.#freeSlots.pop()!;
    const generation = Math.max(-1, ...within.map(region => region.generation)) + 1;
    const start = this.now();
    const { bytes, structure } = compileRegion(this.#target, code, variant, slot);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      host: { memory: this.decode.memory.memory },
    });
    this.table.set(slot, instance.exports.region);
    this.statistics.compileMs += this.now() - start;
    this.statistics.compiled++;
    this.statistics.instructions += code.instructions.length;
    this.statistics.bytes += bytes.length;

    const region = new Region(this.decode, code, variant, slot, generation);
    const entries = structure.entries.filter(block => structure.blocks[block].steps > 0);
    region.entries = entries.map(block => this.#entry(region, structure.blocks[block].low, block));
    const lows = new Set(region.entries.map(entry => entry.low));
    for (const old of within) if (old.entries.every(entry => lows.has(entry.low))) this.#free(old);
    this.#regions.add(region);
    this.statistics.present = this.#regions.size;
    for (const page of code.pages) {
      const list = this.#onPage.get(page.guestPage) ?? new Set();
      this.#onPage.set(page.guestPage, list.add(region));
    }
    this.#wake(region);
  }

  #entry(region: Region, low: number, block: number): RegionEntry {
    const id = this.#freeEntries.pop()!;
    const { i32, plan } = this.decode.memory;
    const at = (plan.regionEntries + (id << REGION_ENTRY_SHIFT)) >> 2;
    i32[at + (REGION_ENTRY.page >> 2)] = low & -PAGE_BYTES;
    i32[at + (REGION_ENTRY.page >> 2) + 1] = region.code.high;
    i32[at + (REGION_ENTRY.variant >> 2)] = region.variant;
    i32[at + (REGION_ENTRY.function >> 2)] = region.slot;
    i32[at + (REGION_ENTRY.selector >> 2)] = block + 1;
    return { low, slot: region.slotOf(low), id, block };
  }

  #isMarked(slot: number, low: number, high: number, variant: RegionVariant): boolean {
    const id = this.decode.markedEntry(slot);
    if (id < 0) return false;
    const { i32, plan } = this.decode.memory;
    const at = (plan.regionEntries + (id << REGION_ENTRY_SHIFT)) >> 2;
    return (
      i32[at + (REGION_ENTRY.variant >> 2)] === variant &&
      i32[at + (REGION_ENTRY.page >> 2)] === (low & -PAGE_BYTES) &&
      i32[at + (REGION_ENTRY.page >> 2) + 1] === (high | 0)
    );
  }

  /** Marks a region that was compiled for this address and variant while another one has the mark. */
  #remark(guestPage: number, slot: number, low: number, high: number, variant: RegionVariant): boolean {
    for (const region of this.#onPage.get(guestPage) ?? []) {
      if (!region.awake || region.variant !== variant || region.code.high !== high) continue;
      const entry = region.entries.find(one => one.slot === slot && one.low === low);
      if (entry !== undefined) return this.decode.mark(slot, entry.id);
    }
    return false;
  }

  readonly #isBreakpoint = (low: number, high: number): boolean =>
    this.breakpoints().get(low)?.includes(high) ?? false;

  #find(guestPage: number, wanted: (region: Region) => boolean): Region | undefined {
    for (const region of this.#onPage.get(guestPage) ?? []) if (region.awake && wanted(region)) return region;
    return undefined;
  }

  #neighbours(code: RegionCode): Set<Region> {
    const all = new Set<Region>();
    for (const page of code.pages)
      for (const region of this.#onPage.get(page.guestPage) ?? []) all.add(region);
    return all;
  }

  // Sleeping and waking.

  #wake(region: Region): void {
    region.awake = true;
    region.watchCode();
    const waking = this.#waking;
    this.#waking = true;
    for (const entry of region.entries) this.decode.mark(entry.slot, entry.id);
    this.#waking = waking;
  }

  #sleep(region: Region): void {
    region.awake = false;
    for (const entry of region.entries) {
      if (this.decode.markedEntry(entry.slot) === entry.id) this.decode.unmark(entry.slot);
    }
    this.#countAsleep(region, 1);
  }

  #countAsleep(region: Region, change: 1 | -1): void {
    for (const { guestPage } of region.code.pages) {
      const count = (this.#asleep.get(guestPage) ?? 0) + change;
      if (count === 0) this.#asleep.delete(guestPage);
      else this.#asleep.set(guestPage, count);
    }
  }

  #codeChanges(guestPage: number, granule: number): void {
    for (const region of this.#onPage.get(guestPage) ?? []) {
      if (region.awake && region.usesGranule(granule)) this.#sleep(region);
    }
  }

  #mayWake(region: Region): boolean {
    for (const [low, highs] of this.breakpoints()) {
      for (const high of highs) if (region.holds(low, high)) return false;
    }
    return region.isCurrent;
  }

  #wakePage(guestPage: number): void {
    if (this.#waking) return;
    for (const region of this.#onPage.get(guestPage) ?? []) {
      if (region.awake || !this.#mayWake(region)) continue;
      this.#countAsleep(region, -1);
      this.#wake(region);
    }
  }

  /** Regions that hold a breakpoint sleep; others that start at the same places, or were asleep for one, take over. */
  #breakpointsChanged(): void {
    for (const [low, highs] of this.breakpoints()) {
      for (const region of this.#regions) {
        if (region.awake && highs.some(high => region.holds(low, high))) this.#sleep(region);
      }
    }
    for (const guestPage of [...this.#asleep.keys()]) this.#wakePage(guestPage);
    for (const region of this.#regions) {
      if (!region.awake) continue;
      for (const entry of region.entries) {
        if (this.decode.markedEntry(entry.slot) < 0) this.decode.mark(entry.slot, entry.id);
      }
    }
  }

  #free(region: Region): void {
    if (region.awake) this.#sleep(region);
    this.#countAsleep(region, -1);
    this.#regions.delete(region);
    for (const { guestPage } of region.code.pages) {
      const list = this.#onPage.get(guestPage);
      list?.delete(region);
      if (list?.size === 0) this.#onPage.delete(guestPage);
    }
    for (const entry of region.entries) this.#freeEntries.push(entry.id);
    this.table.set(region.slot, null);
    this.#freeSlots.push(region.slot);
    this.statistics.present = this.#regions.size;
  }

  #dropAll(): void {
    for (const region of [...this.#regions]) this.#free(region);
  }
}
