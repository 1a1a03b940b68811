/** One table of the machine's options: it makes the options of each command, their help and their types. */
import { type Command, Option } from 'commander';
import { CPUS, type CpuName } from '../assembly/cpus.js';
import {
  parseAssignment,
  parseCountFrom,
  parseDisk,
  parseEntropy,
  parseHostPort,
  parseInputs,
  parseNet,
  parseOneOf,
  parseSeconds,
  parseSerial,
  parseSize,
  parseSound,
  SERIAL_HELP,
} from './values.js';

interface OptionSpec<T> {
  readonly flags: string;
  readonly help: string;
  /** What holds when the option is not given, for the help text. */
  readonly fallback?: string;
  /** `before`: the value so far, when the option is given once more. */
  parse(text: string, before?: T): T;
}

const option = <T>(
  flags: string,
  help: string,
  parse: (text: string) => T,
  fallback?: string,
): OptionSpec<T> => ({
  flags,
  help,
  parse,
  ...(fallback === undefined ? {} : { fallback }),
});

/** An option that may be given more than once: its values in order. */
const repeatable = <T>(flags: string, help: string, parse: (text: string) => T) => ({
  flags,
  help,
  parse: (text: string, before?: readonly T[]): readonly T[] => [...(before ?? []), parse(text)],
});

/** An option without a value. */
const flag = (flags: string, help: string): OptionSpec<true> => ({ flags, help, parse: () => true });

const text = (value: string): string => value;

/** How the machine is run; the guest sees no difference. */
export const ENGINE_OPTIONS = {
  jit: { flags: '--no-jit', help: 'interpret all code, compile nothing', parse: (): boolean => false },
} as const;

/** Keys are the options' names in camel case, as the argument parser gives them. */
export const MACHINE_OPTIONS = {
  machine: option('--machine <board>', 'board to build', parseOneOf('virt'), 'virt'),
  cpu: option(
    '--cpu <isa>',
    'instruction set: rv64gc, rv32gc, rv64imac or rv32imac',
    parseOneOf(...(Object.keys(CPUS) as CpuName[])),
    "as the ELF file's class",
  ),
  smp: option('--smp <n>', 'number of harts, 1 to 8', parseCountFrom(1, 8), '1'),
  memory: option('--memory <size>', 'guest RAM, with suffix K, M or G', parseSize, '128M'),
  bios: option('--bios <file>', 'firmware that runs before the kernel, or none', text, 'none'),
  kernel: option('--kernel <file>', 'the firmware, instead of naming it as argument', text),
  initrd: option('--initrd <file>', 'initial RAM disk for the kernel', text),
  append: option('--append <text>', 'kernel command line, put into the device tree', text),
  icount: option(
    '--icount <shift=N>',
    'one step lasts 2^N ns of virtual time',
    parseAssignment('shift', 0, 10),
  ),
  clock: option(
    '--clock <kind>',
    'idle time: virtual jumps over it, realtime waits as long as it lasts',
    parseOneOf('virtual', 'realtime'),
    'realtime when the console is interactive or there is a network, else virtual',
  ),
  rtc: option(
    '--rtc <base>',
    "real-time clock: vm starts in 2024, host at the host's time; then both follow virtual time",
    parseOneOf('vm', 'host'),
    'vm',
  ),
  disk: repeatable(
    '--disk <file[,format=F]>',
    "disk image, raw or qcow2, never written: the guest's writes stay in the machine; up to 8 of them",
    parseDisk,
  ),
  net: option(
    '--net <kind>',
    'network device: user[,hostfwd=tcp:[HOST]:PORT-:PORT...] behind the host, with restrict=on not reaching it, socket:listen=HOST:PORT or socket:connect=HOST:PORT to another machine, none',
    parseNet,
    'none',
  ),
  virtio: option(
    '--virtio <version>',
    "interface of disks and network: legacy is version 1 of virtio-mmio, QEMU's default; modern is version 2",
    parseOneOf('legacy', 'modern'),
    'legacy',
  ),
  serial: option('--serial <where>', `console: ${SERIAL_HELP}`, parseSerial, 'stdio'),
  virtioConsole: option(
    '--virtio-console <where>',
    `virtio console, hvc0 of Linux: ${SERIAL_HELP}`,
    parseSerial,
    'none',
  ),
  input: option(
    '--input <kinds>',
    'input devices: keyboard, mouse, tablet, with commas between',
    parseInputs,
    'none',
  ),
  sound: option(
    '--sound <where>',
    'sound device: plays to null or wav:FILE; captures silence, or with ,in=FILE what a WAV file holds',
    parseSound,
    'none',
  ),
  diskAsync: flag('--disk-async', 'disks complete requests at the speed of the host, which is recorded'),
  rng: flag('--rng', 'virtio entropy device'),
  entropy: option(
    '--entropy <source>',
    'what randomness comes from: seed=N, or host, which is recorded',
    parseEntropy,
    'seed=1',
  ),
  ...ENGINE_OPTIONS,
} as const;

/** How densely a machine under a debugger keeps snapshots. */
export const HISTORY_OPTIONS = {
  snapshotInterval: option(
    '--snapshot-interval <steps>',
    'steps between two snapshots for going back',
    parseCountFrom(1),
  ),
  snapshotMemory: option('--snapshot-memory <size>', 'memory that snapshots may use', parseSize, '512M'),
  snapshotDisk: option(
    '--snapshot-disk <folder>',
    'put old snapshots into a temporary file there when their memory is full, instead of dropping some',
    text,
  ),
  snapshotDiskSize: option(
    '--snapshot-disk-size <size>',
    'space that the file of --snapshot-disk may take',
    parseSize,
    '4G',
  ),
} as const;

/** When to stop a machine that does not end by itself. */
export const LIMIT_OPTIONS = {
  timeout: option(
    '--timeout <seconds>',
    'give up after this much host time, with exit code 124',
    parseSeconds,
  ),
  maxIcount: option('--max-icount <n>', 'stop in order at this icount, with exit code 0', parseCountFrom(1)),
} as const;

/** When to stop a recording. */
export const SIZE_LIMIT_OPTIONS = {
  maxSize: option(
    '--max-size <size>',
    'give up when the recording has this many bytes, with exit code 124; what is recorded stays good',
    parseSize,
  ),
} as const;

/** How a recording is written. */
export const RECORDING_OPTIONS = {
  fsync: flag(
    '--fsync',
    'write the recording through to the disk at each checkpoint, rest and end: it survives a loss of power',
  ),
} as const;

/** What a debugger may write. */
export const SAVE_OPTIONS = {
  saveDir: option(
    '--save-dir <folder>',
    'where a debugger may save recordings, and nowhere else',
    text,
    'the current folder',
  ),
} as const;

/** Names for addresses: a recording holds only what the guest sees. */
export const SYMBOL_OPTIONS = {
  symbols: repeatable(
    '--symbols <file>',
    'ELF file whose names monitor commands take and show; may be given more than once',
    text,
  ),
} as const;

export const GDB_OPTIONS = {
  gdb: option(
    '--gdb <host:port>',
    'where to listen; port 0 takes a free one',
    parseHostPort,
    '127.0.0.1:1234',
  ),
} as const;

/** A replayed machine shows its console; what was typed comes from the recording. */
export const REPLAY_CONSOLE_OPTIONS = {
  serial: option('--serial <where>', `the console's output: ${SERIAL_HELP}`, parseSerial, 'stdio'),
  virtioConsole: option(
    '--virtio-console <where>',
    `the virtio console's output: ${SERIAL_HELP}`,
    parseSerial,
    'null',
  ),
} as const;

type Table = Readonly<Record<string, OptionSpec<unknown>>>;

/** The values of a table's options; undefined where an option was not given. */
export type Values<T extends Table> = { readonly [K in keyof T]?: ReturnType<T[K]['parse']> };

export type MachineOptions = Values<typeof MACHINE_OPTIONS>;
export type HistoryOptions = Values<typeof HISTORY_OPTIONS>;
export type EngineOptions = Values<typeof ENGINE_OPTIONS>;
export type LimitOptions = Values<typeof LIMIT_OPTIONS>;
export type SizeLimitOptions = Values<typeof SIZE_LIMIT_OPTIONS>;
export type RecordingOptions = Values<typeof RECORDING_OPTIONS>;
export type SaveOptions = Values<typeof SAVE_OPTIONS>;
export type SymbolOptions = Values<typeof SYMBOL_OPTIONS>;
export type GdbOptions = Values<typeof GDB_OPTIONS>;
export type ReplayConsoleOptions = Values<typeof REPLAY_CONSOLE_OPTIONS>;

export function addOptions(command: Command, table: Table): Command {
  for (const { flags, help, fallback, parse } of Object.values(table)) {
    const text = fallback === undefined ? help : `${help} (default: ${fallback})`;
    command.addOption(new Option(flags, text).argParser<unknown>(parse));
  }
  return command;
}
