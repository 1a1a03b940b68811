/** One table of the ways in which a recording ends: number in the file, fields, and how they read as text. */
import { InputError } from '../state/input-error.js';
import { type ByteReader, type ByteWriter, FormatFault } from './byte-codec.js';
import { isCount, object } from './json-parts.js';
import type { RecordedLimit, RecordingEnd } from './recording.js';

/** An end that is written in a file: all but `cut`, which is the lack of one. */
type MarkedEnd = Exclude<RecordingEnd, { kind: 'cut' }>;
type Kind = MarkedEnd['kind'];

/** Numbers and encodings never change once released. */
interface EndKind<E extends MarkedEnd> {
  readonly number: number;
  encode(out: ByteWriter, end: E): void;
  decode(from: ByteReader, icount: number): E;
  /** From JSON that people may have changed; undefined when it is not one. */
  parse(json: Record<string, unknown>, icount: number): E | undefined;
  describe(end: E): string;
}

const LIMITS: Readonly<Record<RecordedLimit, { readonly number: number; readonly text: string }>> = {
  timeout: { number: 1, text: 'the time limit' },
  icount: { number: 2, text: 'the icount limit' },
  size: { number: 3, text: 'the size limit' },
};
const LIMIT_NAMES = Object.keys(LIMITS) as RecordedLimit[];

/** POSIX's numbers, which are the same on all systems that backstub runs on. */
const SIGNAL_NAMES = new Map([
  [1, 'SIGHUP'],
  [2, 'SIGINT'],
  [15, 'SIGTERM'],
]);
const MOST_SIGNALS = 64;
const isSignal = (value: unknown): value is number => isCount(value) && value >= 1 && value <= MOST_SIGNALS;

const END_KINDS: { readonly [K in Kind]: EndKind<Extract<MarkedEnd, { kind: K }>> } = {
  // varint exit code
  'power-off': {
    number: 1,
    encode: (out, { code }) => out.varint(code),
    decode: (from, icount) => ({ kind: 'power-off', icount, code: from.varint() }),
    parse: ({ code }, icount) => (isCount(code) ? { kind: 'power-off', icount, code } : undefined),
    describe: ({ code, icount }) => `power-off at icount ${icount} with exit code ${code}`,
  },
  // text reason
  stopped: {
    number: 2,
    encode: (out, { reason }) => out.text(reason),
    decode: (from, icount) => ({ kind: 'stopped', icount, reason: from.text() }),
    parse: ({ reason }, icount) =>
      typeof reason === 'string' ? { kind: 'stopped', icount, reason } : undefined,
    describe: ({ reason, icount }) => `stopped at icount ${icount}: ${reason}`,
  },
  // u8 number of the signal
  signal: {
    number: 3,
    encode: (out, { signal }) => out.u8(signal),
    decode: (from, icount) => ({ kind: 'signal', icount, signal: signalNumber(from.u8()) }),
    parse: ({ signal }, icount) => (isSignal(signal) ? { kind: 'signal', icount, signal } : undefined),
    describe: ({ signal, icount }) =>
      `stopped at icount ${icount} by ${SIGNAL_NAMES.get(signal) ?? `signal ${signal}`}`,
  },
  // u8 which limit
  limit: {
    number: 4,
    encode: (out, { limit }) => out.u8(LIMITS[limit].number),
    decode: (from, icount) => ({ kind: 'limit', icount, limit: limitName(from.u8()) }),
    parse: ({ limit }, icount) => {
      const known = LIMIT_NAMES.find(name => name === limit);
      return known && { kind: 'limit', icount, limit: known };
    },
    describe: ({ limit, icount }) => `stopped at icount ${icount} by ${LIMITS[limit].text}`,
  },
  // text: which hart, where and why
  'trap-loop': {
    number: 5,
    encode: (out, { reason }) => out.text(reason),
    decode: (from, icount) => ({ kind: 'trap-loop', icount, reason: from.text() }),
    parse: ({ reason }, icount) =>
      typeof reason === 'string' ? { kind: 'trap-loop', icount, reason } : undefined,
    describe: ({ reason, icount }) => `stopped at icount ${icount}: ${reason}`,
  },
};

const KINDS = Object.values(END_KINDS) as readonly EndKind<MarkedEnd>[];

const kindOf = (end: MarkedEnd): EndKind<MarkedEnd> => END_KINDS[end.kind] as EndKind<MarkedEnd>;

export function encodeEnd(out: ByteWriter, end: MarkedEnd): void {
  const kind = kindOf(end);
  out.u8(kind.number);
  kind.encode(out, end);
}

/** Throws FormatFault. */
export function decodeEnd(from: ByteReader, icount: number): RecordingEnd {
  const number = from.u8();
  const kind = KINDS.find(each => each.number === number);
  if (kind === undefined) throw new FormatFault(`it holds an end of unknown kind ${number}`);
  return kind.decode(from, icount);
}

/** One line. */
export function describeEnd(end: RecordingEnd): string {
  if (end.kind === 'cut') return `cut at icount ${end.icount}: ${end.damage ?? 'the recorder was killed'}`;
  return kindOf(end).describe(end);
}

/** From JSON. Throws InputError that starts with where. */
export function parseEnd(where: string, value: unknown): RecordingEnd {
  const json = object(where, value);
  const { kind, icount, damage } = json;
  if (isCount(icount)) {
    if (kind === 'cut') return { kind, icount, ...(typeof damage === 'string' ? { damage } : {}) };
    const known = Object.entries(END_KINDS).find(([name]) => name === kind)?.[1] as
      | EndKind<MarkedEnd>
      | undefined;
    const end = known?.parse(json, icount);
    if (end !== undefined) return end;
  }
  throw new InputError(
    `${where} must have an icount and a kind: power-off with a code, signal with its number, limit (${LIMIT_NAMES.join(', ')}), trap-loop or stopped with a reason, or cut`,
  );
}

function signalNumber(number: number): number {
  if (!isSignal(number)) throw new FormatFault(`it holds an end by the unknown signal ${number}`);
  return number;
}

function limitName(number: number): RecordedLimit {
  const name = LIMIT_NAMES.find(each => LIMITS[each].number === number);
  if (name === undefined) throw new FormatFault(`it holds an end by the unknown limit ${number}`);
  return name;
}
