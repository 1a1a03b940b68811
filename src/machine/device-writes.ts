import { type TouchedPages, UNKNOWN_PAGE, virtualPage } from '../engine/touched-pages.js';
import type { WatchList, WatchRange } from '../engine/watch-list.js';
import type { RiscvHart } from '../riscv/hart.js';
import type { DebugHit } from './debug-hit.js';
import type { VirtualTime } from './virtual-time.js';

export { UNKNOWN_PAGE } from '../engine/touched-pages.js';

/** What of a board it looks at. */
interface WrittenBoard {
  readonly harts: readonly RiscvHart[];
  readonly touched: TouchedPages;
  readonly watches: WatchList;
  readonly time: VirtualTime;
  readonly machineState: { readonly currentHart: number };
  readonly running: RiscvHart | undefined;
}

/** Memory that devices write by themselves: what watchpoints and the notes of touched pages learn of it. */
export class DeviceWrites {
  #hit: DebugHit | undefined;

  constructor(readonly board: WrittenBoard) {}

  /** A device is about to write [address, address + length), physical. */
  note(address: number, length: number): void {
    const { board } = this;
    const { written } = board.touched;
    if (board.harts.some(hart => hart.mmu.translates)) {
      // Under which virtual addresses a hart sees these bytes is not known.
      written.add(UNKNOWN_PAGE);
    } else {
      for (let at = address - (address % 4096); at < address + length; at += 4096) {
        written.add(virtualPage(at, Math.floor(at / 2 ** 32)));
      }
    }
    const range = board.watches.empty
      ? undefined
      : board.watches.find(r => this.#touches(r, address, length));
    if (range === undefined || this.#hit !== undefined) return;
    // Between steps, the write belongs to the step behind.
    const icount = board.running === undefined ? board.time.icount - 1 : board.time.icount;
    const { kind: access, low, high } = range;
    this.#hit = { kind: 'watchpoint', icount, hart: board.machineState.currentHart, access, low, high };
  }

  /** A watched range was written since this was last asked. */
  takeHit(): DebugHit | undefined {
    const hit = this.#hit;
    this.#hit = undefined;
    return hit;
  }

  #touches(range: WatchRange, address: number, length: number): boolean {
    if (range.kind === 'read') return false;
    const [hart] = this.board.harts;
    // A range is looked up where it begins; one that goes on over pages mapped apart is taken to be contiguous.
    const physical = hart.mmu.peek(range.low, range.high);
    return physical >= 0 && physical < address + length && physical + range.length > address;
  }
}
