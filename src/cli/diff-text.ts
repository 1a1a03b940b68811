/** How two recordings' first difference reads to a user. */
import { describeEvent } from '../replay/event-kinds.js';
import type { Recording } from '../replay/recording.js';
import type { RecordingComparison, RecordingDifference } from '../replay/recording-diff.js';
import { describeEnd, plural } from './recording-text.js';

export interface Named {
  readonly name: string;
  readonly recording: Recording;
}

/** The moment on the first line, then what each of the two has there. */
export function describeComparison(left: Named, right: Named, comparison: RecordingComparison): string[] {
  const { difference, events, checkpoints } = comparison;
  const agreed = `${plural(events, 'input')} and ${plural(checkpoints, 'common checkpoint')}`;
  if (difference === undefined) {
    return [`${left.name} and ${right.name} show the same: ${agreed}; ${describeEnd(left.recording.end)}`];
  }
  const both = (a: string, b: string) => [`  ${left.name}: ${a}`, `  ${right.name}: ${b}`];
  const after = `after ${agreed} that agree`;
  switch (difference.kind) {
    case 'start':
      return [
        'they part before the first step: the machines are not built from the same',
        ...difference.differences.flatMap(({ what, left: a, right: b }) => [
          what,
          ...both(a ?? 'none', b ?? 'none'),
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
