import type { FunctionBody } from '../../wasm/function-body.js';
import { FLOAT_FLAG, ROUNDING } from '../runtime-functions.js';
import {
  add,
  and,
  any,
  Code,
  clz,
  eq,
  extendU,
  geS,
  gtU,
  i32,
  i64,
  i64Words,
  isZero,
  ltS,
  ltU,
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
import { BINARY16, BINARY32, BINARY64, type FloatFormat, SIGNIFICAND_BITS } from './float-format.js';
import { type FloatKit, LEADING_BIT } from './rounding.js';
import { fromInteger, hostRounds } from './stand-in.js';

export interface IntegerType {
  readonly bits: 32 | 64;
  readonly signed: boolean;
}

/** Greatest value and the magnitude of the least one, as unsigned 64-bit integers. */
function limits({ bits, signed }: IntegerType): { greatest: Value; least: Value } {
  if (!signed) return { greatest: bits === 64 ? i64(-1) : i64(2 ** 32 - 1), least: i64(0) };
  if (bits === 32) return { greatest: i64(2 ** 31 - 1), least: i64(2 ** 31) };
  return { greatest: i64Words(0x7fffffff, -1), least: power('i64', 63) };
}

/** Float to integer (IEEE 754-2008 section 5.8): out of range is invalid and saturates, a NaN as +infinity. */
export function emitToInteger(kit: FloatKit, format: FloatFormat, to: IntegerType, f: FunctionBody): void {
  const code = new Code(f);
  const [a, mode, flags] = [0, 1, 2].map(index => code.parameter(index));
  const result = (value: Value): Value => (to.bits === 32 ? wrap(value) : value);
  const { greatest, least } = limits(to);

  const negative = code.let(and(format.sign(a), isZero(format.isNaN(a))));
  const invalid = () => {
    kit.raise(code, flags, FLOAT_FLAG.invalid);
    code.return(result(select(negative, sub(i64(0), least), greatest)));
  };
  code.if(format.isZero(a), () => code.return(result(i64(0))));
  const { exponent, significand } = format.unpack(code, a);
  code.set(exponent, sub(exponent, format.bias));
  // Infinities and NaNs have the greatest exponent of all.
  code.if(geS(exponent, 64), invalid);

  const magnitude = code.let(i64(0));
  const fraction = code.let(i64(0));
  code.if(
    geS(exponent, SIGNIFICAND_BITS),
    () => code.set(magnitude, shl(significand, sub(exponent, SIGNIFICAND_BITS))),
    () => {
      // 1 to 63 places, or so far that less than half is left.
      const places = code.let(sub(i32(SIGNIFICAND_BITS), exponent));
      code.if(
        ltU(places, 64),
        () => {
          code.set(magnitude, shiftRight(significand, places));
          code.set(fraction, shl(significand, sub(i32(64), places)));
        },
        () => code.set(fraction, i64(1)),
      );
    },
  );
  code.if(ne(fraction, 0), () => {
    const half = power('i64', 63);
    const nearest = any(
      gtU(fraction, half),
      and(eq(fraction, half), any(wrap(and(magnitude, 1)), eq(mode, ROUNDING.nearestAway))),
    );
    const isNearest = any(eq(mode, ROUNDING.nearestEven), eq(mode, ROUNDING.nearestAway));
    const away = eq(mode, sub(i32(ROUNDING.up), negative));
    code.set(magnitude, add(magnitude, extendU(select(isNearest, nearest, away))));
  });
  code.if(gtU(magnitude, select(negative, least, greatest)), invalid);
  code.if(ne(fraction, 0), () => kit.raise(code, flags, FLOAT_FLAG.inexact));
  code.do(result(select(negative, sub(i64(0), magnitude), magnitude)));
}

export function emitFromInteger(kit: FloatKit, format: FloatFormat, signed: boolean, f: FunctionBody): void {
  const code = new Code(f);
  const [a, mode, flags] = [0, 1, 2].map(index => code.parameter(index));
  if (format === BINARY16) {
    code.if(isZero(a), () => code.return(i32(0)));
  } else {
    const exact = fromInteger(format, signed, a);
    code.if(or(exact.sure(a), hostRounds(mode, flags)), () => code.return(exact.result));
  }

  const negative = code.let(signed ? ltS(a, 0) : i32(0));
  const magnitude = code.let(select(negative, sub(i64(0), a), a));
  const shift = code.let(wrap(clz(magnitude)));
  const exponent = sub(i32(format.bias + 63), shift);
  code.set(magnitude, shl(magnitude, shift));
  const significand = or(shiftRight(magnitude, 63 - LEADING_BIT), and(magnitude, 1));
  code.do(kit.round(format, negative, exponent, significand, mode, flags));
}

export function emitWiden(kit: FloatKit, f: FunctionBody): void {
  const code = new Code(f);
  const [a, flags] = [0, 1].map(index => code.parameter(index));
  kit.tryHost(code, 'f32_to_f64', [a]);
  code.if(BINARY32.isSignalling(a), () => kit.raise(code, flags, FLOAT_FLAG.invalid));
  code.do(BINARY64.canonicalNaN);
}

/** Binary16 to binary64, exactly. */
export function emitWidenHalf(kit: FloatKit, f: FunctionBody): void {
  const code = new Code(f);
  const [a, flags] = [0, 1].map(index => code.parameter(index));
  const sign = code.let(BINARY16.sign(a));
  code.if(BINARY16.isSpecial(a), () => {
    code.if(BINARY16.isNaN(a), () => {
      code.if(BINARY16.isSignalling(a), () => kit.raise(code, flags, FLOAT_FLAG.invalid));
      code.return(BINARY64.canonicalNaN);
    });
    code.return(BINARY64.signed(sign, BINARY64.infinity));
  });
  code.if(BINARY16.isZero(a), () => code.return(BINARY64.signed(sign, i64(0))));
  const { exponent, significand } = BINARY16.unpack(code, a);
  // The leading one adds 1 to the exponent field.
  const field = add(exponent, BINARY64.bias - BINARY16.bias - 1);
  code.do(BINARY64.signed(sign, add(shl(extendU(field), BINARY64.fractionBits), significand)));
}

export function emitNarrow(kit: FloatKit, to: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, mode, flags] = [0, 1, 2].map(index => code.parameter(index));
  if (to === BINARY32) kit.tryHost(code, 'f64_to_f32', [a], hostRounds(mode, flags));
  const sign = code.let(BINARY64.sign(a));
  code.if(BINARY64.isSpecial(a), () => {
    code.if(BINARY64.isNaN(a), () => {
      code.if(BINARY64.isSignalling(a), () => kit.raise(code, flags, FLOAT_FLAG.invalid));
      code.return(to.canonicalNaN);
    });
    code.return(to.signed(sign, to.infinity));
  });
  code.if(BINARY64.isZero(a), () => code.return(to.signed(sign, i32(0))));
  const { exponent, significand } = BINARY64.unpack(code, a);
  const rebased = sub(exponent, BINARY64.bias - to.bias);
  const aligned = shl(significand, LEADING_BIT - SIGNIFICAND_BITS);
  code.do(kit.round(to, sign, rebased, aligned, mode, flags));
}

/** IEEE 754-2008 section 5.7.2 `class`, as one bit of ten. */
export function emitClassify(format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const a = code.parameter(0);
  const bit = (number: number) => shl(i32(1), i32(number));
  code.if(format.isNaN(a), () => code.return(select(format.isSignalling(a), bit(8), bit(9))));
  const negative = format.sign(a);
  const pick = (minus: number, plus: number) => code.return(select(negative, bit(minus), bit(plus)));
  code.if(format.isSpecial(a), () => pick(0, 7));
  code.if(format.isZero(a), () => pick(3, 4));
  code.if(isZero(format.exponent(a)), () => pick(2, 5));
  code.do(select(negative, bit(1), bit(6)));
}
