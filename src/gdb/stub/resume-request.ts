/** From what a debugger says about threads to one resume of the whole machine. */

import { HARTS_MOVE_TOGETHER, type Resume, TargetError } from '../../timeline/debug-target.js';
import type { ResumeAction, ThreadSelector } from '../rsp/command.js';

/**
 * The machine resumes as a whole, by its own schedule. A step that names one hart decides: the others go along. GDB
 * leaves them out to step over a breakpoint, where it is that hart's turn anyway. Throws TargetError when harts are to
 * be held back, and for one that does not exist.
 */
export function resumeOf(actions: readonly ResumeAction[], selected: number, harts: number): Resume {
  const named = new Set(actions.map(({ thread }) => hartOf(thread, harts)));
  const alone = !named.has(undefined) && named.size < harts;
  const stepping = actions.filter(action => action.kind !== 'continue');
  const action = stepping.find(({ thread }) => typeof thread === 'number') ?? leading(actions);
  if (alone && (action.kind !== 'step' || named.size > 1)) throw new TargetError(HARTS_MOVE_TOGETHER);
  const hart = hartOf(action.thread, harts);
  switch (action.kind) {
    case 'continue':
      return { kind: 'continue', direction: 'forward' };
    case 'step':
      return { kind: 'step', direction: 'forward', hart, alone };
    case 'range-step':
      return { kind: 'range-step', hart: hart ?? selected, start: action.start, end: action.end };
  }
}

/** Backwards, GDB says before with `Hc` what moves: every thread, or with scheduler-locking one. */
export function reverseOf(kind: 'step' | 'continue', hart: number | undefined, harts: number): Resume {
  const alone = hart !== undefined && harts > 1;
  if (kind === 'step') return { kind, direction: 'backward', hart, alone };
  if (alone) throw new TargetError(HARTS_MOVE_TOGETHER);
  return { kind, direction: 'backward' };
}

function leading(actions: readonly ResumeAction[]): ResumeAction {
  const action = actions[0];
  if (action === undefined) throw new TargetError('vCont without an action');
  return action;
}

/** Undefined for all or any. Throws TargetError for a hart that does not exist. */
export function hartOf(thread: ThreadSelector, harts: number): number | undefined {
  if (typeof thread !== 'number') return undefined;
  if (thread > harts) throw new TargetError(`there is no thread ${thread}; the machine has ${harts} harts`);
  return thread - 1;
}
