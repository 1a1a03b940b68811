/** Where everything stands in the one WebAssembly.Memory. All numbers are byte addresses or lengths. */
export interface MemoryPlan {
  /** Scratch for values that cross between wasm and TypeScript. */
  readonly mailbox: number;
  /** The engine's control block: derived, never part of a snapshot. */
  readonly control: number;
  /** The declared state: one contiguous run of bytes. */
  readonly state: number;
  readonly stateBytes: number;
  /** Software TLBs: derived. */
  readonly tlb: number;
  readonly tlbBytes: number;
  /** Predecoded code pages: derived. */
  readonly decode: number;
  readonly decodePages: number;
  /** Four bytes for each slot of the predecoded pages: which region is entered there, and what it covers. */
  readonly marks: number;
  /** Records of the entries into compiled regions: derived. */
  readonly regionEntries: number;
  /** One byte for each compiled region: whether it was entered since the bytes were cleared. Derived. */
  readonly regionNotes: number;
  /** Which blocks of compiled regions stand where: derived. */
  readonly selectorTables: number;
  /** What special instructions of the instruction set look up. */
  readonly isaTable: number;
  /** One flag byte for each page of RAM and ROM. */
  readonly flags: number;
  /** One byte for each 64 bytes of RAM and ROM: what stands there that stores have to look at, bits of `GRANULE`. */
  readonly granuleMap: number;
  readonly ram: number;
  readonly ramBytes: number;
  /** Read-only guest memory, right behind RAM. */
  readonly rom: number;
  readonly romBytes: number;
  /** Pages that no hart can reach, behind ROM: what disks keep of the guest's writes. */
  readonly backing: number;
  readonly backingBytes: number;
  /** Size of the memory in wasm pages of 64 KiB. */
  readonly wasmPages: number;
}

export const PAGE_BYTES = 4096;
export const PAGE_SHIFT = 12;
export const CODE_GRANULE_SHIFT = 6;

/** Slots of a predecoded page: one for each halfword, and one that marks the page's end. */
export const DECODE_ENTRY_BYTES = 8;
export const DECODE_PAGE_BYTES = (PAGE_BYTES / 2 + 2) * DECODE_ENTRY_BYTES;

/** What interpreters refer to. It stands at the same place in every machine, so that they can be generated before. */
export type CommonPlan = Pick<
  MemoryPlan,
  'mailbox' | 'control' | 'decode' | 'marks' | 'regionEntries' | 'isaTable' | 'flags' | 'granuleMap' | 'ram'
>;

const MAILBOX = 0x100;
const CONTROL = 0x200;
const FIRST = 0x1000;
/** Behind all else, unless there is uncommonly much of that. What is not used of it takes no memory. */
const RAM = 112 * 2 ** 20;
/** What a WebAssembly memory can hold. */
const MOST_BYTES = 2 ** 32;

export interface MemoryPlanRequest {
  readonly stateBytes: number;
  readonly tlbBytes: number;
  readonly decodePages: number;
  readonly regionEntryBytes: number;
  readonly regionNoteBytes: number;
  readonly selectorTableBytes: number;
  readonly isaTableBytes: number;
  readonly ramBytes: number;
  readonly romBytes: number;
  readonly backingBytes: number;
}

export function planMemory(request: MemoryPlanRequest): MemoryPlan {
  let at = FIRST;
  const take = (bytes: number, align: number): number => {
    const start = Math.ceil(at / align) * align;
    at = start + bytes;
    return start;
  };
  const decode = take(request.decodePages * DECODE_PAGE_BYTES, 64);
  const marks = take((request.decodePages * DECODE_PAGE_BYTES) / 2, 64);
  const regionEntries = take(request.regionEntryBytes, 64);
  const regionNotes = take(request.regionNoteBytes, 64);
  const selectorTables = take(request.selectorTableBytes, 64);
  const isaTable = take(request.isaTableBytes, 64);
  // The engine finds a page's flag and a granule's code mark by shifting the host address and adding a
  // constant, which has to be positive: both maps stand above (address of RAM) >> shift.
  const flags = take(MOST_BYTES / PAGE_BYTES, 64);
  const granuleMap = take(MOST_BYTES / 2 ** CODE_GRANULE_SHIFT, 64);
  const state = take(request.stateBytes, 64);
  const tlb = take(request.tlbBytes, 64);
  at = Math.max(at, RAM);
  const ram = take(request.ramBytes, 65536);
  const rom = take(request.romBytes, PAGE_BYTES);
  const backing = take(request.backingBytes, PAGE_BYTES);
  return {
    mailbox: MAILBOX,
    control: CONTROL,
    state,
    stateBytes: request.stateBytes,
    tlb,
    tlbBytes: request.tlbBytes,
    decode,
    decodePages: request.decodePages,
    marks,
    regionEntries,
    regionNotes,
    selectorTables,
    isaTable,
    flags,
    granuleMap,
    ram,
    ramBytes: request.ramBytes,
    rom,
    romBytes: request.romBytes,
    backing,
    backingBytes: request.backingBytes,
    wasmPages: Math.ceil(at / 65536),
  };
}
