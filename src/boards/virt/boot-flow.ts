import { isElf } from '../../images/elf.js';
import type { BootImage } from '../../ports/config.js';
import { InputError } from '../../state/input-error.js';
import { writeDeviceTree } from '../device-tree.js';
import { bootRom, treeAddress } from './boot-rom.js';
import { checkApart, loadElf, loadRaw } from './loader.js';
import { RAM_BASE, VIRT_MAP } from './memory-map.js';
import type { BoardConfig } from './virt-devices.js';
import { virtTree } from './virt-tree.js';

const MIB = 2 ** 20;
/** An initial RAM disk stands this far behind the kernel, or half of RAM where that is less. */
const INITRD_DISTANCE = 128 * MIB;

/** A file's contents and the name that messages use for it. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface BootFiles {
  /** An ELF program or a raw image: what runs, or what the firmware hands over to. */
  readonly kernel: NamedBytes;
  /** Firmware that runs first. */
  readonly bios?: NamedBytes | undefined;
  readonly initrd?: NamedBytes | undefined;
  /** What else stands in memory. */
  readonly loads?: readonly LoadedFile[] | undefined;
}

/** A file that is put into memory: as it is at an address, or an ELF program where it wants to be. */
export interface LoadedFile extends NamedBytes {
  readonly address?: number | undefined;
}

export interface BootPlan {
  /** What the boot ROM jumps to. */
  readonly entry: number;
  /** Where `kernel` starts. */
  readonly kernelEntry: number;
  readonly images: readonly BootImage[];
}

/**
 * Places files, device tree and boot ROM in memory as QEMU 7.2 does for `virt` (hw/riscv/boot.c).
 * Throws InputError when they do not fit.
 */
export function planBoot(files: BootFiles, config: BoardConfig): BootPlan {
  const firmware = files.bios === undefined ? undefined : loadAt(files.bios, RAM_BASE, config);
  const kernel = loadAt(files.kernel, kernelStart(firmware?.end ?? RAM_BASE, config.xlen), config);
  const entry = firmware === undefined ? kernel.entry : RAM_BASE;
  const images = [...(firmware?.images ?? []), ...kernel.images];
  images.push(...(files.loads ?? []).flatMap(file => imagesOf(file, config)));
  const initrd = files.initrd === undefined ? undefined : placeInitrd(files.initrd, kernel.start, config);
  if (initrd !== undefined) images.push(initrd);
  const tree = writeDeviceTree(
    virtTree({
      ...config,
      ...(initrd === undefined
        ? {}
        : { initrd: { start: initrd.address, end: initrd.address + initrd.bytes.length } }),
    }),
  );
  const treeAt = treeAddress(config.ramBytes, tree.length);
  if (treeAt < RAM_BASE) {
    throw new InputError(`${config.ramBytes} bytes of RAM are too few for the device tree`, {
      setting: 'ramBytes',
      value: 'more',
    });
  }
  images.push({ name: 'device tree', address: treeAt, bytes: tree });
  checkApart(images);
  const next = firmware === undefined ? 0 : kernel.entry;
  const rom = bootRom({ xlen: config.xlen, entry, treeAddress: treeAt, nextAddress: next });
  images.push({ name: 'boot ROM', address: VIRT_MAP.bootRom.base, bytes: rom });
  return { entry, kernelEntry: kernel.entry, images };
}

interface Placed {
  readonly images: readonly BootImage[];
  readonly entry: number;
  readonly start: number;
  readonly end: number;
}

/** An ELF program where it wants to be, anything else at `address`. */
function loadAt(
  { name, bytes }: NamedBytes,
  address: number,
  target: { xlen: 32 | 64; ramBytes: number },
): Placed {
  if (!isElf(bytes)) {
    const image = loadRaw(name, bytes, address, target.ramBytes);
    return { images: [image], entry: address, start: address, end: address + bytes.length };
  }
  const { images, entry, end } = loadElf(name, bytes, target);
  return { images, entry, start: Math.min(...images.map(image => image.address)), end };
}

function imagesOf({ name, bytes, address }: LoadedFile, config: BoardConfig): readonly BootImage[] {
  if (address !== undefined) return [loadRaw(name, bytes, address, config.ramBytes)];
  if (isElf(bytes)) return loadElf(name, bytes, config).images;
  throw new InputError(`${name} is no ELF file, so it has to be told where to go: FILE@ADDRESS`);
}

/** Where a raw kernel goes: behind the firmware, aligned for the largest pages of early mappings. */
function kernelStart(firmwareEnd: number, xlen: 32 | 64): number {
  const alignment = (xlen === 64 ? 2 : 4) * MIB;
  return Math.ceil(firmwareEnd / alignment) * alignment;
}

function placeInitrd(
  { name, bytes }: NamedBytes,
  kernelStart: number,
  { ramBytes }: { ramBytes: number },
): BootImage {
  return loadRaw(name, bytes, kernelStart + Math.min(ramBytes / 2, INITRD_DISTANCE), ramBytes);
}
