import type { LoggedEvent } from '../ports/input-event.js';
import type { FieldDifference, StatePlan } from '../state/layout.js';
import { findDivergence } from './divergence.js';
import { sameEvent } from './event-json.js';
import { InputLog } from './input-log.js';
import { type Checkpoint, type Recording, type RecordingEnd, startIcount } from './recording.js';
import type { Sequence } from './sequence.js';
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
  let index = 0;
  while (sameLogged(eventAt(a, index), eventAt(b, index))) index++;
  const inputs = firstInputOrEnd({ ...left, events: a }, { ...right, events: b }, index);
  const { difference, agreed } = firstCheckpoint(left, right, planOf, from, inputs?.icount);
  return { from, difference: difference ?? inputs, events: index, checkpoints: agreed };
}

/**
 * A recording's events as if it started where the other does, if that is later: perhaps between events of one icount.
 */
function eventsFrom(recording: Recording, other: Recording, from: number): Sequence<LoggedEvent> {
  if (startIcount(recording.header) === from) return recording.events;
  const [ours, theirs] = [InputLog.from(recording.events), InputLog.from(other.events)];
  const more = Math.max(0, ours.countAt(from) - theirs.countAt(from));
  return ours.part(ours.indexAt(from) + more);
}

const eventAt = (events: Sequence<LoggedEvent>, index: number): LoggedEvent | undefined =>
  index < events.length ? events.at(index) : undefined;

const sameLogged = (left: LoggedEvent | undefined, right: LoggedEvent | undefined): boolean =>
  left !== undefined &&
  right !== undefined &&
  left.icount === right.icount &&
  sameEvent(left.event, right.event);

function firstInputOrEnd(left: Recording, right: Recording, index: number): RecordingDifference | undefined {
  const [a, b] = [eventAt(left.events, index), eventAt(right.events, index)];
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
  const others = right.checkpoints[Symbol.iterator]();
  let next = others.next();
  let agreed = 0;
  let previousIcount = from;
  for (const checkpoint of left.checkpoints) {
    const { icount, digests } = checkpoint;
    if (icount < from || icount > limit) continue;
    while (!next.done && next.value.icount < icount) next = others.next();
    if (next.done) break;
    const other: Checkpoint = next.value;
    if (other.icount !== icount) continue;
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
