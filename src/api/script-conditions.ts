import { InputError } from '../state/input-error.js';
import type { Condition } from '../timeline/condition.js';

/** Says whether a hit counts, given the hart that caused it. It may look at the session, not change it. */
export type When = (hart: number) => boolean;

let made = 0;

/** Conditions that are functions of a script. One that throws stops the machine, and its error comes out. */
export class ScriptConditions {
  #evaluating = false;
  #failure: { readonly error: unknown } | undefined;

  of(when: When | undefined): Condition | undefined {
    if (when === undefined) return undefined;
    return {
      // A function may ask anything: what was found with one says nothing about another.
      key: `script ${++made}`,
      holds: ({ hart }) => this.#evaluate(when, hart),
    };
  }

  /** Throws InputError inside a condition: there the machine is in the middle of a run. */
  refuseInside(): void {
    if (!this.#evaluating) return;
    const error = new InputError('a condition can look at the machine, not run or change it');
    // A promise that nobody looks at must not hide it.
    this.#failure ??= { error };
    throw error;
  }

  /** Passes on what a condition threw meanwhile. */
  async watched<T>(run: Promise<T>): Promise<T> {
    const result = await run;
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure.error;
    return result;
  }

  #evaluate(when: When, hart: number): boolean {
    this.#evaluating = true;
    try {
      return when(hart) || this.#failure !== undefined;
    } catch (error) {
      this.#failure ??= { error };
      return true;
    } finally {
      this.#evaluating = false;
    }
  }
}
