import type { HostClock } from '../../src/ports/host.js';
import { Random } from '../lockstep/random.js';

/**
 * A host whose time passes by a script: each look at the clock takes a random while, and at some of them
 * something happens. The same seed gives the same host, however fast the computer is.
 */
export class ScriptedHost implements HostClock {
  /** What happens, about once each `everyMs`. */
  happens: (random: Random) => void = () => {};
  readonly #random: Random;
  #ms = 0;
  #due: number;

  constructor(
    seed: number,
    readonly everyMs = 400,
  ) {
    this.#random = new Random(seed);
    this.#due = this.#random.below(everyMs);
  }

  nowMs(): number {
    this.#pass(this.#random.below(9));
    return this.#ms;
  }

  async sleep(ms: number, _wake: Promise<void>): Promise<void> {
    this.#pass(Math.min(ms, 1 + this.#random.below(50)));
    await null;
  }

  #pass(ms: number): void {
    this.#ms += ms;
    if (this.#ms < this.#due) return;
    this.#due = this.#ms + this.#random.below(2 * this.everyMs);
    this.happens(this.#random);
  }
}
