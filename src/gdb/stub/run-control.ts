/** From what a debugger says about threads to one resume of the whole machine. */

import { type Resume, TargetError } from '../../timeline/debug-target.js';
import type { ResumeAction, ThreadSelector } from '../rsp/command.js';

/**
 * The machine resumes as a whole, by its own schedule. An action that names one hart decides: the others go
 * along. Throws TargetError for a hart that does not exist.
 */
export function resumeOf(actions: readonly ResumeAction[], selected: number, harts: number): Resume {
  const stepping = actions.filter(action => action.kind !== 'continue');
  const action = stepping.find(({ thread }) => typeof thread === 'number') ?? leading(actions);
  const hart = hartOf(action.thread, harts);
  switch (action.kind) {
    case 'continue':
      return { kind: 'continue', direction: 'forward' };
    case 'step':
      return { kind: 'step', direction: 'forward', hart };
    case 'range-step':
      return { kind: 'range-step', hart: hart ?? selected, start: action.start, end: action.end };
  }
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
