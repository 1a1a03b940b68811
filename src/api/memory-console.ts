import type { ConsoleBackend } from '../ports/host.js';

/** A console in memory: what the guest printed as text, and typing into it. */
export class MemoryConsole implements ConsoleBackend {
  readonly #decoder = new TextDecoder();
  readonly #answers: { readonly prompt: string; readonly reply: string }[] = [];
  #text = '';
  /** Up to here the text was searched for prompts. */
  #answered = 0;
  #listener: (bytes: Uint8Array) => void = () => {};

  /** Everything the guest has printed; going back and forth does not print it again. */
  get text(): string {
    return this.#text;
  }

  /** Queues input for the guest; it enters when the machine runs on at the live end. */
  type(input: string | Uint8Array): void {
    this.#listener(typeof input === 'string' ? new TextEncoder().encode(input) : input);
  }

  /** Types `reply` when the guest has printed `prompt`, once, and only after the prompts asked for before. */
  answer(prompt: string, reply: string): void {
    this.#answers.push({ prompt, reply });
    this.#answerPrompts();
  }

  write(bytes: Uint8Array): void {
    this.#text += this.#decoder.decode(bytes, { stream: true });
    this.#answerPrompts();
  }

  onInput(listener: (bytes: Uint8Array) => void): void {
    this.#listener = listener;
  }

  close(): void {}

  #answerPrompts(): void {
    for (let [next] = this.#answers; next !== undefined; [next] = this.#answers) {
      const at = this.#text.indexOf(next.prompt, this.#answered);
      if (at < 0) return;
      this.#answered = at + next.prompt.length;
      this.#answers.shift();
      this.type(next.reply);
    }
  }
}
