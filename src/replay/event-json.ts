/** Input events as JSON, for people and other programs: fields as in `INPUT_EVENTS`, bytes in hexadecimal. */
import { fromHex, toHex } from '../ports/bytes-text.js';
import { type EventField, INPUT_EVENTS, type InputEvent, type LoggedEvent } from '../ports/input-event.js';
import { InputError } from '../state/input-error.js';
import { ByteWriter } from './byte-codec.js';
import { encodeEvent } from './event-codec.js';
import { isCount } from './json-parts.js';
import { MOST_EVENT_BYTES } from './limits.js';

/** One line. */
export function eventJson({ icount, event }: LoggedEvent): string {
  return JSON.stringify({ icount, ...event }, (_, value: unknown) =>
    value instanceof Uint8Array ? toHex(value) : value,
  );
}

/** Reads what eventJson wrote. Throws InputError that says what is wrong, but not where. */
export function parseEventJson(value: unknown): LoggedEvent {
  if (typeof value !== 'object' || value === null || !('icount' in value && 'kind' in value))
    throw new InputError('an event needs "icount" and "kind"');
  const { icount, kind, ...given } = value;
  if (!isCount(icount)) throw new InputError(`${JSON.stringify(icount)} is no icount`);
  const event = isKind(kind) ? eventOf(kind, given) : undefined;
  if (event === undefined)
    throw new InputError(`not an event of kind ${JSON.stringify(kind)} that a recording can hold`);
  return { icount, event };
}

const isKind = (kind: unknown): kind is InputEvent['kind'] =>
  typeof kind === 'string' && Object.hasOwn(INPUT_EVENTS, kind);

/** With all fields of its kind and no other, in their order; undefined where that cannot be. */
function eventOf(kind: InputEvent['kind'], given: object): InputEvent | undefined {
  const values = new Map<string, unknown>(Object.entries(given));
  const fields = Object.entries<EventField<unknown>>(INPUT_EVENTS[kind].fields).map(([name, field]) => {
    const value = values.get(name);
    const read = field.encoding === 'block' && typeof value === 'string' ? fromHex(value) : value;
    return { name, value: read, fits: field.is(read) };
  });
  if (fields.length !== values.size || !fields.every(({ fits }) => fits)) return undefined;
  const event = { kind, ...Object.fromEntries(fields.map(({ name, value }) => [name, value])) } as InputEvent;
  return fitsChunk(event) ? event : undefined;
}

function fitsChunk(event: InputEvent): boolean {
  const out = new ByteWriter();
  encodeEvent(out, event);
  return out.length <= MOST_EVENT_BYTES;
}

/** Whether two events are the same input. */
export function sameEvent(left: InputEvent, right: InputEvent): boolean {
  return eventJson({ icount: 0, event: left }) === eventJson({ icount: 0, event: right });
}
