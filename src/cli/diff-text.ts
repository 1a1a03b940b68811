/** How two recordings' first difference reads to a user. */

import { plural } from '../ports/amounts.js';
import { describeEvent } from '../ports/input-event.js';
import { describeEnd } from '../replay/end-kinds.js';
import { type Recording, startIcount } from '../replay/recording.js';
import type { RecordingComparison, RecordingDifference } from '../replay/recording-diff.js';

export interface Named {
  readonly name: string;
  readonly recording: Recording;
}

/** The moment on the first line, then what each of the two has there. */
export function describeComparison(left: Named, right: Named, comparison: RecordingComparison): string[] {
  const { from, difference, events, checkpoints } = comparison;
  const [a, b] = [left, right].map(({ recording }) => startIcount(recording.header));
  const later = a > b ? left : right;
  const since = a === b ? '' : `, from icount ${from} on, where ${later.name} starts`;
  const agreed = `${plural(events, 'input')} and ${plural(checkpoints, 'common checkpoint')}`;
  if (difference === undefined) {
    return [
      `${left.name} and ${right.name} show the same${since}: ${agreed}; ${describeEnd(left.recording.end)}`,
    ];
  }
  const both = (one: string, other: string) => [`  ${left.name}: ${one}`, `  ${right.name}: ${other}`];
  const after = `after ${agreed} that agree${since}`;
  switch (difference.kind) {
    case 'start':
      return [
        'they part before the first step: the machines do not start the same',
        ...difference.differences.flatMap(one => [
          one.what,
          ...both(one.left ?? 'none', one.right ?? 'none'),
        ]),
      ];
    case 'event':
      return [
        `they part at icount ${difference.icount}, input ${difference.index}, ${after}`,
        ...both(inputText(difference.left), inputText(difference.right)),
      ];
    case 'checkpoint':
      return [
        `they part after icount ${difference.previousIcount} and up to ${difference.icount}, in ${difference.components.join(', ')}, ${after}: the same inputs led to other states`,
        ...difference.fields.flatMap(({ component, field, index, left: a, right: b }) => [
          `${component}.${field}${index === undefined ? '' : `[${index}]`}`,
          ...both(a, b),
        ]),
      ];
    case 'end':
      return [
        `they part at icount ${difference.icount}, where one ends, ${after}`,
        ...both(describeEnd(difference.left), describeEnd(difference.right)),
      ];
  }
}

const inputText = (logged: (RecordingDifference & { kind: 'event' })['left']): string =>
  logged === undefined ? 'no more inputs' : `icount ${logged.icount}, ${describeEvent(logged.event)}`;
