import { availableParallelism } from 'node:os';
import { parentPort, Worker, workerData } from 'node:worker_threads';

/** Beyond these, searching backwards gains little and costs memory. */
const MOST_SEARCH_THREADS = 4;
/** With fewer cores, threads would take the time from the machine that the user works with. */
const FEWEST_CORES = 3;

/**
 * Threads to search backwards with: the cores to spare, or what BACKSTUB_SEARCH_WORKERS says (0: none).
 */
export function searchThreads(): number {
  const wanted = process.env.BACKSTUB_SEARCH_WORKERS;
  if (wanted !== undefined && /^\d{1,2}$/.test(wanted)) return Number(wanted);
  const cores = availableParallelism();
  return cores < FEWEST_CORES ? 0 : Math.min(MOST_SEARCH_THREADS, cores - 1);
}

/** What comes of a message to a thread. */
export type Reply = { readonly value: unknown } | { readonly failure: string };

/** A thread that answers one message after the other. It keeps the process alive only while it owes an answer. */
export class Thread {
  readonly #worker: Worker;
  #waiting: { resolve(value: unknown): void; reject(error: Error): void } | undefined;
  #gone: string | undefined;

  /** `module`: its file, which calls `answerMessages`; `setup` is handed to that. */
  constructor(module: URL, setup: unknown) {
    this.#worker = new Worker(module, { workerData: setup });
    this.#worker.unref();
    this.#worker.on('message', (reply: Reply) => {
      const waiting = this.#takeWaiting();
      if ('failure' in reply) waiting?.reject(new Error(reply.failure));
      else waiting?.resolve(reply.value);
    });
    const gone = (why: string) => {
      this.#gone ??= why;
      this.#takeWaiting()?.reject(new Error(this.#gone));
    };
    this.#worker.on('error', error => gone(String(error)));
    this.#worker.on('messageerror', error => gone(String(error)));
    this.#worker.on('exit', code => gone(`the thread ended with ${code}`));
  }

  /** Whether it waits for an answer. */
  get busy(): boolean {
    return this.#waiting !== undefined;
  }

  /** Why it answers no more. */
  get gone(): string | undefined {
    return this.#gone;
  }

  /** Sends a message and waits for what is answered. Rejects when that failed or the thread ended. */
  ask(message: unknown): Promise<unknown> {
    if (this.#gone !== undefined) return Promise.reject(new Error(this.#gone));
    if (this.#waiting !== undefined) throw new Error('the thread is busy');
    this.#worker.ref();
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.postMessage(message);
    });
  }

  end(): void {
    this.#gone ??= 'the thread was ended';
    void this.#worker.terminate();
  }

  #takeWaiting() {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    return waiting;
  }
}

/** In a thread's own file: answers each message with what the opened function returns, or what that comes to. */
export function answerMessages(open: (setup: unknown) => (message: unknown) => unknown): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs in a thread only');
  const answer = open(workerData);
  port.on('message', async (message: unknown) => {
    let reply: Reply;
    try {
      reply = { value: await answer(message) };
    } catch (error) {
      reply = { failure: error instanceof Error ? error.message : String(error) };
    }
    port.postMessage(reply);
  });
}
