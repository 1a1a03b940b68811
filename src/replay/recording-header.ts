import { ISA_NAMES, type MachineConfig } from '../ports/config.js';
import { MACHINE_REVISION } from '../ports/revisions.js';
import { InputError } from '../state/input-error.js';
import type { MachineMoment } from '../state/saved-state.js';
import { json } from './json-parts.js';
import { MOST_HEADER_TEXT, MOST_RAM_BYTES } from './limits.js';
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

const integer =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  value =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;
const isText: Check = value => typeof value === 'string' && value.length <= MOST_HEADER_TEXT;

const isName: Check = value => isText(value) && /^[a-z][a-z0-9_-]*$/.test(value as string);

const optional =
  (check: Check): Check =>
  value =>
    value === undefined || check(value);

/** Their map of changed pages takes a thousandth of it: 4 TiB in all fit the machine's memory at least. */
const MOST_DISK_SECTORS = 2 ** 40 / 512;
/** What stands in memory beside RAM: boot ROM. */
const SECTOR_BYTES = 512;
const OTHER_MEMORY_BYTES = 64 * 1024;

/** The RTC counts nanoseconds in 64 bits. */
const LATEST_RTC_SECONDS = 2 ** 33;

/** A setting may depend on others. */
type SettingCheck = (value: unknown, config: Readonly<Record<string, unknown>>) => boolean;

const CONFIG_CHECKS: Readonly<Record<keyof MachineConfig, SettingCheck>> = {
  board: isName,
  machineRevision: integer(1),
  xlen: value => value === 32 || value === 64,
  isa: (value, { board }) => isName(value) && (ISA_NAMES.get(board as string)?.test(value as string) ?? true),
  harts: integer(1, 8),
  ramBytes: value => integer(4096, MOST_RAM_BYTES)(value) && (value as number) % 4096 === 0,
  icountShift: integer(0, 63),
  quantum: integer(1, 2 ** 31 - 1),
  entropySeed: integer(0),
  append: isText,
  entry: integer(0),
  rtcSeconds: integer(0, LATEST_RTC_SECONDS),
  virtio: value => value === 'legacy' || value === 'modern',
  entropy: optional(value => value === 'host'),
  rng: optional(value => value === true),
  virtioConsole: optional(value => value === true),
  inputs: optional(
    value =>
      Array.isArray(value) &&
      value.length <= 8 &&
      value.every(kind => kind === 'keyboard' || kind === 'mouse' || kind === 'tablet'),
  ),
  sound: optional(value => value === 'playback' || value === 'duplex'),
  diskAsync: optional(value => value === true),
  network: value => typeof value === 'boolean',
  disks: value => Array.isArray(value) && value.length <= 8 && value.every(integer(1, MOST_DISK_SECTORS)),
};

/**
 * Settings that came after the first recordings, with what a file without them means. A setting that is added
 * is optional, or stands here.
 */
const CONFIG_DEFAULTS: Partial<MachineConfig> = {
  machineRevision: 1,
  rtcSeconds: 1_704_067_200,
  virtio: 'legacy',
  disks: [],
  network: false,
};

const isLayoutSum: Check = value => typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);

const isStart: Check = start =>
  isObject(start) &&
  integer(0)(start.icount) &&
  integer(0)(start.virtualNs) &&
  optional(isText)(start.snapshot) &&
  integer(0, 2 ** 32)(start.pages);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

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
  const config: Record<string, unknown> = { ...CONFIG_DEFAULTS, ...content.config };
  if (integer(MACHINE_REVISION + 1)(config.machineRevision))
    throw new InputError(
      `it is of machine revision ${String(config.machineRevision)}, but this backstub has revisions 1 to ${MACHINE_REVISION}: use the backstub that wrote it`,
    );
  for (const [key, check] of Object.entries(CONFIG_CHECKS)) {
    if (!check(config[key], config))
      throw new InputError(`its header has no valid "${key}": ${shortJson(config[key])}`);
  }
  for (const key of Object.keys(config)) {
    if (!Object.hasOwn(CONFIG_CHECKS, key))
      throw new InputError(`its header has an unknown setting ${shortJson(key)}`);
  }
  const isImage: Check = image =>
    isObject(image) &&
    isText(image.name) &&
    (image.disk === undefined || integer(0, (config.disks as number[]).length - 1)(image.disk)) &&
    integer(0)(image.address) &&
    integer(0)(image.length);
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

const MOST_SHOWN = 80;

function shortJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > MOST_SHOWN ? `${json.slice(0, MOST_SHOWN)}...` : json;
}
