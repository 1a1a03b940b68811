import {
  add,
  type Code,
  eq,
  extendU,
  i64,
  ltS,
  ltU,
  ne,
  sub,
  type Value,
  type Variable,
  xor,
} from './code.js';

/** A 128-bit magnitude in two words; with a sign, a number. */
export interface Magnitude {
  readonly high: Variable;
  readonly low: Variable;
}

/**
 * sum += addend, each with its sign. Where the signs differ and the magnitudes do not, `whenZero` says what to do;
 * without it the sum is zero with the sign it had.
 */
export function addSigned(
  code: Code,
  sum: Magnitude & { readonly sign: Variable },
  addend: Magnitude & { readonly sign: Value },
  whenZero?: () => void,
): void {
  const { high, low, sign } = sum;
  code.if(
    eq(sign, addend.sign),
    () => {
      code.set(low, add(low, addend.low));
      code.set(high, add(add(high, addend.high), extendU(ltU(low, addend.low))));
    },
    () => {
      const borrow = code.let(extendU(ltU(low, addend.low)));
      code.set(low, sub(low, addend.low));
      code.set(high, sub(sub(high, addend.high), borrow));
      whenZero?.();
      code.if(ltS(high, 0), () => {
        code.set(low, sub(i64(0), low));
        code.set(high, sub(sub(i64(0), high), extendU(ne(low, 0))));
        code.set(sign, xor(sign, 1));
      });
    },
  );
}
