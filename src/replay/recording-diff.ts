import type { LoggedEvent } from '../machine/ports.js';
import type { FieldDifference, StatePlan } from '../state/layout.js';
import { findDivergence } from './divergence.js';
import { sameEvent } from './event-json.js';
import { type Recording, type RecordingEnd, startIcount } from './recording.js';
import { type StartDifference, startDifferences } from './start-diff.js';
import { unlikeLayouts } from './state-layouts.js';

/** The first moment where two recordings part. */
export type RecordingDifference =
  /** Before the first step: other settings, images or states to start with. */
  | { readonly kind: 'start'; readonly icount: number; readonly differences: readonly StartDifference[] }
  /** An input of one is not that of the other. `index` counts the inputs before it, which are the same. */
  | {
      readonly kind: 'event';
      readonly icount: number;
      readonly index: number;
      readonly left: LoggedEvent | undefined;
      readonly right: LoggedEvent | undefined;
    }
  /** The same inputs led to other states between two moments that both recordings have checkpoints of. */
  | {
      readonly kind: 'checkpoint';
      readonly icount: number;
      readonly previousIcount: number;
      readonly components: readonly string[];
      readonly fields: readonly FieldDifference[];
    }
  /** One ends where the other goes on or ends otherwise. */
  | {
      readonly kind: 'end';
      readonly icount: number;
      readonly left: RecordingEnd;
      readonly right: RecordingEnd;
    };

export interface RecordingComparison {
  /** The icount from which on they were compared: the first of the one that starts later. */
  readonly from: number;
  /** Undefined: the recordings show the same. */
  readonly difference: RecordingDifference | undefined;
  /** Inputs that are the same, and checkpoints of the same moment that agree, before the difference. */
  readonly events: number;
  readonly checkpoints: number;
}

/**
 * Compares two recordings from the start on. `planOf` gives the declared state of their machine, so that fields
 * have names; it is asked only when checkpoints differ. Who wrote a recording makes no difference.
 */
export function compareRecordings(
  left: Recording,
  right: Recording,
  planOf: () => StatePlan,
): RecordingComparison {
  const from = Math.max(startIcount(left.header), startIcount(right.header));
  const differences = startDifferences(left, right, planOf);
  if (differences.length > 0) {
    return { from, difference: { kind: 'start', icount: from, differences }, events: 0, checkpoints: 0 };
  }
  const [a, b] = [eventsFrom(left, right, from), eventsFrom(right, left, from)];
  const { events } = a;
  let index = 0;
  while (index < events.length && sameLogged(events[index], b.events[index])) index++;
  const inputs = firstInputOrEnd(a, b, index);
  const { difference, agreed } = firstCheckpoint(a, b, planOf, from, inputs?.icount);
  return { from, difference: difference ?? inputs, events: index, checkpoints: agreed };
}

/** A recording as if it started where the other does, if that is later: perhaps between events of one icount. */
function eventsFrom(recording: Recording, other: Recording, from: number): Recording {
  if (startIcount(recording.header) === from) return recording;
  const here = (logged: LoggedEvent) => logged.icount === from;
  const theirs = other.events.filter(here).length;
  const before = recording.events.filter(({ icount }) => icount < from).length;
  const ours = recording.events.filter(here).length;
  return {
    ...recording,
    events: recording.events.slice(before + Math.max(0, ours - theirs)),
    checkpoints: recording.checkpoints.filter(({ icount }) => icount >= from),
  };
}

const sameLogged = (left: LoggedEvent, right: LoggedEvent | undefined): boolean =>
  right !== undefined && left.icount === right.icount && sameEvent(left.event, right.event);

function firstInputOrEnd(left: Recording, right: Recording, index: number): RecordingDifference | undefined {
  const [a, b] = [left.events[index], right.events[index]];
  const sameEnd = JSON.stringify(left.end) === JSON.stringify(right.end);
  if (a === undefined && b === undefined && sameEnd) return undefined;
  const firstEnd = Math.min(left.end.icount, right.end.icount);
  const firstInput = Math.min(a?.icount ?? Number.POSITIVE_INFINITY, b?.icount ?? Number.POSITIVE_INFINITY);
  const ended = (a === undefined ? left : right).end.icount;
  const missing = (a === undefined) !== (b === undefined);
  if (firstInput > firstEnd || (missing && ended <= firstInput)) {
    return { kind: 'end', icount: firstEnd, left: left.end, right: right.end };
  }
  return { kind: 'event', icount: firstInput, index, left: a, right: b };
}

/** The first checkpoints of the same moment, before `limit`, that do not agree. */
function firstCheckpoint(
  left: Recording,
  right: Recording,
  planOf: () => StatePlan,
  from: number,
  limit = Number.POSITIVE_INFINITY,
): { difference: RecordingDifference | undefined; agreed: number } {
  const unlike = unlikeLayouts(left.header.layouts, right.header.layouts);
  const others = new Map(right.checkpoints.map(checkpoint => [checkpoint.icount, checkpoint]));
  let agreed = 0;
  let previousIcount = from;
  for (const checkpoint of left.checkpoints) {
    const { icount, digests } = checkpoint;
    const other = others.get(icount);
    if (other === undefined || icount > limit) continue;
    const names = new Set([...Object.keys(digests), ...Object.keys(other.digests)]);
    if ([...names].some(name => digests[name] !== other.digests[name] && !unlike.includes(name))) {
      // At the limit itself the difference that is there already explains this one.
      if (icount === limit) break;
      const report = findDivergence(checkpoint, other, planOf(), previousIcount, unlike);
      const { components = [], fields = [] } = report ?? {};
      return { difference: { kind: 'checkpoint', icount, previousIcount, components, fields }, agreed };
    }
    agreed++;
    previousIcount = icount;
  }
  return { difference: undefined, agreed };
}
