import type { Machine } from '../../machine/machine.js';
import { loadMoment, type MachineMoment } from '../../machine/saved-machine.js';
import { InputError } from '../../state/input-error.js';
import { printable } from '../../state/printable.js';
import { type Moment, TargetError } from '../debug-target.js';
import type { Navigator } from './navigator.js';

/** The boundary that a place in the present branch's history names. Throws TargetError when there is none. */
export function boundaryOf({ history, branch }: Navigator, target: Moment): number {
  const { begin, end } = history;
  if (target === 'start') return begin;
  if (target === 'end') return end;
  if (typeof target === 'object') {
    const placed = branch.named(target.snapshot);
    if (placed === undefined)
      throw new TargetError(`${printable(target.snapshot)} is neither an icount nor a snapshot`);
    return placed.icount;
  }
  if (Number.isInteger(target) && target >= begin && target <= end) return target;
  throw new TargetError(`icount ${target} is outside the history, which goes from ${begin} to ${end}`);
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
