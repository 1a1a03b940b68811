import { minimum, operandNumber } from '../../engine/expressions.js';
import { type Semantics, semantics } from '../../engine/semantics.js';
import type { Special, SpecialEmitter } from '../../engine/special.js';
import { type BitCsr, type Bits, offsetOf, privilegeOf, reportedBits } from '../csr-bits.js';
import { HART_STATE } from '../hart-state.js';
import { rs1, X } from './operands.js';

/** Records by CSR, behind a byte for each CSR number: which record is its own, 0: none. */
const NUMBERS = 4096;
const RECORD_SHIFT = 6;
const MOST_PLAIN_CSRS = 64;
export const CSR_TABLE_BYTES = NUMBERS + (MOST_PLAIN_CSRS << RECORD_SHIFT);

const RECORD = {
  read: 0,
  constant: 8,
  write: 16,
  reported: 24,
  summary: 32,
  /** What the summary's bits are compared with: themselves, or what they never are. */
  summarized: 36,
  enabling: 40,
  offset: 44,
  privilege: 48,
} as const;
type WideField = 'read' | 'constant' | 'write' | 'reported';
type NarrowField = 'summary' | 'summarized' | 'enabling' | 'offset' | 'privilege';

function wide({ bits }: BitCsr, field: WideField): Bits {
  return field === 'reported' ? [reportedBits(bits), 0] : bits[field];
}

function narrow({ number, bits }: BitCsr, field: NarrowField): number {
  switch (field) {
    case 'summary':
      return bits.summary;
    case 'summarized':
      return bits.summary || -1;
    case 'enabling':
      return bits.on.interrupts;
    case 'offset':
      return offsetOf(bits);
    case 'privilege':
      return privilegeOf(number);
  }
}

/** Writes the table that the interpreter looks CSRs up in. */
export function writeCsrTable(memory: ArrayBufferLike, address: number, csrs: readonly BitCsr[]): void {
  if (csrs.length >= MOST_PLAIN_CSRS) throw new Error('too many plain CSRs');
  const view = new DataView(memory, address, CSR_TABLE_BYTES);
  csrs.forEach((csr, index) => {
    view.setUint8(csr.number, index + 1);
    const record = NUMBERS + ((index + 1) << RECORD_SHIFT);
    for (const field of ['read', 'constant', 'write', 'reported'] as const) {
      const [low, high] = wide(csr, field);
      view.setInt32(record + RECORD[field], low, true);
      view.setInt32(record + RECORD[field] + 4, high, true);
    }
    for (const field of ['summary', 'summarized', 'enabling', 'offset', 'privilege'] as const) {
      view.setInt32(record + RECORD[field], narrow(csr, field), true);
    }
  });
}

/** Where the emitter finds what is to be known of a CSR: in the table, or it knows it already. */
interface CsrFields {
  wide(field: WideField): void;
  narrow(field: NarrowField): void;
}

const knownFields = (e: SpecialEmitter, csr: BitCsr): CsrFields => ({
  wide: field => {
    const [low, high] = wide(csr, field);
    if (e.x === 'i32') e.f.i32(low);
    else e.f.i64(low | 0, high | 0);
  },
  narrow: field => void e.f.i32(narrow(csr, field)),
});

/** Fields of the CSR whose number is on the stack; `otherwise` takes from the stack whether it is no plain one. */
function fieldsInTable(e: SpecialEmitter, otherwise: () => void): CsrFields {
  const { f } = e;
  const record = e.scratch('i32');
  f.memory('i32_load8_u', e.table).tee(record).op('i32_eqz');
  otherwise();
  f.get(record).i32(RECORD_SHIFT).op('i32_shl').set(record);
  return {
    wide: field => void f.get(record).memory(`${e.x}_load`, e.table + NUMBERS + RECORD[field]),
    narrow: field => void f.get(record).memory('i32_load', e.table + NUMBERS + RECORD[field]),
  };
}

export type CsrOperation = 'write' | 'set' | 'clear';
/** How the host is told of the operation. */
export const CSR_OPERATION = { write: 0, set: 1, clear: 2 } as const;

interface CsrAccess {
  readonly fields: CsrFields;
  readonly operation: CsrOperation;
  /** Local with the value to write, set or clear. */
  readonly operand: number;
  /** Takes a condition from the stack: leaves what follows to the host. Before it nothing is changed. */
  readonly leaveIf: () => void;
}

/** Emits the access (unprivileged spec 9.1), which leaves the value read on the stack. */
function emitBitCsr(e: SpecialEmitter, access: CsrAccess): void {
  const { f, x, hart } = e;
  const { fields } = access;
  const low = () => {
    if (x === 'i64') f.op('i32_wrap_i64');
  };
  const state = e.scratch(x);
  const old = e.scratch(x);
  const changed = e.scratch(x);
  f.get(hart).memory('i32_load8_u', HART_STATE.offsetOf('privilege'));
  fields.narrow('privilege');
  f.op('i32_lt_u');
  access.leaveIf();
  f.get(hart);
  fields.narrow('offset');
  f.op('i32_add').memory(`${x}_load`, 0).tee(state);
  fields.wide('read');
  f.op(`${x}_and`);
  fields.wide('constant');
  f.op(`${x}_or`).set(old);
  f.get(state);
  low();
  fields.narrow('summary');
  f.op('i32_and');
  fields.narrow('summarized');
  f.op('i32_eq').if();
  f.get(old);
  e.expression(minimum('x'));
  f.op(`${x}_or`).set(old).end();

  // changed: the value to be written, then the bits of the state that it differs in.
  f.get(access.operand).set(changed);
  if (access.operation !== 'write') {
    f.get(old).get(changed);
    if (access.operation === 'clear') {
      e.constant('x', -1);
      f.op(`${x}_xor`).op(`${x}_and`);
    } else {
      f.op(`${x}_or`);
    }
    f.set(changed);
  }
  f.get(changed).get(state).op(`${x}_xor`);
  fields.wide('write');
  f.op(`${x}_and`).tee(changed);
  fields.wide('reported');
  f.op(`${x}_and`);
  e.constant('x', 0);
  f.op(`${x}_ne`);
  access.leaveIf();
  f.get(changed).get(state).get(changed).op(`${x}_xor`).op(`${x}_and`);
  low();
  fields.narrow('enabling');
  f.op('i32_and').if();
  f.get(hart).memory('i32_load', HART_STATE.offsetOf('lines'));
  f.get(hart).memory('i32_load', HART_STATE.offsetOf('softwarePending')).op('i32_or');
  f.get(hart).memory('i32_load', HART_STATE.offsetOf('mie')).op('i32_and');
  access.leaveIf();
  f.end();
  f.get(hart);
  fields.narrow('offset');
  f.op('i32_add').get(state).get(changed).op(`${x}_xor`).memory(`${x}_store`, 0);
  f.get(old);
  e.release(x, state);
  e.release(x, old);
  e.release(x, changed);
}

/** A CSR instruction; `plain` are the CSRs that generated code accesses by itself, by number. */
export function csr(
  plain: ReadonlyMap<number, BitCsr>,
  operation: CsrOperation,
  source: 'register' | 'immediate',
): Semantics {
  const special: Special = {
    name: 'csr',
    reads: source === 'register' ? [{ file: X, operand: 'first' }] : [],
    writes: X,
    emit: e => {
      const operand = e.scratch(e.x);
      e.expression(source === 'register' ? rs1 : operandNumber('first'));
      e.f.set(operand);
      const inline = (leaveIf: () => void) => {
        const known = e.knownImmediate === undefined ? undefined : plain.get(e.knownImmediate)!;
        if (known === undefined) e.immediateBits();
        const fields = known === undefined ? fieldsInTable(e, leaveIf) : knownFields(e, known);
        emitBitCsr(e, { fields, operation, operand, leaveIf });
      };
      e.resultOf(X, inline, () => {
        e.immediateBits();
        e.f.i32(CSR_OPERATION[operation]);
        e.operandNumbers();
        pushWords(e, operand);
      });
      e.release(e.x, operand);
    },
  };
  return semantics({ kind: 'special', special });
}

/** Pushes an x as two words, low then high. */
function pushWords({ f, x }: SpecialEmitter, value: number): void {
  f.get(value);
  if (x === 'i32') f.i32(0);
  else f.op('i32_wrap_i64').get(value).i64(32, 0).op('i64_shr_u').op('i32_wrap_i64');
}
