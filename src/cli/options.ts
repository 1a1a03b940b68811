/** Tables of options: each makes the options of the commands that have it, their help and their types. */
import { anyText, flag, option, repeatable, type Values } from './option-spec.js';
import {
  parseCountFrom,
  parseHostPort,
  parseSeconds,
  parseSerial,
  parseSize,
  SERIAL_HELP,
} from './values.js';

/** How the machine is run; the guest sees no difference. */
export const ENGINE_OPTIONS = {
  jit: { flags: '--no-jit', help: 'interpret all code, compile nothing', parse: (): boolean => false },
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
    anyText,
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
  maxIcount: option('--max-icount <n>', 'stop at this icount, with exit code 0', parseCountFrom(1)),
} as const;

/** What becomes of a file that was spoilt. */
export const DAMAGED_OPTIONS = {
  damaged: flag('--damaged', 'of a damaged recording, use what is before the damage'),
} as const;

/** A guest that gets nowhere. */
export const TRAP_LOOP_OPTIONS = {
  trapLoopCheck: {
    flags: '--no-trap-loop-check',
    help: 'let a hart that takes the same trap for ever go on, instead of stopping there (exit code 125)',
    parse: (): boolean => false,
  },
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
    anyText,
    'the current folder',
  ),
} as const;

/** Names for addresses: a recording holds only what the guest sees. */
export const SYMBOL_OPTIONS = {
  symbols: repeatable(
    '--symbols <file>',
    'ELF file whose names monitor commands take and show; may be given more than once',
    anyText,
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

export type HistoryOptions = Values<typeof HISTORY_OPTIONS>;
export type EngineOptions = Values<typeof ENGINE_OPTIONS>;
export type TrapLoopOptions = Values<typeof TRAP_LOOP_OPTIONS>;
export type LimitOptions = Values<typeof LIMIT_OPTIONS>;
export type DamagedOptions = Values<typeof DAMAGED_OPTIONS>;
export type SizeLimitOptions = Values<typeof SIZE_LIMIT_OPTIONS>;
export type RecordingOptions = Values<typeof RECORDING_OPTIONS>;
export type SaveOptions = Values<typeof SAVE_OPTIONS>;
export type SymbolOptions = Values<typeof SYMBOL_OPTIONS>;
export type GdbOptions = Values<typeof GDB_OPTIONS>;
export type ReplayConsoleOptions = Values<typeof REPLAY_CONSOLE_OPTIONS>;
