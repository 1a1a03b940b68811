import type { BootImage, LoggedEvent, MachineConfig } from '../machine/ports.js';
import type { FieldDifference, StatePlan } from '../state/layout.js';
import { toHex } from './byte-codec.js';
import { findDivergence } from './divergence.js';
import { sameEvent } from './event-json.js';
import type { Recording, RecordingEnd, RecordingHeader } from './recording.js';
import { unlikeLayouts } from './state-layouts.js';

/** Something the two machines were built with: undefined where one has nothing like it. */
export interface StartDifference {
  /** A setting's name, or `image NAME`. */
  readonly what: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** The first moment where two recordings part. */
export type RecordingDifference =
  /** Before the first step: other settings or images. */
  | { readonly kind: 'start'; readonly icount: 0; readonly differences: readonly StartDifference[] }
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
  const differences = startDifferences(left.header, right.header);
  if (differences.length > 0) {
    return { difference: { kind: 'start', icount: 0, differences }, events: 0, checkpoints: 0 };
  }
  const { events } = left;
  let index = 0;
  while (index < events.length && sameLogged(events[index], right.events[index])) index++;
  const inputs = firstInputOrEnd(left, right, index);
  const { difference, agreed } = firstCheckpoint(left, right, planOf, inputs?.icount);
  return { difference: difference ?? inputs, events: index, checkpoints: agreed };
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
  limit = Number.POSITIVE_INFINITY,
): { difference: RecordingDifference | undefined; agreed: number } {
  const unlike = unlikeLayouts(left.header.layouts, right.header.layouts);
  const others = new Map(right.checkpoints.map(checkpoint => [checkpoint.icount, checkpoint]));
  let agreed = 0;
  let previousIcount = 0;
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

function startDifferences(left: RecordingHeader, right: RecordingHeader): StartDifference[] {
  const found: StartDifference[] = [];
  const settings = new Set([...Object.keys(left.config), ...Object.keys(right.config)]);
  for (const setting of [...settings].sort() as (keyof MachineConfig)[]) {
    const [a, b] = [JSON.stringify(left.config[setting]), JSON.stringify(right.config[setting])];
    if (a !== b) found.push({ what: setting, left: a, right: b });
  }
  for (let i = 0; i < Math.max(left.images.length, right.images.length); i++) {
    const difference = imageDifference(left.images[i], right.images[i]);
    if (difference) found.push(difference);
  }
  return found;
}

/** An image's name is not what the guest sees. */
function imageDifference(
  left: BootImage | undefined,
  right: BootImage | undefined,
): StartDifference | undefined {
  const what = `image ${left?.name ?? right?.name}`;
  if (left === undefined || right === undefined || describeImage(left) !== describeImage(right)) {
    return { what, left: left && describeImage(left), right: right && describeImage(right) };
  }
  const at = left.bytes.findIndex((byte, i) => byte !== right.bytes[i]);
  if (at < 0) return undefined;
  const shown = ({ bytes }: BootImage) => `${toHex(bytes.subarray(at, at + 8))} at ${place(left, at)}`;
  return { what, left: shown(left), right: shown(right) };
}

const place = ({ disk, address }: BootImage, offset: number): string =>
  `0x${(address + offset).toString(16)}${disk === undefined ? '' : ` of disk ${disk}`}`;

const describeImage = (image: BootImage): string => `${image.bytes.length} bytes at ${place(image, 0)}`;
