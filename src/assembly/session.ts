import type { BuildMachine } from '../boards/build-machine.js';
import { type LoadedFile, type NamedBytes, planBoot } from '../boards/virt/boot-flow.js';
import { xlenOf } from '../boards/virt/loader.js';
import { RAM_BASE } from '../boards/virt/memory-map.js';
import { checksInvariants } from '../host/checks.js';
import { systemClock } from '../host/clock.js';
import { openPageFile } from '../host/files/temporary-page-file.js';
import { isElf, parseElf } from '../images/elf.js';
import { isLinuxImage } from '../images/linux-image.js';
import { type ElfSymbol, readSymbols } from '../images/symbols.js';
import { saveMoment } from '../machine/saved-machine.js';
import { hex, MIB } from '../ports/amounts.js';
import {
  type BootImage,
  chosenOf,
  type DiskContents,
  type MachineConfig,
  newSettings,
} from '../ports/config.js';
import type { ConsoleBackend } from '../ports/host.js';
import type { ChosenSettings } from '../ports/settings.js';
import type { Recording } from '../replay/recording.js';
import { cpuOf } from '../riscv/cpu-models.js';
import { RISCV_ELF } from '../riscv/elf-machine.js';
import { InputError, inWordsOf, sayPlainly } from '../state/input-error.js';
import type { MachineMoment } from '../state/saved-state.js';
import type { MomentName } from '../timeline/debug-target.js';
import { boundaryOf } from '../timeline/history/moments.js';
import type { HostPorts } from '../timeline/live/host-ports.js';
import type { IdleClock } from '../timeline/live/live-driver.js';
import type { MachineSource } from '../timeline/machine-source.js';
import { Timeline } from '../timeline/timeline.js';
import { type CpuName, DEFAULT_CPU } from './cpus.js';
import { type SemihostingOptions, semihostingSettings } from './semihosting-settings.js';
import { searchPool } from './thread-pool.js';
import { VERSION } from './version.js';

/** A machine with its history: see Timeline. */
export type Session = Timeline;

/** What of a machine's settings a user may give, and the hart. */
export interface ConfigOptions extends ChosenSettings, Pick<SemihostingOptions, 'semihosting' | 'args'> {
  readonly cpu?: CpuName | undefined;
}

export interface HistoryOptions {
  readonly clock: IdleClock;
  /** Bytes that snapshots may hold; 512 MiB when not given. */
  readonly snapshotMemoryBytes?: number | undefined;
  /** Folder for a temporary file that takes old snapshots when their memory is full; none when not given. */
  readonly snapshotDisk?: string | undefined;
  /** Bytes that this file may take; 4 GiB when not given. */
  readonly snapshotDiskBytes?: number | undefined;
  /** Steps between snapshots; found from the host's time when not given. */
  readonly snapshotIntervalSteps?: number | undefined;
  /** Whether a live machine stops when a hart traps for ever; true when not given. */
  readonly trapLoopCheck?: boolean | undefined;
  /** Whether code that runs often is compiled; true when not given. No difference to the guest. */
  readonly jit?: boolean | undefined;
  /** Makes the machine; absent: of the board that its configuration names. */
  readonly build?: BuildMachine | undefined;
  /** ELF files that name things, beside the firmware where it is known: a recording has none. */
  readonly symbols?: readonly NamedBytes[] | undefined;
}

export interface SessionOptions extends HistoryOptions {
  readonly config?: ConfigOptions;
  /**
   * Firmware that runs first and hands over to the kernel, as QEMU's -bios: known at once or for harts of a width; or
   * `none`, which also a kernel is told that is made for firmware below it.
   */
  readonly bios?: NamedBytes | ((xlen: 32 | 64) => NamedBytes) | 'none' | undefined;
  /** What else stands in memory, as QEMU's -device loader. */
  readonly loads?: readonly LoadedFile[] | undefined;
  /** Initial RAM disk for the kernel. */
  readonly initrd?: NamedBytes | undefined;
  /** Up to 8; the guest's writes stay in the machine. */
  readonly disks?: readonly DiskContents[] | undefined;
  /** Told of things that the user should know; one line each. */
  readonly notice?: (line: string) => void;
}

const DEFAULT_SNAPSHOT_MEMORY = 512 * MIB;
const DEFAULT_SNAPSHOT_DISK = 4096 * MIB;

/**
 * A live machine, halted before its first step. Throws InputError when the firmware cannot be loaded or an
 * option makes no sense.
 */
export function bootSession(firmware: NamedBytes, options: SessionOptions, host: HostPorts): Session {
  const { config, images } = inWordsOf(host.say ?? sayPlainly, () => buildMachine(firmware, options, host));
  const loads = options.loads?.filter(({ address }) => address === undefined) ?? [];
  const symbols = [firmware, ...loads, ...(options.symbols ?? [])];
  return liveSession({ config, images }, { ...options, symbols }, host);
}

/** A recording, halted at its beginning. */
export function replaySession(recording: Recording, options: HistoryOptions, host: HostPorts): Session {
  const { config, images, writtenBy, start } = recording.header;
  return sessionOf({ config, images, writtenBy, start, recording }, { ...options, clock: 'virtual' }, host);
}

/**
 * The machine of a recording at a moment, which is reached by replaying; checkpoints on the way are compared. An icount
 * is after all of its inputs, the start before any; undefined there: a new machine. Throws TargetError when there is
 * no such moment, InputError when none can go on from it, DivergenceError and ReplayMismatch as `verify` does.
 */
export async function momentOf(
  recording: Recording,
  at: MomentName,
  options: Pick<HistoryOptions, 'jit' | 'build'>,
  /** Called when the replay to this icount begins; what it returns, when that ends. */
  underway: (session: Session, to: number) => () => void = () => () => {},
): Promise<MachineMoment | undefined> {
  if (at === 'start') return recording.header.start;
  const host = { console: NOBODY, clock: systemClock };
  const session = replaySession(recording, { clock: 'virtual', ...options }, host);
  try {
    const { icount } = boundaryOf(session.navigator, at);
    refusePoweredOff(recording, icount);
    const ended = underway(session, icount);
    await session.verify(icount).finally(ended);
    if (session.machine.poweredOff)
      throw new InputError(`the machine is powered off at icount ${icount}: go on from an earlier moment`);
    return saveMoment(session.machine);
  } finally {
    session.close();
  }
}

/** Said before anything is replayed. */
function refusePoweredOff({ end }: Recording, at: number): void {
  if (end.kind !== 'power-off' || at !== end.icount) return;
  throw new InputError(`the machine is powered off at icount ${end.icount}: go on from an earlier moment`);
}

const NOBODY: ConsoleBackend = { write() {}, onInput() {}, close() {} };

/** A live machine, halted at a moment of one that was recorded: what happens from there on is new. */
export function continuedSession(
  { header: { config, images } }: Recording,
  start: MachineMoment | undefined,
  options: HistoryOptions,
  host: HostPorts,
): Session {
  return liveSession({ config, images, start }, options, host);
}

/** A machine of any configuration, live: new, or put into a moment to begin with. */
export function liveSession(
  { config, images, start }: Pick<MachineSource, 'config' | 'images' | 'start'>,
  options: HistoryOptions,
  host: HostPorts,
): Session {
  return sessionOf({ config, images, writtenBy: WRITTEN_BY, start }, options, host);
}

const WRITTEN_BY = `backstub ${VERSION}`;

function sessionOf(source: MachineSource, options: HistoryOptions, host: HostPorts): Session {
  const { build, jit } = options;
  const symbols = symbolsOf(options.symbols ?? []);
  return new Timeline({ ...source, symbols, ...(build === undefined ? {} : { build }) }, host, {
    idleClock: options.clock,
    trapLoopCheck: options.trapLoopCheck,
    jit,
    budget: budgetOf(options),
    // Threads load the boards that they know: another one's machine cannot be handed to them.
    searchPool: build === undefined ? searchPool(source.config, source.images, jit) : undefined,
    checked: checksInvariants(),
  });
}

const symbolsOf = (files: readonly NamedBytes[]): readonly ElfSymbol[] =>
  files.flatMap(({ name, bytes }) => (isElf(bytes) ? readSymbols(parseElf(name, bytes, RISCV_ELF)) : []));

function budgetOf(options: HistoryOptions) {
  const { snapshotDisk, snapshotDiskBytes = DEFAULT_SNAPSHOT_DISK } = options;
  return {
    file: snapshotDisk === undefined ? undefined : openPageFile(snapshotDisk, snapshotDiskBytes),
    memoryBytes: options.snapshotMemoryBytes ?? DEFAULT_SNAPSHOT_MEMORY,
    intervalSteps: options.snapshotIntervalSteps,
  };
}

function buildMachine(
  kernel: NamedBytes,
  options: SessionOptions,
  host: HostPorts,
): { config: MachineConfig; images: readonly BootImage[] } {
  const wanted = options.config ?? {};
  const xlen = isElf(kernel.bytes) ? xlenOf(kernel.name, kernel.bytes) : undefined;
  const cpu = cpuOf(wanted.cpu ?? DEFAULT_CPU[xlen ?? 64], xlen);
  const disks = options.disks ?? [];
  const settings = newSettings({
    ...chosenOf(wanted),
    ...entropyOf(wanted, host),
    xlen: cpu.xlen,
    isa: cpu.isa,
    disks: disks.map(disk => disk.sectors),
    ...semihostingSettings(kernel, wanted),
  });
  if (options.bios === undefined && isLinuxImage(kernel.bytes))
    throw new InputError(`${kernel.name} is a Linux kernel, which needs firmware below it`, {
      setting: 'bios',
      value: 'default, or none for one that is made for machine mode',
    });
  const { initrd, loads } = options;
  const bios = biosOf(options, cpu.xlen);
  const { entry, kernelEntry, images } = planBoot({ kernel, bios, initrd, loads }, settings);
  if (bios === undefined) noticeStart(kernel, kernelEntry, options);
  const contents = disks.flatMap(({ name, extents }, disk) =>
    extents.map(({ offset, bytes }): BootImage => ({ name, disk, address: offset, bytes })),
  );
  return { config: { ...settings, entry }, images: [...images, ...contents] };
}

function biosOf({ bios }: SessionOptions, xlen: 32 | 64): NamedBytes | undefined {
  if (bios === 'none') return undefined;
  return typeof bios === 'function' ? bios(xlen) : bios;
}

function noticeStart({ name, bytes }: NamedBytes, entry: number, { notice }: SessionOptions): void {
  if (!isElf(bytes)) notice?.(`${name} is no ELF file: raw image at ${hex(RAM_BASE)}`);
  else if (entry !== RAM_BASE)
    notice?.(
      `${name} starts at ${hex(entry)}, and so does this machine; QEMU would start at ${hex(RAM_BASE)}`,
    );
}

/** With the host's entropy, the seed, too, is the host's: the device tree is made from it. */
function entropyOf(
  { entropy, entropySeed }: ConfigOptions,
  host: HostPorts,
): Pick<ChosenSettings, 'entropySeed' | 'entropy'> {
  if (entropy !== 'host') return { entropySeed };
  if (host.random === undefined) throw new InputError('this session has no entropy of the host');
  const seed = host.random(6).reduce((value, byte) => value * 256 + byte, 0);
  return { entropySeed: seed, entropy };
}
