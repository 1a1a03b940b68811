/** The forms that RISC-V's instructions have: what many of them do besides their own computation. */
import {
  type AccessSize,
  at,
  binary,
  choose,
  compare,
  constant,
  type Expression,
  field,
  load,
  low,
  modifier,
  nextPc,
  type Place,
  signExtend,
  unary,
  type Variable,
  variable,
  zeroExtend,
} from '../../engine/expressions.js';
import { type Semantics, type Statement, semantics, set, when } from '../../engine/semantics.js';
import { MSTATUS } from '../privileged.js';
import { F, FCSR, RESERVED_ADDRESS, RESERVED_VALUE, rdBefore, rs1, rs2, STATUS, X } from './operands.js';

/** Position of the rounding mode in fcsr. */
const ROUNDING_SHIFT = 5;
/** The mode of an instruction that takes the one that is set; of those set, this many are modes (table 11.1). */
const DYNAMIC_ROUNDING = 7;
const ROUNDING_MODES = 5;

export const setRd = (value: Expression): Semantics => semantics(set(X, value));
export const store = (size: AccessSize, address: Expression, value: Expression): Semantics =>
  semantics({ kind: 'store', size, address, value });
/** Jumps, leaving the return address in rd. */
export const jumpAndLink = (target: Expression): Semantics =>
  // The target is computed before the link register is written: they may be the same register.
  semantics({ kind: 'jump', target }, set(X, nextPc));
export const branchIf = (condition: Expression): Semantics => semantics({ kind: 'branch', condition });
export const system = (operation: string): Semantics => semantics({ kind: 'system', operation });
export const nothing: Semantics = semantics();

// Floating point (11.2): illegal while it is off, and dirty behind a result.

const FLOAT_ON: Statement = { kind: 'require-bits', field: STATUS, mask: MSTATUS.fs };
const rounding: Variable = { type: 'w', value: modifier };
/** The rounding mode of an instruction that has one, for `roundingMode`. */
const ROUNDS: readonly Statement[] = [
  { kind: 'let', variable: rounding },
  when(
    compare('eq', modifier, constant(DYNAMIC_ROUNDING, 'w')),
    {
      kind: 'assign',
      variable: rounding,
      value: binary('shr_u', field(FCSR), constant(ROUNDING_SHIFT, 'w')),
    },
    { kind: 'require', condition: compare('lt_u', variable(rounding), constant(ROUNDING_MODES, 'w')) },
  ),
];
export const roundingMode: Expression = variable(rounding);

const floating = (rounds: boolean, ...statements: readonly Statement[]): Semantics =>
  semantics(FLOAT_ON, ...(rounds ? ROUNDS : []), ...statements);

export const setFd = (value: Expression, rounds = false): Semantics =>
  floating(rounds, set(F, value), { kind: 'set-bits', field: STATUS, mask: MSTATUS.fs });
/** Like `setRd`, for instructions that are illegal while floating point is off. */
export const setRdFromFloat = (value: Expression, rounds = false): Semantics =>
  floating(rounds, set(X, value));
export const storeFloat = (size: AccessSize, address: Expression, value: Expression): Semantics =>
  floating(false, { kind: 'store', size, address, value });

// Atomics (chapter 8).

/** rd = old value; memory = update(old), which is a sign-extended `w` where it has less than 8 bytes. */
export const atomic = (size: AccessSize, update: (old: Expression) => Expression): Semantics => {
  const place: Place = { size };
  const old: Variable = { type: size === 8 ? 'x' : 'w', value: at(place) };
  return semantics(
    {
      kind: 'at',
      place,
      address: rs1,
      access: 'atomic',
      body: [
        { kind: 'let', variable: old },
        { kind: 'set-place', place, value: update(variable(old)) },
      ],
    },
    set(X, size === 8 ? variable(old) : signExtend(variable(old))),
  );
};

/** rd = old value; memory = rs2 where the old value is what rd was. */
export const compareAndSwap = (size: AccessSize): Semantics => {
  const [expected, swapped] = size === 8 ? [rdBefore, rs2] : [narrowed(rdBefore, size), low(rs2)];
  return atomic(size, old => choose(compare('eq', old, expected), swapped, old));
};

/** The low bytes of an x as a sign-extended `w`. */
export const narrowed = (value: Expression, size: AccessSize): Expression => {
  if (size === 4) return low(value);
  return unary(size === 1 ? 'extend8_s' : 'extend16_s', low(value));
};

export const loadReserved = (size: 4 | 8): Semantics => {
  const loaded: Variable = { type: 'x', value: load(size, true, rs1, 'x', 'reserved') };
  return semantics(
    { kind: 'let', variable: loaded },
    { kind: 'set-field', field: RESERVED_ADDRESS, value: rs1 },
    { kind: 'set-field', field: RESERVED_VALUE, value: variable(loaded) },
    set(X, variable(loaded)),
  );
};

const NO_RESERVATION = constant(-1);

/** Succeeds while the reserved address and the value there are still the same, as on QEMU. */
export const storeConditional = (size: 4 | 8): Semantics => {
  const place: Place = { size };
  const failed: Variable = { type: 'w', value: constant(1, 'w') };
  const succeed = when(
    compare('eq', at(place, 'x'), field(RESERVED_VALUE)),
    { kind: 'set-place', place, value: size === 4 ? low(rs2) : rs2 },
    { kind: 'assign', variable: failed, value: constant(0, 'w') },
  );
  return semantics(
    { kind: 'let', variable: failed },
    when(compare('eq', rs1, field(RESERVED_ADDRESS)), {
      kind: 'at',
      place,
      address: rs1,
      access: 'conditional',
      body: [succeed],
    }),
    { kind: 'set-field', field: RESERVED_ADDRESS, value: NO_RESERVATION },
    set(X, zeroExtend(variable(failed))),
  );
};
