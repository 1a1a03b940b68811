import { basename } from 'node:path';
import { bootSession, type HostPorts, type Session } from '../api/session.js';
import { hostSeconds, systemClock } from '../host/clock.js';
import { asyncDisks } from '../host/disk/async-disks.js';
import { readDiskImage } from '../host/disk/disk-file.js';
import { createAppendFile, sameFile } from '../host/files.js';
import { hostRandom } from '../host/random.js';
import { openWavSound } from '../host/sound/wav-backend.js';
import { InputError } from '../state/input-error.js';
import type { IdleClock } from '../timeline/live-driver.js';
import { chooseSerial, isInteractive, openConsole } from './console.js';
import { type GuestFile, readGuestFile } from './inputs.js';
import { tell } from './messages.js';
import { openNetwork } from './network.js';
import type { EngineOptions, HistoryOptions, MachineOptions } from './options.js';
import type { NetSpec, SerialSpec, SoundSpec } from './values.js';

/** What a command holds while its machine lives; closed in the reverse order. */
export interface Opened {
  readonly session: Session;
  /** Settles when the user quits from the console. */
  readonly quit: Promise<void>;
  /** Writes everything from now on to a new file. Throws InputError when it cannot be created. */
  record(path: string): void;
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
export const historyOf = (options: HistoryOptions & EngineOptions) => ({
  snapshotMemoryBytes: options.snapshotMemory,
  snapshotDisk: options.snapshotDisk,
  snapshotDiskBytes: options.snapshotDiskSize,
  snapshotIntervalSteps: options.snapshotInterval,
  jit: options.jit,
});

export async function bootMachine(
  path: string,
  firmware: GuestFile,
  options: MachineOptions & HistoryOptions,
): Promise<Opened> {
  const { virtioConsole, entropy } = options;
  const serial = chooseSerial(options.serial, virtioConsole);
  const biosPath = options.bios === 'none' ? undefined : options.bios;
  const bios = biosPath === undefined ? undefined : readGuestFile(biosPath, 'firmware');
  const initrd = options.initrd === undefined ? undefined : readGuestFile(options.initrd, 'initrd');
  const disks = options.disk ?? [];
  if (disks.length > 8) throw new InputError(`${disks.length} disks are given: there is room for 8`);
  const contents = disks.map(disk => readDiskImage(disk.path, basename(disk.path), disk.format));
  const net = options.net ?? NO_NETWORK;
  const opened = await open(
    { serial, virtioConsole, net, sound: options.sound, disks: disks.map(disk => disk.path) },
    host =>
      bootSession(
        firmware,
        {
          config: {
            cpu: options.cpu,
            harts: options.smp,
            ramBytes: options.memory,
            icountShift: options.icount,
            entropySeed: entropy?.kind === 'seed' ? entropy.seed : undefined,
            entropy: entropy?.kind === 'host' ? 'host' : undefined,
            append: options.append,
            rtcSeconds: options.rtc === 'host' ? hostSeconds() : undefined,
            virtio: options.virtio,
            network: net.kind !== 'none',
            rng: options.rng,
            virtioConsole: virtioConsole !== undefined,
            inputs: options.input,
            sound: soundKind(options.sound),
            diskAsync: options.diskAsync,
          },
          bios,
          initrd,
          disks: contents,
          notice: tell,
          clock: clockOf(options, serial),
          ...historyOf(options),
        },
        host,
      ),
  );
  return {
    ...opened,
    record(file) {
      const { input: captured, output: played } = options.sound ?? {};
      const inputs = [path, biosPath, options.initrd, captured, played, ...disks.map(disk => disk.path)];
      if (inputs.some(input => input !== undefined && sameFile(input, file))) {
        throw new InputError(`cannot record to ${file}: the machine is built from it`);
      }
      opened.record(file);
    },
  };
}

/** Where somebody may answer, idle time lasts as long as it says. */
export function clockOf({ clock, virtioConsole, net }: MachineOptions, serial: SerialSpec): IdleClock {
  const interactive =
    isInteractive(serial) || isInteractive(virtioConsole) || (net?.kind ?? 'none') !== 'none';
  return clock ?? (interactive ? 'realtime' : 'virtual');
}

export const NO_NETWORK: NetSpec = { kind: 'none' };

/** What a session is connected to. */
export interface Connections {
  readonly serial: SerialSpec;
  readonly virtioConsole?: SerialSpec | undefined;
  readonly net?: NetSpec;
  readonly sound?: SoundSpec | undefined;
  /** Files that disk requests are timed by. */
  readonly disks?: readonly string[];
}

const soundKind = (spec: SoundSpec | undefined) => spec && (spec.input === undefined ? 'playback' : 'duplex');

/** Opens the consoles and the network, then builds a session on them. */
export async function open(
  { serial, virtioConsole: secondSpec, net = NO_NETWORK, sound: soundSpec, disks = [] }: Connections,
  build: (host: HostPorts) => Session,
): Promise<Opened> {
  let onQuit = () => {};
  const quit = new Promise<void>(resolve => {
    onQuit = resolve;
  });
  const console = await openConsole(serial, () => onQuit());
  const closers = [() => console.close()];
  const close = () => {
    for (const step of closers.splice(0).reverse()) step();
  };
  try {
    const virtioConsole = secondSpec && (await openConsole(secondSpec, () => onQuit()));
    closers.push(() => virtioConsole?.close());
    const sound = soundSpec && openWavSound(soundSpec, tell);
    closers.push(() => sound?.close());
    const network = await openNetwork(net);
    closers.push(() => network?.close());
    const session = build({
      console,
      virtioConsole,
      network,
      clock: systemClock,
      random: hostRandom,
      sound,
      blocks: asyncDisks(disks),
      createFile: path => createAppendFile(path, 'recording'),
    });
    closers.push(() => session.close());
    return {
      session,
      quit,
      record(path) {
        const file = createAppendFile(path, 'recording');
        closers.splice(closers.length - 1, 0, () => file.close());
        session.record(file);
      },
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
