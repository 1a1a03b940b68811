/** A hart whose generated code may be running. */
export interface RunningHart {
  /** Steps already taken in the `run` under way. */
  readonly stepsThisRun: number;
  /** The instruction under way is the last of this run. */
  requestBoundary(): void;
}

/** The run under way, and what ends it: how the parts of a machine tell it that there is something to look at. */
export class Scheduler {
  #running: RunningHart | undefined;
  #attention = false;

  /** A hart runs from here to `ended`. */
  started(hart: RunningHart): void {
    this.#running = hart;
  }

  ended(): void {
    this.#running = undefined;
  }

  /** Whether a hart is in the middle of a run. */
  get busy(): boolean {
    return this.#running !== undefined;
  }

  /** Steps of the run under way that the declared state does not have yet. */
  get stepsThisRun(): number {
    return this.#running === undefined ? 0 : this.#running.stepsThisRun;
  }

  /** Something changed that the machine has to look at before the step behind the next access to a device. */
  lookSoon(): void {
    this.#attention = true;
  }

  /** What there was to look at was looked at. */
  looked(): void {
    this.#attention = false;
  }

  /** The instruction under way is the last of its run. */
  endRun(): void {
    this.#running?.requestBoundary();
  }

  /** A hart has accessed a device, which may have told that there is something to look at. */
  deviceAccessed(): void {
    if (this.#attention) this.endRun();
  }
}
