import type { HostClock } from '../../ports/host.js';

const SLICE_MS = 5;
const SHORTEST = 10_000;
const LONGEST = 2 ** 26;
const NEVER = new Promise<void>(() => {});

/**
 * Cuts long runs into slices of about 5 ms of host time, so that the host's events are seen in between.
 * Where a slice ends leaves no trace in the machine.
 */
export class Pace {
  #steps = 200_000;
  #startMs = 0;
  #interrupted = false;
  #tellInterrupted = () => {};

  constructor(
    readonly clock: HostClock,
    /** What else interrupts. */
    readonly cancelled: () => boolean = () => false,
  ) {}

  /** A new run begins: an earlier interrupt does not concern it. */
  begin(): void {
    this.#interrupted = false;
    this.#startMs = this.clock.nowMs();
  }

  interrupt(): void {
    this.#interrupted = true;
    this.#tellInterrupted();
  }

  /** Resolves when the debugger or a signal interrupts the run under way. */
  interruption(): Promise<void> {
    if (this.#interrupted) return Promise.resolve();
    return new Promise(resolve => {
      this.#tellInterrupted = resolve;
    });
  }

  get interrupted(): boolean {
    return this.#interrupted || this.cancelled();
  }

  /** Steps until the next look at the host. */
  get steps(): number {
    return this.#steps;
  }

  /** Whether the host has waited long enough for its turn. */
  get due(): boolean {
    return this.clock.nowMs() - this.#startMs >= SLICE_MS / 2;
  }

  /** Called after each slice with the steps it ran; gives the host its turn when the time is up. */
  async between(ran: number): Promise<void> {
    const elapsed = this.clock.nowMs() - this.#startMs;
    if (elapsed < SLICE_MS / 2) {
      // A run of many short slices, as single steps are, says nothing about long ones.
      if (ran >= this.#steps) this.#steps = Math.min(LONGEST, this.#steps * 2);
      return;
    }
    if (elapsed > SLICE_MS * 2 && ran > 0) this.#steps = Math.max(SHORTEST, Math.floor(this.#steps / 2));
    await this.clock.sleep(0, NEVER);
    this.#startMs = this.clock.nowMs();
  }
}
