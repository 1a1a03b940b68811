import type { IrqLine, MmioDevice } from '../ports/device.js';
import { defineState, words } from '../state/layout.js';

/** Interrupt sources are 1 to 95; 96 has a priority register alone, as in QEMU 7.2's `virt`. */
export const PLIC_SOURCES = 96;
const SOURCE_WORDS = PLIC_SOURCES / 32;
const MAX_PRIORITY = 7;

const PENDING = 0x1000;
const ENABLE = 0x2000;
const ENABLE_STRIDE = 0x80;
const CONTEXT = 0x20_0000;
const CONTEXT_STRIDE = 0x1000;

export const plicState = (contexts: number) =>
  defineState('plic', {
    /** By source; element 0 is not used. */
    priority: words(PLIC_SOURCES + 1),
    /** What each input was set to last, one bit a source. */
    level: words(SOURCE_WORDS),
    pending: words(SOURCE_WORDS),
    /** Sources claimed and not yet completed. */
    claimed: words(SOURCE_WORDS),
    /** SOURCE_WORDS words for each context. */
    enable: words(SOURCE_WORDS * contexts),
    threshold: words(contexts),
  });

export type PlicState = ReturnType<ReturnType<typeof plicState>['bind']>;

/**
 * Platform-level interrupt controller, laid out as SiFive's (RISC-V PLIC specification 1.0).
 * As in QEMU 7.2.22, a device that sets its input high makes its source pending, though it was high before, and also
 * while it is being handled; completion only ends the handling. Machines of revision 1 have the specification's
 * gateways (section 8): a high line makes its source pending, once, until the claim is completed; still high then,
 * pending again. In both, a line that falls early takes nothing back. Context 2h is hart h in M-mode, 2h+1 in S-mode.
 */
export class Plic implements MmioDevice {
  readonly access = { min: 4, max: 4 } as const;
  readonly width = 4;
  readonly #inputs: readonly IrqLine[];

  constructor(
    private readonly state: PlicState,
    /** External interrupt line of each context. */
    private readonly contexts: readonly IrqLine[],
    /** Whether a source is pending while its line is high and nobody handles it, or when its device raises it. */
    private readonly pendingBy: 'level' | 'raise',
  ) {
    this.#inputs = Array.from({ length: PLIC_SOURCES }, (_, source) => ({
      set: (level: boolean) => this.#setLevel(source, level),
    }));
  }

  /** The input line of a source, 1 to 95. */
  input(source: number): IrqLine {
    if (source < 1 || source >= PLIC_SOURCES) throw new RangeError(`no PLIC source ${source}`);
    return this.#inputs[source];
  }

  #setLevel(source: number, level: boolean): void {
    const { level: levels, pending } = this.state;
    const word = source >> 5;
    const bit = 1 << (source & 31);
    levels[word] = level ? levels[word] | bit : levels[word] & ~bit;
    if (!level || (pending[word] & bit) !== 0) return;
    if (this.pendingBy === 'level' && !this.#forward(word, bit)) return;
    pending[word] |= bit;
    this.#update();
  }

  /** The gateways of a word: requests of high lines that are not in service become pending. */
  #forward(word: number, sources: number): boolean {
    const { level, claimed, pending } = this.state;
    const requests = level[word] & ~claimed[word] & ~pending[word] & sources;
    pending[word] |= requests;
    return requests !== 0;
  }

  read(offset: number, _size: number): number {
    const at = offset - CONTEXT;
    if (at >= 0 && at % CONTEXT_STRIDE === 4 && at / CONTEXT_STRIDE < this.contexts.length) {
      return this.#claim(Math.floor(at / CONTEXT_STRIDE));
    }
    return this.peek(offset, 4);
  }

  /** As `read`, but a look at claim/complete claims nothing. */
  peek(offset: number, _size: number): number {
    const { priority, enable, threshold } = this.state;
    if (offset < PENDING) return priority[offset / 4] ?? 0;
    if (offset < ENABLE) {
      const word = (offset - PENDING) / 4;
      return this.state.pending[word] ?? 0;
    }
    if (offset < CONTEXT) return enable[this.#enableIndex(offset)] ?? 0;
    const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
    if (context >= this.contexts.length) return 0;
    const register = offset % CONTEXT_STRIDE;
    if (register === 0) return threshold[context];
    return register === 4 ? this.#best(context) : 0;
  }

  write(offset: number, _size: number, value: number): void {
    const { priority, enable, threshold } = this.state;
    if (offset < PENDING) {
      const source = offset / 4;
      if (source < 1 || source > PLIC_SOURCES) return;
      priority[source] = value & MAX_PRIORITY;
    } else if (offset < ENABLE) {
      return;
    } else if (offset < CONTEXT) {
      const index = this.#enableIndex(offset);
      if (index < 0) return;
      enable[index] = value;
    } else {
      const context = Math.floor((offset - CONTEXT) / CONTEXT_STRIDE);
      if (context >= this.contexts.length) return;
      const register = offset % CONTEXT_STRIDE;
      if (register === 0) threshold[context] = value & MAX_PRIORITY;
      else if (register === 4) this.#complete(value >>> 0);
    }
    this.#update();
  }

  /** Index into `enable`, or -1 where there is no register. */
  #enableIndex(offset: number): number {
    const context = Math.floor((offset - ENABLE) / ENABLE_STRIDE);
    const word = ((offset - ENABLE) % ENABLE_STRIDE) / 4;
    return context < this.contexts.length && word < SOURCE_WORDS ? context * SOURCE_WORDS + word : -1;
  }

  /** The source a context would claim: highest priority above the threshold, lowest number; or 0. */
  #best(context: number): number {
    const { priority, pending, claimed, enable, threshold } = this.state;
    let best = 0;
    let bestPriority = threshold[context];
    for (let word = 0; word < SOURCE_WORDS; word++) {
      let candidates = pending[word] & ~claimed[word] & enable[context * SOURCE_WORDS + word];
      while (candidates !== 0) {
        const bit = 31 - Math.clz32(candidates & -candidates);
        candidates &= candidates - 1;
        const source = word * 32 + bit;
        if (priority[source] > bestPriority) {
          best = source;
          bestPriority = priority[source];
        }
      }
    }
    return best;
  }

  #claim(context: number): number {
    const source = this.#best(context);
    if (source !== 0) {
      const bit = 1 << (source & 31);
      this.state.claimed[source >> 5] |= bit;
      this.state.pending[source >> 5] &= ~bit;
      this.#update();
    }
    return source;
  }

  #complete(source: number): void {
    if (source >= PLIC_SOURCES) return;
    const bit = 1 << (source & 31);
    this.state.claimed[source >> 5] &= ~bit;
    if (this.pendingBy === 'level') this.#forward(source >> 5, bit);
  }

  #update(): void {
    for (let context = 0; context < this.contexts.length; context++) {
      this.contexts[context].set(this.#best(context) !== 0);
    }
  }
}
