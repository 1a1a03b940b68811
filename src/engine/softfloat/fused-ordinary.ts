import {
  add,
  all,
  and,
  type Code,
  clz,
  extendU,
  geS,
  gtS,
  i32,
  i64,
  ltU,
  mul,
  ne,
  or,
  power,
  shiftRight,
  shl,
  sub,
  type Value,
  wrap,
  xor,
} from './code.js';
import { BINARY64, SIGNIFICAND_BITS } from './float-format.js';
import { LEADING_BIT } from './rounding.js';
import { addSigned } from './signed-sum.js';

const DROPPED = LEADING_BIT - SIGNIFICAND_BITS;

/**
 * Binary64 a x b + c for the bulk of cases, rounded to nearest even with no flag but inexact, which is up: all
 * three normal, addend and product within 63 places of each other, no great cancellation, a normal result.
 * Returns from the function when it has the result, else goes on behind.
 */
export function emitOrdinaryFused(code: Code, a: Value, b: Value, c: Value): void {
  const format = BINARY64;
  const [fieldA, fieldB, fieldC] = [a, b, c].map(raw => code.let(format.exponent(raw)));
  const normal = (field: Value) => ltU(sub(field, 1), format.special - 1);
  code.if(all(normal(fieldA), normal(fieldB), normal(fieldC)), () => {
    const significand = (raw: Value, places: number) =>
      code.let(shl(or(format.fraction(raw), power('i64', SIGNIFICAND_BITS)), places));
    // The product's leading one is at bit 124 or 125 of 128, the addend's at 124.
    const { high, low } = wideProduct(code, significand(a, DROPPED), significand(b, DROPPED));
    const addend = significand(c, DROPPED - 2);
    const exponent = code.let(sub(add(fieldA, fieldB), format.bias));
    const distance = code.let(sub(exponent, fieldC));
    code.if(ltU(add(distance, 63), 127), () => {
      const addHigh = code.let(addend);
      const addLow = code.let(i64(0));
      code.if(
        geS(distance, 0),
        () => {
          code.set(addHigh, shiftRight(addend, distance));
          code.set(addLow, shl(shl(addend, 1), sub(i32(63), distance)));
        },
        () => {
          const lost = code.let(ne(shl(low, distance), 0));
          code.set(low, or(shiftRight(low, sub(i32(0), distance)), shl(high, distance)));
          code.set(low, or(low, extendU(lost)));
          code.set(high, shiftRight(high, sub(i32(0), distance)));
          code.set(exponent, fieldC);
        },
      );
      const sign = code.let(format.sign(xor(a, b)));
      addSigned(code, { high, low, sign }, { high: addHigh, low: addLow, sign: format.sign(c) });
      code.if(gtS(high, 0), () => {
        const shift = code.let(sub(wrap(clz(high)), 63 - LEADING_BIT));
        code.set(exponent, sub(add(exponent, 2), shift));
        code.if(ltU(sub(exponent, 1), format.special - 3), () => {
          const upper = or(shl(high, shift), shiftRight(shiftRight(low, 1), sub(i32(63), shift)));
          const sticky = extendU(ne(shl(low, shift), 0));
          const exact = code.let(or(upper, sticky));
          // Half a unit less one, and one more for an odd number: a tie goes to the even one.
          const odd = and(shiftRight(exact, DROPPED), 1);
          const rounded = shiftRight(add(add(exact, 2 ** (DROPPED - 1) - 1), odd), DROPPED);
          const field = shl(extendU(sub(exponent, 1)), SIGNIFICAND_BITS);
          code.return(format.signed(sign, add(field, rounded)));
        });
      });
    });
  });
}

/** 128 bits of the product of two numbers below 2^63. */
function wideProduct(code: Code, a: Value, b: Value) {
  const lower = (value: Value) => and(value, i64(2 ** 32 - 1));
  const [a0, a1, b0, b1] = [lower(a), shiftRight(a, 32), lower(b), shiftRight(b, 32)].map(half =>
    code.let(half),
  );
  const middle = code.let(add(mul(a1, b0), shiftRight(mul(a0, b0), 32)));
  const carried = add(mul(a0, b1), lower(middle));
  const high = add(add(mul(a1, b1), shiftRight(middle, 32)), shiftRight(carried, 32));
  return { high: code.let(high), low: code.let(mul(a, b)) };
}
