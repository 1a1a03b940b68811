/** What a machine is made of: its configuration and the bytes it starts with. */
import { InputError } from '../state/input-error.js';
import {
  type ChosenSettings,
  type GivenSettings,
  isSettingName,
  isValid,
  type OptionalSettings,
  type RequiredSettings,
  SETTING_NAMES,
  settingOf,
} from './settings.js';

/** What must be equal for two machines to behave equally; stored in every recording. See SETTINGS. */
export interface MachineConfig extends RequiredSettings, OptionalSettings {}

export type InputDeviceKind = NonNullable<MachineConfig['inputs']>[number];

/** What has no default: it comes from the firmware, or with it. */
type Needed = Pick<MachineConfig, 'xlen' | 'isa'> & { readonly entry?: number };

/** Settings of a new machine: those given, and else the defaults. Throws InputError for a value that cannot be. */
export function newSettings<G extends GivenSettings & Needed>(
  given: G,
): Omit<MachineConfig, 'entry'> & Pick<G, Extract<keyof G, 'entry'>> {
  const settings: Record<string, unknown> = {};
  for (const name of SETTING_NAMES) {
    const row = settingOf(name);
    const value: unknown = given[name] ?? (row.presence === 'required' ? row.now : undefined);
    if (value !== undefined && !(row.presence === 'optional' && isNothing(value))) settings[name] = value;
  }
  for (const name of SETTING_NAMES) {
    const value = settings[name];
    if (value === undefined || isValid(name, value, settings)) continue;
    throw new InputError(`${shortJson(value)} cannot be`, {
      setting: name,
      value: settingOf(name).kind.range,
    });
  }
  return settings as unknown as ReturnType<typeof newSettings<G>>;
}

/** Of whatever a user has given, the settings. */
export const chosenOf = (given: ChosenSettings): ChosenSettings =>
  Object.fromEntries(
    Object.entries(given).filter(([name]) => isSettingName(name) && !settingOf(name).derived),
  );

const isNothing = (value: unknown): boolean =>
  value === false || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);

const MOST_SHOWN = 80;

/** A value from outside, for messages. */
export function shortJson(value: unknown): string {
  const json = JSON.stringify(value) ?? 'undefined';
  return json.length > MOST_SHOWN ? `${json.slice(0, MOST_SHOWN)}...` : json;
}

/** Bytes placed in guest memory at reset, by physical address; or part of a disk's contents. */
export interface BootImage {
  /** Where it came from, for messages: a file's base name or `device tree`. */
  readonly name: string;
  /** Number of the disk that holds the bytes; absent: they go to memory. */
  readonly disk?: number;
  /** Physical address, or byte offset on the disk. */
  readonly address: number;
  /** May be read from a file at its first use. */
  readonly bytes: Uint8Array;
  /** How many they are, where it can be said without reading them. */
  readonly byteLength?: number;
}

/** What a disk holds when the machine is built: zeros but for the extents, which are in order. */
export interface DiskContents {
  /** Of the image file, for messages. */
  readonly name: string;
  readonly sectors: number;
  readonly extents: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
}
