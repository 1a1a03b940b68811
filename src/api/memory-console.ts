import type { ConsoleBackend } from '../machine/ports.js';

/** A console in memory: what the guest printed as text, and typing into it. */
export class MemoryConsole implements ConsoleBackend {
  readonly #decoder = new TextDecoder();
  #text = '';
  #listener: (bytes: Uint8Array) => void = () => {};

  /** Everything the guest has printed; going back and forth does not print it again. */
  get text(): string {
    return this.#text;
  }

  /** Queues input for the guest; it enters when the machine runs on at the live end. */
  type(input: string | Uint8Array): void {
    this.#listener(typeof input === 'string' ? new TextEncoder().encode(input) : input);
  }

  write(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
  }

  onInput(listener: (bytes: Uint8Array) => void): void {
    this.#listener = listener;
  }

  close(): void {}
}
