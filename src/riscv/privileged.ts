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

/** What a hart is made of; fixed for the life of a machine. */
export interface HartConfig {
  readonly xlen: 32 | 64;
  /** Lower-case extension names; `s` when there is supervisor mode. */
  readonly extensions: ReadonlySet<string>;
}

/**
 * Splits an ISA string such as `rv64imac_zicsr` (unprivileged spec chapter 27) into extension names. The letters
 * `s` and `u` stand for the modes, as in misa: `rv64imacsu` has page tables. U mode is always there.
 */
export function parseIsa(isa: string): HartConfig {
  const match = /^rv(32|64)([a-z]+)((?:_[a-z][a-z0-9]+)*)$/.exec(isa);
  if (match === null) throw new Error(`not an ISA string: ${isa}`);
  const letters = match[2].replace('g', 'imafd');
  const extensions = new Set([...letters, ...match[3].split('_').filter(name => name !== '')]);
  if (extensions.has('d')) extensions.add('f');
  // The base of the specs that firmware is written for has these without naming them.
  for (const implied of ['zicsr', 'zifencei', 'u']) extensions.add(implied);
  return { xlen: match[1] === '64' ? 64 : 32, extensions };
}

/** The ISA string as device trees have it: modes are no extensions there. */
export const deviceTreeIsa = (isa: string): string =>
  isa.replace(
    /^(rv(?:32|64))([a-z]+)/,
    (_, base: string, letters: string) => base + letters.replace(/[su]/g, ''),
  );
