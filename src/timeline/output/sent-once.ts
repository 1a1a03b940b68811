import type { Branch } from '../history/branch.js';
import { compareMoments } from '../history/moment.js';
import type { Navigator } from '../history/navigator.js';

/** The last thing that left for the host, on one branch. */
interface LastSent {
  readonly ns: number;
  readonly ordinal: number;
}

/** Tells what the guest sends for the first time from what it sends again while history is replayed. */
export class SentOnce {
  readonly #last = new WeakMap<Branch, LastSent>();

  constructor(readonly navigator: () => Navigator) {}

  /** `ordinal` counts what one device sends: it tells things of one moment apart. */
  isNew(ordinal: number): boolean {
    const { branch, machine, now, arriving } = this.navigator();
    const ns = machine.virtualNs;
    const fromFork = branch.parent === undefined ? 1 : compareMoments(now, branch.forkedAt);
    if (fromFork < 0 || (fromFork === 0 && arriving)) return false;
    const last = this.#last.get(branch);
    if (last !== undefined && (ns < last.ns || (ns === last.ns && ordinal <= last.ordinal))) return false;
    this.#last.set(branch, { ns, ordinal });
    return true;
  }
}
