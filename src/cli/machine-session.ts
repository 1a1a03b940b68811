import { basename } from 'node:path';
import { liveHost } from '../assembly/live-host.js';
import { findOpenSbi } from '../assembly/opensbi.js';
import { bootSession, type Session, type SessionOptions } from '../assembly/session.js';
import { readDiskImage } from '../host/disk/disk-file.js';
import { GuestFolder } from '../host/files/guest-folder.js';
import { SaveFolder } from '../host/files/save-folder.js';
import { openWavSound } from '../host/sound/wav-backend.js';
import { MAGIC } from '../replay/format.js';
import type { ByteSink } from '../replay/recording.js';
import { InputError, inWordsOf } from '../state/input-error.js';
import type { HostPorts } from '../timeline/live/host-ports.js';
import type { IdleClock } from '../timeline/live/live-driver.js';
import { commandFiles } from './command-files.js';
import { type GuestFile, readGuestFile, readSymbolFile } from './inputs.js';
import { type MachineOptions, sayOption, settingsOf } from './machine-options.js';
import { tell } from './messages.js';
import { chooseSerial, isInteractive, openConsole } from './open-console.js';
import { openNetwork } from './open-network.js';
import type {
  EngineOptions,
  HistoryOptions,
  RecordingOptions,
  SaveOptions,
  SymbolOptions,
  TrapLoopOptions,
} from './options.js';
import { folderOf } from './semihosting-options.js';
import type { NetSpec, SerialSpec, SoundSpec } from './values.js';

/** What a command holds while its machine lives; closed in the reverse order. */
export interface Opened {
  readonly session: Session;
  /** Settles when the user quits from the console. */
  readonly quit: Promise<void>;
  /**
   * Writes everything from now on to a new file, with `fsync` so that it survives a loss of power. Throws InputError
   * when it cannot be created.
   */
  record(path: string, options: RecordingOptions): void;
  close(): void;
}

/** The firmware's path: the argument or --kernel, not both. */
export function firmwarePath(argument: string | undefined, options: MachineOptions): string {
  if (argument !== undefined && options.kernel !== undefined) {
    throw new InputError('the firmware is named twice: as argument and with --kernel');
  }
  const path = argument ?? options.kernel;
  if (path === undefined) throw new InputError('no firmware is named: give an ELF file as argument');
  return path;
}

/** What a session is told of snapshots and of how code is run. */
export const historyOf = (options: HistoryOptions & EngineOptions & SymbolOptions & TrapLoopOptions) => ({
  symbols: options.symbols?.map(readSymbolFile),
  snapshotMemoryBytes: options.snapshotMemory,
  snapshotDisk: options.snapshotDisk,
  snapshotDiskBytes: options.snapshotDiskSize,
  snapshotIntervalSteps: options.snapshotInterval,
  jit: options.jit,
  trapLoopCheck: options.trapLoopCheck,
});

export async function bootMachine(
  firmware: GuestFile,
  options: MachineOptions & HistoryOptions & SaveOptions & SymbolOptions,
): Promise<Opened> {
  const { virtioConsole, saveDir } = options;
  const serial = chooseSerial(options.serial, virtioConsole);
  const bios = biosOf(options.bios);
  const loads = options.load?.map(({ path, address }) => ({
    ...readGuestFile(path, 'file to load'),
    address,
  }));
  const initrd = options.initrd === undefined ? undefined : readGuestFile(options.initrd, 'initrd');
  const disks = options.disk ?? [];
  if (disks.length > 8) throw new InputError(`${disks.length} disks are given: there is room for 8`);
  const contents = disks.map(disk =>
    readDiskImage(commandFiles, disk.path, basename(disk.path), disk.format),
  );
  const net = options.net ?? NO_NETWORK;
  const opened = await open(
    {
      serial,
      virtioConsole,
      net,
      semihosting: folderOf(options),
      sound: options.sound,
      disks: disks.map(disk => disk.path),
      saveDir,
    },
    host =>
      bootSession(
        firmware,
        {
          config: settingsOf(options),
          bios,
          initrd,
          loads,
          disks: contents,
          notice: tell,
          clock: clockOf(options, serial),
          ...historyOf(options),
        },
        host,
      ),
  );
  if (options.semihosting === undefined && opened.session.source.config.semihosting !== undefined)
    tell(`${firmware.name} ${LINKED_FOR_SEMIHOSTING}`);
  return opened;
}

const LINKED_FOR_SEMIHOSTING =
  'is linked for semihosting: its calls are answered, but those for files (see --semihosting=FOLDER, --no-semihosting)';

/** Firmware below the kernel; which one is found is told. */
function biosOf(path: string | undefined): SessionOptions['bios'] {
  if (path === undefined || path === 'none') return path;
  if (path !== 'default') return readGuestFile(path, 'firmware');
  return xlen => {
    const found = findOpenSbi(xlen);
    tell(`firmware: ${found}`);
    return readGuestFile(found, 'firmware');
  };
}

/** Where somebody may answer, idle time lasts as long as it says. */
export function clockOf({ clock, virtioConsole, net }: MachineOptions, serial: SerialSpec): IdleClock {
  const interactive =
    isInteractive(serial) || isInteractive(virtioConsole) || (net?.kind ?? 'none') !== 'none';
  return clock ?? (interactive ? 'realtime' : 'virtual');
}

export const NO_NETWORK: NetSpec = { kind: 'none', slot: undefined };

/** What a session is connected to. */
export interface Connections {
  readonly serial: SerialSpec;
  readonly virtioConsole?: SerialSpec | undefined;
  readonly net?: NetSpec;
  readonly sound?: SoundSpec | undefined;
  /** The folder of calls by semihosting. */
  readonly semihosting?: string | undefined;
  /** Files that disk requests are timed by. */
  readonly disks?: readonly string[];
  /** The folder that a debugger may save to; the current one when not given. */
  readonly saveDir?: string | undefined;
  /** How the session's history is written, where it is not a debugger that asks for it. */
  readonly createFile?: (path: string) => ByteSink;
}

/** Opens the consoles and the network, then builds a session on them. */
export async function open(
  {
    serial,
    virtioConsole: secondSpec,
    net = NO_NETWORK,
    sound: soundSpec,
    semihosting: folder,
    disks = [],
    saveDir = '.',
    createFile,
  }: Connections,
  build: (host: HostPorts) => Session,
): Promise<Opened> {
  let onQuit = () => {};
  const quit = new Promise<void>(resolve => {
    onQuit = resolve;
  });
  const saves = new SaveFolder(saveDir, commandFiles, MAGIC);
  const console = await openConsole(serial, () => onQuit());
  const closers = [() => console.close()];
  const close = () => {
    for (const step of closers.splice(0).reverse()) step();
  };
  try {
    const virtioConsole = secondSpec && (await openConsole(secondSpec, () => onQuit()));
    closers.push(() => virtioConsole?.close());
    const sound = soundSpec && openWavSound(soundSpec, commandFiles, tell);
    closers.push(() => sound?.close());
    const semihosting = folder === undefined ? undefined : new GuestFolder(folder, commandFiles);
    closers.push(() => semihosting?.close());
    const network = await openNetwork(net);
    closers.push(() => network?.close());
    const save = (name: string) => inWordsOf(sayOption, () => saves.create(name, 'replacing'));
    const ends = {
      console,
      virtioConsole,
      network,
      sound,
      semihosting,
      say: sayOption,
      createFile: createFile ?? save,
    };
    const session = build(liveHost(ends, disks));
    closers.push(() => session.close());
    return {
      session,
      quit,
      record(path, { fsync }) {
        try {
          const file = commandFiles.create(path, 'recording', fsync ? 'always' : 'replacing');
          closers.splice(closers.length - 1, 0, () => file.close());
          session.record(file, path);
        } catch (error) {
          commandFiles.discard();
          throw error;
        }
      },
      close,
    };
  } catch (error) {
    commandFiles.discard();
    close();
    throw error;
  }
}
