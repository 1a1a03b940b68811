import { type GuestMemory, PAGE_FLAG } from '../memory/guest-memory.js';
import { CODE_GRANULE_SHIFT, type CommonPlan, PAGE_BYTES, PAGE_SHIFT } from '../memory/memory-plan.js';
import type { WatchRange } from '../ports/points.js';
import type { WriteWatch } from '../ports/write-watch.js';
import type { FunctionBody, Local } from '../wasm/function-body.js';
import { CONTROL } from './engine-layout.js';

type Range = Pick<WatchRange, 'low' | 'high' | 'length'>;

/** A store of up to 8 bytes reaches into a range from this many bytes before it. */
const REACH = 7;

/**
 * Tells generated code which stores to leave to the host for the sake of watchpoints: those on pages with the
 * `watched` flag that come near the watched addresses. The rest of such a page is written at nearly full speed.
 * `ramBase` is where RAM begins for code that uses physical addresses.
 */
export function watchStores(
  memory: GuestMemory,
  ranges: readonly WatchRange[],
  observed: WriteWatch | undefined,
  ramBase: number,
): void {
  memory.unwatchPages();
  const seen = observed === undefined ? [] : observedRanges(observed);
  const writes = [...ranges.filter(range => range.kind !== 'read' && range.length > 0), ...seen];
  const reads = ranges.filter(range => range.kind !== 'write' && range.length > 0);
  writeHull(memory, CONTROL.watchStart, writes);
  writeHull(memory, CONTROL.loadWatchStart, reads);
  for (const range of writes) {
    const offset = range.high * 2 ** 32 + range.low - ramBase;
    const last = Math.floor((offset + range.length - 1) / PAGE_BYTES);
    for (
      let page = Math.max(0, Math.floor((offset - REACH) / PAGE_BYTES));
      page <= Math.min(last, memory.ramPages - 1);
      page++
    ) {
      memory.watchPage(page);
    }
  }
}

/** Where a store to observed memory goes by its own address, generated code finds it by that. */
function observedRanges({ virtual, memory }: WriteWatch): Range[] {
  const own = memory.map(({ start, length }) => ({
    low: start % 2 ** 32,
    high: Math.floor(start / 2 ** 32),
    length,
  }));
  return virtual.length > 0 ? [virtual, ...own] : own;
}

/** Writes where accesses have to begin to touch any of the ranges: first address and length. */
function writeHull(memory: GuestMemory, offset: number, ranges: readonly Range[]): void {
  const { u32, plan } = memory;
  const start = (plan.control + offset) >> 2;
  u32.fill(0, start, start + 4);
  if (ranges.length === 0) return;
  const lowest = ranges.reduce((a, b) => (isBelow(b, a) ? b : a));
  let span = 0;
  for (const range of ranges) {
    const distance = (range.high - lowest.high) * 2 ** 32 + (range.low - lowest.low);
    span = Math.max(span, distance + range.length + REACH);
  }
  u32[start] = lowest.low - REACH;
  u32[start + 1] = lowest.low < REACH ? lowest.high - 1 : lowest.high;
  u32[start + 2] = span % 2 ** 32;
  u32[start + 3] = Math.floor(span / 2 ** 32);
}

const isBelow = (a: Range, b: Range) => a.high < b.high || (a.high === b.high && a.low < b.low);

/**
 * Pushes whether a store to a page whose flag byte is not zero has to be left to the host. `host` plus `bias` is
 * the host address; `address` pushes the virtual one.
 */
export function emitFlaggedStore(
  f: FunctionBody,
  x: 'i32' | 'i64',
  plan: CommonPlan,
  store: { flag: Local; host: Local; bias: number; address: () => void },
): void {
  f.get(store.flag)
    .i32(~(PAGE_FLAG.code | PAGE_FLAG.reserved | PAGE_FLAG.watched))
    .op('i32_and');
  // Data beside code or a reservation, in granules of its own, may be written.
  f.get(store.host).i32(CODE_GRANULE_SHIFT).op('i32_shr_u');
  f.memory('i32_load8_u', plan.granuleMap - ((plan.ram - store.bias) >>> CODE_GRANULE_SHIFT));
  f.op('i32_or');
  store.address();
  emitNearWatched(f, x, plan, CONTROL.watchStart);
  f.op('i32_or');
}

/** Virtual address -> whether an access there may touch what is watched; `hull` is the place in the control block. */
export function emitNearWatched(f: FunctionBody, x: 'i32' | 'i64', plan: CommonPlan, hull: number): void {
  f.i32(0)
    .memory(`${x}_load`, plan.control + hull)
    .op(`${x}_sub`);
  f.i32(0)
    .memory(`${x}_load`, plan.control + hull + 8)
    .op(`${x}_lt_u`);
}

/** Pushes the flag byte of the page of host address `host` + `bias`. */
export function emitPageFlag(f: FunctionBody, plan: CommonPlan, host: Local, bias: number): void {
  f.get(host).i32(PAGE_SHIFT).op('i32_shr_u');
  f.memory('i32_load8_u', plan.flags - ((plan.ram - bias) >>> PAGE_SHIFT));
}
