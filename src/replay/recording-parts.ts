/**
 * The parts of a recording as files that people and other programs read, and back:
 *   recording.json     format version, who wrote it, its images with their files, how it ends
 *   config.json        the machine's settings
 *   images/*.bin       bytes placed in memory or on a disk
 *   extras/*.bin       optional chunks, as they are
 *   events.jsonl       one input a line, as `backstub events --json` shows it
 *   checkpoints.jsonl  one checkpoint a line: icount, digests, the declared state in hexadecimal
 *   start.json, pages.bin   the machine that it starts with, where that is not a new one: see saved-machine-parts.ts
 */

import { fromHex, toHex } from '../ports/bytes-text.js';
import type { BootImage, MachineConfig } from '../ports/config.js';
import { InputError } from '../state/input-error.js';
import { parseEnd } from './end-kinds.js';
import { eventJson, parseEventJson } from './event-json.js';
import { FORMAT_VERSION, isOptionalType, OLDEST_VERSION, OPTIONAL_PIECE_BYTES } from './format.js';
import { InputLog } from './input-log.js';
import { isCount, json, jsonOf, object, textOf } from './json-parts.js';
import { MOST_COMPONENTS, MOST_NAME_BYTES, MOST_STATE_BYTES } from './limits.js';
import { imagePieces } from './recorded-image.js';
import {
  type Checkpoint,
  type RecordedExtra,
  type Recording,
  type RecordingEnd,
  type RecordingHeader,
  startIcount,
} from './recording.js';
import { headerJson, parseHeaderJson } from './recording-header.js';
import { PAGES, pagesFile, parseStart, START, startJson } from './saved-machine-parts.js';
import { type Sequence, sequence } from './sequence.js';
import type { StateLayouts } from './state-layouts.js';

export interface RecordingPart {
  /** Path within the folder, with `/` between folders. */
  readonly path: string;
  /** Its bytes, one piece after the other. */
  readonly pieces: Iterable<Uint8Array>;
}

const MANIFEST = 'recording.json';
const CONFIG = 'config.json';
const EVENTS = 'events.jsonl';
const CHECKPOINTS = 'checkpoints.jsonl';

const NEWLINE = 0x0a;
const utf8 = new TextEncoder();

export function exportParts({ header, events, checkpoints, end, extras = [] }: Recording): RecordingPart[] {
  const { config, images, writtenBy, layouts, start } = header;
  const files = images.map(({ name, address }, i) => {
    const plainName = name.replace(/[^A-Za-z0-9._-]+/g, '-');
    return `images/${String(i).padStart(2, '0')}-${plainName}-0x${address.toString(16)}.bin`;
  });
  const manifest = {
    format: FORMAT_VERSION,
    writtenBy,
    layouts,
    start: start && START,
    images: images.map(({ name, disk, address }, i) => ({
      name,
      disk,
      address: hex(address),
      file: files[i],
    })),
    ...(extras.length === 0
      ? {}
      : { extras: extras.map(({ type }, i) => ({ type, file: extraFile(i, type) })) }),
    end,
  };
  const text = (path: string, content: string): RecordingPart => ({ path, pieces: [utf8.encode(content)] });
  return [
    text(MANIFEST, `${JSON.stringify(manifest, undefined, 2)}\n`),
    text(CONFIG, `${JSON.stringify(config, undefined, 2)}\n`),
    ...images.map((image, i) => ({ path: files[i], pieces: imagePieces(image) })),
    ...extras.map((extra, i) => ({ path: extraFile(i, extra.type), pieces: onDemand(() => extra.content) })),
    ...(start === undefined
      ? []
      : [text(START, startJson(start)), { path: PAGES, pieces: pagesFile(start.pages) }]),
    { path: EVENTS, pieces: jsonLines(events, eventJson) },
    { path: CHECKPOINTS, pieces: jsonLines(checkpoints, checkpointJson) },
  ];
}

/** As it is written: a recording may be larger than memory. */
function* onDemand(bytes: () => Uint8Array): Generator<Uint8Array> {
  yield bytes();
}

function* jsonLines<T>(values: Iterable<T>, json: (value: T) => string): Generator<Uint8Array> {
  for (const value of values) yield utf8.encode(`${json(value)}\n`);
}

const extraFile = (index: number, type: number): string =>
  `extras/${String(index).padStart(2, '0')}-${type}.bin`;

const checkpointJson = ({ icount, digests, state }: Checkpoint): string =>
  JSON.stringify({ icount, digests, state: toHex(state) });

const hex = (value: number): string => `0x${value.toString(16)}`;

/**
 * Puts a recording together from its parts; `read` gives a file's bytes and throws InputError when there is none.
 * Throws InputError, one line that starts with the file and, where there are lines, the line.
 */
export function importParts(read: (path: string) => Uint8Array): Recording {
  const manifest = parseManifest(object(MANIFEST, jsonOf(MANIFEST, read(MANIFEST))));
  const config = object(CONFIG, jsonOf(CONFIG, read(CONFIG)));
  const images = manifest.images.map(({ file, ...image }): BootImage => ({ ...image, bytes: read(file) }));
  const start = manifest.hasStart ? parseStart(read) : undefined;
  const header = { ...checkedHeader(config, images, manifest), ...(start && { start }) };
  const { end } = manifest;
  const begin = startIcount(header);
  if (end.icount < begin)
    throw new InputError(
      `${MANIFEST}: the end, icount ${end.icount}, comes before the start, icount ${begin}`,
    );
  const span = { begin, end: end.icount };
  const events = new InputLog(valuesOf(inOrder(lines(EVENTS, read(EVENTS), parseEventJson), span)));
  const checkpoints = checkpointsIn(read(CHECKPOINTS), span);
  const extras = manifest.extras.map(({ type, file }) => parseExtra(file, type, read(file)));
  return { header, events, checkpoints, end, ...(extras.length === 0 ? {} : { extras }) };
}

/** Checked once, and made again when they are asked for: the bytes of all are held, and no object. */
function checkpointsIn(bytes: Uint8Array, span: Span): Sequence<Checkpoint> {
  const starts: number[] = [];
  for (const { start } of inOrder(lines(CHECKPOINTS, bytes, parseCheckpoint), span)) starts.push(start);
  return sequence(starts.length, index => {
    const text = textOf(CHECKPOINTS, bytes.subarray(starts[index], endOfLine(bytes, starts[index])));
    return parseCheckpoint(json(CHECKPOINTS, text));
  });
}

/** What stands in a line, and where that is. */
interface Line<T> {
  readonly where: string;
  /** In the file's bytes. */
  readonly start: number;
  readonly value: T;
}

interface Span {
  readonly begin: number;
  readonly end: number;
}

function* valuesOf<T>(all: Iterable<Line<T>>): Generator<T> {
  for (const { value } of all) yield value;
}

function* inOrder<T extends { readonly icount: number }>(
  all: Iterable<Line<T>>,
  { begin, end }: Span,
): Generator<Line<T>> {
  let before = begin;
  for (const line of all) {
    const { where, value } = line;
    const { icount } = value;
    if (icount < before) throw new InputError(`${where}: icount ${icount} comes after icount ${before}`);
    if (icount > end)
      throw new InputError(`${where}: icount ${icount} is behind the end in ${MANIFEST}, icount ${end}`);
    before = icount;
    yield line;
  }
}

function checkedHeader(
  config: object,
  images: readonly BootImage[],
  { writtenBy, layouts }: Manifest,
): RecordingHeader {
  const header = { config: config as MachineConfig, images, writtenBy, ...(layouts && { layouts }) };
  try {
    return { ...header, config: parseHeaderJson(headerJson(header)).config };
  } catch (error) {
    if (error instanceof InputError)
      throw new InputError(`${CONFIG}: ${error.message.replace('its header', 'it')}`);
    throw error;
  }
}

interface Manifest {
  readonly writtenBy: string;
  readonly layouts: StateLayouts | undefined;
  readonly hasStart: boolean;
  readonly images: readonly (Omit<BootImage, 'bytes'> & { readonly file: string })[];
  readonly extras: readonly { readonly type: number; readonly file: string }[];
  readonly end: RecordingEnd;
}

function parseManifest(manifest: Record<string, unknown>): Manifest {
  const { format, writtenBy, layouts, start, images, end, extras = [] } = manifest;
  if (typeof format !== 'number' || format < OLDEST_VERSION || format > FORMAT_VERSION)
    throw new InputError(
      `${MANIFEST}: "format" is ${JSON.stringify(format)}, but must be ${OLDEST_VERSION} to ${FORMAT_VERSION}`,
    );
  if (start !== undefined && start !== START) throw new InputError(`${MANIFEST}: "start" must be ${START}`);
  if (typeof writtenBy !== 'string') throw new InputError(`${MANIFEST}: "writtenBy" must be a text`);
  if (!Array.isArray(images)) throw new InputError(`${MANIFEST}: "images" must be a list`);
  if (!Array.isArray(extras)) throw new InputError(`${MANIFEST}: "extras" must be a list`);
  return {
    writtenBy,
    layouts: layouts === undefined ? undefined : parseLayouts(layouts),
    hasStart: start !== undefined,
    images: images.map((image: unknown, i) => parseImage(image, `${MANIFEST}: image ${i}`)),
    extras: extras.map((extra: unknown, i) => parseExtraPlace(extra, `${MANIFEST}: extra ${i}`)),
    end: parseEnd(`${MANIFEST}: "end"`, end),
  };
}

function parseLayouts(value: unknown): StateLayouts {
  const layouts = object(`${MANIFEST}: "layouts"`, value);
  for (const [name, sum] of Object.entries(layouts)) {
    if (typeof sum !== 'string' || !/^[0-9a-f]{8}$/.test(sum))
      throw new InputError(`${MANIFEST}: the layout of ${name} must be 8 hexadecimal digits`);
  }
  return layouts as Record<string, string>;
}

function parseImage(image: unknown, where: string): Manifest['images'][number] {
  const { name, disk, address, file } = object(where, image);
  if (typeof name !== 'string') throw new InputError(`${where}: "name" must be a text`);
  if (typeof address !== 'string' || !/^0x[0-9a-f]{1,13}$/.test(address))
    throw new InputError(`${where}: "address" must be a text like "0x80000000"`);
  // A part names no file outside the folder.
  if (typeof file !== 'string' || !/^images\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(file))
    throw new InputError(`${where}: "file" must be a text like "images/00-demo.elf.bin"`);
  if (disk !== undefined && !isCount(disk)) throw new InputError(`${where}: "disk" must be a number`);
  return { name, ...(disk === undefined ? {} : { disk }), address: Number(address), file };
}

function parseExtraPlace(extra: unknown, where: string): Manifest['extras'][number] {
  const { type, file } = object(where, extra);
  if (!isCount(type) || !isOptionalType(type))
    throw new InputError(`${where}: "type" must be the number of an optional chunk`);
  if (typeof file !== 'string' || !/^extras\/[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(file))
    throw new InputError(`${where}: "file" must be a text like "extras/00-32.bin"`);
  return { type, file };
}

function parseExtra(file: string, type: number, content: Uint8Array): RecordedExtra {
  if (content.length > OPTIONAL_PIECE_BYTES)
    throw new InputError(`${file}: ${content.length} bytes, but at most ${OPTIONAL_PIECE_BYTES} fit a chunk`);
  return { type, content };
}

function parseCheckpoint(value: unknown): Checkpoint {
  const { icount, digests, state } = object('a checkpoint', value);
  if (!isCount(icount)) throw new InputError(`${JSON.stringify(icount)} is no icount`);
  const named = Object.entries(object('"digests"', digests));
  if (named.length > MOST_COMPONENTS) throw new InputError(`"digests" has ${named.length} components`);
  for (const [name, digest] of named) {
    if (utf8.encode(name).length > MOST_NAME_BYTES) throw new InputError('a name in "digests" is too long');
    if (typeof digest !== 'string' || !/^[0-9a-f]{16}$/.test(digest))
      throw new InputError(`the digest of ${name} must be 16 hexadecimal digits`);
  }
  const bytes = typeof state === 'string' ? fromHex(state) : undefined;
  if (bytes === undefined) throw new InputError('"state" must be hexadecimal');
  if (bytes.length > MOST_STATE_BYTES)
    throw new InputError(`"state" has ${bytes.length} bytes, at most ${MOST_STATE_BYTES} fit`);
  return { icount, digests: digests as Record<string, string>, state: bytes };
}

function* lines<T>(path: string, bytes: Uint8Array, parse: (value: unknown) => T): Generator<Line<T>> {
  let number = 0;
  let end = 0;
  for (let start = 0; start < bytes.length; start = end + 1) {
    end = endOfLine(bytes, start);
    const where = `${path}:${++number}`;
    const text = textOf(where, bytes.subarray(start, end));
    if (text.trim() === '') continue;
    const value = json(where, text);
    try {
      yield { where, start, value: parse(value) };
    } catch (error) {
      if (error instanceof InputError) throw new InputError(`${where}: ${error.message}`);
      throw error;
    }
  }
}

function endOfLine(bytes: Uint8Array, start: number): number {
  const newline = bytes.indexOf(NEWLINE, start);
  return newline < 0 ? bytes.length : newline;
}
