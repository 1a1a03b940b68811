/**
 * The machine's one door: everything non-deterministic that enters it. One row for each kind of event: from it come
 * the type, the encoding in recordings, the check of JSON, and how it reads.
 */
import { quoted, shortened, toHex } from './bytes-text.js';
import { integer, oneOf, type ValueCheck } from './value-kinds.js';

/** How the values of a field stand in a recording: see event-codec.ts there. */
export type FieldEncoding = 'varint' | 'signed-32' | 'address' | 'block' | 'cause';

/** A field of an event. */
export interface EventField<T> extends ValueCheck<T> {
  readonly encoding: FieldEncoding;
  /** What a cause is in a recording. */
  readonly numbers?: ReadonlyMap<unknown, number>;
}

const count: EventField<number> = { ...integer(0), encoding: 'varint' };
const sixteenBits: EventField<number> = { ...integer(0, 0xffff), encoding: 'varint' };
const signed: EventField<number> = { ...integer(-(2 ** 31), 2 ** 31 - 1), encoding: 'signed-32' };
/** 16 hex digits, most significant first. */
const address: EventField<string> = {
  range: '16 hex digits',
  is: (value): value is string => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
  encoding: 'address',
};
const bytes: EventField<Uint8Array> = {
  range: 'bytes',
  is: (value): value is Uint8Array => value instanceof Uint8Array,
  encoding: 'block',
};
function causes<const C extends Readonly<Record<string, number>>>(numbers: C): EventField<keyof C & string> {
  const names = Object.keys(numbers) as (keyof C & string)[];
  return { ...oneOf(...names), encoding: 'cause', numbers: new Map(Object.entries(numbers)) };
}

type Fields = Readonly<Record<string, EventField<unknown>>>;
type Values<F extends Fields> = { readonly [N in keyof F]: F[N] extends EventField<infer T> ? T : never };

/** Numbers, and the order and encodings of fields, never change once released. */
export interface EventRow<F extends Fields> {
  /** In recordings. */
  readonly number: number;
  readonly fields: F;
  /** Without the icount, on one line. */
  text(event: Values<F>): string;
}

const row = <F extends Fields>(
  number: number,
  fields: F,
  text: (event: Values<F>) => string,
): EventRow<F> => ({ number, fields, text });

/** Numbers 13 to 15 are kept free for more of what a semihosting host answers. */
export const INPUT_EVENTS = {
  /** Bytes typed at a console; `port` numbers the character devices: 0 is the 16550, 1 the virtio console. */
  console: row(1, { port: count, bytes }, event => `console ${event.port} ${quoted(event.bytes)}`),
  /** The host asks for power-off (signal, monitor). */
  shutdown: row(
    2,
    { cause: causes({ 'host-signal': 1, 'host-quit': 2, monitor: 3 }) },
    ({ cause }) => `shutdown by ${cause}`,
  ),
  /** The host asks for a reset (`monitor reset`). */
  reset: row(3, { cause: causes({ monitor: 1, script: 2 }) }, ({ cause }) => `reset by ${cause}`),
  /** Idle time cut short by an input or a debugger's stop: the virtual time, in ns, that was reached. */
  warp: row(4, { ns: count }, ({ ns }) => `warp to ${ns} ns`),
  /** A debugger wrote a register; `register` is the number the machine's register description gives it. */
  'write-register': row(
    5,
    { hart: count, register: count, bytes },
    event =>
      `write-register hart ${event.hart} register ${event.register} = 0x${toHex(event.bytes.slice().reverse())}`,
  ),
  /** A debugger wrote memory at a virtual address of `hart`. */
  'write-memory': row(
    6,
    { hart: count, address, bytes },
    event =>
      `write-memory hart ${event.hart} 0x${event.address.replace(/^0+(?=.)/, '')} ${shortened(event.bytes, 16)}`,
  ),
  /** An Ethernet frame arrives at network device `port`, without checksum. */
  network: row(7, { port: count, bytes }, event => `network ${event.port} ${shortened(event.bytes, 32)}`),
  /** Random bytes of the host. */
  entropy: row(8, { bytes }, event => `entropy ${shortened(event.bytes, 16)}`),
  /**
   * One event of an input device, which is an index in the configuration's `inputs`, in the numbers of Linux's input
   * layer; type 0 reports those before it.
   */
  input: row(
    9,
    { device: count, type: sixteenBits, code: sixteenBits, value: signed },
    ({ device, type, code, value }) =>
      type === 0 ? `input ${device} sync` : `input ${device} type ${type} code ${code} value ${value}`,
  ),
  /** Samples captured by the host's microphone, in the format that the guest chose. */
  'audio-in': row(10, { bytes }, event => `audio-in ${shortened(event.bytes, 16)}`),
  /** The host has finished a request to a disk. */
  block: row(11, { disk: count, request: count }, ({ disk, request }) => `block ${disk} request ${request}`),
  /** The host's answer to a call by semihosting, `call` by its number: see SemihostingAnswer. */
  semihosting: row(
    12,
    { hart: count, call: count, errno: count, value: count, bytes },
    ({ hart, call, errno, value, bytes }) => {
      const said = errno === 0 ? `value ${value}` : `errno ${errno}`;
      const read = bytes.length === 0 ? '' : ` ${shortened(bytes, 32)}`;
      return `semihosting hart ${hart} call 0x${call.toString(16)} ${said}${read}`;
    },
  ),
} as const;

type Rows = typeof INPUT_EVENTS;
export type EventKind = keyof Rows;
type FieldsOf<K extends EventKind> = Rows[K]['fields'];

/** Everything non-deterministic that enters the machine, in the order it enters. */
export type InputEvent = {
  [K in EventKind]: { readonly kind: K } & Values<FieldsOf<K>>;
}[EventKind];

type CauseOf<K extends 'reset' | 'shutdown'> = Extract<InputEvent, { readonly kind: K }>['cause'];
export type ResetCause = CauseOf<'reset'>;
export type ShutdownCause = CauseOf<'shutdown'>;

/** An input event with the icount of the boundary where it entered. */
export interface LoggedEvent {
  readonly icount: number;
  readonly event: InputEvent;
}

/** One line for `monitor events` and `backstub events`, without the icount. */
export const describeEvent = (event: InputEvent): string =>
  (INPUT_EVENTS[event.kind] as unknown as EventRow<Fields>).text(event as unknown as Values<Fields>);
