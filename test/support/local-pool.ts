import { verifiedCondition } from '../../src/agent/agent-expression.js';
import { buildMachine } from '../../src/boards/build-machine.js';
import { readPage } from '../../src/host/files/temporary-page-file.js';
import type { MachineSource } from '../../src/timeline/machine-source.js';
import { IntervalSearcher } from '../../src/timeline/search/interval-searcher.js';
import type { RunningSearch, SearchPool, SearchTask } from '../../src/timeline/search/search-pool.js';

/** How the searches of a pool end: with their findings, with an error, or not before they are cancelled. */
export type Behaviour = 'search' | 'fail' | 'hang';

/**
 * Search threads without threads: machines of this one, handed everything as a copy, as threads are. What was
 * asked for last is answered first.
 */
export class LocalPool implements SearchPool {
  readonly size = 2;
  readonly tasks: SearchTask[] = [];
  cancelled = 0;
  behave: (task: SearchTask) => Behaviour = () => 'search';
  readonly #idle: IntervalSearcher[];
  readonly #turns: (() => void)[] = [];

  constructor({ config, images, build = buildMachine }: MachineSource) {
    const ports = {
      build,
      engine: { jit: true },
      clock: { nowMs: () => performance.now() },
      fromCode: verifiedCondition,
      readPage,
    };
    this.#idle = [0, 1].map(() => new IntervalSearcher(config, images, ports));
  }

  start(original: SearchTask): RunningSearch {
    const searcher = this.#idle.pop();
    if (searcher === undefined) throw new Error('more searches than threads');
    const { snapshot } = original;
    const task: SearchTask = {
      ...structuredClone({ ...original, snapshot: { ...snapshot, segments: [] } }),
      snapshot: { ...structuredClone({ ...snapshot, segments: [] }), segments: snapshot.segments },
    };
    this.tasks.push(task);
    let stopped = false;
    let stop = () => {};
    const findings = this.#turn().then(async () => {
      const behaviour = this.behave(task);
      if (behaviour === 'hang' && !stopped) {
        await new Promise<void>(resolve => {
          stop = resolve;
        });
      }
      if (behaviour === 'fail') throw new Error('this thread is broken');
      return structuredClone(await searcher.search(task, () => stopped));
    });
    const settled = () => {
      this.#idle.push(searcher);
    };
    void findings.then(settled, settled);
    return {
      findings,
      cancel: () => {
        this.cancelled++;
        stopped = true;
        stop();
      },
    };
  }

  /** Searches under way. */
  get running(): number {
    return this.size - this.#idle.length;
  }

  close(): void {}

  /** Settles after other work of this thread; the last to wait goes first. */
  #turn(): Promise<void> {
    setImmediate(() => this.#turns.pop()?.());
    return new Promise(resolve => {
      this.#turns.push(resolve);
    });
  }
}
