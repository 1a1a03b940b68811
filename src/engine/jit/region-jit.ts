import type { BreakpointSet } from '../breakpoint-set.js';
import type { DecodeCache, DecodedCodeKeeper } from '../decode-cache.js';
import { CONTROL, type HotCode, REGION_FUNCTIONS, type RegionVariant } from '../engine-layout.js';
import { virtualPage } from '../touched-pages.js';
import { FreeNumbers } from './free-numbers.js';
import { HotSlots, type Patience } from './hot-slots.js';
import { Region } from './region.js';
import { CodeReader, type RegionCode } from './region-code.js';
import { RegionEntries } from './region-entries.js';
import { compileRegion } from './region-function.js';
import type { RegionTarget } from './region-memory.js';
import { SelectorTables } from './selector-tables.js';

/** Instructions of a region, at most: beyond some hundred, V8's compiled code gets no better. */
const MOST_INSTRUCTIONS = 400;
/** How often code is compiled again because an entry or a part was missing. */
const MOST_GENERATIONS = 12;
/** How often a region is found hot, 256 entries each, before it is joined with the one it is entered from. */
const TIMES_BEFORE_JOINING = 16;
/** How often it is found hot until it is looked at again where it is entered from. */
const TIMES_BETWEEN_LOOKS = 8;
/** Jumps from outside into the middle of a region that make a way in there, once it is compiled again. */
const JUMPS_TO_SEE = 8;
const MOST_PAGES = 4;
/** Writes to a region's code after which it is thrown away, not put to sleep: it would wake for nothing. */
const MOST_DISTURBANCES = 64;
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
export class RegionJit implements HotCode, DecodedCodeKeeper {
  readonly statistics: RegionStatistics = {
    compiled: 0,
    present: 0,
    instructions: 0,
    bytes: 0,
    compileMs: 0,
  };
  readonly #target: RegionTarget;
  readonly #tables: SelectorTables;
  readonly #regions = new Set<Region>();
  readonly #bySlot: (Region | undefined)[] = Array(REGION_FUNCTIONS).fill(undefined);
  readonly #onPage = new Map<number, Set<Region>>();
  readonly #freeSlots = new FreeNumbers(REGION_FUNCTIONS);
  readonly #entries: RegionEntries;
  /** Regions that are asleep, by page. */
  readonly #asleep = new Map<number, number>();
  #waking = false;
  /** Pages of regions that were entered since `startNoting` and are no more. */
  readonly #enteredAndGone = new Set<number>();
  readonly #hot: HotSlots;

  constructor(
    readonly decode: DecodeCache,
    readonly breakpoints: BreakpointSet,
    ramBase: number,
    readonly table: WebAssembly.Table,
    /** The interpreter's functions that regions call. */
    readonly runtime: WebAssembly.Instance['exports'],
    /** How often a place is reported as hot before it is compiled. */
    patience: Patience,
    /** Milliseconds, for the statistics. */
    readonly now: () => number,
  ) {
    this.#entries = new RegionEntries(decode.memory);
    this.#tables = new SelectorTables(decode.memory);
    this.#hot = new HotSlots(decode.memory.plan, patience);
    this.#target = { isa: decode.isa, plan: decode.memory.plan, ramBase };
    decode.tellOfCode(this);
  }

  hot(slot: number, low: number, high: number, fetchTlb: number, variant: RegionVariant): void {
    if (!this.decode.isMarked(slot) && this.#hot.isEarly(slot, variant)) return;
    const due = this.#hot.isDue(slot);
    if (!due && this.#entries.suits(this.decode.markedEntry(slot), low, high, variant)) return;
    const guestPage = this.decode.guestPageOf(slot);
    if (guestPage < 0 || !this.decode.holdsInstruction(slot)) return;
    const entered = this.#entered(guestPage, slot, low, high, variant);
    if (entered !== undefined && this.decode.markedEntry(slot) !== entered.id) {
      this.decode.mark(slot, entered.id);
      return;
    }
    if (!due) return;
    if (!this.#hasRoom) this.#dropAll();
    const reader = new CodeReader(this.decode, high, fetchTlb, this.#isBreakpoint);
    const mapped = (region: Region) => reader.agrees(region.code.pages);
    const around =
      entered?.region ??
      this.#find(guestPage, r => r.variant === variant && r.holds(low, high) && r.slotOf(low) === slot);
    if (around !== undefined) {
      if (!mapped(around)) return;
      const came = entered === undefined ? undefined : this.#cameFrom(high, variant);
      const joined = came !== undefined && came !== around && this.#fit(around.code, came) && mapped(came);
      const often = this.#hot.timesOf(slot) >= TIMES_BEFORE_JOINING + this.#hot.patience.physical;
      if (entered !== undefined && (!joined || !often)) {
        this.#hot.wait(slot, joined ? 1 : TIMES_BETWEEN_LOOKS);
        return;
      }
      const within = joined ? [around, came] : [around];
      if (!this.#hot.isWorth(slot, generationOf(within))) return;
      const entry = { instructions: new Map(), entries: new Set([low, ...around.jumpedTo(JUMPS_TO_SEE)]) };
      this.#compile(reader.combine(around.code.root, [...within.map(r => r.found), entry]), variant, within);
      return;
    }
    const anything = reader.discover(low, MOST_INSTRUCTIONS, () => false);
    if (anything === undefined) {
      this.#hot.postpone(slot);
      return;
    }
    const neighbours = this.#neighbours(reader.combine(low, [anything]), variant).filter(mapped);
    const outside = (regions: readonly Region[]) =>
      regions.length === 0
        ? anything
        : reader.discover(low, MOST_INSTRUCTIONS, at => regions.some(r => r.holds(at, high)))!;
    const alone = outside(neighbours);
    let size = alone.instructions.size;
    const within: Region[] = [];
    for (const region of neighbours) {
      const fits = size + region.code.instructions.length <= MOST_INSTRUCTIONS;
      if (!fits || region.generation >= MOST_GENERATIONS) continue;
      size += region.code.instructions.length;
      within.push(region);
    }
    if (!this.#hot.isWorth(slot, generationOf(within))) return;
    const others = neighbours.filter(region => !within.includes(region));
    const found = within.length === 0 ? alone : outside(others);
    this.#compile(reader.combine(low, [found, ...within.map(region => region.found)]), variant, within);
  }

  /** The region that was left just now: calls between two regions are dearer than calls within one. */
  #cameFrom(high: number, variant: RegionVariant): Region | undefined {
    const { i32, plan } = this.decode.memory;
    const control = plan.control >> 2;
    if (i32[control + (CONTROL.budget >> 2)] !== i32[control + (CONTROL.lastBudget >> 2)]) return undefined;
    const region = this.#bySlot[i32[control + (CONTROL.lastRegion >> 2)]];
    return region?.awake && region.variant === variant && region.code.high === high ? region : undefined;
  }

  #fit(code: RegionCode, other: Region): boolean {
    const pages = new Set([...code.pages, ...other.code.pages].map(page => page.low));
    return (
      code.instructions.length + other.code.instructions.length <= MOST_INSTRUCTIONS &&
      pages.size <= MOST_PAGES &&
      other.generation < MOST_GENERATIONS
    );
  }

  /** Whether one more region can be made, whatever it is. */
  get #hasRoom(): boolean {
    return (
      this.#regions.size < MOST_REGIONS &&
      this.#entries.has(MOST_INSTRUCTIONS) &&
      this.#tables.has(MOST_INSTRUCTIONS)
    );
  }

  /** Compiles, taking the place of other regions. */
  #compile(code: RegionCode, variant: RegionVariant, within: readonly Region[]): void {
    const slot = this.#freeSlots.take();
    const generation = within.length === 0 ? 0 : generationOf(within) + 1;
    const start = this.now();
    const jumps = code.instructions.some(one => one.flow === 'indirect');
    const tables = jumps ? code.pages.map(() => this.#tables.take()) : [];
    const { bytes, structure } = compileRegion(this.#target, code, variant, slot, tables);
    const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      host: { memory: this.decode.memory.memory },
      runtime: this.runtime as Record<string, (...args: number[]) => number>,
    });
    this.table.set(slot, instance.exports.region);
    this.statistics.compileMs += this.now() - start;
    this.statistics.compiled++;
    this.statistics.instructions += code.instructions.length;
    this.statistics.bytes += bytes.length;

    const region = new Region(this.decode, code, variant, slot, tables, generation);
    const entries = structure.entries.filter(block => structure.blocks[block].steps > 0);
    region.entries = entries.map(block => this.#entries.make(region, structure.blocks[block].low, block));
    this.#tables.fill(code.pages, tables, new Map(region.entries.map(one => [one.low, one.block + 1])));
    for (const old of within) this.#free(old);
    this.#regions.add(region);
    this.#bySlot[slot] = region;
    this.statistics.present = this.#regions.size;
    for (const page of code.pages) {
      const list = this.#onPage.get(page.guestPage) ?? new Set();
      this.#onPage.set(page.guestPage, list.add(region));
    }
    region.forgetJumps();
    this.#wake(region);
  }

  /** The region, of this variant, that can be entered at this slot for this address. */
  #entered(
    guestPage: number,
    slot: number,
    low: number,
    high: number,
    variant: RegionVariant,
  ): { region: Region; id: number } | undefined {
    const marked = this.decode.markedEntry(slot);
    let other: { region: Region; id: number } | undefined;
    for (const region of this.#onPage.get(guestPage) ?? []) {
      if (!region.awake || region.variant !== variant || region.code.high !== high) continue;
      const entry = region.entries.find(one => one.slot === slot && one.low === low);
      if (entry?.id === marked) return { region, id: marked };
      if (entry !== undefined) other = { region, id: entry.id };
    }
    return other;
  }

  readonly #isBreakpoint = (low: number, high: number): boolean =>
    this.breakpoints.at(low, high) !== undefined;

  #find(guestPage: number, wanted: (region: Region) => boolean): Region | undefined {
    for (const region of this.#onPage.get(guestPage) ?? []) if (region.awake && wanted(region)) return region;
    return undefined;
  }

  /** Regions that share instructions with this code. */
  #neighbours(code: RegionCode, variant: RegionVariant): Region[] {
    const all = new Set<Region>();
    for (const page of code.pages) {
      for (const region of this.#onPage.get(page.guestPage) ?? []) all.add(region);
    }
    return [...all].filter(
      region =>
        region.awake &&
        region.variant === variant &&
        code.instructions.some(one => region.holds(one.low, code.high)),
    );
  }

  // Which regions ran.

  /** From here on, regions that are entered are noted anew. */
  startNoting(): void {
    const { memory } = this.decode;
    memory.fill(0, memory.plan.regionNotes, memory.plan.regionNotes + REGION_FUNCTIONS);
    this.#enteredAndGone.clear();
  }

  /**
   * Adds the pages that were written by way of no TLB, which regions for the bare machine do: their virtual
   * addresses are physical ones. Any page is noted on its first write, so others come along.
   */
  noteWritten(written: Set<number>): void {
    const { memory } = this.decode;
    const first = virtualPage(this.#target.ramBase, 0);
    for (const page of memory.sinceNoting.pages) if (page < memory.ramPages) written.add(first + page);
  }

  /** Adds the virtual pages of all regions that were entered. */
  noteEntered(executed: Set<number>): void {
    for (const page of this.#enteredAndGone) executed.add(page);
    for (const region of this.#regions) this.#noteIfEntered(region, executed);
  }

  #noteIfEntered({ slot, code }: Region, executed: Set<number>): void {
    const { u8, plan } = this.decode.memory;
    if (u8[plan.regionNotes + slot] === 0) return;
    for (const page of code.pages) executed.add(virtualPage(page.low, code.high));
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

  codeDecoded(guestPage: number): void {
    if (this.#asleep.has(guestPage)) this.#wakePage(guestPage);
  }

  codeChanges(guestPage: number, granule: number): void {
    for (const region of this.#onPage.get(guestPage) ?? []) {
      if (!region.awake || !region.usesGranule(granule)) continue;
      if (++region.disturbed > MOST_DISTURBANCES) this.#free(region);
      else this.#sleep(region);
    }
  }

  #mayWake(region: Region): boolean {
    if (this.breakpoints.points.some(({ low, high }) => region.holds(low, high))) return false;
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
  breakpointsChanged(): void {
    for (const { low, high } of this.breakpoints.points) {
      for (const region of this.#regions) {
        if (region.awake && region.holds(low, high)) this.#sleep(region);
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
    this.#entries.release(region.entries);
    this.#noteIfEntered(region, this.#enteredAndGone);
    this.decode.memory.u8[this.decode.memory.plan.regionNotes + region.slot] = 0;
    this.#tables.release(region.tables);
    this.table.set(region.slot, null);
    this.#bySlot[region.slot] = undefined;
    this.#freeSlots.release(region.slot);
    this.statistics.present = this.#regions.size;
  }

  #dropAll(): void {
    for (const region of [...this.#regions]) this.#free(region);
  }
}

/** How often the code of these regions was compiled again. */
const generationOf = (regions: readonly Region[]): number =>
  Math.max(0, ...regions.map(region => region.generation));
