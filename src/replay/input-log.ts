import type { LoggedEvent } from '../ports/input-event.js';
import { BrokenInvariant } from '../state/invariant.js';
import { ByteWriter } from './byte-codec.js';
import { EventBlock } from './event-block.js';
import { encodeEvent } from './event-codec.js';
import { firstNotBefore, type Sequence, sequence } from './sequence.js';

/** A block is complete when it has this many bytes. */
const BLOCK_BYTES = 64 * 1024;
/** Blocks that are held unpacked: where a replay is, and where somebody looks meanwhile. */
const MOST_LOADED = 3;

/** Consecutive events of a log, in memory or in a file, that are unpacked when one of them is asked for. */
export interface StoredEvents {
  /** Index of the first in the log. */
  readonly first: number;
  readonly count: number;
  /** Icount of the first. */
  readonly icount: number;
  load(): EventBlock;
}

interface Loaded {
  readonly stored: StoredEvents;
  readonly block: EventBlock;
}

/**
 * The inputs of one history, in the order in which they enter the machine, packed as in a recording: a long history has
 * millions. Only ever appended to, so a cursor into it - how many events have been played - stays good, and a slice of
 * it can be played anywhere.
 */
export class InputLog implements Sequence<LoggedEvent> {
  readonly #stored: StoredEvents[];
  /** What was appended last, and stands in no block yet. */
  readonly #tail = new ByteWriter();
  #tailCount = 0;
  #tailFirstIcount = 0;
  #tailBase = 0;
  #lastIcount = 0;
  #loaded: Loaded[] = [];
  #index = -1;
  #event: LoggedEvent | undefined;

  constructor(events: Iterable<LoggedEvent> = []) {
    this.#stored = [];
    for (const event of events) this.append(event);
  }

  /** Events that are stored already, in order and without gaps. */
  static of(stored: readonly StoredEvents[], lastIcount: number): InputLog {
    const log = new InputLog();
    log.#stored.push(...stored);
    log.#lastIcount = lastIcount;
    return log;
  }

  /** The events themselves when they are a log. */
  static from(events: Iterable<LoggedEvent>): InputLog {
    return events instanceof InputLog ? events : new InputLog(events);
  }

  get length(): number {
    return this.#sealed + this.#tailCount;
  }

  /** Throws Error when the event is earlier than the last one. Returns its index. */
  append({ icount, event }: LoggedEvent): number {
    const last = this.#lastIcount;
    if (!Number.isSafeInteger(icount) || icount < last)
      throw new Error(`input out of order: icount ${icount} after ${last}`);
    const before = this.#tail.length;
    if (this.#tailCount === 0) {
      this.#tailBase = last;
      this.#tailFirstIcount = icount;
    }
    try {
      this.#tail.varint(icount - last);
      encodeEvent(this.#tail, event);
    } catch (error) {
      this.#tail.truncate(before);
      throw error;
    }
    this.#lastIcount = icount;
    this.#tailCount++;
    if (this.#loaded.length > 0) this.#forgetTail();
    const index = this.length - 1;
    if (this.#tail.length >= BLOCK_BYTES) this.#seal();
    return index;
  }

  at(index: number): LoggedEvent | undefined {
    return index >= 0 && index < this.length ? this.get(index) : undefined;
  }

  /** Throws RangeError when there is no such event. */
  get(index: number): LoggedEvent {
    if (index === this.#index && this.#event !== undefined) return this.#event;
    if (!(index >= 0 && index < this.length))
      throw new RangeError(`no input event ${index} of ${this.length}`);
    const { stored, block } = this.#blockOf(index);
    const event = block.at(index - stored.first);
    this.#index = index;
    this.#event = event;
    return event;
  }

  /** The icount of the next event when `cursor` events have been played; Infinity when that was all. */
  nextIcount(cursor: number): number {
    return cursor < this.length ? this.get(cursor).icount : Number.POSITIVE_INFINITY;
  }

  /** Index of the first event at or after `icount`: how many come before that boundary. */
  indexAt(icount: number): number {
    const blocks = this.#blocks();
    const after = firstNotBefore(blocks.length, block => blocks[block].icount < icount);
    if (after === 0) return 0;
    const { first, count } = blocks[after - 1];
    return first + firstNotBefore(count, index => this.get(first + index).icount < icount);
  }

  /** Index of the first event after `icount`: the cursor once all events of that boundary are played. */
  indexAfter(icount: number): number {
    return this.indexAt(icount + 1);
  }

  /** How many events enter at the boundary `icount`. */
  countAt(icount: number): number {
    return this.indexAfter(icount) - this.indexAt(icount);
  }

  /** The events with `from` <= index < `to`, all of them in memory. */
  slice(from = 0, to = this.length): readonly LoggedEvent[] {
    return [...this.part(from, to)];
  }

  /** The events with `from` <= index < `to`, decoded one by one. */
  part(from: number, to = this.length): Sequence<LoggedEvent> {
    return sequence(Math.max(0, Math.min(to, this.length) - from), index => this.get(from + index));
  }

  /** A log that begins with the first `count` events of this one, and goes on by itself. */
  fork(count: number): InputLog {
    const blocks = this.#blocks().filter(({ first }) => first < count);
    const last = blocks.pop();
    const fork = InputLog.of(blocks, 0);
    if (last === undefined) return fork;
    if (last.first > 0) fork.#lastIcount = this.get(last.first - 1).icount;
    for (const logged of this.part(last.first, count)) fork.append(logged);
    return fork;
  }

  /** Throws BrokenInvariant when its blocks are not in order of time, one where the other ends. */
  check(): void {
    let [next, icount] = [0, 0];
    for (const block of this.#blocks()) {
      if (block.first !== next || block.icount < icount)
        throw new BrokenInvariant(
          'the input log',
          `a block of events from ${block.first}, icount ${block.icount}, follows ${next} events up to ${icount}`,
        );
      next += block.count;
      icount = block.icount;
    }
    if (next !== this.length || this.#lastIcount < icount)
      throw new BrokenInvariant(
        'the input log',
        `${next} events up to ${icount} are ${this.length} in its blocks`,
      );
  }

  *[Symbol.iterator](): Iterator<LoggedEvent> {
    for (let index = 0; index < this.length; index++) yield this.get(index);
  }

  /** Events that stand in a block. */
  get #sealed(): number {
    const last = this.#stored.at(-1);
    return last === undefined ? 0 : last.first + last.count;
  }

  #blocks(): readonly StoredEvents[] {
    return this.#tailCount === 0
      ? this.#stored
      : [...this.#stored, this.#tailBlock(() => this.#tail.written)];
  }

  /** Unpacked, the tail is what it was before it grew. */
  #forgetTail(): void {
    const sealed = this.#sealed;
    if (this.#loaded.some(({ stored }) => stored.first >= sealed))
      this.#loaded = this.#loaded.filter(({ stored }) => stored.first < sealed);
  }

  #seal(): void {
    const bytes = this.#tail.take();
    this.#stored.push(this.#tailBlock(() => bytes));
    this.#tailCount = 0;
  }

  #tailBlock(bytes: () => Uint8Array): StoredEvents {
    const base = this.#tailBase;
    return {
      first: this.#sealed,
      count: this.#tailCount,
      icount: this.#tailFirstIcount,
      load: () => new EventBlock({ bytes: bytes(), base }),
    };
  }

  #blockOf(index: number): Loaded {
    const known = this.#loaded.find(
      ({ stored: { first, count } }) => index >= first && index < first + count,
    );
    if (known !== undefined) return known;
    const blocks = this.#blocks();
    const stored = blocks[firstNotBefore(blocks.length, block => blocks[block].first <= index) - 1];
    const loaded = { stored, block: stored.load() };
    this.#loaded = [loaded, ...this.#loaded.slice(0, MOST_LOADED - 1)];
    return loaded;
  }
}
