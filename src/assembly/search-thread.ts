/** The file that a search thread runs: a machine of its own that runs intervals on demand. */
import { verifiedCondition } from '../agent/agent-expression.js';
import { buildMachine } from '../boards/build-machine.js';
import { systemClock } from '../host/clock.js';
import { readPage } from '../host/files/temporary-page-file.js';
import { answerMessages } from '../host/threads.js';
import type { BootImage, MachineConfig } from '../ports/config.js';
import { IntervalSearcher } from '../timeline/search/interval-searcher.js';
import type { SearchTask } from '../timeline/search/search-pool.js';

/** What a search thread is given to begin with. */
export interface SearchThreadSetup {
  readonly config: MachineConfig;
  readonly images: readonly BootImage[];
  readonly jit: boolean;
  /** One number: the task up to which all are cancelled. */
  readonly cancelled: Int32Array;
}

/** A task and its number; numbers ascend from 1. */
export interface NumberedTask {
  readonly number: number;
  readonly task: SearchTask;
}

answerMessages(setup => {
  const { config, images, jit, cancelled } = setup as SearchThreadSetup;
  const searcher = new IntervalSearcher(config, images, {
    build: buildMachine,
    engine: { jit },
    clock: systemClock,
    fromCode: code => verifiedCondition(code),
    readPage,
  });
  return message => {
    const { number, task } = message as NumberedTask;
    return searcher.search(task, () => Atomics.load(cancelled, 0) >= number);
  };
});
