import { type TouchedPages, virtualPage } from '../engine/touched-pages.js';
import type { WatchList } from '../engine/watch-list.js';
import { UNKNOWN_PAGE, type WatchRange } from '../ports/points.js';
import type { StoreAccess } from '../ports/write-watch.js';
import type { DebugHit, WriteListener, Writer } from './debug-hit.js';
import type { Hart } from './hart.js';
import type { Scheduler } from './scheduler.js';
import type { VirtualTime } from './virtual-time.js';

const PAGE = 4096;

/** What of a board it looks at. */
interface WrittenBoard {
  readonly harts: readonly Hart[];
  readonly touched: TouchedPages;
  readonly watches: WatchList;
  readonly time: VirtualTime;
  readonly machineState: { readonly currentHart: number };
  readonly scheduler: Scheduler;
}

/**
 * What watchpoints, observers of writes and the notes of touched pages learn of memory that is written by something
 * else than a store of a hart; and observers of those, too.
 */
export class ForeignWrites {
  #listener: WriteListener | undefined;
  #hit: DebugHit | undefined;

  constructor(readonly board: WrittenBoard) {}

  /** Who hears of what the run under way writes, or the event that enters; nobody when absent. */
  listen(listener: WriteListener | undefined): void {
    this.#listener = listener;
  }

  /** [address, address + length), physical, is about to be written. */
  note(address: number, length: number, by: Writer): void {
    const { board } = this;
    const listener = this.#listener;
    this.#noteTouched(address, length);
    if (board.watches.empty || listener === undefined) return;
    // Between steps, the write belongs to the step behind.
    const icount = board.scheduler.busy ? board.time.icount : board.time.icount - 1;
    const hart = board.machineState.currentHart;
    if (board.watches.observed?.touchesMemory(address, length) === true) {
      listener.writes?.before({ by, icount, hart, store: undefined, physical: address, length });
    }
    const range = board.watches.find(one => this.#touches(one, address, length));
    if (range === undefined) return;
    const { kind: access, low, high } = range;
    const hit: DebugHit = { kind: 'watchpoint', icount, hart, access, low, high, by };
    if (listener.collect !== undefined) listener.collect(hit);
    else this.#hit ??= hit;
  }

  /** A debugger that stops before the step puts the entry back: only observers are told. */
  tableUpdated(address: number, length: number): void {
    if (this.#listener?.writes !== undefined) this.note(address, length, 'page-walk');
  }

  /** A store of a hart that somebody observes: at the next boundary it is made. */
  storeObserved(hart: number, store: StoreAccess): void {
    const { time, scheduler } = this.board;
    const { physical, firstBytes: length } = store;
    this.#listener?.writes?.before({ by: undefined, icount: time.icount, hart, store, physical, length });
    scheduler.endRun();
  }

  /** A watched range was written since this was last asked. */
  takeHit(): DebugHit | undefined {
    const hit = this.#hit;
    this.#hit = undefined;
    return hit;
  }

  #noteTouched(address: number, length: number): void {
    const { written } = this.board.touched;
    if (this.board.harts.some(hart => hart.translates)) {
      // Under which virtual addresses a hart sees these bytes is not known.
      written.add(UNKNOWN_PAGE);
      return;
    }
    for (let at = address - (address % PAGE); at < address + length; at += PAGE) {
      written.add(virtualPage(at, Math.floor(at / 2 ** 32)));
    }
  }

  /** Whether any hart sees written bytes in the range, page by page. */
  #touches(range: WatchRange, address: number, length: number): boolean {
    if (range.kind === 'read') return false;
    return this.board.harts.some((hart, id) => {
      // Harts that see physical addresses all see the same.
      if (!hart.translates) return id === 0 && seesIn(hart, range, range.length, address, length);
      return seesIn(hart, range, PAGE, address, length);
    });
  }
}

/** Whether a hart sees any of [address, + length) in the range, which is looked up anew after `step` bytes. */
function seesIn(hart: Hart, range: WatchRange, step: number, address: number, length: number): boolean {
  for (let done = 0; done < range.length; ) {
    const low = range.low + done;
    const physical = hart.peek(low % 2 ** 32, range.high + Math.floor(low / 2 ** 32));
    const part = Math.min(range.length - done, step === PAGE ? PAGE - (low % PAGE) : step);
    if (physical >= 0 && physical < address + length && physical + part > address) return true;
    done += part;
  }
  return false;
}
