/** Input events as JSON, for people and other programs: fields as in ports.ts, bytes in hexadecimal. */
import type { InputEvent, LoggedEvent } from '../ports/input-event.js';
import { InputError } from '../state/input-error.js';
import { ByteReader, ByteWriter, fromHex, toHex } from './byte-codec.js';
import { decodeEvent, encodeEvent } from './event-kinds.js';
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
  const { icount, ...fields } = value;
  if (typeof icount !== 'number' || !Number.isSafeInteger(icount) || icount < 0)
    throw new InputError(`${JSON.stringify(icount)} is no icount`);
  const asEvent = Object.fromEntries(
    Object.entries(fields).map(([name, field]: [string, unknown]) => [
      name,
      name === 'bytes' && typeof field === 'string' ? fromHex(field) : field,
    ]),
  );
  const event = throughTheFormat(asEvent as unknown as InputEvent);
  if (event === undefined || eventJson({ icount, event }) !== canonical(icount, event, fields))
    throw new InputError(`not an event of kind ${JSON.stringify(fields.kind)} that a recording can hold`);
  return { icount, event };
}

/** The format's own encoding knows which fields a kind has and what they may be. */
function throughTheFormat(event: InputEvent): InputEvent | undefined {
  const out = new ByteWriter();
  try {
    encodeEvent(out, event);
    if (out.length > MOST_EVENT_BYTES) return undefined;
    return decodeEvent(new ByteReader(out.take()));
  } catch {
    return undefined;
  }
}

/** The fields as they were given, in the order in which an event of this kind has them. */
function canonical(icount: number, event: InputEvent, fields: object): string {
  const given = new Map<string, unknown>(Object.entries(fields));
  const ordered = Object.keys(event).map(name => [name, given.get(name)] as const);
  const extra = [...given].filter(([name]) => !Object.hasOwn(event, name));
  return JSON.stringify({ icount, ...Object.fromEntries([...ordered, ...extra]) });
}

/** Whether two events are the same input. */
export function sameEvent(left: InputEvent, right: InputEvent): boolean {
  return eventJson({ icount: 0, event: left }) === eventJson({ icount: 0, event: right });
}
