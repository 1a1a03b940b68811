/** The CSRs of the privileged spec 1.12 (chapter 2 lists the numbers), one row each. */

import { type BitCsr, bitCsr, isPlain } from './csr-bits.js';
import { counterRows } from './csr-counters.js';
import { machineEnvironment } from './csr-environment.js';
import type { ComputedCsr, Csr, CsrFile } from './csr-file.js';
import type { HartState } from './hart-state.js';
import {
  CBIE,
  CBIE_SHIFT,
  codeAlignmentMask,
  ENVIRONMENT,
  type HartConfig,
  INTERRUPT,
  MPP_SHIFT,
  MSTATUS,
  PRIVILEGE,
} from './privileged.js';
import { comparesTime, supervisorTimerRows } from './supervisor-timer.js';
import { triggerRows } from './triggers.js';

type PairField = { [K in keyof HartState]: HartState[K] extends Uint32Array ? K : never }[keyof HartState];
type ScalarField = { [K in keyof HartState]: HartState[K] extends number ? K : never }[keyof HartState];

const FULL = 0xffffffff;

/** A register that holds what is written, in the bits of the mask. */
const stored = (name: string, number: number, field: PairField, maskLow = FULL, maskHigh = FULL): BitCsr =>
  bitCsr(name, number, { field, write: [maskLow, maskHigh] });

const word = (name: string, number: number, field: ScalarField): BitCsr =>
  bitCsr(name, number, { field, read: [FULL, 0], write: [FULL, 0] });

const fixed = (name: string, number: number, value: (file: CsrFile) => number = () => 0): ComputedCsr => ({
  name,
  number,
  read: file => file.set(value(file)),
});

const bit = (number: number) => (1 << number) >>> 0;
const MACHINE_INTERRUPTS =
  bit(INTERRUPT.machineSoftware) | bit(INTERRUPT.machineTimer) | bit(INTERRUPT.machineExternal);
const SUPERVISOR_INTERRUPTS =
  bit(INTERRUPT.supervisorSoftware) | bit(INTERRUPT.supervisorTimer) | bit(INTERRUPT.supervisorExternal);
const DELEGABLE_EXCEPTIONS = 0xb3ff;
const SSTATUS = MSTATUS.sie | MSTATUS.spie | MSTATUS.spp | MSTATUS.fs | MSTATUS.sum | MSTATUS.mxr;

/** misa: MXL and a bit for each single-letter extension (3.1.1). */
function readMisa(file: CsrFile): void {
  let letters = 0;
  for (const name of file.config.extensions) {
    if (name.length === 1) letters |= 1 << (name.charCodeAt(0) - 97);
  }
  if (file.config.xlen === 32) file.set(letters | (1 << 30));
  else file.set(letters, 2 ** 31);
}

/** mstatus, or what sstatus shows of it: `mask` (3.1.6). */
function status(name: string, number: number, config: HartConfig, mask = FULL): BitCsr {
  const supervised = config.extensions.has('s');
  let writable = MSTATUS.mie | MSTATUS.mpie | MSTATUS.mpp | MSTATUS.mprv | MSTATUS.tw;
  if (supervised) {
    writable |= MSTATUS.sie | MSTATUS.spie | MSTATUS.spp | MSTATUS.sum | MSTATUS.mxr;
    writable |= MSTATUS.tvm | MSTATUS.tsr;
  }
  if (config.extensions.has('f')) writable |= MSTATUS.fs;
  // UXL, and SXL where there is a supervisor, are fixed at 64 bits.
  const lengths = supervised && mask === FULL ? 0xa : 0x2;
  const modes = [PRIVILEGE.user, ...(supervised ? [PRIVILEGE.supervisor] : []), PRIVILEGE.machine];
  return bitCsr(name, number, {
    field: 'mstatus',
    read: [mask, 0],
    constant: [0, config.xlen === 64 ? lengths : 0],
    write: [writable & mask, 0],
    summary: MSTATUS.fs,
    // MPP holds only modes that exist.
    legal: { bits: MSTATUS.mpp, values: modes.map(mode => mode << MPP_SHIFT) },
    on: {
      interrupts: MSTATUS.mie | MSTATUS.sie,
      translation: MSTATUS.mxr,
      view: MSTATUS.mprv | MSTATUS.mpp | MSTATUS.sum,
    },
  });
}

/** Which interrupts are enabled, or delegated: looked at together with those that are pending. */
const interruptMask = (name: string, number: number, field: 'mie' | 'mideleg', mask: number): BitCsr =>
  bitCsr(name, number, { field, write: [mask, 0], on: { interrupts: mask }, hostOnly: true });

/** What less privileged modes may do (3.1.18, 4.1.10); cache-block management 1.0, chapter 2.4. */
function environment(name: 'menvcfg' | 'senvcfg', number: number, { extensions }: HartConfig): BitCsr {
  const blocks = extensions.has('zicbom') ? ENVIRONMENT.cbie | ENVIRONMENT.cbcfe : 0;
  const mask = ENVIRONMENT.fiom | blocks | (extensions.has('zicboz') ? ENVIRONMENT.cbze : 0);
  if (blocks === 0) return stored(name, number, name, mask, 0);
  const values = [CBIE.illegal, CBIE.flush, CBIE.invalidate].map(value => value << CBIE_SHIFT);
  const legal = { bits: ENVIRONMENT.cbie, values };
  return bitCsr(name, number, { field: name, write: [mask, 0], legal, hostOnly: true });
}

const pendingOf = (state: HartState) => (state.lines | state.softwarePending) >>> 0;

/** STIP is not software's where the supervisor's timer compares. */
const writablePending = (state: HartState) =>
  comparesTime(state) ? SUPERVISOR_INTERRUPTS & ~bit(INTERRUPT.supervisorTimer) : SUPERVISOR_INTERRUPTS;

function writePending(file: CsrFile, low: number, mask: number): void {
  file.state.softwarePending = ((file.state.softwarePending & ~mask) | (low & mask)) >>> 0;
  file.ports.interruptsChanged();
}

/** Vector bases keep only the modes direct and vectored (3.1.7). */
const trapVector = (name: string, number: number, field: 'mtvec' | 'stvec'): BitCsr =>
  bitCsr(name, number, { field, write: [FULL, FULL], refused: 2 });

const MACHINE: readonly Csr[] = [
  fixed('mvendorid', 0xf11),
  fixed('marchid', 0xf12),
  fixed('mimpid', 0xf13),
  fixed('mhartid', 0xf14, file => file.hartId),
  fixed('mconfigptr', 0xf15),
  { name: 'misa', number: 0x301, read: readMisa, write: () => {} },
  trapVector('mtvec', 0x305, 'mtvec'),
  word('mcounteren', 0x306, 'mcounteren'),
  stored('mscratch', 0x340, 'mscratch'),
  stored('mcause', 0x342, 'mcause'),
  stored('mtval', 0x343, 'mtval'),
  {
    name: 'mip',
    number: 0x344,
    read: file => file.set(pendingOf(file.state)),
    readForUpdate: file => file.set(file.state.softwarePending),
    write: (file, low) => writePending(file, low, file.hasSupervisor ? writablePending(file.state) : 0),
  },
];

const MACHINE_32: readonly Csr[] = [{ name: 'mstatush', number: 0x310, read: () => {}, write: () => {} }];

/** pmpcfg holds one byte an entry, four or eight a register; odd registers do not exist on RV64 (3.7.1). */
const pmpConfig = (index: number): Csr => ({
  name: `pmpcfg${index}`,
  number: 0x3a0 + index,
  read: file => {
    const { pmpcfg } = file.state;
    const at = index * 4;
    file.set(
      pmpcfg[at] | (pmpcfg[at + 1] << 8) | (pmpcfg[at + 2] << 16) | (pmpcfg[at + 3] << 24),
      file.config.xlen === 32
        ? 0
        : pmpcfg[at + 4] | (pmpcfg[at + 5] << 8) | (pmpcfg[at + 6] << 16) | (pmpcfg[at + 7] << 24),
    );
  },
  write: (file, low, high) => {
    const { pmpcfg } = file.state;
    const count = file.config.xlen === 32 ? 4 : 8;
    for (let i = 0; i < count; i++) {
      const value = ((i < 4 ? low : high) >>> ((i & 3) * 8)) & 0x9f;
      const entry = index * 4 + i;
      // Locked entries stay until reset; R=0 W=1 is reserved and not written.
      if ((pmpcfg[entry] & 0x80) === 0 && (value & 3) !== 2) pmpcfg[entry] = value;
    }
    file.ports.pmpChanged();
  },
});

const pmpAddress = (index: number): Csr => ({
  name: `pmpaddr${index}`,
  number: 0x3b0 + index,
  read: file => file.set(file.state.pmpaddr[2 * index], file.state.pmpaddr[2 * index + 1]),
  write: (file, low, high) => {
    const { pmpcfg, pmpaddr } = file.state;
    const next = index < 15 ? pmpcfg[index + 1] : 0;
    const locksThis = (next & 0x80) !== 0 && ((next >>> 3) & 3) === 1;
    if ((pmpcfg[index] & 0x80) !== 0 || locksThis) return;
    pmpaddr[2 * index] = low;
    pmpaddr[2 * index + 1] = file.config.xlen === 64 ? high & 0x3fffff : 0;
    file.ports.pmpChanged();
  },
});

/** Values of satp.MODE on RV64: bare, Sv39, Sv48, Sv57 (4.1.11). */
const translationModes = ({ extensions }: HartConfig) => (extensions.has('sv57') ? [0, 8, 9, 10] : [0, 8, 9]);

const SUPERVISOR: readonly Csr[] = [
  {
    name: 'sie',
    number: 0x104,
    read: file => file.set(file.state.mie[0] & file.state.mideleg[0]),
    write: (file, low) => {
      const mask = file.state.mideleg[0] & SUPERVISOR_INTERRUPTS;
      file.state.mie[0] = (file.state.mie[0] & ~mask) | (low & mask);
      file.ports.interruptsChanged();
    },
  },
  trapVector('stvec', 0x105, 'stvec'),
  word('scounteren', 0x106, 'scounteren'),
  stored('sscratch', 0x140, 'sscratch'),
  stored('scause', 0x142, 'scause'),
  stored('stval', 0x143, 'stval'),
  {
    name: 'sip',
    number: 0x144,
    read: file => file.set(pendingOf(file.state) & file.state.mideleg[0]),
    readForUpdate: file => file.set(file.state.softwarePending & file.state.mideleg[0]),
    write: (file, low) => writePending(file, low, file.state.mideleg[0] & bit(INTERRUPT.supervisorSoftware)),
  },
  {
    name: 'satp',
    number: 0x180,
    read: file => file.get(file.state.satp),
    write: (file, low, high) => {
      // A mode that is not supported leaves the whole register as it was (4.1.11).
      if (file.config.xlen === 64 && !translationModes(file.config).includes(high >>> 28)) return;
      if (file.state.satp[0] === low && file.state.satp[1] === high) return;
      file.state.satp[0] = low;
      file.state.satp[1] = high;
      file.ports.addressSpaceChanged();
    },
    permits: file =>
      file.state.privilege === PRIVILEGE.machine || (file.state.mstatus[0] & MSTATUS.tvm) === 0,
  },
  stored('medeleg', 0x302, 'medeleg', DELEGABLE_EXCEPTIONS, 0),
  interruptMask('mideleg', 0x303, 'mideleg', SUPERVISOR_INTERRUPTS),
];

/** fcsr and its two parts: unprivileged spec 11.2. */
const floatControl = (name: string, number: number, shift: number, mask: number): Csr => ({
  name,
  number,
  read: file => file.set((file.state.fcsr >>> shift) & mask),
  write: (file, low) => {
    file.state.fcsr = (file.state.fcsr & ~(mask << shift)) | ((low & mask) << shift);
    if (!file.poking) file.markFloatDirty();
  },
  permits: file => file.floatEnabled(),
});

const FLOAT: readonly Csr[] = [
  floatControl('fflags', 0x001, 0, 0x1f),
  floatControl('frm', 0x002, 5, 0x7),
  floatControl('fcsr', 0x003, 0, 0xff),
];

const SEED_STATUS = { wait: 0x4000_0000, entropy: 0x8000_0000 } as const;

/** Scalar cryptography spec 4.1; without mseccfg, as QEMU's harts, the less privileged modes have no access. */
const ENTROPY: readonly Csr[] = [
  {
    name: 'seed',
    number: 0x015,
    consumed: true,
    read: file => {
      const random = file.ports.randomHalf();
      file.set(random < 0 ? SEED_STATUS.wait : SEED_STATUS.entropy | random);
    },
    readForUpdate: () => {},
    permits: file => file.state.privilege === PRIVILEGE.machine,
  },
];

/** Those that extensions bring. */
const EXTENSION_CSRS: readonly (readonly [
  extension: string,
  rows: (config: HartConfig) => readonly Csr[],
])[] = [
  [
    's',
    config => [
      status('sstatus', 0x100, config, SSTATUS),
      environment('senvcfg', 0x10a, config),
      stored('sepc', 0x141, 'sepc', ~codeAlignmentMask(config)),
      ...SUPERVISOR,
    ],
  ],
  ['f', () => FLOAT],
  ['sdtrig', triggerRows],
  ['sstc', supervisorTimerRows],
  ['zkr', () => ENTROPY],
];

/** Those that an extension brings to a hart. */
export const csrsOfExtension = (name: string, config: HartConfig): readonly Csr[] =>
  EXTENSION_CSRS.flatMap(([extension, rows]) => (extension === name ? rows(config) : []));

/** The CSRs that this configuration has, by number. */
export function buildCsrTable(config: HartConfig): readonly (Csr | undefined)[] {
  const wide = config.xlen === 64;
  const supervised = config.extensions.has('s');
  const rows: readonly Csr[] = [
    status('mstatus', 0x300, config),
    interruptMask('mie', 0x304, 'mie', MACHINE_INTERRUPTS | (supervised ? SUPERVISOR_INTERRUPTS : 0)),
    ...MACHINE,
    ...(wide ? [] : MACHINE_32),
    ...(wide ? [0, 2] : [0, 1, 2, 3]).map(pmpConfig),
    ...Array.from({ length: 16 }, (_, index) => pmpAddress(index)),
    ...counterRows(config),
    ...machineEnvironment(environment('menvcfg', 0x30a, config), config),
    stored('mepc', 0x341, 'mepc', ~codeAlignmentMask(config)),
    ...[...config.extensions].flatMap(name => csrsOfExtension(name, config)),
  ];
  const table: (Csr | undefined)[] = Array(4096).fill(undefined);
  for (const row of rows) table[row.number] = row;
  return table;
}

/** The CSRs that generated code may access by itself. */
export const plainCsrs = (config: HartConfig): readonly BitCsr[] =>
  buildCsrTable(config).filter((csr): csr is BitCsr => csr?.bits !== undefined && isPlain(csr));
