/** What two recordings start with, compared: settings, images, and the machine's state where it is not a new one. */

import { toHex } from '../ports/bytes-text.js';
import type { BootImage } from '../ports/config.js';
import { SETTING_NAMES } from '../ports/settings.js';
import type { StatePlan } from '../state/layout.js';
import { loadState, type MachineMoment, type SavedPage, type SavedPages } from '../state/saved-state.js';
import { imageDifferenceAt, imageLength } from './recorded-image.js';
import { type Recording, type RecordingHeader, startIcount } from './recording.js';
import { MEMORY_AREAS, PAGE_BYTES } from './saved-machine-codec.js';

/** Something the two machines were built with or put into: undefined where one has nothing like it. */
export interface StartDifference {
  /** A setting's name, `image NAME`, `moments`, a field, or a page of memory. */
  readonly what: string;
  readonly left: string | undefined;
  readonly right: string | undefined;
}

/** `planOf` gives the declared state of their machine, for the names of fields. Throws InputError as loadState. */
export function startDifferences(
  left: Recording,
  right: Recording,
  planOf: () => StatePlan,
): StartDifference[] {
  const found = builtDifferences(left.header, right.header);
  if (found.length > 0) return found;
  const [a, b] = [left.header.start, right.header.start];
  if (startIcount(left.header) !== startIcount(right.header)) return withoutCommonMoment(left, right);
  if (a === undefined || b === undefined) {
    if (a === b) return [];
    const what = (start: MachineMoment | undefined) =>
      start === undefined ? 'a new machine' : 'a saved one';
    return [{ what: 'moments', left: what(a), right: what(b) }];
  }
  return [...stateDifferences(a, b, planOf()), ...pageDifferences(a.pages, b.pages)];
}

/** One of the two starts later: from there on they can be compared, if the other goes so far. */
function withoutCommonMoment(left: Recording, right: Recording): StartDifference[] {
  const from = Math.max(startIcount(left.header), startIcount(right.header));
  if (left.end.icount >= from && right.end.icount >= from) return [];
  const span = ({ header, end }: Recording) => `icounts ${startIcount(header)} to ${end.icount}`;
  return [{ what: 'moments', left: span(left), right: span(right) }];
}

function stateDifferences(a: MachineMoment, b: MachineMoment, plan: StatePlan): StartDifference[] {
  const differences = plan.differences(loadState(plan, a.components), loadState(plan, b.components));
  return differences.map(({ component, field, index, left, right }) => ({
    what: `${component}.${field}${index === undefined ? '' : `[${index}]`}`,
    left,
    right,
  }));
}

/** The first page that differs: pages come in order on both sides. */
function pageDifferences(a: SavedPages, b: SavedPages): StartDifference[] {
  const rest = b[Symbol.iterator]();
  let other = nextPage(rest);
  for (const page of a) {
    if (other !== undefined && isBefore(other, page)) return [pageDifference(undefined, other)];
    const same = other !== undefined && !isBefore(page, other);
    if (!same || !samePage(page, other)) return [pageDifference(page, same ? other : undefined)];
    other = nextPage(rest);
  }
  return other === undefined ? [] : [pageDifference(undefined, other)];
}

function nextPage(pages: Iterator<SavedPage>): SavedPage | undefined {
  const { done, value } = pages.next();
  return done ? undefined : value;
}

const isBefore = (left: SavedPage, right: SavedPage): boolean => {
  const [a, b] = [MEMORY_AREAS.indexOf(left.area), MEMORY_AREAS.indexOf(right.area)];
  return a < b || (a === b && left.page < right.page);
};

function pageDifference(left: SavedPage | undefined, right: SavedPage | undefined): StartDifference {
  const what = `page ${(left ?? right)?.page} of ${(left ?? right)?.area}`;
  let at = 0;
  while (left && right && at < PAGE_BYTES && left.bytes[at] === right.bytes[at]) at++;
  const shown = (page: SavedPage | undefined) =>
    page === undefined ? 'as built' : `${toHex(page.bytes.subarray(at, at + 8))} at byte ${at}`;
  return { what, left: shown(left), right: shown(right) };
}

const samePage = (page: SavedPage, other: SavedPage | undefined): boolean =>
  other?.bytes.every((byte, i) => byte === page.bytes[i]) === true;

function builtDifferences(left: RecordingHeader, right: RecordingHeader): StartDifference[] {
  const found: StartDifference[] = [];
  for (const setting of [...SETTING_NAMES].sort()) {
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
  const first = imageDifferenceAt(left, right);
  if (first === undefined) return undefined;
  const shown = (image: BootImage, bytes: Uint8Array) => `${toHex(bytes)} at ${place(image, first.at)}`;
  return { what, left: shown(left, first.left), right: shown(right, first.right) };
}

const place = ({ disk, address }: BootImage, offset: number): string =>
  `0x${(address + offset).toString(16)}${disk === undefined ? '' : ` of disk ${disk}`}`;

const describeImage = (image: BootImage): string => `${imageLength(image)} bytes at ${place(image, 0)}`;
