import type { HostClock, InputEvent, ShutdownCause } from '../machine/ports.js';

/** What the host sent and the machine has not taken yet. Host callbacks only queue here. */
export class LiveInput {
  readonly #typed: Uint8Array[] = [];
  #shutdown: ShutdownCause | undefined;
  #wake: () => void = () => {};
  #woken: Promise<void> = Promise.resolve();

  constructor(readonly clock: HostClock) {}

  type(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#typed.push(bytes.slice());
    this.#wake();
  }

  requestShutdown(cause: ShutdownCause): void {
    this.#shutdown = cause;
    this.#wake();
  }

  /** Ends a `wait` under way. */
  wake(): void {
    this.#wake();
  }

  /** Whether `next` would hand something over to a console with this much room. */
  pending(consoleRoom: number): boolean {
    return this.#shutdown !== undefined || (this.#typed.length > 0 && consoleRoom > 0);
  }

  /** The next event to let in, or undefined. Bytes that the console has no room for wait. */
  next(consoleRoom: number): InputEvent | undefined {
    if (this.#shutdown !== undefined) {
      const cause = this.#shutdown;
      this.#shutdown = undefined;
      return { kind: 'shutdown', cause };
    }
    if (this.#typed.length === 0 || consoleRoom === 0) return undefined;
    const [first] = this.#typed;
    const bytes = first.subarray(0, consoleRoom);
    if (bytes.length === first.length) this.#typed.shift();
    else this.#typed[0] = first.subarray(bytes.length);
    return { kind: 'console', port: 0, bytes };
  }

  /** Sleeps until something is queued or `ms` have passed. */
  async wait(ms: number): Promise<void> {
    this.#woken = new Promise(resolve => {
      this.#wake = resolve;
    });
    await this.clock.sleep(ms, this.#woken);
    this.#wake = () => {};
  }
}
