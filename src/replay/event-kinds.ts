/** One table of the event kinds: their number in the file, their fields, and how they read as text. */
import type { InputEvent, ResetCause, ShutdownCause } from '../ports/input-event.js';
import { type ByteReader, type ByteWriter, FormatFault, toHex } from './byte-codec.js';

type Kind = InputEvent['kind'];

/** Numbers and encodings never change once released. */
interface EventKind<E extends InputEvent> {
  readonly number: number;
  encode(out: ByteWriter, event: E): void;
  decode(from: ByteReader): E;
  /** Without the icount, on one line. */
  describe(event: E): string;
}

type EventTable = { readonly [K in Kind]: EventKind<Extract<InputEvent, { kind: K }>> };

const SHUTDOWN_CAUSES: Readonly<Record<ShutdownCause, number>> = {
  'host-signal': 1,
  'host-quit': 2,
  monitor: 3,
};

const RESET_CAUSES: Readonly<Record<ResetCause, number>> = { monitor: 1, script: 2 };

const EVENT_KINDS: EventTable = {
  // varint port, block bytes
  console: {
    number: 1,
    encode(out, { port, bytes }) {
      out.varint(port);
      out.block(bytes);
    },
    decode: from => ({ kind: 'console', port: from.varint(), bytes: from.block() }),
    describe: ({ port, bytes }) => `console ${port} ${quoted(bytes)}`,
  },
  // u8 cause
  shutdown: {
    number: 2,
    encode(out, { cause }) {
      out.u8(SHUTDOWN_CAUSES[cause]);
    },
    decode: from => ({ kind: 'shutdown', cause: shutdownCause(from.u8()) }),
    describe: ({ cause }) => `shutdown by ${cause}`,
  },
  // u8 cause
  reset: {
    number: 3,
    encode(out, { cause }) {
      out.u8(RESET_CAUSES[cause]);
    },
    decode: from => ({ kind: 'reset', cause: resetCause(from.u8()) }),
    describe: ({ cause }) => `reset by ${cause}`,
  },
  // varint ns
  warp: {
    number: 4,
    encode(out, { ns }) {
      out.varint(ns);
    },
    decode: from => ({ kind: 'warp', ns: from.varint() }),
    describe: ({ ns }) => `warp to ${ns} ns`,
  },
  // varint hart, varint register, block bytes
  'write-register': {
    number: 5,
    encode(out, { hart, register, bytes }) {
      out.varint(hart);
      out.varint(register);
      out.block(bytes);
    },
    decode: from => ({
      kind: 'write-register',
      hart: from.varint(),
      register: from.varint(),
      bytes: from.block(),
    }),
    describe: ({ hart, register, bytes }) =>
      `write-register hart ${hart} register ${register} = 0x${toHex(bytes.slice().reverse())}`,
  },
  // varint hart, address, block bytes
  'write-memory': {
    number: 6,
    encode(out, { hart, address, bytes }) {
      out.varint(hart);
      encodeAddress(out, address);
      out.block(bytes);
    },
    decode: from => ({
      kind: 'write-memory',
      hart: from.varint(),
      address: decodeAddress(from),
      bytes: from.block(),
    }),
    describe: ({ hart, address, bytes }) =>
      `write-memory hart ${hart} 0x${address.replace(/^0+(?=.)/, '')} ${shortened(bytes, 16, toHex)}`,
  },
  // block bytes
  entropy: {
    number: 8,
    encode(out, { bytes }) {
      out.block(bytes);
    },
    decode: from => ({ kind: 'entropy', bytes: from.block() }),
    describe: ({ bytes }) => `entropy ${shortened(bytes, 16, toHex)}`,
  },
  // varint port, block bytes
  network: {
    number: 7,
    encode(out, { port, bytes }) {
      out.varint(port);
      out.block(bytes);
    },
    decode: from => ({ kind: 'network', port: from.varint(), bytes: from.block() }),
    describe: ({ port, bytes }) => `network ${port} ${shortened(bytes, 32, toHex)}`,
  },
  // varint device, varint type, varint code, varint value as an unsigned 32-bit number
  input: {
    number: 9,
    encode(out, { device, type, code, value }) {
      for (const part of [device, type, code, value >>> 0]) out.varint(part);
    },
    decode: from => ({
      kind: 'input',
      device: from.varint(),
      type: sixteenBits(from.varint()),
      code: sixteenBits(from.varint()),
      value: from.varint() | 0,
    }),
    describe: ({ device, type, code, value }) =>
      type === 0 ? `input ${device} sync` : `input ${device} type ${type} code ${code} value ${value}`,
  },
  // block bytes
  'audio-in': {
    number: 10,
    encode(out, { bytes }) {
      out.block(bytes);
    },
    decode: from => ({ kind: 'audio-in', bytes: from.block() }),
    describe: ({ bytes }) => `audio-in ${shortened(bytes, 16, toHex)}`,
  },
  // varint disk, varint request
  block: {
    number: 11,
    encode(out, { disk, request }) {
      out.varint(disk);
      out.varint(request);
    },
    decode: from => ({ kind: 'block', disk: from.varint(), request: from.varint() }),
    describe: ({ disk, request }) => `block ${disk} request ${request}`,
  },
};

/** Kept free for what a semihosting host answers. */
const RESERVED_FOR_SEMIHOSTING = { first: 12, last: 15 } as const;

const BY_NUMBER: readonly (EventKind<InputEvent> | undefined)[] = (() => {
  const table: EventKind<InputEvent>[] = [];
  for (const kind of Object.values(EVENT_KINDS)) {
    if (table[kind.number]) throw new Error(`two event kinds have the number ${kind.number}`);
    table[kind.number] = kind;
  }
  return table;
})();

/** Throws RangeError for an event that the format cannot hold. */
export function encodeEvent(out: ByteWriter, event: InputEvent): void {
  const kind: EventKind<InputEvent> = EVENT_KINDS[event.kind];
  out.u8(kind.number);
  kind.encode(out, event);
}

/** Throws FormatFault. */
export function decodeEvent(from: ByteReader): InputEvent {
  const number = from.u8();
  const kind = BY_NUMBER[number];
  if (!kind) {
    const { first, last } = RESERVED_FOR_SEMIHOSTING;
    const what = number >= first && number <= last ? ' (semihosting)' : '';
    throw new FormatFault(`it holds an event of unknown kind ${number}${what}`);
  }
  return kind.decode(from);
}

/** One line for `monitor events` and `backstub events`, without the icount. */
export function describeEvent(event: InputEvent): string {
  const kind: EventKind<InputEvent> = EVENT_KINDS[event.kind];
  return kind.describe(event);
}

function shutdownCause(number: number): ShutdownCause {
  switch (number) {
    case 1:
      return 'host-signal';
    case 2:
      return 'host-quit';
    case 3:
      return 'monitor';
    default:
      throw new FormatFault(`it holds a shutdown of unknown cause ${number}`);
  }
}

function resetCause(number: number): ResetCause {
  if (number === 1) return 'monitor';
  if (number === 2) return 'script';
  throw new FormatFault(`it holds a reset of unknown cause ${number}`);
}

function sixteenBits(number: number): number {
  if (number > 0xffff) throw new FormatFault('an input event in it has a number that is too large');
  return number;
}

/** The high word as a varint of its zigzag form, then the low word: short for addresses near 0 and near -1. */
function encodeAddress(out: ByteWriter, address: string): void {
  if (!/^[0-9a-f]{16}$/.test(address)) throw new RangeError(`not an address of 16 hex digits: ${address}`);
  const high = Number.parseInt(address.slice(0, 8), 16) | 0;
  out.varint(((high << 1) ^ (high >> 31)) >>> 0);
  out.varint(Number.parseInt(address.slice(8), 16));
}

function decodeAddress(from: ByteReader): string {
  const zigzag = from.varint();
  const low = from.varint();
  if (zigzag > 0xffffffff || low > 0xffffffff) throw new FormatFault('an address in it is too large');
  const high = ((zigzag >>> 1) ^ -(zigzag & 1)) >>> 0;
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

const ESCAPES = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
]);

const quoted = (bytes: Uint8Array): string =>
  shortened(bytes, 64, part => {
    const text = Array.from(part, byte => {
      const printable = byte >= 0x20 && byte < 0x7f;
      const plain = printable ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
      return ESCAPES.get(byte) ?? plain;
    });
    return `"${text.join('')}"`;
  });

const shortened = (bytes: Uint8Array, limit: number, show: (part: Uint8Array) => string): string =>
  bytes.length > limit ? `${show(bytes.subarray(0, limit))}... (${bytes.length} bytes)` : show(bytes);
