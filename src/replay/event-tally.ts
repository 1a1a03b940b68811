import type { MachineConfig } from '../ports/config.js';
import type { EventKind, LoggedEvent } from '../ports/input-event.js';
import type { MachineMoment } from '../state/saved-state.js';

/** Of a recording's header, what its virtual time follows from. */
interface Beginning {
  readonly config: Pick<MachineConfig, 'icountShift'>;
  readonly start?: Pick<MachineMoment, 'icount' | 'virtualNs'>;
}

/** What all inputs of a history tell without replaying it: how many there are of each kind, and its virtual time. */
export class EventTally {
  readonly #counts = new Map<EventKind, number>();
  readonly #shift: number;
  readonly #startNs: number;
  #icount: number;
  #ns: number;
  /** Those of one kind often follow each other: so many did, and are not in `#counts`. */
  #kind: EventKind | undefined;
  #run = 0;

  constructor({ config, start }: Beginning) {
    this.#shift = config.icountShift;
    this.#startNs = start?.virtualNs ?? 0;
    this.#ns = this.#startNs;
    this.#icount = start?.icount ?? 0;
  }

  static of(header: Beginning, events: Iterable<LoggedEvent>): EventTally {
    const tally = new EventTally(header);
    for (const { icount, event } of events) {
      tally.count(event.kind);
      if (event.kind === 'warp') tally.warp(icount, event.ns);
    }
    return tally;
  }

  count(kind: EventKind): void {
    if (kind !== this.#kind) {
      this.#keepRun();
      this.#kind = kind;
    }
    this.#run++;
  }

  /** Idle time was cut at this virtual time. */
  warp(icount: number, ns: number): void {
    this.#advance(icount);
    this.#ns = Math.max(this.#ns, ns);
  }

  /** By kind, in the order in which they first came. */
  get counts(): ReadonlyMap<EventKind, number> {
    this.#keepRun();
    return this.#counts;
  }

  /** Nanoseconds up to an icount behind all events, at least: idle time that ran to its deadline is in no file. */
  leastNs(end: number): number {
    this.#advance(end);
    return this.#ns - this.#startNs;
  }

  #advance(to: number): void {
    this.#ns += (to - this.#icount) * 2 ** this.#shift;
    this.#icount = to;
  }

  #keepRun(): void {
    if (this.#kind === undefined || this.#run === 0) return;
    this.#counts.set(this.#kind, (this.#counts.get(this.#kind) ?? 0) + this.#run);
    this.#run = 0;
  }
}
