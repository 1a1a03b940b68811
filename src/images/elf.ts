import { InputError } from '../state/input-error.js';
import * as format from './elf-format.js';

export interface ElfSegment {
  readonly type: number;
  /** Position of its bytes in the file. */
  readonly offset: number;
  readonly fileBytes: number;
  /** Bytes in memory; those beyond `fileBytes` are zero. */
  readonly memoryBytes: number;
  readonly virtual: bigint;
  readonly physical: bigint;
  readonly executable: boolean;
}

export interface ElfSection {
  readonly type: number;
  readonly offset: number;
  readonly bytes: number;
  /** Number of the section with the names. */
  readonly link: number;
}

/** What a program is made for: `e_machine`, and its name for messages. */
export interface ElfMachine {
  readonly number: number;
  readonly name: string;
}

/** The headers of a little-endian ELF file. */
export interface Elf {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** Of an address. */
  readonly bits: 32 | 64;
  /** e_type. */
  readonly type: number;
  readonly entry: bigint;
  /** Where the ELF header and the program headers end, when these follow it. */
  readonly headersEnd: number;
  readonly segments: readonly ElfSegment[];
  readonly sections: readonly ElfSection[];
}

const MAGIC = [0x7f, 0x45, 0x4c, 0x46];

export function isElf(bytes: Uint8Array): boolean {
  return MAGIC.every((byte, i) => bytes[i] === byte);
}

/**
 * Reads the headers; `name` is the file's, for messages.
 * Throws InputError when it is no ELF file, damaged, or not for this machine in its little-endian form.
 */
export function parseElf(name: string, bytes: Uint8Array, machine: ElfMachine): Elf {
  if (!isElf(bytes)) {
    throw new InputError(`${name} is not an ELF file; a raw image needs an address to be loaded at`);
  }
  const need = (what: string, end: number) => {
    if (end <= bytes.length) return;
    throw new InputError(`${name} is truncated: ${what} ends at byte ${end}, the file at ${bytes.length}`);
  };
  need('its ELF header', format.CLASSES[32].headerBytes);
  const bits = bitsOfClass(name, bytes[4]);
  const record = format.CLASSES[bits];
  need('its ELF header', record.headerBytes);
  checkMachine(name, bytes, machine);

  const header = record.header(bytes);
  const table = (what: string, at: number, count: number, given: number, expected: number) => {
    if (count === 0) return [];
    if (given < expected) {
      throw new InputError(`${name} is damaged: ${what}s of ${given} bytes, should be ${expected}`);
    }
    need(`its ${what} table`, at + count * given);
    return Array.from({ length: count }, (_, i) => bytes.subarray(at + i * given, at + i * given + expected));
  };
  return {
    name,
    bytes,
    bits,
    type: header.type,
    entry: joinAddress(header.entryLow, header.entryHigh),
    headersEnd:
      joinLength(header.segmentsLow, header.segmentsHigh) + header.segmentCount * header.segmentBytes,
    segments: table(
      'program header',
      joinLength(header.segmentsLow, header.segmentsHigh),
      header.segmentCount,
      header.segmentBytes,
      record.segmentBytes,
    ).map(entry => {
      const raw = record.segment(entry);
      return {
        type: raw.type,
        offset: joinLength(raw.offsetLow, raw.offsetHigh),
        fileBytes: joinLength(raw.fileBytesLow, raw.fileBytesHigh),
        memoryBytes: joinLength(raw.memoryBytesLow, raw.memoryBytesHigh),
        virtual: joinAddress(raw.virtualLow, raw.virtualHigh),
        physical: joinAddress(raw.physicalLow, raw.physicalHigh),
        executable: (raw.flags & format.SEGMENT_EXECUTABLE) !== 0,
      };
    }),
    sections: table(
      'section header',
      joinLength(header.sectionsLow, header.sectionsHigh),
      header.sectionCount,
      header.sectionBytes,
      record.sectionBytes,
    ).map(entry => {
      const raw = record.section(entry);
      return {
        type: raw.type,
        offset: joinLength(raw.offsetLow, raw.offsetHigh),
        bytes: joinLength(raw.bytesLow, raw.bytesHigh),
        link: raw.link,
      };
    }),
  };
}

function bitsOfClass(name: string, elfClass: number): 32 | 64 {
  if (elfClass === format.CLASS_32) return 32;
  if (elfClass === format.CLASS_64) return 64;
  throw new InputError(`${name} is damaged: ELF class ${elfClass} is neither 32-bit nor 64-bit`);
}

/** The machine is told before the byte order: most big-endian files are for another one. */
function checkMachine(name: string, bytes: Uint8Array, wanted: ElfMachine): void {
  const bigEndian = bytes[5] === format.BIG_ENDIAN;
  const [first, second] = bytes.subarray(format.MACHINE_AT);
  const machine = bigEndian ? first * 256 + second : first + second * 256;
  if (machine !== wanted.number) {
    const found = format.MACHINE_NAMES[machine] ?? `ELF machine ${machine}`;
    throw new InputError(`${name} is a program for ${found}, not for ${wanted.name}`);
  }
  if (bigEndian) {
    throw new InputError(`${name} is big-endian; backstub runs little-endian ${wanted.name} programs only`);
  }
}

export const joinAddress = (low: number, high: number) => (BigInt(high) << 32n) | BigInt(low);
/** Lengths and file positions: beyond 2^53 inexact, but then past any file's end. */
export const joinLength = (low: number, high: number) => high * 2 ** 32 + low;
