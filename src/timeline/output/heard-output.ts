import type { OutputPort } from '../../ports/device.js';
import type { ConsoleOutput } from './console-output.js';

/** Output on a console of the guest that a debugger may want to hear, too. */
export class HeardOutput implements OutputPort {
  /** Hears of it from now on, as text. */
  #listener: ((text: string) => void) | undefined;
  #decoder = new TextDecoder();
  #unheard: number[] = [];

  constructor(readonly console: ConsoleOutput) {}

  get heard(): boolean {
    return this.#listener !== undefined;
  }

  hear(listener: ((text: string) => void) | undefined): void {
    this.#listener = listener;
    this.#decoder = new TextDecoder();
    this.#unheard = [];
  }

  write(byte: number): void {
    if (this.console.write(byte) && this.#listener !== undefined) this.#unheard.push(byte);
  }

  /** What was written reaches the listener. */
  tell(): void {
    if (this.#unheard.length === 0) return;
    const text = this.#decoder.decode(Uint8Array.from(this.#unheard), { stream: true });
    this.#unheard = [];
    if (text !== '') this.#listener?.(text);
  }
}
