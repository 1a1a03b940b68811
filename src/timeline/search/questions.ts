import type { Machine } from '../../machine/machine.js';
import { DebugPoints } from '../debug-points.js';
import { TargetError } from '../debug-target.js';
import type { Moment } from '../history/moment.js';
import type { Interval, Navigator } from '../history/navigator.js';
import type { GuestOutput } from '../output/guest-output.js';
import { Newest } from './newest.js';
import type {
  Answer,
  AskOptions,
  FoundInterrupt,
  FoundStep,
  QuestionOps,
  WritesAnswer,
} from './question-ops.js';
import { type AskedMemory, loadOf, WriteSearch } from './write-search.js';

const PROGRESS_MS = 1000;
const MOST_RECORDS = 10_000;
/** Bytes that can be asked about at once: so many pages are looked up without a turn of the event loop. */
const LONGEST_PLACE = 2 ** 28;

interface Searched {
  readonly from: number;
  readonly to: number;
}

/**
 * Questions about the whole history: each is one pass over the intervals that matter, newest first where the last ones
 * are wanted. Afterwards the machine stands where it stood.
 */
export class Questions implements QuestionOps {
  constructor(
    readonly navigator: Navigator,
    readonly output: GuestOutput,
  ) {}

  #progressDueMs = 0;

  get #machine(): Machine {
    return this.navigator.machine;
  }

  lastWrite(address: bigint, length: number, { hart = 0, progress }: AskOptions = {}): Promise<WritesAnswer> {
    const place = this.#placeOf(hart, address, length);
    const search = new WriteSearch(this.navigator, place, 1, place.memory.length === 0);
    return this.#searchWrites(search, this.navigator.now, progress, false);
  }

  writes(address: bigint, length: number, options: AskOptions = {}): Promise<WritesAnswer> {
    const { hart = 0, limit = MOST_RECORDS, progress } = options;
    const search = new WriteSearch(this.navigator, this.#placeOf(hart, address, length), limit, true);
    const { branch, history } = this.navigator;
    return this.#searchWrites(search, branch.boundary(history.end), progress, true);
  }

  firstExecution(address: bigint, { progress }: AskOptions = {}): Promise<Answer<FoundStep>> {
    const { navigator } = this;
    const points = new DebugPoints(this.#machine);
    points.insertBreakpoint(BigInt.asUintN(this.#machine.addressBits, address));
    return this.#visiting<FoundStep>(navigator.history.end, async () => {
      const { begin, end } = navigator.history;
      for (const interval of navigator.intervalsUpTo(navigator.branch.boundary(end))) {
        if (interval.touched !== undefined && !points.mayTouch(interval.touched)) continue;
        const stop = await navigator.pass(interval.start, interval.end, { points: points.for('search') });
        const at = this.#machine.icount;
        if (stop.kind === 'hit') return { found: [{ icount: at, hart: stop.hit.hart, pc: address }] };
        if (stop.kind === 'interrupted') return { found: [], searched: [{ from: begin, to: at }] };
        this.#tell(progress, interval.end.icount - begin, end - begin);
      }
      return { found: [] };
    });
  }

  interrupts({ limit = MOST_RECORDS, progress }: AskOptions = {}): Promise<Answer<FoundInterrupt>> {
    const { navigator } = this;
    const machine = this.#machine;
    let newer: readonly FoundInterrupt[] = [];
    return this.#visiting<FoundInterrupt>(navigator.history.end, () =>
      this.#newestFirst(navigator.branch.boundary(navigator.history.end), progress, {
        run: async ({ start, end }) => {
          const taken = new Newest<FoundInterrupt>(limit);
          const stop = await navigator.pass(start, end, {
            onInterrupt: (hart, cause) => {
              machine.charge(1);
              taken.add({ icount: machine.icount, hart, pc: machine.debug.programCounter(hart), cause });
            },
          });
          newer = [...taken.list, ...newer].slice(-limit);
          if (stop.kind === 'interrupted') return 'interrupted';
          return 'done';
        },
        enough: () => newer.length >= limit,
        found: () => newer,
      }),
    );
  }

  async whoPrinted(text: string): Promise<Answer<FoundStep>> {
    const here = this.#machine.icount;
    const { rememberedFrom } = this.output;
    const answer = await this.#visiting<FoundStep>(here, async () => {
      const icount = this.output.lastPrinted(text, here);
      if (icount === undefined) return { found: [] };
      const stop = await this.navigator.seek(this.navigator.branch.boundary(icount));
      if (stop.kind === 'interrupted') return { found: [], searched: [] };
      const hart = this.#machine.nextHart;
      return { found: [{ icount, hart, pc: this.#machine.debug.programCounter(hart) }] };
    });
    return { ...answer, rememberedFrom };
  }

  async #searchWrites(
    search: WriteSearch,
    present: Moment,
    progress: AskOptions['progress'],
    partial: boolean,
  ): Promise<WritesAnswer> {
    const { place, limit } = search;
    const { begin } = this.navigator.history;
    const answer = await this.#visiting(present.icount, async () => {
      const result = await this.#newestFirst(present, progress, {
        run: interval => (search.skips(interval) ? Promise.resolve('done') : search.run(interval)),
        enough: () => search.enough,
        found: () => search.found,
      });
      // Of an interval that was not finished, the last write is not known.
      if (result.searched !== undefined) return partial ? result : { ...result, found: [] };
      const load =
        begin === 0 && result.found.length < limit ? loadOf(this.#machine, place, begin) : undefined;
      return load === undefined ? result : { found: [load, ...result.found] };
    });
    return { ...answer, hart: place.hart, physical: place.memory[0]?.start };
  }

  /** Runs the intervals before a boundary until there is enough; what was searched is told when it is interrupted. */
  async #newestFirst<T>(
    present: Moment,
    progress: AskOptions['progress'],
    search: {
      run(interval: Interval): Promise<'done' | 'interrupted'>;
      enough(): boolean;
      found(): readonly T[];
    },
  ): Promise<{ found: readonly T[]; searched?: readonly Searched[] }> {
    const { begin } = this.navigator.history;
    for (const interval of this.navigator.intervalsBefore(present)) {
      if ((await search.run(interval)) === 'interrupted') {
        const { end, start } = interval;
        const part = { from: start.at.icount, to: Math.min(end.icount, this.#machine.icount) };
        return { found: search.found(), searched: [part, { from: end.icount, to: present.icount }] };
      }
      if (search.enough()) break;
      this.#tell(progress, present.icount - interval.start.at.icount, present.icount - begin);
    }
    return { found: search.found() };
  }

  #placeOf(hart: number, address: bigint, length: number): AskedMemory {
    const machine = this.#machine;
    const { addressBits } = machine;
    if (length < 1 || length > LONGEST_PLACE) {
      throw new TargetError(`${length} bytes cannot be asked about: 1 to ${LONGEST_PLACE} can`);
    }
    if (address < 0n || address + BigInt(length) > 1n << BigInt(addressBits)) {
      throw new TargetError(
        `0x${address.toString(16)} with ${length} bytes is beyond ${addressBits}-bit addresses`,
      );
    }
    return { hart, address, length, memory: machine.debug.physicalRanges(hart, address, length) };
  }

  /** Says once a second how far a question is. */
  #tell(progress: AskOptions['progress'], done: number, all: number): void {
    const { clock } = this.navigator.pace;
    if (progress === undefined || clock.nowMs() < this.#progressDueMs) return;
    this.#progressDueMs = clock.nowMs() + PROGRESS_MS;
    const percent = Math.min(100, Math.round((100 * done) / Math.max(1, all)));
    progress(`searching: ${percent}% of the history\n`);
  }

  /** Asks, and puts the machine back to where it is, which nothing interrupts. */
  async #visiting<T>(
    end: number,
    ask: () => Promise<{ found: readonly T[]; searched?: readonly Searched[] }>,
  ): Promise<Answer<T>> {
    const { navigator } = this;
    const { begin } = navigator.history;
    const here = navigator.hold();
    this.#progressDueMs = navigator.pace.clock.nowMs() + PROGRESS_MS;
    navigator.pace.begin();
    try {
      const { found, searched } = await ask();
      return { found, begin, end, ...(searched === undefined ? {} : { interrupted: searched }) };
    } finally {
      navigator.returnTo(here);
    }
  }
}
