/** How scripts come to a machine: from firmware, or out of a recording. */

import { liveHost } from '../assembly/live-host.js';
import { findOpenSbi } from '../assembly/opensbi.js';
import {
  bootSession,
  type ConfigOptions,
  continuedSession,
  type HistoryOptions,
  momentOf,
  replaySession,
  type SessionOptions,
} from '../assembly/session.js';
import { systemClock } from '../host/clock.js';
import { readDiskImage } from '../host/disk/disk-file.js';
import { GuestFolder } from '../host/files/guest-folder.js';
import { HostFiles } from '../host/files/host-files.js';
import { openWavSound, type WavFiles } from '../host/sound/wav-backend.js';
import { isSettingName, settingOf } from '../ports/settings.js';
import type { Recording } from '../replay/recording.js';
import { readRecording } from '../replay/recording-reader.js';
import type { SayAdvice } from '../state/input-error.js';
import type { HostPorts } from '../timeline/live/host-ports.js';
import type { Timeline } from '../timeline/timeline.js';
import { DebugSession } from './debug-session.js';
import { MemoryConsole } from './memory-console.js';

/** How snapshots for going back are kept. */
export interface SnapshotOptions {
  /** Steps between snapshots; found from the host's time when not given. */
  readonly snapshotInterval?: number;
  /** Bytes of memory that snapshots may take; 512 MiB when not given. */
  readonly snapshotMemory?: number;
  /** Folder for a temporary file that takes old snapshots when their memory is full, instead of dropping some. */
  readonly snapshotDisk?: string;
  /** Bytes that this file may take; 4 GiB when not given. */
  readonly snapshotDiskSize?: number;
}

export interface RecordingOptions extends SnapshotOptions {
  /** The ELF file whose symbols to use; a recording holds only what the guest sees. */
  readonly symbols?: string;
}

export interface ContinueOptions extends RecordingOptions {
  /** An icount of the recording, after all of its inputs, or one of its ends; the end when not given. */
  readonly at?: number | 'start' | 'end';
  /** Write what happens from there on, and the machine it begins with, to this file. */
  readonly record?: string;
  /** Write it through to the disk at each checkpoint, rest and end, so that it survives a loss of power. */
  readonly fsync?: boolean;
  /** WAV files that the guest's sound goes to and comes from. */
  readonly soundFiles?: WavFiles;
  /** Folder for the files of calls by semihosting. */
  readonly semihostingFolder?: string;
}

export interface BootOptions extends ConfigOptions, SnapshotOptions {
  /** Write a recording to this file; it is complete when the session is closed. */
  readonly record?: string;
  /** Write it through to the disk at each checkpoint, rest and end, so that it survives a loss of power. */
  readonly fsync?: boolean;
  /** Firmware that runs first and hands over to the one named: a file, `none`, or `default`, the OpenSBI installed. */
  readonly bios?: string;
  /** Files that are put into memory at an address, or ELF files where they want to be. */
  readonly loads?: readonly { readonly file: string; readonly address?: number }[];
  /** WAV files that the guest's sound goes to and comes from. */
  readonly soundFiles?: WavFiles;
  /** Initial RAM disk for a kernel. */
  readonly initrd?: string;
  /** Folder for the files of calls by semihosting, which are answered then. */
  readonly semihostingFolder?: string;
  /** Disk images, raw or qcow2, up to 8; they are never written. */
  readonly disks?: readonly string[];
}

const readNamed = (files: HostFiles, path: string, what: string) => ({
  name: path,
  bytes: files.read(path, what),
});

function biosOf(files: HostFiles, path: string | undefined): SessionOptions['bios'] {
  if (path === undefined || path === 'none') return path;
  if (path === 'default') return xlen => readNamed(files, findOpenSbi(xlen), 'firmware');
  return readNamed(files, path, 'firmware');
}

const namedFile = (files: HostFiles, path: string | undefined, what: string) =>
  path === undefined ? undefined : readNamed(files, path, what);

const historyOptions = (options: SnapshotOptions): HistoryOptions => ({
  clock: 'virtual',
  snapshotIntervalSteps: options.snapshotInterval,
  snapshotMemoryBytes: options.snapshotMemory,
  snapshotDisk: options.snapshotDisk,
  snapshotDiskBytes: options.snapshotDiskSize,
});

/** How scripts change a setting: by its field, or by what it is derived from. */
const sayField: SayAdvice = ({ setting, value }) => {
  const { derived, option } = isSettingName(setting) ? settingOf(setting) : {};
  return `set ${derived && typeof option === 'string' ? option : setting} to ${value}`;
};

const creator = (files: HostFiles) => (path: string) => files.create(path, 'recording', 'replacing');

/**
 * Boots firmware from a file; the machine stands before its first step. Virtual time jumps over idle waits.
 * Throws InputError for a file or option that cannot be used.
 */
export function boot(path: string, options: BootOptions = {}): DebugSession {
  const files = new HostFiles();
  const bytes = files.read(path, 'firmware');
  return live(options, files, host =>
    bootSession(
      { name: path, bytes },
      {
        config: configOf(options),
        bios: biosOf(files, options.bios),
        loads: options.loads?.map(({ file, address }) => ({
          ...readNamed(files, file, 'file to load'),
          address,
        })),
        initrd: namedFile(files, options.initrd, 'initrd'),
        disks: options.disks?.map(disk => readDiskImage(files, disk, disk)),
        ...historyOptions(options),
      },
      host,
    ),
  );
}

const namesIn = (files: HostFiles, path: string | undefined) => {
  const file = namedFile(files, path, 'symbols');
  return file === undefined ? [] : [file];
};

/** A recording, and how to close its file, which is read as long as it is used. */
function readFile(files: HostFiles, path: string): { readonly recording: Recording; close(): void } {
  const source = files.openSource(path, 'recording');
  try {
    return { recording: readRecording(source, { name: path }), close: () => source.close() };
  } catch (error) {
    source.close();
    throw error;
  }
}

/** Opens a recording at its beginning. Throws InputError for a file that is no usable recording. */
export function openRecording(path: string, options: RecordingOptions = {}): DebugSession {
  const files = new HostFiles();
  const { recording, close } = readFile(files, path);
  const symbols = namesIn(files, options.symbols);
  const [console, virtioConsole] = [new MemoryConsole(), new MemoryConsole()];
  const host = { console, virtioConsole, clock: systemClock, createFile: creator(files), say: sayField };
  const timeline = replaySession(recording, { ...historyOptions(options), symbols }, host);
  return new DebugSession(timeline, console, virtioConsole, [() => timeline.close(), close]);
}

/**
 * A live machine that goes on from a moment of a recording, with inputs of its own; the recording stays as it is.
 * Replays up to there. Throws InputError for a file that is no usable recording, and for a moment outside it or
 * at which the machine is off; DivergenceError when the replay does not agree with the recording.
 */
export async function continueRecording(path: string, options: ContinueOptions = {}): Promise<DebugSession> {
  const files = new HostFiles();
  const { recording, close } = readFile(files, path);
  const symbols = namesIn(files, options.symbols);
  const start = await momentOf(recording, options.at ?? 'end', {});
  const build = (host: HostPorts) =>
    continuedSession(recording, start, { ...historyOptions(options), symbols }, host);
  return live(options, files, build, close);
}

type LiveOptions = Pick<BootOptions, 'disks' | 'soundFiles' | 'semihostingFolder' | 'record' | 'fsync'>;

/** A folder is given to be used. */
const configOf = (options: BootOptions): BootOptions =>
  options.semihostingFolder === undefined ? options : { semihosting: 'files', ...options };

function live(
  { disks = [], soundFiles, semihostingFolder, record, fsync }: LiveOptions,
  files: HostFiles,
  build: (host: HostPorts) => Timeline,
  close: () => void = () => {},
): DebugSession {
  const [console, virtioConsole] = [new MemoryConsole(), new MemoryConsole()];
  const sound = soundFiles && openWavSound(soundFiles, files, () => {});
  const semihosting = semihostingFolder === undefined ? undefined : new GuestFolder(semihostingFolder, files);
  const ends = { console, virtioConsole, createFile: creator(files), sound, semihosting, say: sayField };
  const timeline = build(liveHost(ends, disks));
  const closers = [() => timeline.close(), () => sound?.close(), () => semihosting?.close(), close];
  if (record !== undefined) {
    const file = files.create(record, 'recording', fsync ? 'always' : 'replacing');
    timeline.record(file);
    closers.push(() => file.close());
  }
  return new DebugSession(timeline, console, virtioConsole, closers);
}
