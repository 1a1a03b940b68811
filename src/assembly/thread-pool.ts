import debug from 'debug';
import { searchThreads, Thread } from '../host/threads.js';
import type { BootImage, MachineConfig } from '../ports/config.js';
import type {
  IntervalFindings,
  RunningSearch,
  SearchPool,
  SearchTask,
} from '../timeline/search/search-pool.js';
import type { NumberedTask, SearchThreadSetup } from './search-thread.js';

const trace = debug('backstub:search');

/** Right from where the library stands and from where the command line, which is one file, stands. */
const threadFile = () => new URL('./search-thread.js', import.meta.url);

interface Searcher {
  readonly thread: Thread;
  readonly cancelled: Int32Array;
}

/** Threads that search, as many as the host has cores to spare; undefined for none. */
export function searchPool(
  config: MachineConfig,
  images: readonly BootImage[],
  jit = true,
): SearchPool | undefined {
  const size = searchThreads();
  return size === 0 ? undefined : new ThreadPool(size, config, images, jit);
}

/** Threads start with the first search that has work for them, and stay. */
class ThreadPool implements SearchPool {
  readonly #searchers: Searcher[] = [];
  #size: number;
  #images: readonly BootImage[] | undefined;
  #tasks = 0;

  constructor(
    size: number,
    readonly config: MachineConfig,
    readonly images: readonly BootImage[],
    readonly jit: boolean,
  ) {
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  start(task: SearchTask): RunningSearch {
    const searcher = this.#searchers.find(({ thread }) => !thread.busy) ?? this.#begin();
    const number = ++this.#tasks;
    const message: NumberedTask = { number, task };
    const findings = searcher.thread.ask(message).catch((error: unknown) => {
      trace('a search failed: %O', error);
      // A machine that failed once is not asked again.
      this.#size = 0;
      throw error;
    });
    return {
      findings: findings as Promise<IntervalFindings | 'cancelled'>,
      cancel: () => Atomics.store(searcher.cancelled, 0, number),
    };
  }

  close(): void {
    this.#size = 0;
    for (const { thread } of this.#searchers.splice(0)) thread.end();
  }

  #begin(): Searcher {
    this.#images ??= this.images.map(image => ({ ...image, bytes: shared(image.bytes) }));
    const cancelled = new Int32Array(new SharedArrayBuffer(4));
    const { config, jit } = this;
    const setup: SearchThreadSetup = { config, images: this.#images, jit, cancelled };
    const searcher = { thread: new Thread(threadFile(), setup), cancelled };
    this.#searchers.push(searcher);
    return searcher;
  }
}

/** A copy that all threads can read, instead of one for each. */
function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
