import { wholeNumber } from '../ports/value-kinds.js';
import { type MomentName, TargetError } from './debug-target.js';

/** A place in a history as users write it: start, end, an icount, or a snapshot's name. Throws TargetError. */
export function parseMoment(text: string): MomentName {
  if (text === 'start' || text === 'end') return text;
  const icount = wholeNumber(text);
  if (icount === undefined) {
    if (text.startsWith('-') && wholeNumber(text.slice(1)) !== undefined) {
      throw new TargetError(`there is no icount ${text}`);
    }
    return { snapshot: text };
  }
  if (!Number.isSafeInteger(icount)) throw new TargetError(`icount ${text} is too large`);
  return icount;
}
