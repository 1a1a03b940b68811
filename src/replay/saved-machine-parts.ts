/**
 * The machine that a recording starts with, as files:
 *   start.json    icount, virtual time, snapshot's name; the declared state by component and field, each field's type
 *                 and its elements in hexadecimal, low byte first; and which pages of which area pages.bin holds
 *   pages.bin     those pages, one after the other
 */

import { fromHex, toHex } from '../ports/bytes-text.js';
import { InputError } from '../state/input-error.js';
import type {
  MachineMoment,
  MemoryArea,
  SavedComponent,
  SavedPage,
  SavedPages,
} from '../state/saved-state.js';
import { isCount, jsonOf, object } from './json-parts.js';
import { ELEMENT_TYPES, MEMORY_AREAS, PAGE_BYTES } from './saved-machine-codec.js';

export const START = 'start.json';
export const PAGES = 'pages.bin';

/** Consecutive pages of one area: area, first page, how many. */
type Run = [MemoryArea, number, number];

/** A line for each field and each run of pages. */
export function startJson({ icount, virtualNs, snapshot, components, pages }: MachineMoment): string {
  const state = components.map(({ name, fields }) => {
    const lines = fields.map(field => member(field.name, JSON.stringify([field.type, toHex(field.bytes)])));
    return member(name, block('{', lines, '}'));
  });
  const runs = runsOf(pages).map(run => JSON.stringify(run));
  const members = [
    member('icount', JSON.stringify(icount)),
    member('virtualNs', JSON.stringify(virtualNs)),
    ...(snapshot === undefined ? [] : [member('snapshot', JSON.stringify(snapshot))]),
    member('state', block('{', state, '}')),
    member('pages', block('[', runs, ']')),
  ];
  return `${block('{', members, '}')}\n`;
}

const member = (name: string, json: string): string => `${JSON.stringify(name)}: ${json}`;

const block = (open: string, members: readonly string[], close: string): string =>
  `${open}\n${members.join(',\n')}\n${close}`;

export function* pagesFile(pages: SavedPages): Generator<Uint8Array> {
  for (const { bytes } of pages) yield bytes;
}

function runsOf(pages: Iterable<SavedPage>): Run[] {
  const runs: Run[] = [];
  for (const { area, page } of pages) {
    const last = runs.at(-1);
    if (last !== undefined && last[0] === area && last[1] + last[2] === page) last[2]++;
    else runs.push([area, page, 1]);
  }
  return runs;
}

/** Throws InputError, one line that starts with the file. */
export function parseStart(read: (path: string) => Uint8Array): MachineMoment {
  const { icount, virtualNs, snapshot, state, pages } = object(START, jsonOf(START, read(START)));
  if (!isCount(icount)) throw new InputError(`${START}: "icount" must be a number`);
  if (!isCount(virtualNs)) throw new InputError(`${START}: "virtualNs" must be a number`);
  if (snapshot !== undefined && typeof snapshot !== 'string')
    throw new InputError(`${START}: "snapshot" must be a text`);
  return {
    icount,
    virtualNs,
    ...(snapshot === undefined ? {} : { snapshot }),
    components: Object.entries(object(`${START}: "state"`, state)).map(([name, fields]) =>
      parseComponent(name, fields),
    ),
    pages: parsePages(pages, read(PAGES)),
  };
}

function parseComponent(name: string, value: unknown): SavedComponent {
  const fields = Object.entries(object(`${START}: ${name}`, value)).map(([field, saved]) => {
    const [type, hex] = Array.isArray(saved) ? (saved as unknown[]) : [];
    const bytes = typeof hex === 'string' ? fromHex(hex) : undefined;
    if (!isOneOf(ELEMENT_TYPES, type) || bytes === undefined)
      throw new InputError(`${START}: ${name}.${field} must be a type and hexadecimal digits`);
    return { name: field, type, bytes };
  });
  return { name, fields };
}

function parsePages(runs: unknown, file: Uint8Array): SavedPage[] {
  const pages: SavedPage[] = [];
  if (!Array.isArray(runs)) throw new InputError(`${START}: "pages" must be a list`);
  let last: readonly [number, number] = [0, -1];
  for (const run of runs) {
    const [area, first, count] = Array.isArray(run) ? (run as unknown[]) : [];
    const fits = isCount(count) && (pages.length + count) * PAGE_BYTES <= file.length;
    if (!isOneOf(MEMORY_AREAS, area) || !isCount(first) || first >= 2 ** 32 || !fits)
      throw new InputError(`${START}: "pages" must list area, first page and number of those in ${PAGES}`);
    const index = MEMORY_AREAS.indexOf(area);
    if (index < last[0] || (index === last[0] && first <= last[1]))
      throw new InputError(`${START}: "pages" are out of order`);
    for (let i = 0; i < count; i++) {
      const at = pages.length * PAGE_BYTES;
      const bytes = file.subarray(at, at + PAGE_BYTES);
      pages.push({ area, page: first + i, bytes });
    }
    last = [index, first + count - 1];
  }
  if (pages.length * PAGE_BYTES !== file.length)
    throw new InputError(`${PAGES}: ${file.length} bytes, but "pages" in ${START} has ${pages.length} pages`);
  return pages;
}

const isOneOf = <T extends string>(names: readonly T[], name: unknown): name is T =>
  names.some(known => known === name);
