import type { FunctionBody } from '../../wasm/function-body.js';
import { FLOAT_FLAG, ROUNDING } from '../runtime-functions.js';
import {
  add,
  all,
  and,
  any,
  Code,
  call,
  clz,
  div,
  eq,
  extendS,
  extendU,
  gtS,
  i32,
  i64,
  isZero,
  ltS,
  ltU,
  mul,
  ne,
  operation,
  or,
  power,
  select,
  shiftRight,
  shl,
  shrS,
  sqrt,
  sub,
  type Value,
  type Variable,
  wrap,
  xor,
} from './code.js';
import { BINARY16, BINARY64, type FloatFormat, SIGNIFICAND_BITS } from './float-format.js';
import { emitOrdinaryFused } from './fused-ordinary.js';
import { type FloatKit, LEADING_BIT } from './rounding.js';
import { addSigned } from './signed-sum.js';
import { hostRounds } from './stand-in.js';

/** Bits that a significand of SIGNIFICAND_BITS is shifted by to stand where `round` wants it. */
const TO_LEADING = LEADING_BIT - SIGNIFICAND_BITS;

/** Addition (IEEE 754-2008 section 5.4.1). Subtraction is addition of the negated operand. */
export function emitAdd(kit: FloatKit, format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, b, mode, flags] = [0, 1, 2, 3].map(index => code.parameter(index));
  kit.tryHost(code, `${format.hostType}_add`, [a, b], hostRounds(mode, flags));

  code.if(or(format.isSpecial(a), format.isSpecial(b)), () => {
    code.if(or(format.isNaN(a), format.isNaN(b)), () => code.return(kit.nan(format, a, b, flags)));
    const opposed = eq(a, format.negate(b));
    code.if(opposed, () => kit.returnInvalid(code, format, flags));
    code.return(select(format.isSpecial(a), a, b));
  });

  const sign = code.let(format.sign(a));
  const subtracts = code.let(xor(sign, format.sign(b)));
  const left = format.unpackPlain(code, a);
  const right = format.unpackPlain(code, b);
  // One place below where `round` wants the leading one: the sum may carry.
  code.set(left.significand, shl(left.significand, TO_LEADING - 1));
  code.set(right.significand, shl(right.significand, TO_LEADING - 1));
  const distance = code.let(sub(left.exponent, right.exponent));
  code.if(
    gtS(distance, 0),
    () => code.set(right.significand, kit.shiftJam(right.significand, distance)),
    () => {
      code.if(ltS(distance, 0), () => {
        code.set(left.significand, kit.shiftJam(left.significand, sub(i32(0), distance)));
        code.set(left.exponent, right.exponent);
      });
    },
  );
  const sum = code.let(i64(0));
  code.if(
    subtracts,
    () => {
      code.set(sum, sub(left.significand, right.significand));
      // An exact zero is positive, or negative when rounding down.
      code.if(isZero(sum), () => code.return(format.signed(eq(mode, ROUNDING.down), zero(format))));
      code.if(ltS(sum, 0), () => {
        code.set(sum, sub(i64(0), sum));
        code.set(sign, xor(sign, 1));
      });
    },
    () => {
      code.set(sum, add(left.significand, right.significand));
      code.if(isZero(sum), () => code.return(a));
    },
  );
  const shift = code.let(sub(wrap(clz(sum)), 63 - LEADING_BIT));
  const exponent = sub(add(left.exponent, 1), shift);
  code.do(kit.round(format, sign, exponent, shl(sum, shift), mode, flags));
}

export function emitMultiply(kit: FloatKit, format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, b, mode, flags] = [0, 1, 2, 3].map(index => code.parameter(index));
  kit.tryHost(code, `${format.hostType}_mul`, [a, b], hostRounds(mode, flags));

  const sign = code.let(format.sign(xor(a, b)));
  code.if(or(format.isSpecial(a), format.isSpecial(b)), () => {
    code.if(or(format.isNaN(a), format.isNaN(b)), () => code.return(kit.nan(format, a, b, flags)));
    code.if(or(format.isZero(a), format.isZero(b)), () => kit.returnInvalid(code, format, flags));
    code.return(format.signed(sign, format.infinity));
  });
  code.if(or(format.isZero(a), format.isZero(b)), () => code.return(format.signed(sign, zero(format))));

  const left = format.unpack(code, a);
  const right = format.unpack(code, b);
  const exponent = code.let(add(sub(add(left.exponent, right.exponent), format.bias), 1));
  const { high, low } = product(kit, code, left.significand, right.significand, TO_LEADING, TO_LEADING + 1);
  code.if(isZero(shiftRight(high, LEADING_BIT)), () => {
    code.set(exponent, sub(exponent, 1));
    code.set(high, or(shl(high, 1), shiftRight(low, 63)));
    code.set(low, shl(low, 1));
  });
  code.do(kit.round(format, sign, exponent, or(high, extendU(ne(low, 0))), mode, flags));
}

/** The 128-bit product of two significands, each shifted left first. */
export function product(
  kit: FloatKit,
  code: Code,
  left: Value,
  right: Value,
  leftShift: number,
  rightShift: number,
): { readonly high: Variable; readonly low: Variable } {
  const a = code.let(shl(left, leftShift));
  const b = code.let(shl(right, rightShift));
  return {
    high: code.let(call(kit.functions.multiply_high, 'i64', a, b)),
    low: code.let(mul(a, b)),
  };
}

export function emitDivide(kit: FloatKit, format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, b, mode, flags] = [0, 1, 2, 3].map(index => code.parameter(index));
  kit.tryHost(code, `${format.hostType}_div`, [a, b], hostRounds(mode, flags));

  const sign = code.let(format.sign(xor(a, b)));
  const returnZero = () => code.return(format.signed(sign, zero(format)));
  const returnInfinity = () => code.return(format.signed(sign, format.infinity));
  code.if(or(format.isSpecial(a), format.isSpecial(b)), () => {
    code.if(or(format.isNaN(a), format.isNaN(b)), () => code.return(kit.nan(format, a, b, flags)));
    code.if(and(format.isSpecial(a), format.isSpecial(b)), () => kit.returnInvalid(code, format, flags));
    code.if(format.isSpecial(a), returnInfinity, returnZero);
  });
  code.if(format.isZero(b), () => {
    code.if(format.isZero(a), () => kit.returnInvalid(code, format, flags));
    kit.raise(code, flags, FLOAT_FLAG.divideByZero);
    returnInfinity();
  });
  code.if(format.isZero(a), returnZero);

  const left = format.unpack(code, a);
  const right = format.unpack(code, b);
  const exponent = code.let(add(sub(left.exponent, right.exponent), format.bias));
  code.if(ltU(left.significand, right.significand), () => {
    code.set(left.significand, shl(left.significand, 1));
    code.set(exponent, sub(exponent, 1));
  });
  const estimate = div(asFloat64(left.significand), asFloat64(right.significand));
  const quotient = code.let(significandOf(estimate));
  const remainder = sub(shl(left.significand, SIGNIFICAND_BITS), mul(quotient, right.significand));
  code.do(kit.round(format, sign, exponent, withRemainder(code, quotient, remainder), mode, flags));
}

export function emitSquareRoot(kit: FloatKit, format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, mode, flags] = [0, 1, 2].map(index => code.parameter(index));
  kit.tryHost(code, `${format.hostType}_sqrt`, [a], hostRounds(mode, flags));

  code.if(format.isNaN(a), () => code.return(kit.nan(format, a, a, flags)));
  code.if(format.isZero(a), () => code.return(a));
  code.if(format.sign(a), () => kit.returnInvalid(code, format, flags));
  code.if(format.isSpecial(a), () => code.return(a));

  const { exponent, significand } = format.unpack(code, a);
  code.set(exponent, sub(exponent, format.bias));
  // An even exponent halves exactly.
  code.set(significand, shl(significand, and(exponent, 1)));
  const half = code.let(add(shrS(exponent, 1), format.bias));
  const root = code.let(significandOf(sqrt(asFloat64(significand))));
  const remainder = sub(shl(significand, SIGNIFICAND_BITS), mul(root, root));
  code.do(kit.round(format, i32(0), half, withRemainder(code, root, remainder), mode, flags));
}

/**
 * The host's binary64 quotient or root of significands is the exact one rounded to nearest; the remainder,
 * which fits a word, says on which side the exact one lies. Results are never halfway between two estimates.
 */
function withRemainder(code: Code, estimate: Value, remainder: Value): Value {
  const rest = code.let(remainder);
  const nudge = sub(gtS(rest, 0), ltS(rest, 0));
  return add(shl(estimate, TO_LEADING), extendS(nudge));
}

const asFloat64 = (integer: Value): Value => operation('f64', 'f64_convert_i64_s', integer);

const significandOf = (value: Value): Value =>
  or(BINARY64.fraction(BINARY64.bits(value)), power('i64', SIGNIFICAND_BITS));

const zero = (format: FloatFormat): Value => (format.type === 'i32' ? i32(0) : i64(0));

/**
 * Fused multiply-add (IEEE 754-2008 section 5.4.1): the product is kept in 128 bits, its leading one at bit
 * 124 or 125, and the addend is put beside it.
 */
export function emitFusedMultiplyAdd(kit: FloatKit, format: FloatFormat, f: FunctionBody): void {
  const code = new Code(f);
  const [a, b, c, mode, flags] = [0, 1, 2, 3, 4].map(index => code.parameter(index));
  if (format !== BINARY16) kit.tryHost(code, `${format.name}_fma`, [a, b, c], hostRounds(mode, flags));
  if (format === BINARY64) code.if(hostRounds(mode, flags), () => emitOrdinaryFused(code, a, b, c));
  const sign = code.let(format.sign(xor(a, b)));
  const special = any(format.isSpecial(a), format.isSpecial(b), format.isSpecial(c));
  code.if(special, () => {
    const invalidProduct = any(
      and(format.isInfinite(a), format.isZero(b)),
      and(format.isZero(a), format.isInfinite(b)),
    );
    // Infinity times zero is invalid even when a quiet NaN is added.
    code.if(invalidProduct, () => kit.returnInvalid(code, format, flags));
    code.if(or(format.isNaN(a), format.isNaN(b)), () => {
      code.if(format.isSignalling(c), () => kit.raise(code, flags, FLOAT_FLAG.invalid));
      code.return(kit.nan(format, a, b, flags));
    });
    code.if(format.isNaN(c), () => code.return(kit.nan(format, c, c, flags)));
    code.if(or(format.isSpecial(a), format.isSpecial(b)), () => {
      code.if(and(format.isSpecial(c), ne(sign, format.sign(c))), () => {
        kit.returnInvalid(code, format, flags);
      });
      code.return(format.signed(sign, format.infinity));
    });
    code.return(c);
  });
  code.if(or(format.isZero(a), format.isZero(b)), () => {
    const zeros = and(format.isZero(c), ne(sign, format.sign(c)));
    code.if(zeros, () => code.return(format.signed(eq(mode, ROUNDING.down), zero(format))));
    code.return(c);
  });

  const left = format.unpack(code, a);
  const right = format.unpack(code, b);
  const exponent = code.let(sub(add(left.exponent, right.exponent), format.bias));
  const { high, low } = product(kit, code, left.significand, right.significand, TO_LEADING, TO_LEADING);
  code.if(isZero(format.isZero(c)), () => {
    const addend = format.unpack(code, c);
    const addHigh = code.let(shl(addend.significand, TO_LEADING - 2));
    const addLow = code.let(i64(0));
    const distance = code.let(sub(exponent, addend.exponent));
    code.if(
      ltS(distance, 0),
      () => {
        shiftJam128(kit, code, high, low, code.let(sub(i32(0), distance)));
        code.set(exponent, addend.exponent);
      },
      () => code.if(distance, () => shiftJam128(kit, code, addHigh, addLow, distance)),
    );
    addSigned(code, { high, low, sign }, { high: addHigh, low: addLow, sign: format.sign(c) }, () =>
      code.if(all(isZero(high), isZero(low)), () => {
        code.return(format.signed(eq(mode, ROUNDING.down), zero(format)));
      }),
    );
  });
  // Bit 124 stands for 1; bring the leading one to bit 126.
  code.set(exponent, add(exponent, 2));
  code.if(isZero(high), () => {
    code.set(exponent, sub(exponent, 63));
    code.set(high, shiftRight(low, 1));
    code.set(low, shl(low, 63));
  });
  const shift = code.let(sub(wrap(clz(high)), 63 - LEADING_BIT));
  code.if(shift, () => {
    code.set(exponent, sub(exponent, shift));
    code.set(high, or(shl(high, shift), shiftRight(low, sub(i32(64), shift))));
    code.set(low, shl(low, shift));
  });
  code.do(kit.round(format, sign, exponent, or(high, extendU(ne(low, 0))), mode, flags));
}

/** Shifts a 128-bit value right by at least 1; bits that fall off leave a one in the last place. */
function shiftJam128(kit: FloatKit, code: Code, high: Variable, low: Variable, count: Value): void {
  code.if(
    ltU(count, 64),
    () => {
      code.set(low, or(kit.shiftJam(low, count), shl(high, sub(i32(64), count))));
      code.set(high, shiftRight(high, count));
    },
    () => {
      const lost = code.let(extendU(ne(low, 0)));
      // By exactly 64 nothing of the high half is shifted.
      code.set(low, high);
      code.if(ne(count, 64), () => code.set(low, kit.shiftJam(low, sub(count, 64))));
      code.set(low, or(low, lost));
      code.set(high, 0);
    },
  );
}
