/** Numbers of the privileged spec (version 1.12) that several files need. */

export const PRIVILEGE = { user: 0, supervisor: 1, machine: 3 } as const;

/** mstatus bits, section 3.1.6; all stand in the low word. */
export const MSTATUS = {
  sie: 1 << 1,
  mie: 1 << 3,
  spie: 1 << 5,
  mpie: 1 << 7,
  spp: 1 << 8,
  mpp: 3 << 11,
  fs: 3 << 13,
  mprv: 1 << 17,
  sum: 1 << 18,
  mxr: 1 << 19,
  tvm: 1 << 20,
  tw: 1 << 21,
  tsr: 1 << 22,
} as const;
export const MPP_SHIFT = 11;

/** Bits of menvcfg and senvcfg, section 3.1.18 and cache-block operations 2.4. */
export const ENVIRONMENT = { fiom: 1, cbie: 3 << 4, cbcfe: 1 << 6, cbze: 1 << 7 } as const;
export const CBIE_SHIFT = 4;
export const CBIE = { illegal: 0, flush: 1, invalidate: 3 } as const;

/** Bits of menvcfg that stand in its high word (3.1.18). */
export const MENVCFG_HIGH = {
  /** The supervisor's timer compares (Sstc). */
  stce: (1 << 31) >>> 0,
  /** Page tables say of what type memory is (Svpbmt). */
  pbmte: 1 << 30,
} as const;

/** Interrupt numbers, table 3.6. */
export const INTERRUPT = {
  supervisorSoftware: 1,
  machineSoftware: 3,
  supervisorTimer: 5,
  machineTimer: 7,
  supervisorExternal: 9,
  machineExternal: 11,
} as const;

/** Exception codes, table 3.6. */
export const CAUSE = {
  fetchMisaligned: 0,
  fetchAccess: 1,
  illegal: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccess: 5,
  storeMisaligned: 6,
  storeAccess: 7,
  ecallFromUser: 8,
  fetchPage: 12,
  loadPage: 13,
  storePage: 15,
} as const;

/** Kinds of memory access, as PMP and page tables tell them apart. */
export const ACCESS = { read: 0, write: 1, execute: 2 } as const;
export type Access = (typeof ACCESS)[keyof typeof ACCESS];

/** Low bits that an address of code never has: instructions of 16 bits may stand anywhere even (IALIGN). */
export const codeAlignmentMask = ({ extensions }: HartConfig): 1 | 3 => (extensions.has('zca') ? 1 : 3);

/** What a hart is made of; fixed for the life of a machine. */
export interface HartConfig {
  readonly xlen: 32 | 64;
  /** Lower-case names of extensions, with all that they imply; `s` when there is supervisor mode. */
  readonly extensions: ReadonlySet<string>;
}
