import { type Elf, type ElfSegment, parseElf } from '../../images/elf.js';
import {
  OTHER_TYPES,
  SEGMENT_INTERPRETER,
  SEGMENT_LOAD,
  TYPE_EXECUTABLE,
  TYPE_SHARED,
} from '../../images/elf-format.js';
import { MIB } from '../../ports/amounts.js';
import type { BootImage } from '../../ports/config.js';
import { RISCV_ELF } from '../../riscv/elf-machine.js';
import { InputError } from '../../state/input-error.js';
import { RAM_BASE } from './memory-map.js';

/** What an ELF program puts into memory, and where it starts. */
export interface LoadedProgram {
  readonly xlen: 32 | 64;
  /** Physical address of the first instruction. */
  readonly entry: number;
  readonly images: readonly BootImage[];
  /** First byte after the highest image. */
  readonly end: number;
}

/** Register width that an ELF program is made for. Throws InputError as `parseElf`. */
export function xlenOf(name: string, bytes: Uint8Array): 32 | 64 {
  return parseElf(name, bytes, RISCV_ELF).bits;
}

/**
 * Loads a program's PT_LOAD segments at their physical addresses, zero-filled to their length in memory, but where
 * others are: see `withoutOverlap`. `name` is the file's, for messages. Throws InputError: not an ELF file for RISC-V,
 * made for another `xlen`, not executable, truncated, in itself contradictory, or outside RAM.
 */
export function loadElf(
  name: string,
  bytes: Uint8Array,
  target: { readonly xlen: 32 | 64; readonly ramBytes: number },
): LoadedProgram {
  const elf = parseElf(name, bytes, RISCV_ELF);
  checkRuns(elf, target.xlen);
  const listed = elf.segments
    .map((segment, number) => ({ ...segment, number }))
    .filter(({ type }) => type === SEGMENT_LOAD);
  for (const segment of listed) checkWhole(elf, segment);
  const segments = withoutOverlap(listed).filter(({ memoryBytes }) => memoryBytes > 0);
  if (segments.length === 0) throw new InputError(`${name} has nothing to load: no PT_LOAD segment`);
  const images = segments.map(segment => imageOf(elf, segment, target.ramBytes));
  checkSegmentsApart(images);
  return {
    xlen: elf.bits,
    entry: physicalEntry(elf, segments),
    images: images.map(({ name, address, bytes }) => ({ name, address, bytes })),
    end: Math.max(...images.map(image => image.address + image.bytes.length)),
  };
}

/** A segment, and its number among all of the file. */
interface NumberedSegment extends ElfSegment {
  readonly number: number;
}

interface SegmentImage extends BootImage {
  readonly segment: string;
}

function checkWhole({ name, bytes }: Elf, segment: NumberedSegment): void {
  const what = segmentText(segment);
  if (segment.memoryBytes > 0 && segment.fileBytes > segment.memoryBytes)
    throw new InputError(`${name} is damaged: ${what} is longer in the file than in memory`);
  const end = segment.offset + segment.fileBytes;
  if (segment.memoryBytes > 0 && end > bytes.length)
    throw new InputError(`${name} is truncated: ${what} ends at byte ${end}, the file at ${bytes.length}`);
}

const segmentText = ({ number }: NumberedSegment) => `segment ${number}`;

/**
 * Segments as QEMU loads them (include/hw/elf_ops.h). Programs whose own start-up code fills and clears memory are
 * packed: what is said to be zero there lies over the bytes of others. Such a segment brings what the file holds of it,
 * and no zeros.
 */
const withoutOverlap = (segments: readonly NumberedSegment[]): readonly NumberedSegment[] =>
  segments.map(segment => {
    const { physical, fileBytes, memoryBytes } = segment;
    const zeros = { start: physical + BigInt(fileBytes), end: physical + BigInt(memoryBytes) };
    const overlapped = segments.some(
      other =>
        other !== segment &&
        other.physical < zeros.end &&
        zeros.start < other.physical + BigInt(other.memoryBytes),
    );
    return overlapped ? { ...segment, memoryBytes: Math.min(fileBytes, memoryBytes) } : segment;
  });

function imageOf(elf: Elf, segment: NumberedSegment, ramBytes: number): SegmentImage {
  const { name, bytes } = elf;
  const skipped = headersBelowRam(elf, segment);
  const physical = segment.physical + BigInt(skipped);
  const what = segmentText(segment);
  checkInRam(name, what, physical, segment.memoryBytes - skipped, ramBytes);
  const image = new Uint8Array(segment.memoryBytes - skipped);
  image.set(bytes.subarray(segment.offset + skipped, segment.offset + segment.fileBytes));
  return { name, segment: what, address: Number(physical), bytes: image };
}

/**
 * A linker that is only told where text starts puts the file's headers on the page before: bytes of a segment that
 * lie below RAM and hold headers and padding, nothing of the program. QEMU drops what it finds no memory for.
 */
function headersBelowRam(elf: Elf, { offset, physical, fileBytes }: ElfSegment): number {
  const below = BigInt(RAM_BASE) - physical;
  if (offset !== 0 || below <= 0n || below > BigInt(fileBytes)) return 0;
  const padding = elf.bytes.subarray(elf.headersEnd, Number(below));
  return padding.every(byte => byte === 0) ? Number(below) : 0;
}

/** A raw image at a physical address. Throws InputError when it is empty or does not fit in RAM. */
export function loadRaw(name: string, bytes: Uint8Array, address: number, ramBytes: number): BootImage {
  if (bytes.length === 0) throw new InputError(`${name} is empty`);
  checkInRam(name, 'the image', BigInt(address), bytes.length, ramBytes);
  return { name, address, bytes };
}

function checkRuns(elf: Elf, xlen: 32 | 64): void {
  const { name } = elf;
  if (elf.type !== TYPE_EXECUTABLE && elf.type !== TYPE_SHARED) {
    throw new InputError(
      `${name} is not executable: it is ${OTHER_TYPES[elf.type] ?? `of ELF type ${elf.type}`}`,
    );
  }
  if (elf.segments.some(({ type }) => type === SEGMENT_INTERPRETER)) {
    throw new InputError(
      `${name} is a program for an operating system (it asks for a dynamic linker); backstub runs bare-metal programs`,
    );
  }
  if (elf.bits !== xlen) {
    throw new InputError(`${name} is a ${elf.bits}-bit program, but the machine has ${xlen}-bit harts`, {
      setting: 'isa',
      value: `rv${elf.bits}..., or nothing`,
    });
  }
}

function checkInRam(name: string, what: string, address: bigint, bytes: number, ramBytes: number): void {
  const end = address + BigInt(Math.min(bytes, Number.MAX_SAFE_INTEGER));
  const ramEnd = BigInt(RAM_BASE + ramBytes);
  if (address >= BigInt(RAM_BASE) && end <= ramEnd) return;
  const needed = Math.ceil((Number(end) - RAM_BASE) / MIB);
  const where = `${name}: ${what} at ${describeRange(address, end)} is outside RAM, ${describeRange(BigInt(RAM_BASE), ramEnd)}`;
  if (address < BigInt(RAM_BASE))
    throw new InputError(`${where}: link it for RAM, which always starts there`);
  throw new InputError(where, { setting: 'ramBytes', value: needed * MIB });
}

/** The entry is a virtual address; a kernel linked high starts at the physical place of it. */
function physicalEntry(elf: Elf, segments: readonly ElfSegment[]): number {
  const home = segments.find(
    ({ virtual, fileBytes, executable }) =>
      executable && elf.entry >= virtual && elf.entry < virtual + BigInt(fileBytes),
  );
  const entry = home ? elf.entry - home.virtual + home.physical : elf.entry;
  if (entry > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new InputError(`${elf.name}: entry 0x${entry.toString(16)} is in no segment`);
  }
  return Number(entry);
}

/** Throws InputError when two images, say a program and the device tree, want the same memory. */
export function checkApart(images: readonly BootImage[]): void {
  const overlap = firstOverlap(images);
  if (overlap === undefined) return;
  const [low, high] = overlap;
  throw new InputError(
    `${low.name} at ${describe(low)} and ${high.name} at ${describe(high)} overlap in memory`,
    { setting: 'ramBytes', value: 'more, or load one of them elsewhere' },
  );
}

/** More memory is no help where a file wants two things in one place. */
function checkSegmentsApart(images: readonly SegmentImage[]): void {
  const overlap = firstOverlap(images);
  if (overlap === undefined) return;
  const [low, high] = overlap;
  throw new InputError(
    `${low.name}: ${low.segment} at ${describe(low)} and ${high.segment} at ${describe(high)} overlap: link them apart`,
  );
}

function firstOverlap<I extends BootImage>(images: readonly I[]): readonly [low: I, high: I] | undefined {
  const sorted = images.filter(({ bytes }) => bytes.length > 0).sort((a, b) => a.address - b.address);
  for (let i = 1; i < sorted.length; i++) {
    const [low, high] = [sorted[i - 1], sorted[i]];
    if (low.address + low.bytes.length > high.address) return [low, high];
  }
  return undefined;
}

const describe = ({ address, bytes }: BootImage) =>
  describeRange(BigInt(address), BigInt(address + bytes.length));

function describeRange(from: bigint, to: bigint): string {
  return `0x${from.toString(16)} to 0x${to.toString(16)}`;
}
