/** The registers a debugger sees, numbered as GDB numbers RISC-V registers (gdb/riscv-tdep.h). */
import type { Csr } from './csr-file.js';
import type { HartConfig } from './privileged.js';

export interface RegisterRow {
  readonly name: string;
  readonly number: number;
  readonly bits: number;
  readonly type: string;
  readonly group: string;
  /** What the calling convention uses it for, where a debugger has to know (LLDB's `generic`). */
  readonly role?: RegisterRole;
  /** Number in DWARF (RISC-V ABIs, "DWARF register numbers"); none: not named there. */
  readonly dwarf?: number;
}

export type RegisterRole =
  | 'pc'
  | 'ra'
  | 'sp'
  | 'fp'
  | 'arg1'
  | 'arg2'
  | 'arg3'
  | 'arg4'
  | 'arg5'
  | 'arg6'
  | 'arg7'
  | 'arg8';

export interface RegisterFeatureRows {
  readonly name: string;
  readonly registers: readonly RegisterRow[];
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
  /** Not RISC-V's: the machine's own. */
  icount: 4200,
} as const;

/** fflags and frm are parts of fcsr. */
export const FLOAT_CONTROL = {
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

const ROLES: Readonly<Record<string, RegisterRole>> = {
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

/** ABI names of x0..x31, for messages and disassembly. */
export const abiName = (register: number): string => X_NAMES[register];

/** The name that a debugger knows a register by. */
export function registerName(register: number, csrs: readonly (Csr | undefined)[]): string | undefined {
  if (register === REGISTER_NUMBER.pc) return 'pc';
  if (register === REGISTER_NUMBER.privilege) return 'priv';
  if (register === REGISTER_NUMBER.icount) return 'icount';
  if (register < REGISTER_NUMBER.pc) return X_NAMES[register];
  if (register < REGISTER_NUMBER.firstCsr) return F_NAMES[register - REGISTER_NUMBER.f0];
  return csrs[register - REGISTER_NUMBER.firstCsr]?.name;
}

export function registerFeatures(config: HartConfig, csrs: readonly Csr[]): RegisterFeatureRows[] {
  const bits = config.xlen;
  const general: RegisterRow[] = X_NAMES.map((name, number) => ({
    name,
    number,
    bits,
    type: POINTERS[name] ?? 'int',
    group: 'general',
    dwarf: number,
    ...(ROLES[name] === undefined ? {} : { role: ROLES[name] }),
  }));
  general.push({
    name: 'pc',
    number: REGISTER_NUMBER.pc,
    bits,
    type: 'code_ptr',
    group: 'general',
    role: 'pc',
  });
  const features: RegisterFeatureRows[] = [{ name: 'org.gnu.gdb.riscv.cpu', registers: general }];
  const floatCsrs = csrs.filter(csr => csr.number <= 3);
  const csrRow = (csr: Csr): RegisterRow => ({
    name: csr.name,
    number: REGISTER_NUMBER.firstCsr + csr.number,
    bits: csr.number <= 3 ? 32 : bits,
    type: 'int',
    group: csr.number <= 3 ? 'float' : 'csr',
  });
  if (config.extensions.has('f')) {
    const double = config.extensions.has('d');
    const registers = F_NAMES.map((name, index) => ({
      name,
      number: REGISTER_NUMBER.f0 + index,
      bits: double ? 64 : 32,
      type: double ? 'ieee_double' : 'ieee_single',
      group: 'float',
      dwarf: FIRST_FLOAT_IN_DWARF + index,
    }));
    features.push({ name: 'org.gnu.gdb.riscv.fpu', registers: [...registers, ...floatCsrs.map(csrRow)] });
  }
  features.push({ name: 'org.gnu.gdb.riscv.csr', registers: csrs.filter(csr => csr.number > 3).map(csrRow) });
  features.push({
    name: 'org.gnu.gdb.riscv.virtual',
    registers: [{ name: 'priv', number: REGISTER_NUMBER.privilege, bits, type: 'int', group: 'general' }],
  });
  features.push({
    name: 'org.backstub.time',
    registers: [{ name: 'icount', number: REGISTER_NUMBER.icount, bits: 64, type: 'int', group: 'time' }],
  });
  return features;
}
