import type { Xlen } from '../support/qemu.js';
import type { LockstepHart } from './lockstep.js';

/**
 * Where this machine differs from QEMU 7.2 by design: the manual says otherwise and QEMU is looser.
 * `sameAsHere` turns the value QEMU shows into the one the manual asks for; rows without it are only kept out of
 * random programs. Sections are of the privileged spec 1.12.
 */
export interface Difference {
  /** A CSR's name where `sameAsHere` is given. */
  readonly what: string;
  readonly why: string;
  sameAsHere?(value: bigint, xlen: Xlen): bigint;
}

const SXL = 3n << 34n;

/** In every configuration. */
export const DIFFERENCES: readonly Difference[] = [
  { what: 'mepc', why: 'bit 0 is zero (3.1.14); QEMU keeps it, and drops it at mret' },
  { what: 'mcounteren', why: '32 bits (3.1.11); QEMU keeps 64 on RV64' },
  {
    what: 'pmpaddr0',
    why: 'bits 53..0 on RV64 (3.7.1); QEMU keeps 64',
    sameAsHere: (value, xlen) => (xlen === 64 ? value & (2n ** 54n - 1n) : value),
  },
  { what: 'mstatus.MPRV', why: 'mret and sret to less than M mode clear it (3.1.6.3); in QEMU it stays' },
  { what: 'mstatus.MPRV', why: 'what M mode remembers of a page is not used for it; in QEMU it is' },
  {
    what: 'satp',
    why: 'a table that is not in memory is an access fault (4.3.2); QEMU makes it a page fault',
  },
  { what: 'satp', why: 'Sv57 is not there; QEMU has it' },
  {
    what: 'mret to U mode with no PMP entry set',
    why: 'the fetch is what faults (3.7.1); in QEMU mret is illegal',
  },
  { what: 'pmpcfg', why: 'R=0 W=1 is reserved and not written (3.7.1); QEMU keeps it' },
  {
    what: 'mcycle, minstret',
    why: 'a step is a cycle, a trap entry retires nothing; QEMU counts host time or its own way',
  },
  {
    what: 'AMO to a device',
    why: 'store access fault (PMA without AMO support, 3.6.3); QEMU reads and writes',
  },
  {
    what: 'misaligned load that faults',
    why: 'mtval is the first byte that may not be read (3.1.16); QEMU rounds it down',
  },
  {
    what: 'page tables changed without sfence.vma',
    why: 'the new entry counts at once; QEMU may use the old one',
  },
  {
    what: 'lr.d then sc.w',
    why: 'fails, as sizes differ (unprivileged 8.2); QEMU may store and still say it failed',
  },
  {
    what: 'sc after another hart or a device wrote the old value again',
    why: 'fails (unprivileged 8.2: must); QEMU compares values only, and stores',
  },
  { what: 'mstatus.MPP', why: 'holds modes that exist only (3.1.6.1); QEMU stores 2, and 1 without S mode' },
  {
    what: 'mstatus.FS',
    why: 'dirty also when a comparison or a conversion to an integer raises a flag (3.1.6.6); not in QEMU',
  },
  { what: 'ctzw', why: 'is 32 for a word of zeros (Zbb); QEMU counts on into the upper half' },
];

/** Also without supervisor mode. */
export const DIFFERENCES_WITHOUT_S: readonly Difference[] = [
  ...DIFFERENCES,
  {
    what: 'mstatus',
    why: 'SXL is read-only zero when S mode is not there (3.1.6.2); QEMU says 2 all the same',
    sameAsHere: (value, xlen) => (xlen === 64 ? value & ~SXL : value),
  },
];

/** QEMU's hart, its values adjusted by the differences that are by design. */
export function adjusted(hart: LockstepHart, differences: readonly Difference[]): LockstepHart {
  return {
    xlen: hart.xlen,
    loadProgram: (bytes, address) => hart.loadProgram(bytes, address),
    readMemory: (address, length) => hart.readMemory(address, length),
    setRegister: (register, value) => hart.setRegister(register, value),
    enterMachineMode: () => hart.enterMachineMode(),
    step: () => hart.step(),
    registers: () => hart.registers(),
    csrs: async names => {
      const values = await hart.csrs(names);
      return values.map((value, i) => {
        const difference = differences.find(({ what }) => what === names[i]);
        return difference?.sameAsHere?.(value, hart.xlen) ?? value;
      });
    },
  };
}

/** Where a guest sees something else than on QEMU while both run as they should: made equal there by the test. */
export interface BootDifference {
  readonly what: string;
  readonly why: string;
  /** CSRs whose values are taken over from QEMU when they are read, or the trap that reading them is there. */
  readonly csrs?: readonly number[];
}

const numbersFrom = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);

export const BOOT_DIFFERENCES: readonly BootDifference[] = [
  {
    what: 'time',
    why: 'QEMU counts no trap entry and starts some instructions twice: at the same place its clock shows another time',
  },
  {
    what: 'satp',
    why: 'Sv57 is not there: the write that asks for it does nothing. QEMU has it, and is led past that write',
  },
  { what: 'mip.MTIP', why: 'the same clock: the timer is due at another instruction' },
  {
    what: 'mvendorid, marchid, mimpid',
    why: 'QEMU puts its own version there; another implementation has another (3.1.2 to 3.1.4)',
    csrs: [0xf11, 0xf12, 0xf13],
  },
  {
    what: 'mcycle, minstret',
    why: 'a step is a cycle, a trap entry retires nothing; QEMU counts its own way',
    csrs: [0xb00, 0xb02, 0xc00, 0xc02],
  },
  {
    what: 'mhpmcounter3 to 31, mhpmevent3 to 31',
    why: 'are there and read as zero (3.1.10); without counters QEMU has no such CSRs',
    csrs: [...numbersFrom(0xb03, 29), ...numbersFrom(0x323, 29)],
  },
];
