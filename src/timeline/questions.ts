import type { DebugHit, Machine } from '../machine/machine.js';
import { DebugPoints } from './debug-points.js';
import { type FoundStep, type FoundWrite, type QuestionOps, TargetError } from './debug-target.js';
import type { GuestOutput } from './guest-output.js';
import type { Player } from './player.js';
import { ReverseSearch } from './reverse-search.js';
import type { SearchPool } from './search-pool.js';

const MOST_RECORDS = 10_000;

/**
 * Questions about the whole history: each is one pass over the intervals that matter. Afterwards the machine
 * stands where it stood. Interrupted, they throw TargetError.
 */
export class Questions implements QuestionOps {
  constructor(
    readonly player: Player,
    readonly output: GuestOutput,
    readonly pool: SearchPool | undefined,
  ) {}

  get #machine(): Machine {
    return this.player.machine;
  }

  /** The last write before the present to any of `length` bytes. */
  lastWrite(address: bigint, length: number): Promise<FoundWrite | undefined> {
    return this.#visiting(async () => {
      const points = new DebugPoints(this.#machine);
      points.insertWatchpoint('write', address, length);
      const search = new ReverseSearch(this.player, points, this.pool);
      const found = await search.findBefore(this.#machine.icount, () => {});
      if (found === 'interrupted') throw new TargetError('interrupted');
      if (found === 'none') return undefined;
      const { hit } = found;
      await this.#goTo(hit.icount);
      const before = this.#read(hit, address, length);
      const pc = this.#machine.debug.programCounter(hit.hart);
      await this.#goTo(hit.icount + 1);
      return { icount: hit.icount, hart: hit.hart, pc, old: before, new: this.#read(hit, address, length) };
    });
  }

  /** Every write in the history to any of `length` bytes, oldest first; the last `limit` of them. */
  writes(address: bigint, length: number, limit = MOST_RECORDS): Promise<FoundWrite[]> {
    return this.#visiting(async () => {
      const points = new DebugPoints(this.#machine);
      points.insertWatchpoint('write', address, length);
      const found: { hit: DebugHit; pc: bigint; old: Uint8Array }[] = [];
      await this.#pass(points, hit => {
        const pc = this.#machine.debug.programCounter(hit.hart);
        found.push({ hit, pc, old: this.#read(hit, address, length) });
        if (found.length > limit) found.shift();
      });
      const last = this.#machine.debug.readMemory(0, address, length).slice();
      return found.map(({ hit, pc, old }, i) => ({
        icount: hit.icount,
        hart: hit.hart,
        pc,
        old,
        new: found[i + 1]?.old ?? last,
      }));
    });
  }

  /** The first time in the history that the instruction at an address runs. */
  firstExecution(address: bigint): Promise<FoundStep | undefined> {
    return this.#visiting(async () => {
      const points = new DebugPoints(this.#machine);
      points.insertBreakpoint(address);
      let first: FoundStep | undefined;
      await this.#pass(
        points,
        hit => {
          first ??= { icount: hit.icount, hart: hit.hart, pc: address };
        },
        () => first !== undefined,
      );
      return first;
    });
  }

  /** Interrupts that were taken, oldest first; the last `limit` of them. */
  interrupts(limit = MOST_RECORDS): Promise<(FoundStep & { cause: number })[]> {
    return this.#visiting(async () => {
      const taken: (FoundStep & { cause: number })[] = [];
      await this.#goTo(this.player.history.begin);
      const stop = await this.player.advance(this.player.history.end, {
        points: this.player.noPoints,
        idle: 'jump',
        onInterrupt: (hart, cause) => {
          const pc = this.#machine.debug.programCounter(hart);
          taken.push({ icount: this.#machine.icount, hart, pc, cause });
          if (taken.length > limit) taken.shift();
        },
      });
      if (stop.kind === 'interrupted') throw new TargetError('interrupted');
      return taken;
    });
  }

  /** The step that printed the last byte of the last occurrence of `text` that ends before the present. */
  whoPrinted(text: string): Promise<FoundStep | undefined> {
    const here = this.#machine.icount;
    return this.#visiting(async () => {
      const icount = this.output.lastPrinted(text, here);
      if (icount === undefined) return undefined;
      await this.#goTo(icount);
      const hart = this.#machine.nextHart;
      return { icount, hart, pc: this.#machine.debug.programCounter(hart) };
    });
  }

  /** Runs the intervals that may have touched the points, from the beginning to the end of the history. */
  async #pass(
    points: DebugPoints,
    collect: (hit: DebugHit) => void,
    enough: () => boolean = () => false,
  ): Promise<void> {
    const { player } = this;
    const { begin, end } = player.history;
    let at = begin;
    let standing = false;
    while (at < end && !enough()) {
      const next = player.branch.next(at);
      const intervalEnd = Math.min(next?.icount ?? end, end);
      const touched = next?.touchedBefore;
      if (touched !== undefined && !points.mayTouch(touched)) {
        standing = false;
      } else {
        if (!standing) player.restore(player.branch.lasting(at));
        standing = true;
        const stop = await player.advance(intervalEnd, {
          idle: 'jump',
          collect,
          points: points.for('search'),
        });
        if (stop.kind === 'interrupted') throw new TargetError('interrupted');
        player.noteInterval(next);
      }
      at = intervalEnd;
    }
    if (!standing && !enough()) await this.#goTo(end);
  }

  async #goTo(icount: number): Promise<void> {
    const stop = await this.player.seek(icount);
    if (stop.kind === 'interrupted') throw new TargetError('interrupted');
  }

  #read(hit: DebugHit, address: bigint, length: number): Uint8Array {
    return this.#machine.debug.readMemory(hit.hart, address, length).slice();
  }

  async #visiting<T>(ask: () => Promise<T>): Promise<T> {
    const here = this.#machine.icount;
    const { pace } = this.player;
    pace.begin();
    try {
      return await ask();
    } finally {
      pace.begin();
      await this.player.seek(here);
    }
  }
}
