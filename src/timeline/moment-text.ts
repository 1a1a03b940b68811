import { type Moment, TargetError } from './debug-target.js';

/** A whole number as users write it: 1000, 1_000, 1e3 or 0x3e8. Undefined for other text; it may be too large. */
export function wholeNumber(text: string): number | undefined {
  if (!/^(0x[0-9a-f]+(_[0-9a-f]+)*|[0-9]+(_[0-9]+)*(e[0-9]+)?)$/i.test(text)) return undefined;
  return Number(text.replaceAll('_', ''));
}

/** A place in a history as users write it: start, end, an icount, or a snapshot's name. Throws TargetError. */
export function parseMoment(text: string): Moment {
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
