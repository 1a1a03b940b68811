/**
 * Control and status registers that are bits of a hart's state. What their rows say is executed twice: here, for the
 * host and for debuggers, and by generated code (isa/csr-instructions.ts).
 */
import { HART_STATE, type HartState } from './hart-state.js';
import { PRIVILEGE } from './privileged.js';

/** Low and high half of 64 bits. */
export type Bits = readonly [low: number, high: number];

/** What changes of bits mean beside the bits themselves; all stand in the low half. */
export interface Consequences {
  /** Set, they let a pending interrupt be taken; changed, one may be pending that was not. */
  readonly interrupts: number;
  /** Page tables allow other accesses. */
  readonly translation: number;
  /** Loads and stores act in another mode. */
  readonly view: number;
}

export interface CsrBits {
  readonly field: keyof HartState;
  /** Bits that are read from the state, bits that always read as one, and bits that a write changes. */
  readonly read: Bits;
  readonly constant: Bits;
  readonly write: Bits;
  /** Low bits of the state which, all set, set the topmost bit that is read; 0: there is no such thing. */
  readonly summary: number;
  /** A write with one of these low bits set changes nothing. */
  readonly refused: number;
  /** Low bits that hold one of these values, and stay as they are when another is written (WARL). */
  readonly legal?: { readonly bits: number; readonly values: readonly number[] };
  readonly on: Consequences;
  /**
   * Generated code leaves every access to the host: what lets interrupts be taken is not the bits alone, but others
   * they are compared with.
   */
  readonly hostOnly?: true;
}

export interface BitCsr {
  readonly name: string;
  readonly number: number;
  readonly bits: CsrBits;
}

const ALL: Bits = [0xffffffff, 0xffffffff];
const NONE: Bits = [0, 0];

type GivenBits = Pick<CsrBits, 'field' | 'write'> &
  Partial<Omit<CsrBits, 'on'>> & { readonly on?: Partial<Consequences> };

/** A row of bits: all are read and none means more, unless it says otherwise. */
export function bitCsr(name: string, number: number, { on, ...given }: GivenBits): BitCsr {
  const bits: CsrBits = {
    read: ALL,
    constant: NONE,
    summary: 0,
    refused: 0,
    ...given,
    on: { interrupts: 0, translation: 0, view: 0, ...on },
  };
  const legal = bits.legal?.bits ?? 0;
  if (!bits.hostOnly && (legal & ~reportedBits(bits)) !== 0)
    throw new Error(`${name}: generated code knows no legal values, so the host must hear of their changes`);
  return { name, number, bits };
}

/** Changes of these low bits are left to the host, by generated code. */
export const reportedBits = ({ on, refused }: CsrBits): number => on.translation | on.view | refused;

export const isPlain = ({ bits }: BitCsr): boolean => bits.hostOnly === undefined;

/** The least privilege that the number of a CSR lets access it (privileged spec 2.1). */
export const privilegeOf = (number: number): number => {
  const needed = (number >>> 8) & 3;
  return needed === 2 ? PRIVILEGE.machine : needed;
};

/** Where the bits stand in a hart's state. */
export const offsetOf = ({ field }: CsrBits): number => HART_STATE.offsetOf(field);

interface Words {
  set(low: number, high: number): void;
}

export function readBits(bits: CsrBits, state: HartState, xlen: 32 | 64, out: Words): void {
  const { read, constant, summary } = bits;
  const low = lowOf(state, bits);
  const top = summary !== 0 && (low & summary) === summary ? 2 ** 31 : 0;
  const readLow = (low & read[0]) | constant[0];
  const readHigh = (highOf(state, bits) & read[1]) | constant[1];
  if (xlen === 32) out.set(readLow | top, 0);
  else out.set(readLow, readHigh | top);
}

/** Returns the low bits that have changed. */
export function writeBits(bits: CsrBits, state: HartState, xlen: 32 | 64, low: number, high: number): number {
  if ((low & bits.refused) !== 0) return 0;
  const { write, legal, field } = bits;
  const old = lowOf(state, bits);
  const illegal = legal !== undefined && !legal.values.includes(low & legal.bits);
  const writable = illegal ? write[0] & ~legal.bits : write[0];
  const changed = ((old ^ low) & writable) >>> 0;
  const slot = state[field];
  if (typeof slot === 'number') {
    (state as Record<ScalarField, number>)[field as ScalarField] = (old ^ changed) >>> 0;
    return changed;
  }
  slot[0] = old ^ changed;
  if (xlen === 64) slot[1] ^= (slot[1] ^ high) & write[1];
  return changed;
}

type ScalarField = { [K in keyof HartState]: HartState[K] extends number ? K : never }[keyof HartState];

function lowOf(state: HartState, { field }: CsrBits): number {
  const slot = state[field];
  return typeof slot === 'number' ? slot : slot[0];
}

function highOf(state: HartState, { field }: CsrBits): number {
  const slot = state[field];
  return typeof slot === 'number' ? 0 : slot[1];
}
