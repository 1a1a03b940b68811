/** A toy hart's registers as a debugger sees them. The pc has a name and a number that no RISC-V has. */
import type {
  HartRegisters,
  RegisterDescription,
  RegisterRow,
  RegisterValue,
} from '../../src/machine/hart.js';
import type { ToyState } from './toy-state.js';

export const TOY_REGISTER = {
  r0: 0,
  stack: 13,
  link: 14,
  ip: 16,
  flags: 17,
  from: 18,
  cause: 19,
  fault: 20,
  handling: 21,
};

interface Row extends RegisterRow {
  read(state: ToyState): number;
  /** What a write leaves; absent: it cannot be written. */
  held?(value: number): number;
  write?(state: ToyState, value: number): void;
}

const word = (value: number): number => value;

const general: Row[] = Array.from({ length: 16 }, (_, n) => ({
  name: `r${n}`,
  number: n,
  bits: 32,
  type: n === TOY_REGISTER.stack ? 'data_ptr' : 'int',
  group: 'general',
  ...(n === TOY_REGISTER.stack ? { role: 'sp' } : {}),
  read: state => state.r[2 * n],
  held: word,
  write: (state, value) => {
    state.r[2 * n] = value;
  },
}));

const other = (
  name: keyof typeof TOY_REGISTER,
  group: string,
  row: Partial<Row> & Pick<Row, 'read'>,
): Row => ({
  name,
  number: TOY_REGISTER[name],
  bits: 32,
  type: 'int',
  group,
  ...row,
});

const FLAG_NAMES = ['negative', 'zero', 'carry', 'overflow'] as const;

const special: Row[] = [
  other('ip', 'general', {
    type: 'code_ptr',
    role: 'pc',
    read: state => state.pc[0],
    held: value => (value & -4) >>> 0,
    write: (state, value) => {
      state.pc[0] = (value & -4) >>> 0;
    },
  }),
  other('flags', 'general', {
    read: state => FLAG_NAMES.reduce((bits, name, at) => bits | (state[name] << at), 0),
    held: value => value & 15,
    write: (state, value) => {
      for (const [at, name] of FLAG_NAMES.entries()) state[name] = (value >>> at) & 1;
    },
  }),
];

const trap: Row[] = [
  other('from', 'trap', {
    outlivesCalls: true,
    read: state => state.link[0],
    held: word,
    write: (state, value) => {
      state.link[0] = value;
    },
  }),
  other('cause', 'trap', { outlivesCalls: true, read: state => state.cause }),
  other('fault', 'trap', { outlivesCalls: true, read: state => state.fault }),
  other('handling', 'trap', {
    outlivesCalls: true,
    read: state => state.handling,
    held: value => value & 1,
    write: (state, value) => {
      state.handling = value & 1;
    },
  }),
];

const ROWS = [...general, ...special, ...trap];
const CALLED = [...general, ...special].map(({ number }) => number);

export const TOY_REGISTERS: RegisterDescription = {
  architecture: 'toy',
  features: [
    { name: 'org.example.toy.core', registers: [...general, ...special] },
    { name: 'org.example.toy.trap', registers: trap },
  ],
  generalCount: CALLED.length,
  expedited: [TOY_REGISTER.ip, TOY_REGISTER.stack],
  pc: TOY_REGISTER.ip,
  stack: TOY_REGISTER.stack,
  link: TOY_REGISTER.link,
  savedForCalls: CALLED,
  touchedByCalls: new Set(CALLED),
};

export class ToyRegisters implements HartRegisters {
  readonly description = TOY_REGISTERS;

  constructor(readonly state: ToyState) {}

  read(register: number, to: RegisterValue): boolean {
    const row = ROWS[register];
    if (row === undefined) return false;
    to.low = row.read(this.state);
    to.high = 0;
    to.width = 4;
    return true;
  }

  refusal(register: number, bytes: Uint8Array): string | undefined {
    const row = ROWS[register];
    if (row?.held === undefined) return `${row?.name ?? `register ${register}`} cannot be written`;
    return row.held(wordOf(bytes)) === wordOf(bytes) ? undefined : `${row.name} cannot hold that`;
  }

  write(register: number, bytes: Uint8Array): boolean {
    const write = ROWS[register]?.write;
    write?.(this.state, wordOf(bytes));
    return write !== undefined;
  }
}

function wordOf(bytes: Uint8Array): number {
  const padded = new Uint8Array(4);
  padded.set(bytes.subarray(0, 4));
  return new Uint32Array(padded.buffer)[0];
}
