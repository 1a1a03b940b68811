import { bootRom, treeAddress } from '../machine/boot-rom.js';
import { writeDeviceTree } from '../machine/device-tree.js';
import { isElf } from '../machine/elf.js';
import { checkApart, loadElf, loadRaw, xlenOf } from '../machine/loader.js';
import { RAM_BASE, VIRT_MAP } from '../machine/memory-map.js';
import type { BootImage, MachineConfig } from '../machine/ports.js';
import { virtTree } from '../machine/virt-tree.js';
import type { Recording } from '../replay/recording.js';
import { InputError } from '../state/input-error.js';
import type { IdleClock } from '../timeline/live-driver.js';
import { type HostPorts, Timeline } from '../timeline/timeline.js';
import { CPUS, type CpuName, DEFAULT_CPU } from './cpus.js';
import { VERSION } from './version.js';

export type { HostPorts } from '../timeline/timeline.js';
/** A machine with its history: see Timeline. */
export type Session = Timeline;

/** A file's contents and the name that messages use for it. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface ConfigOptions {
  readonly cpu?: CpuName | undefined;
  /** 1 to 8. */
  readonly harts?: number | undefined;
  readonly ramBytes?: number | undefined;
  readonly icountShift?: number | undefined;
  readonly entropySeed?: number | undefined;
  readonly append?: string | undefined;
}

export interface HistoryOptions {
  readonly clock: IdleClock;
  /** Bytes that snapshots may hold; 512 MiB when not given. */
  readonly snapshotMemoryBytes?: number | undefined;
  /** Steps between snapshots; found from the host's time when not given. */
  readonly snapshotIntervalSteps?: number | undefined;
}

export interface SessionOptions extends HistoryOptions {
  readonly config?: ConfigOptions;
  /** Firmware that runs first and hands over to the kernel, as QEMU's -bios. */
  readonly bios?: NamedBytes | undefined;
  /** Told of things that the user should know; one line each. */
  readonly notice?: (line: string) => void;
}

const MIB = 2 ** 20;
const DEFAULTS = {
  harts: 1,
  ramBytes: 128 * MIB,
  /**
   * 8 ns a step: guests that wait by looking at the clock then burn 8 times fewer steps than at 1 ns, and a
   * timer interrupt still comes as often as on a core of some 125 MHz.
   */
  icountShift: 3,
  quantum: 4096,
  entropySeed: 1,
  append: '',
} as const;
const DEFAULT_SNAPSHOT_MEMORY = 512 * MIB;

/**
 * A live machine, halted before its first step. Throws InputError when the firmware cannot be loaded or an
 * option makes no sense.
 */
export function bootSession(firmware: NamedBytes, options: SessionOptions, host: HostPorts): Session {
  const { config, images } = buildMachine(firmware, options);
  return new Timeline({ config, images, writtenBy: `backstub ${VERSION}` }, host, {
    idleClock: options.clock,
    budget: budgetOf(options),
  });
}

/** A recording, halted at its beginning. */
export function replaySession(recording: Recording, options: HistoryOptions, host: HostPorts): Session {
  const { config, images, writtenBy } = recording.header;
  return new Timeline({ config, images, writtenBy, recording }, host, {
    idleClock: 'virtual',
    budget: budgetOf(options),
  });
}

function budgetOf(options: HistoryOptions) {
  return {
    memoryBytes: options.snapshotMemoryBytes ?? DEFAULT_SNAPSHOT_MEMORY,
    intervalSteps: options.snapshotIntervalSteps,
  };
}

function buildMachine(
  firmware: NamedBytes,
  options: SessionOptions,
): { config: MachineConfig; images: BootImage[] } {
  const wanted = options.config ?? {};
  const xlen = isElf(firmware.bytes) ? xlenOf(firmware.name, firmware.bytes) : undefined;
  const cpu = CPUS[wanted.cpu ?? DEFAULT_CPU[xlen ?? 64]];
  const ramBytes = wanted.ramBytes ?? DEFAULTS.ramBytes;
  const target = { xlen: cpu.xlen, ramBytes };
  const { images, entry, next } = loadPrograms(firmware, options.bios, target);
  if (options.bios === undefined && entry !== RAM_BASE) {
    options.notice?.(
      `${firmware.name} starts at 0x${entry.toString(16)}, and so does this machine; QEMU would start at 0x${RAM_BASE.toString(16)}`,
    );
  }
  const config: MachineConfig = {
    board: 'virt',
    xlen: cpu.xlen,
    isa: cpu.isa,
    harts: wanted.harts ?? DEFAULTS.harts,
    ramBytes,
    icountShift: wanted.icountShift ?? DEFAULTS.icountShift,
    quantum: DEFAULTS.quantum,
    entropySeed: wanted.entropySeed ?? DEFAULTS.entropySeed,
    append: wanted.append ?? DEFAULTS.append,
    entry,
  };
  const tree = writeDeviceTree(virtTree(config));
  const treeAt = treeAddress(ramBytes, tree.length);
  images.push({ name: 'device tree', address: treeAt, bytes: tree });
  if (treeAt < RAM_BASE) {
    throw new InputError(`${ramBytes} bytes of RAM are too few for the device tree: give more with --memory`);
  }
  checkApart(images);
  const rom = bootRom({ xlen: cpu.xlen, entry, treeAddress: treeAt, nextAddress: next });
  images.push({ name: 'boot ROM', address: VIRT_MAP.bootRom.base, bytes: rom });
  return { config, images };
}

/** Where QEMU puts a raw kernel: behind the firmware, aligned for the largest pages early mappings use. */
const kernelStart = (firmwareEnd: number, xlen: 32 | 64) => {
  const alignment = (xlen === 64 ? 2 : 4) * MIB;
  return Math.ceil(firmwareEnd / alignment) * alignment;
};

function loadPrograms(
  firmware: NamedBytes,
  bios: NamedBytes | undefined,
  target: { xlen: 32 | 64; ramBytes: number },
): { images: BootImage[]; entry: number; next: number } {
  if (bios === undefined) {
    if (!isElf(firmware.bytes)) {
      const image = loadRaw(firmware.name, firmware.bytes, RAM_BASE, target.ramBytes);
      return { images: [image], entry: RAM_BASE, next: 0 };
    }
    const program = loadElf(firmware.name, firmware.bytes, target);
    return { images: [...program.images], entry: program.entry, next: 0 };
  }
  const first = isElf(bios.bytes)
    ? [...loadElf(bios.name, bios.bytes, target).images]
    : [loadRaw(bios.name, bios.bytes, RAM_BASE, target.ramBytes)];
  const end = Math.max(...first.map(image => image.address + image.bytes.length));
  if (isElf(firmware.bytes)) {
    const kernel = loadElf(firmware.name, firmware.bytes, target);
    return { images: [...first, ...kernel.images], entry: RAM_BASE, next: kernel.entry };
  }
  const at = kernelStart(end, target.xlen);
  const kernel = loadRaw(firmware.name, firmware.bytes, at, target.ramBytes);
  return { images: [...first, kernel], entry: RAM_BASE, next: at };
}
