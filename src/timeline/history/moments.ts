import type { Machine } from '../../machine/machine.js';
import { loadMoment } from '../../machine/saved-machine.js';
import { InputError } from '../../state/input-error.js';
import { printable } from '../../state/printable.js';
import type { MachineMoment } from '../../state/saved-state.js';
import { type MomentName, TargetError } from '../debug-target.js';
import type { Moment } from './moment.js';
import type { Navigator } from './navigator.js';

/** The moment of the present branch's history that a name is of. Throws TargetError when there is none. */
export function momentOf({ history, branch }: Navigator, name: MomentName): Moment {
  const { begin, end } = history;
  if (name === 'start') return branch.boundary(begin);
  if (name === 'end') return branch.boundary(end);
  if (typeof name === 'object') {
    const placed = branch.named(name.snapshot);
    if (placed === undefined)
      throw new TargetError(`${printable(name.snapshot)} is neither an icount nor a snapshot`);
    return placed.at;
  }
  if (Number.isInteger(name) && name >= begin && name <= end) return branch.boundary(name);
  throw new TargetError(`icount ${name} is outside the history, which goes from ${begin} to ${end}`);
}

/** The boundary that a name is of, after all of its events: a snapshot may stand between two of them. */
export function boundaryOf(navigator: Navigator, name: MomentName): Moment {
  return navigator.branch.boundary(momentOf(navigator, name).icount);
}

/** Puts a machine that was just built into the moment at which its history begins. Throws InputError. */
export function beginAt(machine: Machine, start: MachineMoment): void {
  try {
    loadMoment(machine, start);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new InputError(`the machine that the recording starts with cannot be used: ${error.message}`);
  }
}
