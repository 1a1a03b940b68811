import { checkMachine } from '../machine/machine-check.js';
import { BrokenInvariant } from '../state/invariant.js';
import type { Branch } from './history/branch.js';
import type { Navigator } from './history/navigator.js';

/** References of all snapshots are counted once in so many rests. */
const RESTS_BETWEEN_COUNTS = 16;

/** Looks, where the machine rests, whether everything is as the code relies on. Throws BrokenInvariant. */
export class RestCheck {
  #rests = 0;

  constructor(
    readonly navigator: Navigator,
    readonly branches: () => readonly Branch[],
  ) {}

  check(): void {
    const { machine, store, cursor, history } = this.navigator;
    checkMachine(machine);
    const branches = this.branches();
    if (this.#rests++ % RESTS_BETWEEN_COUNTS === 0)
      store.check(branches.flatMap(({ snapshots }) => snapshots.held));
    for (const branch of branches) {
      branch.history.log.check();
      branch.snapshots.check();
    }
    const { log } = history;
    const last = cursor > 0 ? log.get(cursor - 1).icount : 0;
    if (last > machine.icount || log.nextIcount(cursor) < machine.icount)
      throw new BrokenInvariant('the navigator', `${cursor} events have entered by icount ${machine.icount}`);
  }
}
