/** The registers a debugger sees, numbered as GDB numbers RISC-V registers (gdb/riscv-tdep.h): one row each. */
import type {
  HartRegisters,
  RegisterDescription,
  RegisterFeatureRows,
  RegisterRow,
  RegisterValue,
} from '../machine/hart.js';
import { type Csr, CsrFile, isWritable } from './csr-file.js';
import { copyExtensionStates, unboundExtensionStates } from './extension-state.js';
import { HART_STATE, type HartState } from './hart-state.js';
import { codeAlignmentMask, type HartConfig, PRIVILEGE } from './privileged.js';

/** A value as two unsigned words. */
type Words = readonly [low: number, high: number];

/** What of a hart its registers are. */
interface RegisterSource {
  readonly id: number;
  readonly config: HartConfig;
  readonly state: HartState;
  readonly csrs: CsrFile;
  readonly writesCsrsExactly: boolean;
}

/** A register with what it does: `held` is what it would show after a write, undefined where nothing can be written. */
interface Row extends RegisterRow {
  readonly read: (hart: RegisterSource, to: RegisterValue) => void;
  readonly write: ((hart: RegisterSource, low: number, high: number) => void) | undefined;
  readonly held: (hart: RegisterSource, wanted: Words, trial: CsrFile) => Words | undefined;
}

export const REGISTER_NUMBER = {
  x0: 0,
  ra: 1,
  sp: 2,
  fp: 8,
  pc: 32,
  f0: 33,
  firstCsr: 65,
  privilege: 4161,
} as const;

/** fflags and frm are parts of fcsr. */
const FLOAT_CONTROL = {
  fflags: REGISTER_NUMBER.firstCsr + 1,
  frm: REGISTER_NUMBER.firstCsr + 2,
  fcsr: REGISTER_NUMBER.firstCsr + 3,
} as const;

const X_NAMES =
  'zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(
    ' ',
  );
const F_NAMES = (
  'ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 ' +
  'fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11'
).split(' ');
const POINTERS: Readonly<Record<string, string>> = {
  ra: 'code_ptr',
  sp: 'data_ptr',
  gp: 'data_ptr',
  tp: 'data_ptr',
  fp: 'data_ptr',
};
const ROLES: Readonly<Record<string, string>> = {
  ra: 'ra',
  sp: 'sp',
  fp: 'fp',
  a0: 'arg1',
  a1: 'arg2',
  a2: 'arg3',
  a3: 'arg4',
  a4: 'arg5',
  a5: 'arg6',
  a6: 'arg7',
  a7: 'arg8',
};
/** Of f0 in DWARF; x0 is number 0. */
const FIRST_FLOAT_IN_DWARF = 32;

function give(to: RegisterValue, low: number, high: number, width: number): void {
  to.low = low;
  to.high = high;
  to.width = width;
}

const generalRow = (name: string, number: number, bits: 32 | 64): Row => ({
  name,
  number,
  bits,
  type: POINTERS[name] ?? 'int',
  group: 'general',
  dwarf: number,
  ...(ROLES[name] === undefined ? {} : { role: ROLES[name] }),
  read: ({ state }, to) => give(to, state.x[2 * number], state.x[2 * number + 1], bits / 8),
  write: ({ state }, low, high) => {
    if (number === 0) return;
    state.x[2 * number] = low;
    state.x[2 * number + 1] = bits === 64 ? high : 0;
  },
  held: (_, wanted) => (number === 0 ? [0, 0] : wanted),
});

const pcRow = (bits: 32 | 64, never: 1 | 3): Row => ({
  name: 'pc',
  number: REGISTER_NUMBER.pc,
  bits,
  type: 'code_ptr',
  group: 'general',
  role: 'pc',
  read: ({ state }, to) => give(to, state.pc[0], state.pc[1], bits / 8),
  write: ({ state }, low, high) => {
    state.pc[0] = (low & ~never) >>> 0;
    state.pc[1] = bits === 64 ? high : 0;
  },
  held: (_, [low, high]) => [(low & ~never) >>> 0, high],
});

function floatRow(name: string, index: number, double: boolean): Row {
  const bytes = double ? 8 : 4;
  return {
    name,
    number: REGISTER_NUMBER.f0 + index,
    bits: 8 * bytes,
    type: double ? 'ieee_double' : 'ieee_single',
    group: 'float',
    dwarf: FIRST_FLOAT_IN_DWARF + index,
    read: ({ state }, to) => give(to, state.f[2 * index], state.f[2 * index + 1], bytes),
    write: ({ state }, low, high) => {
      state.f[2 * index] = low;
      state.f[2 * index + 1] = double ? high : 0xffffffff;
    },
    held: (_, wanted) => wanted,
  };
}

function csrRow(csr: Csr, xlen: 32 | 64): Row {
  const float = csr.number <= 3;
  const bits = float ? 32 : xlen;
  return {
    name: csr.name,
    number: REGISTER_NUMBER.firstCsr + csr.number,
    bits,
    type: 'int',
    group: float ? 'float' : 'csr',
    ...(float ? {} : { outlivesCalls: true }),
    read: ({ csrs }, to) => {
      csrs.peek(csr);
      give(to, csrs.low, csrs.high, bits / 8);
    },
    write: isWritable(csr)
      ? ({ csrs, writesCsrsExactly }: RegisterSource, low: number, high: number) => {
          const top = xlen === 64 ? high : 0;
          if (writesCsrsExactly) csrs.poke(csr, low, top);
          else csrs.write(csr, low, top);
        }
      : undefined,
    held: ({ state, csrs }, [low, high], trial) => {
      if (!isWritable(csr)) return undefined;
      HART_STATE.copy(state, trial.state);
      copyExtensionStates(csrs.extensionStates, trial.extensionStates);
      trial.poke(csr, low, high);
      trial.peek(csr);
      return [trial.low, trial.high];
    },
  };
}

const isPrivilege = (value: number, { extensions }: HartConfig): boolean =>
  value === PRIVILEGE.user ||
  value === PRIVILEGE.machine ||
  (value === PRIVILEGE.supervisor && extensions.has('s'));

const privilegeRow = (bits: 32 | 64): Row => ({
  name: 'priv',
  number: REGISTER_NUMBER.privilege,
  bits,
  type: 'int',
  group: 'general',
  read: ({ state }, to) => give(to, state.privilege, 0, bits / 8),
  write: (hart, low) => {
    if (isPrivilege(low, hart.config)) hart.state.privilege = low;
  },
  held: (hart, wanted) =>
    wanted[1] === 0 && isPrivilege(wanted[0], hart.config) ? wanted : [hart.state.privilege, 0],
});

interface Feature extends RegisterFeatureRows {
  readonly registers: readonly Row[];
}

function featuresOf({ config, csrs }: RegisterSource): Feature[] {
  const { xlen, extensions } = config;
  const rows = csrs.table.filter(csr => csr !== undefined).map(csr => csrRow(csr, xlen));
  const float = (row: Row) => row.group === 'float';
  const general = X_NAMES.map((name, number) => generalRow(name, number, xlen));
  const features: Feature[] = [
    { name: 'org.gnu.gdb.riscv.cpu', registers: [...general, pcRow(xlen, codeAlignmentMask(config))] },
  ];
  if (extensions.has('f')) {
    const floats = F_NAMES.map((name, index) => floatRow(name, index, extensions.has('d')));
    features.push({ name: 'org.gnu.gdb.riscv.fpu', registers: [...floats, ...rows.filter(float)] });
  }
  features.push({ name: 'org.gnu.gdb.riscv.csr', registers: rows.filter(row => !float(row)) });
  features.push({ name: 'org.gnu.gdb.riscv.virtual', registers: [privilegeRow(xlen)] });
  return features;
}

const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);

/** The registers of one hart. */
export class RiscvRegisters implements HartRegisters {
  readonly description: RegisterDescription;
  readonly #rows: readonly (Row | undefined)[];
  /** State and CSRs once more, to try out what a write would leave. */
  readonly #trial: CsrFile;

  constructor(readonly hart: RegisterSource) {
    const features = featuresOf(hart);
    const rows: (Row | undefined)[] = Array(REGISTER_NUMBER.privilege + 1).fill(undefined);
    for (const { registers } of features) for (const row of registers) rows[row.number] = row;
    this.#rows = rows;
    this.#trial = trialOf(hart);
    const float = hart.config.extensions.has('f');
    const { fflags, frm, fcsr } = FLOAT_CONTROL;
    // What gdb/riscv-tdep.c saves: x1 to x31, pc, and the floating-point state.
    const saved = [
      ...range(1, REGISTER_NUMBER.pc + 1),
      ...(float ? [...range(REGISTER_NUMBER.f0, REGISTER_NUMBER.firstCsr), fcsr] : []),
    ];
    this.description = {
      architecture: `riscv:rv${hart.config.xlen}`,
      features,
      generalCount: REGISTER_NUMBER.f0,
      expedited: [REGISTER_NUMBER.pc, REGISTER_NUMBER.sp, REGISTER_NUMBER.fp],
      pc: REGISTER_NUMBER.pc,
      stack: REGISTER_NUMBER.sp,
      link: REGISTER_NUMBER.ra,
      savedForCalls: saved,
      touchedByCalls: new Set(float ? [...saved, fflags, frm] : saved),
    };
  }

  read(register: number, to: RegisterValue): boolean {
    const row = this.#rows[register];
    row?.read(this.hart, to);
    return row !== undefined;
  }

  refusal(register: number, bytes: Uint8Array): string | undefined {
    const row = this.#rows[register];
    const wanted = wordsOf(bytes);
    const held = row?.held(this.hart, wanted, this.#trial);
    const name = row?.name ?? `register ${register}`;
    if (held === undefined) return `${name} cannot be written: it is read-only`;
    if (held[0] === wanted[0] && held[1] === wanted[1]) return undefined;
    return `${name} cannot hold ${hex(wanted)}: it would hold ${hex(held)}`;
  }

  /** A CSR takes of the value what it can hold. */
  write(register: number, bytes: Uint8Array): boolean {
    const row = this.#rows[register];
    if (row?.write === undefined) return false;
    const [low, high] = wordsOf(bytes);
    if (register === REGISTER_NUMBER.privilege && !isPrivilege(low, this.hart.config)) return false;
    row.write(this.hart, low, high);
    return true;
  }
}

function trialOf({ csrs, id, config }: RegisterSource): CsrFile {
  const state = HART_STATE.bind(new ArrayBuffer(HART_STATE.byteLength), 0);
  const nothing = () => {};
  return new CsrFile(csrs.table, id, config, state, unboundExtensionStates(config), {
    steps: () => csrs.ports.steps(),
    readTime: out => csrs.ports.readTime(out),
    randomHalf: () => -1,
    interruptsChanged: nothing,
    addressSpaceChanged: nothing,
    translationChanged: nothing,
    viewChanged: nothing,
    pmpChanged: nothing,
    timerChanged: nothing,
    triggersChanged: nothing,
  });
}

function wordsOf(bytes: Uint8Array): Words {
  const padded = new Uint8Array(8);
  padded.set(bytes.subarray(0, 8));
  const [low, high] = new Uint32Array(padded.buffer);
  return [low, high];
}

function hex([low, high]: Words): string {
  return `0x${high === 0 ? '' : high.toString(16)}${low.toString(16).padStart(high === 0 ? 1 : 8, '0')}`;
}
