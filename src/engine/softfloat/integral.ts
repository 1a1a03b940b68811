import type { FunctionBody } from '../../wasm/function-body.js';
import { FLOAT_FLAG, ROUNDING } from '../runtime-functions.js';
import {
  add,
  and,
  any,
  Code,
  eq,
  extendU,
  geS,
  gtU,
  i32,
  i64,
  i64Words,
  isZero,
  ltS,
  ne,
  or,
  power,
  select,
  shiftRight,
  shl,
  sub,
  type Value,
  wrap,
} from './code.js';
import { BINARY64, SIGNIFICAND_BITS } from './float-format.js';
import type { FloatKit } from './rounding.js';

/** roundToIntegral of binary64 (IEEE 754-2008 section 5.9); the exact one tells where the result is another number. */
export function emitToIntegral(kit: FloatKit, exact: boolean, f: FunctionBody): void {
  const code = new Code(f);
  const [a, mode, flags] = [0, 1, 2].map(index => code.parameter(index));
  code.if(BINARY64.isNaN(a), () => code.return(kit.nan(BINARY64, a, a, flags)));
  const exponent = code.let(sub(BINARY64.exponent(a), BINARY64.bias));
  code.if(or(geS(exponent, SIGNIFICAND_BITS), BINARY64.isZero(a)), () => code.return(a));
  const sign = code.let(BINARY64.sign(a));
  const magnitude = code.let(BINARY64.magnitude(a));
  const below = code.let(i64(0));
  const unit = code.let(i64(0));
  const odd = code.let(i32(0));
  const isNearest = any(eq(mode, ROUNDING.nearestEven), eq(mode, ROUNDING.nearestAway));
  // Where the digits behind the point, seen as a number, stand to one half.
  const [over, tie] = [code.let(i32(0)), code.let(i32(0))];
  const one = i64Words(0x3ff00000, 0);
  code.if(
    ltS(exponent, 0),
    () => {
      code.set(below, magnitude);
      const half = i64Words(0x3fe00000, 0);
      code.set(over, gtU(magnitude, half));
      code.set(tie, eq(magnitude, half));
    },
    () => {
      code.set(unit, shl(i64(1), sub(i32(SIGNIFICAND_BITS), exponent)));
      code.set(below, and(magnitude, sub(unit, i64(1))));
      const half = shiftRight(unit, 1);
      code.set(over, gtU(below, half));
      code.set(tie, eq(below, half));
      // Of numbers from 1 to 2 the unit is the hidden bit, which is set.
      code.set(odd, any(isZero(exponent), ne(and(magnitude, unit), i64(0))));
    },
  );
  code.if(isZero(below), () => code.return(a));
  if (exact) kit.raise(code, flags, FLOAT_FLAG.inexact);
  const nearest = any(over, and(tie, any(odd, eq(mode, ROUNDING.nearestAway))));
  const away = eq(mode, sub(i32(ROUNDING.up), sign));
  const up = code.let(select(isNearest, nearest, away));
  code.if(ltS(exponent, 0), () => code.return(BINARY64.signed(sign, select(up, one, i64(0)))));
  const truncated = sub(magnitude, below);
  code.do(BINARY64.signed(sign, add(truncated, select(up, unit, i64(0)))));
}

/** The integral part modulo 2^32; flags are those of a conversion to a signed word (Zfa, fcvtmod.w.d). */
export function emitModularWord(kit: FloatKit, f: FunctionBody): void {
  const code = new Code(f);
  const [a, flags] = [0, 1].map(index => code.parameter(index));
  code.if(BINARY64.isZero(a), () => code.return(i32(0)));
  const exponent = code.let(sub(BINARY64.exponent(a), BINARY64.bias));
  const invalid = () => kit.raise(code, flags, FLOAT_FLAG.invalid);
  // Also NaNs and infinities: no bit is left below 2^32.
  code.if(geS(exponent, SIGNIFICAND_BITS + 32), () => {
    invalid();
    code.return(i32(0));
  });
  code.if(ltS(exponent, 0), () => {
    kit.raise(code, flags, FLOAT_FLAG.inexact);
    code.return(i32(0));
  });
  const sign = code.let(BINARY64.sign(a));
  const significand = code.let(or(BINARY64.fraction(a), power('i64', SIGNIFICAND_BITS)));
  const whole = code.let(i64(0));
  const fraction = code.let(i64(0));
  code.if(
    geS(exponent, SIGNIFICAND_BITS),
    () => code.set(whole, shl(significand, sub(exponent, SIGNIFICAND_BITS))),
    () => {
      const places = code.let(sub(i32(SIGNIFICAND_BITS), exponent));
      code.set(whole, shiftRight(significand, places));
      code.set(fraction, shl(significand, sub(i32(64), places)));
    },
  );
  const greatest: Value = add(i64(2 ** 31 - 1), extendU(sign));
  code.if(or(geS(exponent, 32), gtU(whole, greatest)), invalid, () =>
    code.if(ne(fraction, i64(0)), () => kit.raise(code, flags, FLOAT_FLAG.inexact)),
  );
  const word = wrap(whole);
  code.do(select(sign, sub(i32(0), word), word));
}
