import type { Scheduler } from '../machine/scheduler.js';
import type { EntropyPort } from '../ports/device.js';
import { bytes, defineState, type StateOf, u32 } from '../state/layout.js';
import { nextSeedState, seedByte, seedState } from './seed-bytes.js';

/** Even, as are all requests for 16 bits: half a request is never left. */
const POOL_BYTES = 256;
/** Streams of the entropy seed: the device tree has the one before. */
const DEVICES_STREAM = 1;

/** What random bytes come from: a generator, or the host's bytes that have entered the machine. */
export const entropyState = (seed: number) =>
  defineState('entropy', {
    generator: u32(seedState(seed, DEVICES_STREAM)),
    pool: bytes(POOL_BYTES),
    /** Bytes in the pool: the last ones go first. */
    pooled: u32(),
  });

/** Everything random in the machine after reset. */
export class Entropy implements EntropyPort {
  readonly #listeners: { fed(): void }[] = [];

  constructor(
    readonly state: StateOf<ReturnType<typeof entropyState>>,
    readonly source: 'seed' | 'host',
    private readonly scheduler: Scheduler,
  ) {}

  tellOfFresh(listener: { fed(): void }): void {
    this.#listeners.push(listener);
  }

  /** How many bytes of the host would be good to have; 0: none. */
  get wanted(): number {
    const { pooled } = this.state;
    return this.source === 'host' && pooled < POOL_BYTES / 4 ? POOL_BYTES - pooled : 0;
  }

  ready(): boolean {
    if (this.source === 'seed' || this.state.pooled > 0) return true;
    this.scheduler.lookSoon();
    this.scheduler.endRun();
    return false;
  }

  draw(to: Uint8Array): number {
    const { state } = this;
    if (this.source === 'seed') {
      for (let i = 0; i < to.length; i++) {
        state.generator = nextSeedState(state.generator);
        to[i] = seedByte(state.generator);
      }
      return to.length;
    }
    const drawn = Math.min(to.length, state.pooled);
    for (let i = 0; i < drawn; i++) to[i] = state.pool[--state.pooled];
    state.pool.fill(0, state.pooled);
    return drawn;
  }

  /** 16 random bits, or -1 when the host has to be asked first. */
  half(): number {
    if (!this.ready()) return -1;
    this.draw(HALF);
    return HALF[0] | (HALF[1] << 8);
  }

  /** Bytes beyond the pool's room are dropped. */
  feed(fresh: Uint8Array): void {
    const { state } = this;
    const taken = fresh.subarray(0, POOL_BYTES - state.pooled);
    state.pool.set(taken, state.pooled);
    state.pooled += taken.length;
    for (const listener of this.#listeners) listener.fed();
  }
}

const HALF = new Uint8Array(2);
