import { DECODE_ENTRY_BYTES, DECODE_PAGE_BYTES, type MemoryPlan } from '../../memory/memory-plan.js';
import { REGION_VARIANT, type RegionVariant } from '../engine-layout.js';

/** Reports that it takes at least until code is compiled. */
export interface Patience {
  /** For code that runs where addresses are physical. */
  readonly physical: number;
  readonly translated: number;
}

/** Counts how often each predecoded slot was reported as hot, and decides when to look at it. */
export class HotSlots {
  /** Reports, until there were enough to look at the slot. */
  readonly #early: Uint16Array;
  /** Reports from then on, and how many it takes until the slot is looked at again. */
  readonly #asked = new Map<number, { times: number; due: number }>();

  constructor(
    readonly plan: MemoryPlan,
    readonly patience: Patience,
  ) {
    this.#early = new Uint16Array((plan.decodePages * DECODE_PAGE_BYTES) / DECODE_ENTRY_BYTES);
  }

  /** Counts a report; true as long as there were too few, which is mostly so and takes next to no time. */
  isEarly(slot: number, variant: RegionVariant): boolean {
    const index = this.#index(slot);
    const { physical, translated } = this.patience;
    const enough = variant === REGION_VARIANT.translated ? translated : physical;
    return this.#early[index] < enough && ++this.#early[index] < enough;
  }

  /** Counts a report; false while it is too early to look at the slot again. */
  isDue(slot: number): boolean {
    const before = Math.max(0, this.#early[this.#index(slot)] - 1);
    const asked = this.#asked.get(slot) ?? { times: before, due: this.patience.physical };
    this.#asked.set(slot, asked);
    return ++asked.times >= asked.due;
  }

  /** Reports so far of a slot that is due. */
  timesOf(slot: number): number {
    return this.#asked.get(slot)!.times;
  }

  /** It is to be looked at again after so many more reports. */
  wait(slot: number, reports: number): void {
    const asked = this.#asked.get(slot)!;
    asked.due = asked.times + reports;
  }

  /** It was no use to look at it. */
  postpone(slot: number): void {
    const asked = this.#asked.get(slot)!;
    asked.due = 4 * asked.times;
  }

  /** Whether to compile code for the sake of this slot that was compiled `generations` times before: each is dearer. */
  isWorth(slot: number, generations: number): boolean {
    const asked = this.#asked.get(slot)!;
    asked.due = this.patience.physical * 2 ** generations;
    return asked.times >= asked.due;
  }

  #index(slot: number): number {
    return (slot - this.plan.decode) / DECODE_ENTRY_BYTES;
  }
}
