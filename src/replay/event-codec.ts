/** Input events in a recording: kind u8, then the fields of its row in `INPUT_EVENTS`, one after the other. */
import {
  type EventField,
  type EventKind,
  type FieldEncoding,
  INPUT_EVENTS,
  type InputEvent,
} from '../ports/input-event.js';
import { type ByteReader, type ByteWriter, FormatFault } from './byte-codec.js';

type AnyField = EventField<unknown>;

/** A field's way into a recording and back. */
interface Codec<T> {
  /** Throws RangeError for a value that the format cannot hold. */
  write(out: ByteWriter, value: T, field: AnyField): void;
  /** Throws FormatFault. */
  read(from: ByteReader, field: AnyField, kind: string): T;
  /** In an event that is about to be read: of the same type. */
  readonly blank: T;
}

const NO_BYTES = new Uint8Array(0);

const CODECS: { readonly [E in FieldEncoding]: Codec<unknown> } = {
  varint: {
    write: (out, value: number) => out.varint(value),
    read(from, field) {
      const value = from.varint();
      if (!field.is(value)) throw new FormatFault('an event in it has a number that is too large');
      return value;
    },
    blank: 0,
  } satisfies Codec<number>,
  'signed-32': {
    write: (out, value: number) => out.varint(value >>> 0),
    read: from => from.varint() | 0,
    blank: 0,
  } satisfies Codec<number>,
  address: { write: writeAddress, read: readAddress, blank: '' } satisfies Codec<string>,
  block: {
    write: (out, value: Uint8Array) => out.block(value),
    read: from => from.block(),
    blank: NO_BYTES,
  } satisfies Codec<Uint8Array>,
  cause: {
    write(out, value: string, { numbers }) {
      out.u8(numbers?.get(value) ?? 0);
    },
    read(from, { numbers }, kind) {
      const number = from.u8();
      for (const [cause, known] of numbers ?? []) if (known === number) return cause as string;
      throw new FormatFault(`it holds a ${kind} of unknown cause ${number}`);
    },
    blank: '',
  } satisfies Codec<string>,
};

/** The high word as a varint of its zigzag form, then the low word: short for addresses near 0 and near -1. */
function writeAddress(out: ByteWriter, address: string, field: AnyField): void {
  if (!field.is(address)) throw new RangeError(`not an address of 16 hex digits: ${address}`);
  const high = Number.parseInt(address.slice(0, 8), 16) | 0;
  out.varint(((high << 1) ^ (high >> 31)) >>> 0);
  out.varint(Number.parseInt(address.slice(8), 16));
}

function readAddress(from: ByteReader): string {
  const zigzag = from.varint();
  const low = from.varint();
  if (zigzag > 0xffffffff || low > 0xffffffff) throw new FormatFault('an address in it is too large');
  const high = ((zigzag >>> 1) ^ -(zigzag & 1)) >>> 0;
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

interface Part {
  readonly name: string;
  readonly field: AnyField;
  readonly codec: Codec<unknown>;
}

/** A kind as it is read and written. */
interface Shape {
  readonly kind: EventKind;
  readonly number: number;
  readonly parts: readonly Part[];
  /** Copied for each event that is read, so that all of a kind have the same shape in memory. */
  readonly blank: Readonly<Record<string, unknown>>;
}

function shapeOf(kind: EventKind): Shape {
  const { number, fields } = INPUT_EVENTS[kind];
  const parts = Object.entries<AnyField>(fields).map(([name, field]) => ({
    name,
    field,
    codec: CODECS[field.encoding],
  }));
  const blank = { kind, ...Object.fromEntries(parts.map(({ name, codec }) => [name, codec.blank])) };
  return { kind, number, parts, blank: inOnePiece(blank) };
}

/**
 * Put together field by field, an object has its fields in a list of their own, and so has each copy: one more
 * allocation an event. JSON's parser makes one that holds them itself, as a literal does.
 */
const inOnePiece = <T extends object>(object: T): T =>
  Object.assign(JSON.parse(JSON.stringify(object)) as T, object);

const SHAPES = Object.fromEntries(
  (Object.keys(INPUT_EVENTS) as EventKind[]).map(kind => [kind, shapeOf(kind)]),
) as Readonly<Record<EventKind, Shape>>;

const BY_NUMBER: readonly (Shape | undefined)[] = (() => {
  const table: Shape[] = [];
  for (const shape of Object.values(SHAPES)) {
    if (table[shape.number]) throw new Error(`two event kinds have the number ${shape.number}`);
    table[shape.number] = shape;
  }
  return table;
})();

const RESERVED_FOR_SEMIHOSTING = { first: 13, last: 15 } as const;

/** Throws RangeError for an event that the format cannot hold. */
export function encodeEvent(out: ByteWriter, event: InputEvent): void {
  const { number, parts } = SHAPES[event.kind];
  const values = event as unknown as Readonly<Record<string, unknown>>;
  out.u8(number);
  for (const { name, field, codec } of parts) codec.write(out, values[name], field);
}

function readShape(from: ByteReader): Shape {
  const number = from.u8();
  const shape = BY_NUMBER[number];
  if (shape) return shape;
  const { first, last } = RESERVED_FOR_SEMIHOSTING;
  const what = number >= first && number <= last ? ' (semihosting)' : '';
  throw new FormatFault(`it holds an event of unknown kind ${number}${what}`);
}

/** Goes over an event as `decodeEvent` does, and tells its kind alone. Throws FormatFault. */
export function skipEvent(from: ByteReader): EventKind {
  const { kind, parts } = readShape(from);
  for (let i = 0; i < parts.length; i++) parts[i].codec.read(from, parts[i].field, kind);
  return kind;
}

/** Throws FormatFault. */
export function decodeEvent(from: ByteReader): InputEvent {
  const shape = readShape(from);
  const event = { ...shape.blank };
  for (const { name, field, codec } of shape.parts) event[name] = codec.read(from, field, shape.kind);
  return event as unknown as InputEvent;
}
