/** A hart that takes the same trap for ever: noticed, for whoever runs it without looking. */

/** Steps over which a trap repeats before it counts as one that never ends. */
const LONG_STEPS = 1_000_000;
/** What is no such loop yet, but looks like one. */
const SHORT_STEPS = 10_000;
const SHORT_ENTRIES = 16;
/** A trap this soon behind another, with no return between them, is the other one's consequence. */
const HANDLER_STEPS = 10_000;

/** A trap as the hart took it. Words are unsigned. */
export interface TakenTrap {
  /** Boundary before the step that ended in it. */
  icount: number;
  cause: number;
  pcLow: number;
  pcHigh: number;
  valueLow: number;
  valueHigh: number;
  /** The stack pointer's low word. */
  stack: number;
  /** Where its handler stands. */
  handlerLow: number;
  handlerHigh: number;
  /** The mode that the handler runs in. */
  handlerMode: number;
}

/** A loop of traps. */
export interface TrapLoop {
  readonly hart: number;
  /** The trap that it began with, and the one that repeats. They are one where nothing led to it. */
  readonly first: Readonly<TakenTrap>;
  readonly repeated: Readonly<TakenTrap>;
}

/**
 * Watches the traps of one hart. One repeats when it has the same cause and place as the one before it, and the same
 * value, or a value that moves with the stack: a handler that finds no memory to save registers to. Whatever shows
 * that the guest gets on ends the count: see `progress`. All of this is derived from what the hart does, and no state
 * of the machine: a restored hart counts anew.
 */
export class TrapLoopWatch {
  /** Asks for a boundary when a loop is found; the machine sets it for each run. */
  heeded = false;
  /** To be filled in before `entered`: taking a trap is too frequent for copies. */
  present = noTrap();
  #entries = 0;
  #told = false;
  #latest = this.present;
  #began = this.present;
  #first = this.present;
  readonly #slots = [this.present, noTrap(), noTrap(), noTrap()];
  #found: TrapLoop | undefined;

  constructor(readonly hart: number) {}

  /**
   * `present` was taken: each exception, in order; interrupts are progress. `counts` is false for calls of the guest:
   * they cause a loop, and are none. True when a loop that is heeded was found now.
   */
  entered(counts: boolean): boolean {
    const trap = this.present;
    const repeats = counts && this.#entries > 0 && repeated(this.#latest, trap);
    if (!repeats) this.#begin(trap);
    this.#entries++;
    this.#latest = trap;
    this.present = this.#free();
    if (!repeats || this.#told || !this.heeded) return false;
    if (trap.icount - this.#began.icount < LONG_STEPS) return false;
    this.#told = true;
    this.#found = this.#loop();
    return true;
  }

  #free(): TakenTrap {
    for (const slot of this.#slots) {
      if (slot !== this.#latest && slot !== this.#began && slot !== this.#first) return slot;
    }
    return this.present;
  }

  /** The guest gets on: an interrupt, an input, a device, a wait, or a return to elsewhere. */
  progress(): void {
    this.#entries = 0;
    this.#told = false;
  }

  /** A trap handler returns to an address; back to the trap's place is no progress. */
  returned(low: number, high: number): void {
    if (this.#entries > 0 && low === this.#latest.pcLow && high === this.#latest.pcHigh) return;
    this.progress();
  }

  /** The loop that was found in this run, once. */
  take(): TrapLoop | undefined {
    const found = this.#found;
    this.#found = undefined;
    return found;
  }

  /** What looks like a loop at a moment where a run ended for another reason. */
  suspect(icount: number): TrapLoop | undefined {
    if (this.#entries < SHORT_ENTRIES || icount - this.#began.icount < SHORT_STEPS) return undefined;
    return this.#loop();
  }

  #begin(trap: TakenTrap): void {
    const follows = this.#entries > 0 && trap.icount - this.#latest.icount < HANDLER_STEPS;
    if (!follows) this.#first = trap;
    this.#began = trap;
    this.#entries = 0;
    this.#told = false;
  }

  #loop(): TrapLoop {
    return { hart: this.hart, first: { ...this.#first }, repeated: { ...this.#began } };
  }
}

function repeated(a: Readonly<TakenTrap>, b: Readonly<TakenTrap>): boolean {
  if (a.cause !== b.cause || a.pcLow !== b.pcLow || a.pcHigh !== b.pcHigh) return false;
  if (a.valueLow === b.valueLow && a.valueHigh === b.valueHigh) return true;
  return a.stack !== b.stack && (a.valueLow - a.stack) >>> 0 === (b.valueLow - b.stack) >>> 0;
}

const noTrap = (): TakenTrap => ({
  icount: 0,
  cause: 0,
  pcLow: 0,
  pcHigh: 0,
  valueLow: 0,
  valueHigh: 0,
  stack: 0,
  handlerLow: 0,
  handlerHigh: 0,
  handlerMode: 0,
});
