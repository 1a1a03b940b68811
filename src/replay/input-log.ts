import type { LoggedEvent } from '../machine/ports.js';

/**
 * The inputs of one history in memory, in the order in which they enter the machine. Only ever appended to, so
 * a cursor into it - how many events have been played - stays good, and a slice of it can be played anywhere.
 */
export class InputLog {
  readonly #events: LoggedEvent[] = [];
  /** Beside the events, so that searching touches no event. */
  #icounts = new Float64Array(64);

  constructor(events: Iterable<LoggedEvent> = []) {
    for (const event of events) this.append(event);
  }

  get length(): number {
    return this.#events.length;
  }

  /** Throws Error when the event is earlier than the last one. Returns its index. */
  append(logged: LoggedEvent): number {
    const { icount } = logged;
    const index = this.#events.length;
    const last = index > 0 ? this.#icounts[index - 1] : 0;
    if (!Number.isSafeInteger(icount) || icount < last)
      throw new Error(`input out of order: icount ${icount} after ${last}`);
    if (index === this.#icounts.length) {
      const grown = new Float64Array(index * 2);
      grown.set(this.#icounts);
      this.#icounts = grown;
    }
    this.#icounts[index] = icount;
    this.#events.push(logged);
    return index;
  }

  /** Throws RangeError when there is no such event. */
  at(index: number): LoggedEvent {
    const event = this.#events[index];
    if (event === undefined) throw new RangeError(`no input event ${index} of ${this.length}`);
    return event;
  }

  /** The icount of the next event when `cursor` events have been played; Infinity when that was all. */
  nextIcount(cursor: number): number {
    return cursor < this.#events.length ? this.#icounts[cursor] : Number.POSITIVE_INFINITY;
  }

  /** Index of the first event at or after `icount`: how many come before that boundary. */
  indexAt(icount: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#icounts[middle] < icount) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Index of the first event after `icount`: the cursor once all events of that boundary are played. */
  indexAfter(icount: number): number {
    return this.indexAt(icount + 1);
  }

  /** How many events enter at the boundary `icount`. */
  countAt(icount: number): number {
    return this.indexAfter(icount) - this.indexAt(icount);
  }

  /** The events with `from` <= index < `to`. */
  slice(from = 0, to = this.length): readonly LoggedEvent[] {
    return this.#events.slice(from, to);
  }
}
