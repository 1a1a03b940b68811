import { type MachineConfig, shortJson } from '../ports/config.js';
import { MACHINE_REVISION } from '../ports/revisions.js';
import {
  isSettingName,
  isValid,
  MOST_TEXT,
  SECTOR_BYTES,
  SETTING_NAMES,
  withOlder,
} from '../ports/settings.js';
import { integer, text } from '../ports/value-kinds.js';
import { InputError } from '../state/input-error.js';
import type { MachineMoment } from '../state/saved-state.js';
import { json } from './json-parts.js';
import { imageLength } from './recorded-image.js';
import type { RecordingHeader } from './recording.js';
import type { StateLayouts } from './state-layouts.js';

/** What the header chunk says; the images' bytes follow in chunks of their own. */
export interface HeaderContent {
  readonly config: MachineConfig;
  readonly images: readonly {
    readonly name: string;
    readonly disk?: number;
    readonly address: number;
    readonly length: number;
  }[];
  readonly writtenBy: string;
  readonly layouts?: StateLayouts;
  readonly start?: StartContent;
}

/** Of the moment at which a recording starts, what the header chunk says. */
export interface StartContent {
  readonly icount: number;
  readonly virtualNs: number;
  readonly snapshot?: string;
  /** How many pages follow. */
  readonly pages: number;
}

type Check = (value: unknown) => boolean;

const isText: Check = text(MOST_TEXT).is;
const isCount: Check = integer(0).is;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What stands in memory beside RAM: boot ROM. */
const OTHER_MEMORY_BYTES = 64 * 1024;

const isLayoutSum: Check = value => typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);

const isStart: Check = start =>
  isObject(start) &&
  isCount(start.icount) &&
  isCount(start.virtualNs) &&
  (start.snapshot === undefined || isText(start.snapshot)) &&
  integer(0, 2 ** 32).is(start.pages);

/** Canonical JSON: sorted keys, no spaces. */
export function headerJson(header: RecordingHeader): string {
  const content: HeaderContent = {
    config: header.config,
    images: header.images.map(image => ({
      name: image.name,
      ...(image.disk === undefined ? {} : { disk: image.disk }),
      address: image.address,
      length: imageLength(image),
    })),
    writtenBy: header.writtenBy,
    ...(header.layouts === undefined ? {} : { layouts: header.layouts }),
    ...(header.start === undefined ? {} : { start: startContent(header.start) }),
  };
  return JSON.stringify(content, (_, value: unknown) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  );
}

function startContent({ icount, virtualNs, snapshot, pages }: MachineMoment): StartContent {
  return { icount, virtualNs, ...(snapshot === undefined ? {} : { snapshot }), pages: pages.length };
}

/** Throws InputError naming the setting that is missing, unknown or out of range. */
export function parseHeaderJson(text: string): HeaderContent {
  const content = json('its header', text);
  if (!isObject(content)) throw new InputError('its header is not an object');
  const { images, writtenBy, layouts, start } = content;
  if (!isObject(content.config)) throw new InputError('its header has no "config"');
  const config = withOlder(content.config);
  if (integer(MACHINE_REVISION + 1).is(config.machineRevision))
    throw new InputError(
      `it is of machine revision ${String(config.machineRevision)}, but this backstub has revisions 1 to ${MACHINE_REVISION}: use the backstub that wrote it`,
    );
  for (const name of SETTING_NAMES) {
    if (!isValid(name, config[name], config))
      throw new InputError(`its header has no valid "${name}": ${shortJson(config[name])}`);
  }
  const unknown = Object.keys(config).find(name => !isSettingName(name));
  if (unknown !== undefined) throw new InputError(`its header has an unknown setting ${shortJson(unknown)}`);
  const isImage: Check = image =>
    isObject(image) &&
    isText(image.name) &&
    (image.disk === undefined || integer(0, (config.disks as number[]).length - 1).is(image.disk)) &&
    isCount(image.address) &&
    isCount(image.length);
  if (!Array.isArray(images) || !images.every(isImage))
    throw new InputError('its header has no valid "images"');
  checkImages(images as HeaderContent['images'], config as unknown as MachineConfig);
  if (typeof writtenBy !== 'string') throw new InputError('its header has no valid "writtenBy"');
  if (layouts !== undefined && !(isObject(layouts) && Object.values(layouts).every(isLayoutSum)))
    throw new InputError('its header has no valid "layouts"');
  if (start !== undefined && !isStart(start)) throw new InputError('its header has no valid "start"');
  return { ...content, config } as unknown as HeaderContent;
}

/** Images are within what holds them, and are not more than fit there. */
function checkImages(images: HeaderContent['images'], { ramBytes, disks }: MachineConfig): void {
  const room = [ramBytes + OTHER_MEMORY_BYTES, ...disks.map(sectors => sectors * SECTOR_BYTES)];
  for (const { disk, address, length } of images) {
    const place = disk === undefined ? 0 : disk + 1;
    if (disk !== undefined && address + length > disks[disk] * SECTOR_BYTES)
      throw new InputError(`its header has an image that goes beyond the end of disk ${disk}`);
    room[place] -= length;
    if (room[place] < 0)
      throw new InputError(
        `its header has more bytes of images than fit ${disk === undefined ? 'memory' : `disk ${disk}`}`,
      );
  }
}
