import {
  type Machine,
  NO_POINTS,
  type ObservedWrite,
  type PointSet,
  type WriteObserver,
} from '../../machine/machine.js';
import { type MemoryRange, WriteWatch } from '../../ports/write-watch.js';
import type { Interval, Navigator } from '../history/navigator.js';
import type { Pass } from '../history/replayer.js';
import { Newest } from './newest.js';
import { type IntervalPages, touches } from './page-set.js';
import type { FoundWrite, WrittenBy } from './question-ops.js';

const PAGE_BYTES = 4096;
/** Of a longer range, a write shows only the bytes that it wrote, as many at most. */
const MOST_SHOWN = 64;
/** Writes of one interval, for each that is wanted, from which on its end is searched first. */
const DENSE = 2;
const LEAST_DENSE = 4096;
/** Steps at the end of such an interval that are searched first, and how much further each time after. */
const FIRST_WINDOW = 1024;
const WINDOW_GROWTH = 16;

/** What is asked about: virtual addresses of a hart, and the memory that is there now. */
export interface AskedMemory {
  readonly hart: number;
  readonly address: bigint;
  readonly length: number;
  readonly memory: readonly MemoryRange[];
}

interface OpenWrite {
  readonly row: Omit<FoundWrite, 'new'>;
  readonly shown: readonly MemoryRange[];
}

/** Gathers the writes to a place, newest interval first, with what each found and left in memory. */
export class WriteSearch implements WriteObserver {
  readonly #points: PointSet;
  readonly #watch: WriteWatch;
  /** Rows of newer intervals than the one under way. */
  #newer: readonly FoundWrite[] = [];
  #rows: Newest<FoundWrite>;
  #open: OpenWrite | undefined;

  constructor(
    readonly navigator: Navigator,
    readonly place: AskedMemory,
    readonly limit: number,
    /** Whether other memory at the same virtual addresses counts, too. */
    readonly anySpace: boolean,
  ) {
    const { address, length, memory } = place;
    const [low, high] = [Number(address & 0xffffffffn), Number(address >> 32n)];
    this.#watch = new WriteWatch({ low, high, length: anySpace ? length : 0 }, memory);
    this.#points = { ...NO_POINTS, observed: this.#watch };
    this.#rows = new Newest(limit);
  }

  get #machine(): Machine {
    return this.navigator.machine;
  }

  /** The last writes so far, oldest first. */
  get found(): readonly FoundWrite[] {
    return [...this.#rows.list, ...this.#newer].slice(-this.limit);
  }

  get enough(): boolean {
    return this.#newer.length >= this.limit;
  }

  /** Whether an interval need not be run. */
  skips({ touched }: Interval): boolean {
    return touched !== undefined && !this.#mayBeIn(touched);
  }

  /** Runs an interval; those after it were run before. */
  async run(interval: Interval): Promise<'done' | 'interrupted'> {
    const { start, end } = interval;
    this.#rows = new Newest(this.limit);
    const dense = Math.max(LEAST_DENSE, DENSE * this.limit);
    const pass = this.#pass(() => this.#rows.total > dense);
    const stop = await this.navigator.pass(start, end, pass);
    if (stop.kind === 'interrupted') return 'interrupted';
    if (stop.kind === 'enough') {
      if ((await this.#runFromItsEnd(interval)) === 'interrupted') return 'interrupted';
    }
    this.#newer = this.found;
    this.#rows = new Newest(this.limit);
    return 'done';
  }

  before(write: ObservedWrite): void {
    this.after();
    const same = this.#isSameMemory(write);
    if (!same && !this.anySpace) return;
    const shown = this.#shownOf(write, same);
    this.#open = { row: this.#rowOf(write, same, this.#read(shown)), shown };
  }

  after(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    this.#rows.add({ ...open.row, new: this.#read(open.shown) });
  }

  /** The end of an interval in which there are many writes: a few steps are often enough. */
  async #runFromItsEnd({ start, end }: Interval): Promise<'done' | 'interrupted'> {
    const { navigator } = this;
    for (let window = FIRST_WINDOW; ; window *= WINDOW_GROWTH) {
      const from = end.icount - window;
      const whole = from <= start.at.icount;
      this.#rows = new Newest(this.limit);
      if (!whole && (await navigator.seek(navigator.branch.boundary(from))).kind === 'interrupted')
        return 'interrupted';
      const pass = this.#pass();
      const stop = whole ? await navigator.pass(start, end, pass) : await navigator.advance(end, pass);
      if (stop.kind === 'interrupted') return 'interrupted';
      if (whole || this.#rows.total >= this.limit) return 'done';
    }
  }

  #pass(enough?: () => boolean): Pass {
    return { points: this.#points, writes: this, ...(enough === undefined ? {} : { enough }) };
  }

  #mayBeIn({ ram, written }: IntervalPages): boolean {
    const { address, length, memory } = this.place;
    const { ramBytes } = this.#machine.config;
    for (const range of memory) {
      const first = range.start - this.#machine.ramBase;
      if (first < 0 || first + range.length > ramBytes) return true;
      const last = first + range.length - 1;
      if (touches(ram, Math.floor(first / PAGE_BYTES), Math.floor(last / PAGE_BYTES))) return true;
    }
    if (!this.anySpace) return false;
    return touches(written, Number(address >> 12n), Number((address + BigInt(length - 1)) >> 12n));
  }

  #isSameMemory({ store, physical, length }: ObservedWrite): boolean {
    if (this.#watch.touchesMemory(physical, length)) return true;
    if (store === undefined || store.firstBytes === store.size) return false;
    return this.#watch.touchesMemory(store.second, store.size - store.firstBytes);
  }

  #rowOf(write: ObservedWrite, same: boolean, old: Uint8Array): Omit<FoundWrite, 'new'> {
    const { navigator, place } = this;
    const by: WrittenBy = write.by ?? 'instruction';
    const event = navigator.entering ? navigator.history.log.get(navigator.cursor).event : undefined;
    const hart = event?.kind === 'write-memory' ? event.hart : write.hart;
    const icount = navigator.entering ? this.#machine.icount : write.icount;
    const row = { icount, hart, pc: this.#machine.debug.programCounter(hart), by, old };
    const { store } = write;
    if (store === undefined) return row;
    const virtual = (BigInt(store.high) << 32n) | BigInt(store.low);
    if (!same) return { ...row, elsewhere: write.physical };
    const own =
      virtual < place.address + BigInt(place.length) && virtual + BigInt(store.size) > place.address;
    return own ? row : { ...row, through: virtual };
  }

  /** Which bytes of memory a row shows. */
  #shownOf(write: ObservedWrite, same: boolean): readonly MemoryRange[] {
    const { place } = this;
    if (place.length > MOST_SHOWN) return this.#writtenBytes(write, same);
    return same ? place.memory : this.#asTheWriterSees(write);
  }

  #writtenBytes({ store, physical, length }: ObservedWrite, same: boolean): readonly MemoryRange[] {
    if (store !== undefined) {
      const first = { start: physical, length: store.firstBytes };
      if (store.firstBytes === store.size) return [first];
      return [first, { start: store.second, length: store.size - store.firstBytes }];
    }
    const range = same
      ? this.place.memory.find(one => one.start < physical + length && one.start + one.length > physical)
      : undefined;
    const start = Math.max(physical, range?.start ?? 0);
    const end = Math.min(physical + length, range === undefined ? start : range.start + range.length);
    return [{ start, length: Math.min(MOST_SHOWN, end - start) }];
  }

  /** The bytes asked for in the address space of a store to the same virtual addresses. */
  #asTheWriterSees({ store, physical, hart }: ObservedWrite): readonly MemoryRange[] {
    const { address, length } = this.place;
    if (store === undefined) return [];
    const virtual = (BigInt(store.high) << 32n) | BigInt(store.low);
    const start = physical + Number(address - virtual);
    const page = Math.floor(physical / PAGE_BYTES);
    const onOnePage =
      Math.floor(start / PAGE_BYTES) === page && Math.floor((start + length - 1) / PAGE_BYTES) === page;
    if (onOnePage) return [{ start, length }];
    return this.#machine.debug.physicalRanges(hart, address, length);
  }

  #read(ranges: readonly MemoryRange[]): Uint8Array {
    const { debug } = this.#machine;
    const parts = ranges.map(range => debug.readPhysical(range));
    const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}

/** What the machine was booted from, as the first write to a place; undefined when it holds none of it. */
export function loadOf(
  { images }: Machine,
  { hart, memory }: AskedMemory,
  icount: number,
): FoundWrite | undefined {
  const shown: MemoryRange[] = [];
  for (let left = MOST_SHOWN, i = 0; left > 0 && i < memory.length; i++) {
    const length = Math.min(left, memory[i].length);
    shown.push({ start: memory[i].start, length });
    left -= length;
  }
  const bytes = new Uint8Array(shown.reduce((sum, { length }) => sum + length, 0));
  let name: string | undefined;
  for (const image of images) {
    if (image.disk !== undefined) continue;
    let at = 0;
    for (const { start, length } of shown) {
      const from = Math.max(start, image.address);
      const to = Math.min(start + length, image.address + image.bytes.length);
      if (from < to) {
        name = image.name;
        bytes.set(image.bytes.subarray(from - image.address, to - image.address), at + from - start);
      }
      at += length;
    }
  }
  if (name === undefined) return undefined;
  return { icount, hart, pc: 0n, by: 'load', old: new Uint8Array(bytes.length), new: bytes, image: name };
}
