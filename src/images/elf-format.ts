import { Parser } from 'binary-parser';

/**
 * ELF records as backstub reads them, little-endian (System V gABI, chapters 4 and 5). A 64-bit value is a
 * `...Low` and a `...High` word; in ELF32 the high words are 0.
 */

export const IDENT_BYTES = 16;
export const CLASS_32 = 1;
export const CLASS_64 = 2;
export const BIG_ENDIAN = 2;
export const MACHINE_AT = 18;

export const TYPE_EXECUTABLE = 2;
export const TYPE_SHARED = 3;
/** Files that do not run, by e_type. */
export const OTHER_TYPES: Readonly<Record<number, string>> = {
  1: 'a relocatable object that is not linked yet',
  4: 'a core dump',
};

/** By e_machine. */
export const MACHINE_NAMES: Readonly<Record<number, string>> = {
  2: 'SPARC',
  3: 'x86',
  4: 'm68k',
  8: 'MIPS',
  20: 'PowerPC',
  21: '64-bit PowerPC',
  22: 'S/390',
  40: 'Arm',
  42: 'SuperH',
  62: 'x86-64',
  83: 'AVR',
  94: 'Xtensa',
  183: 'AArch64',
  258: 'LoongArch',
};

export const SEGMENT_LOAD = 1;
export const SEGMENT_INTERPRETER = 3;
export const SEGMENT_EXECUTABLE = 1;

export const SECTION_SYMBOLS = 2;

export const SYMBOL_LABEL = 0;
export const SYMBOL_OBJECT = 1;
export const SYMBOL_FUNCTION = 2;
export const UNDEFINED_SECTION = 0;

const little = () => new Parser().endianness('little');

const HEADER_32 = little()
  .skip(IDENT_BYTES)
  .uint16('type')
  .uint16('machine')
  .skip(4)
  .uint32('entryLow')
  .uint32('segmentsLow')
  .uint32('sectionsLow')
  .skip(6)
  .uint16('segmentBytes')
  .uint16('segmentCount')
  .uint16('sectionBytes')
  .uint16('sectionCount');

const HEADER_64 = little()
  .skip(IDENT_BYTES)
  .uint16('type')
  .uint16('machine')
  .skip(4)
  .uint32('entryLow')
  .uint32('entryHigh')
  .uint32('segmentsLow')
  .uint32('segmentsHigh')
  .uint32('sectionsLow')
  .uint32('sectionsHigh')
  .skip(6)
  .uint16('segmentBytes')
  .uint16('segmentCount')
  .uint16('sectionBytes')
  .uint16('sectionCount');

const SEGMENT_32 = little()
  .uint32('type')
  .uint32('offsetLow')
  .uint32('virtualLow')
  .uint32('physicalLow')
  .uint32('fileBytesLow')
  .uint32('memoryBytesLow')
  .uint32('flags');

const SEGMENT_64 = little()
  .uint32('type')
  .uint32('flags')
  .uint32('offsetLow')
  .uint32('offsetHigh')
  .uint32('virtualLow')
  .uint32('virtualHigh')
  .uint32('physicalLow')
  .uint32('physicalHigh')
  .uint32('fileBytesLow')
  .uint32('fileBytesHigh')
  .uint32('memoryBytesLow')
  .uint32('memoryBytesHigh');

const SECTION_32 = little()
  .skip(4)
  .uint32('type')
  .skip(8)
  .uint32('offsetLow')
  .uint32('bytesLow')
  .uint32('link');

const SECTION_64 = little()
  .skip(4)
  .uint32('type')
  .skip(16)
  .uint32('offsetLow')
  .uint32('offsetHigh')
  .uint32('bytesLow')
  .uint32('bytesHigh')
  .uint32('link');

const SYMBOL_32 = little()
  .uint32('nameAt')
  .uint32('addressLow')
  .uint32('sizeLow')
  .uint8('info')
  .skip(1)
  .uint16('section');

const SYMBOL_64 = little()
  .uint32('nameAt')
  .uint8('info')
  .skip(1)
  .uint16('section')
  .uint32('addressLow')
  .uint32('addressHigh')
  .uint32('sizeLow')
  .uint32('sizeHigh');

const NARROW_HEADER = { entryHigh: 0, segmentsHigh: 0, sectionsHigh: 0 };
const NARROW_SEGMENT = {
  offsetHigh: 0,
  virtualHigh: 0,
  physicalHigh: 0,
  fileBytesHigh: 0,
  memoryBytesHigh: 0,
};

/** How to read one class of ELF file, and how long its records are. */
export const CLASSES = {
  32: {
    headerBytes: 52,
    segmentBytes: 32,
    sectionBytes: 40,
    symbolBytes: 16,
    header: (bytes: Uint8Array) => ({ ...NARROW_HEADER, ...HEADER_32.parse(bytes) }),
    segment: (bytes: Uint8Array) => ({ ...NARROW_SEGMENT, ...SEGMENT_32.parse(bytes) }),
    section: (bytes: Uint8Array) => ({ offsetHigh: 0, bytesHigh: 0, ...SECTION_32.parse(bytes) }),
    symbol: (bytes: Uint8Array) => ({ addressHigh: 0, sizeHigh: 0, ...SYMBOL_32.parse(bytes) }),
  },
  64: {
    headerBytes: 64,
    segmentBytes: 56,
    sectionBytes: 64,
    symbolBytes: 24,
    header: (bytes: Uint8Array) => HEADER_64.parse(bytes),
    segment: (bytes: Uint8Array) => SEGMENT_64.parse(bytes),
    section: (bytes: Uint8Array) => SECTION_64.parse(bytes),
    symbol: (bytes: Uint8Array) => SYMBOL_64.parse(bytes),
  },
} as const;
