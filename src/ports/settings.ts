/**
 * The settings of a machine, one row each: what may be given, what holds when nothing is, under which names users
 * give it, and how it reads. `MachineConfig`, the recording's header, the command line, the API, `info` and `diff`
 * are made of this table.
 */
import { GIB, hex, KIB, MIB, plural, sizeText } from './amounts.js';
import { MACHINE_REVISION } from './revisions.js';
import {
  assigned,
  integer,
  listed,
  named,
  oneOf,
  present,
  size,
  text,
  type ValueCheck,
  type ValueKind,
  word,
  yesOrNo,
} from './value-kinds.js';

/** An option of the command line whose value is the setting's. */
export interface SettingOption<T> {
  /** In camel case: `diskAsync` is `--disk-async`. */
  readonly name: string;
  /** What stands for the value in the help text; absent: the option takes none. */
  readonly value?: string;
  readonly help: string;
  /** What users may write, where that is less or other than what a recording may hold. */
  readonly kind?: ValueKind<T>;
  /** What the help text calls the absence of an optional setting. */
  readonly fallback?: string;
}

/** The other settings, where one depends on them. */
type Others = Readonly<Record<string, unknown>>;

interface SettingBase<T> {
  readonly kind: ValueCheck<T>;
  /** What else has to hold, where it depends on other settings. */
  fits?(value: T, others: Others): boolean;
  /**
   * The option that gives it. A string: one that gives something of the host too, or more than one setting; the
   * command line has a row for it.
   */
  readonly option?: SettingOption<T> | string;
  /** It follows from other things that are given: the API has no field for it. */
  readonly derived?: true;
  /** How it reads, among others on the same line; absent: others say it. Undefined: not worth a word. */
  readonly shown?: { readonly line: string; text(value: T, others: Others): string | undefined };
}

/** A setting that every machine has. */
export interface RequiredSetting<T> extends SettingBase<T> {
  readonly presence: 'required';
  /** Of new machines, unless somebody says otherwise. */
  readonly now?: T;
  /** What a recording without it means: one that is older than the setting. */
  readonly older?: T;
}

/** A setting that most machines lack: an older recording lacks it, too. */
export interface OptionalSetting<T> extends SettingBase<T> {
  readonly presence: 'optional';
}

export type Setting<T> = RequiredSetting<T> | OptionalSetting<T>;

type About<S> = Omit<S, 'kind' | 'presence'>;

const required = <T, const A extends About<RequiredSetting<T>>>(
  kind: ValueCheck<T>,
  about: A & About<RequiredSetting<T>>,
): A & Pick<RequiredSetting<T>, 'presence' | 'kind'> => ({ ...(about as A), presence: 'required', kind });

const optional = <T, const A extends About<OptionalSetting<T>>>(
  kind: ValueCheck<T>,
  about: A & About<OptionalSetting<T>>,
): A & Pick<OptionalSetting<T>, 'presence' | 'kind'> => ({ ...(about as A), presence: 'optional', kind });

/** How boards that are known here name their instruction sets; of others only what builds them knows. */
const ISA_NAMES: ReadonlyMap<unknown, RegExp> = new Map([
  ['virt', /^rv(32|64)[a-z]{1,26}(_[a-z][a-z0-9]+){0,128}$/],
]);

/** Of a text in a recording's header. */
export const MOST_TEXT = 64 * KIB;
export const SECTOR_BYTES = 512;
/** Their map of changed pages takes a thousandth of it: 4 TiB in all fit the machine's memory at least. */
const MOST_DISK_SECTORS = 2 ** 40 / SECTOR_BYTES;
/** Everything of a machine stands in one WebAssembly memory of at most 4 GiB, disks included. */
const MOST_RAM_BYTES = 3 * GIB;
const WHY_NO_MORE_RAM =
  'a machine lives in one WebAssembly memory of 4 GiB, beside all that is derived from it';
const RAM_UNIT = 4096;
export const INPUT_KINDS = ['keyboard', 'mouse', 'tablet'] as const;
/** Places for virtio devices. */
export const VIRTIO_SLOTS = 8;
/** The RTC counts nanoseconds in 64 bits. */
const LATEST_RTC_SECONDS = 2 ** 33;
/** 2024-01-01 00:00 UTC. */
const RTC_START_SECONDS = 1_704_067_200;

/**
 * What must be equal for two machines to behave equally; stored in every recording. Their order is that of help and
 * `info`.
 */
export const SETTINGS = {
  /** What it is built as: see `buildMachine`. */
  board: required(word(MOST_TEXT), {
    now: 'virt',
    option: 'machine',
    shown: { line: 'board', text: name => name },
  }),
  /** Which of its behaviours that have changed over time it has: see revisions.ts. */
  machineRevision: required(integer(1, MACHINE_REVISION), {
    now: MACHINE_REVISION,
    older: 1,
    derived: true,
    shown: { line: 'board', text: revision => `revision ${revision}` },
  }),
  /** Width of an address. */
  xlen: required(oneOf(32, 64), { option: 'cpu', derived: true }),
  /** Which instruction set, in the board's words: for `virt` an ISA string, e.g. `rv64imacsu_zicsr_zifencei`. */
  isa: required(word(MOST_TEXT), {
    fits: (isa, { board }) => ISA_NAMES.get(board)?.test(isa) ?? true,
    option: 'cpu',
    derived: true,
    shown: { line: 'cpu', text: isa => isa },
  }),
  /** Number of harts, 1 to 16. */
  harts: required(integer(1, 16), {
    now: 1,
    option: { name: 'smp', value: 'n', help: 'number of harts, 1 to 16' },
    shown: { line: 'cpu', text: harts => plural(harts, 'hart') },
  }),
  /** Steps a hart may run before the next runnable one gets its turn. */
  quantum: required(integer(1, 2 ** 31 - 1), {
    now: 4096,
    derived: true,
    shown: { line: 'cpu', text: steps => `quantum ${steps} steps` },
  }),
  /** Guest RAM in bytes; a multiple of 4096. */
  ramBytes: required(size(RAM_UNIT, MOST_RAM_BYTES, WHY_NO_MORE_RAM), {
    now: 128 * MIB,
    option: { name: 'memory', value: 'size', help: 'guest RAM, with suffix K, M or G' },
    shown: { line: 'memory', text: sizeText },
  }),
  /**
   * One step lasts 2^shift ns of virtual time, as QEMU's `-icount shift=N`. By itself 8 ns, as a core of 125 MHz:
   * guests that wait by looking at the clock burn 8 times fewer steps than at 1 ns (U-Boot's countdown of 2 s is 250
   * million instead of 2000), and Linux still does more than a million steps a tick.
   */
  icountShift: required(integer(0, 63), {
    now: 3,
    option: {
      name: 'icount',
      value: 'shift=N',
      help: 'one step lasts 2^N ns of virtual time',
      kind: assigned('shift', 0, 10),
    },
    shown: { line: 'icount', text: shift => `shift=${shift}: one step lasts ${2 ** shift} ns` },
  }),
  /** Seed of everything random that the machine hands out (device tree rng-seed, `seed` CSR). */
  entropySeed: required(integer(0), {
    now: 1,
    option: 'entropy',
    shown: {
      line: 'entropy',
      text: (seed, { entropy }) => (entropy === undefined ? `seed=${seed}` : undefined),
    },
  }),
  /** Randomness comes from the host and is recorded, but for the device tree's; absent: from the seed. */
  entropy: optional(oneOf('host'), {
    option: 'entropy',
    shown: { line: 'entropy', text: source => source },
  }),
  /** Address the boot ROM jumps to. */
  entry: required(integer(0), { derived: true, shown: { line: 'entry', text: hex } }),
  /** What the RTC shows at virtual time zero: whole seconds since 1970-01-01 00:00 UTC; 2024-01-01 when not given. */
  rtcSeconds: required(integer(0, LATEST_RTC_SECONDS), {
    now: RTC_START_SECONDS,
    older: RTC_START_SECONDS,
    option: 'rtc',
    shown: {
      line: 'rtc',
      text: seconds => (seconds === RTC_START_SECONDS ? undefined : `starts ${seconds} s after 1970`),
    },
  }),
  /** Interface of the virtio-mmio slots: `legacy` is version 1, QEMU's default; `modern` is version 2. */
  virtio: required(oneOf('legacy', 'modern'), {
    now: 'legacy',
    older: 'legacy',
    option: {
      name: 'virtio',
      value: 'version',
      help: "interface of disks and network: legacy is version 1 of virtio-mmio, QEMU's default; modern is version 2",
    },
    shown: { line: 'virtio', text: version => (version === 'legacy' ? undefined : version) },
  }),
  /** Size in 512-byte sectors of each disk, in the order given; the first stands in the highest slot. */
  disks: required(listed(8, integer(1, MOST_DISK_SECTORS)), {
    now: [],
    older: [],
    option: 'disk',
    derived: true,
    shown: {
      line: 'devices',
      text: (disks, { diskAsync }) =>
        listText(
          disks.map(
            (sectors, disk) =>
              `disk${disk} of ${sizeText(SECTOR_BYTES * sectors)}${diskAsync === true ? ' at host speed' : ''}`,
          ),
        ),
    },
  }),
  /** Requests to disks complete when the host says so, which is recorded; absent: after a fixed virtual time. */
  diskAsync: optional(present, {
    option: {
      name: 'diskAsync',
      help: 'disks complete requests at the speed of the host, which is recorded',
    },
  }),
  /** Whether there is a network device, connected or not; it stands behind the disks. */
  network: required(yesOrNo, {
    now: false,
    older: false,
    option: 'net',
    shown: { line: 'devices', text: there => (there ? 'network' : undefined) },
  }),
  /** A virtio entropy device. */
  rng: optional(present, {
    option: 'rng',
    shown: { line: 'devices', text: () => 'rng' },
  }),
  /** A virtio console beside the serial one. */
  virtioConsole: optional(present, {
    option: 'virtioConsole',
    shown: { line: 'devices', text: () => 'virtio console' },
  }),
  /** Input devices, in order. */
  inputs: optional(listed(8, oneOf(...INPUT_KINDS)), {
    option: 'input',
    shown: { line: 'devices', text: listText },
  }),
  /** A sound device: it captures silence or, `duplex`, the host's samples. */
  sound: optional(oneOf('playback', 'duplex'), {
    option: 'sound',
    shown: { line: 'devices', text: kind => `sound (${kind})` },
  }),
  /**
   * The virtio-mmio slot that a device stands in, as QEMU's `bus=virtio-mmio-bus.N`, by the device's name: `disk0`,
   * `network0`, `rng`, `console1`, `input0`, `sound`. The others take the highest that are free, in order.
   */
  slots: optional(named(VIRTIO_SLOTS, integer(0, VIRTIO_SLOTS - 1)), {
    option: 'disk',
    shown: {
      line: 'slots',
      text: slots => listText(Object.entries(slots).map(([device, slot]) => `${device} in ${slot}`)),
    },
  }),
  /**
   * Calls by semihosting are answered: all but those that need the host's files, or all. With `files`, what the host
   * says is recorded; no recording names the folder.
   */
  semihosting: optional(oneOf('console', 'files'), {
    option: 'semihosting',
    derived: true,
    shown: { line: 'semihosting', text: which => (which === 'files' ? 'console and files' : which) },
  }),
  /** What SYS_GET_CMDLINE gives: the program's name and its arguments. */
  commandLine: optional(text(MOST_TEXT), {
    option: 'args',
    derived: true,
    shown: { line: 'semihosting', text: quotedLine => `command line "${quotedLine}"` },
  }),
  /**
   * QEMU's `aclint=on`: the CLINT as an ACLINT in the device tree, and its supervisor software interrupts beside it.
   */
  aclint: optional(present, {
    option: 'machine',
    shown: { line: 'board', text: () => 'aclint' },
  }),
  /** Kernel command line for /chosen/bootargs. */
  append: required(text(MOST_TEXT), {
    now: '',
    option: { name: 'append', value: 'text', help: 'kernel command line, put into the device tree' },
    shown: { line: 'append', text: line => (line === '' ? undefined : line) },
  }),
} as const;

function listText(parts: readonly string[]): string | undefined {
  return parts.length === 0 ? undefined : parts.join(', ');
}

type Rows = typeof SETTINGS;
export type SettingName = keyof Rows;
export type SettingValue<N extends SettingName> = Rows[N] extends { readonly kind: ValueCheck<infer T> }
  ? T
  : never;

/** Names of rows that have a property of this type. */
type NamesWith<P> = { [N in SettingName]: Rows[N] extends P ? N : never }[SettingName];
type RequiredName = NamesWith<{ readonly presence: 'required' }>;

export type RequiredSettings = {
  readonly [N in keyof Rows as N extends RequiredName ? N : never]: SettingValue<N>;
};
export type OptionalSettings = {
  readonly [N in keyof Rows as N extends RequiredName ? never : N]?: SettingValue<N>;
};

/** What may be given for a new machine: `false` is as good as nothing for what is there or not. */
export type GivenSettings = {
  readonly [N in keyof Rows]?: (SettingValue<N> extends true ? boolean : SettingValue<N>) | undefined;
};
/** Those that users give as such, not by what they give of other things. */
export type ChosenSettings = Omit<GivenSettings, NamesWith<{ readonly derived: true }>>;

export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** The row of a setting, whatever its values are. */
export const settingOf = (name: SettingName): Setting<unknown> =>
  SETTINGS[name] as unknown as Setting<unknown>;

export const isSettingName = (name: string): name is SettingName => Object.hasOwn(SETTINGS, name);

/** Whether a value may stand in a configuration with these others. */
export function isValid(name: SettingName, value: unknown, others: Others): boolean {
  const { kind, presence, fits } = settingOf(name);
  if (value === undefined) return presence === 'optional';
  return kind.is(value) && (fits?.(value, others) ?? true);
}

/** What is there, with what a recording that lacks a setting means. */
export function withOlder(given: Others): Record<string, unknown> {
  const settings: Record<string, unknown> = { ...given };
  for (const name of SETTING_NAMES) {
    const row = settingOf(name);
    if (row.presence === 'required' && settings[name] === undefined && row.older !== undefined)
      settings[name] = row.older;
  }
  return settings;
}
