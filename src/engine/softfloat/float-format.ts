import type { OpName } from '../../wasm/opcodes.js';
import {
  and,
  type Code,
  clz,
  eq,
  extendU,
  gtU,
  i32,
  i64,
  i64Words,
  isZero,
  operation,
  or,
  power,
  select,
  shiftRight,
  shl,
  sub,
  type Value,
  type Variable,
  wrap,
  xor,
} from './code.js';

/** Bits of a significand behind the leading one, in the common form that all formats are unpacked to. */
export const SIGNIFICAND_BITS = 52;

/** Arithmetic on the raw bits of one interchange format (IEEE 754-2008 section 3.4). */
export class FloatFormat {
  /** Type of the raw bits; those of binary16 are zero-extended. */
  readonly type: 'i32' | 'i64';
  /** Exponent field of infinities and NaNs. */
  readonly special: number;
  readonly bias: number;

  constructor(
    readonly name: 'f16' | 'f32' | 'f64',
    readonly width: 16 | 32 | 64,
    readonly fractionBits: number,
  ) {
    this.type = width === 64 ? 'i64' : 'i32';
    this.special = 2 ** (width - 1 - fractionBits) - 1;
    this.bias = this.special >>> 1;
  }

  get signBit(): Value {
    return power(this.type, this.width - 1);
  }

  get infinity(): Value {
    return this.type === 'i32' ? i32(this.special << this.fractionBits) : i64Words(0x7ff00000, 0);
  }

  get canonicalNaN(): Value {
    if (this.type === 'i64') return i64Words(0x7ff80000, 0);
    return i32((this.special << this.fractionBits) | (1 << (this.fractionBits - 1)));
  }

  /** 0 or 1, as an i32. */
  sign(raw: Value): Value {
    const bit = shiftRight(raw, this.width - 1);
    return this.type === 'i32' ? bit : wrap(bit);
  }

  magnitude(raw: Value): Value {
    return and(raw, this.type === 'i32' ? i32(2 ** (this.width - 1) - 1) : i64Words(0x7fffffff, -1));
  }

  /** The biased exponent field, as an i32. */
  exponent(raw: Value): Value {
    const field = shiftRight(raw, this.fractionBits);
    return and(this.type === 'i32' ? field : wrap(field), this.special);
  }

  /** The fraction field at the top of SIGNIFICAND_BITS, as an i64. */
  fraction(raw: Value): Value {
    if (this.type === 'i64') return and(raw, i64(2 ** 52 - 1));
    return shl(extendU(and(raw, 2 ** this.fractionBits - 1)), SIGNIFICAND_BITS - this.fractionBits);
  }

  isSpecial(raw: Value): Value {
    return eq(this.exponent(raw), this.special);
  }

  isZero(raw: Value): Value {
    return isZero(this.magnitude(raw));
  }

  isInfinite(raw: Value): Value {
    return eq(this.magnitude(raw), this.infinity);
  }

  isNaN(raw: Value): Value {
    return gtU(this.magnitude(raw), this.infinity);
  }

  isSignalling(raw: Value): Value {
    const quiet = power(this.type, this.fractionBits - 1);
    return and(this.isNaN(raw), isZero(and(raw, quiet)));
  }

  negate(raw: Value): Value {
    return xor(raw, this.signBit);
  }

  /** A sign of 0 or 1 in its place. */
  signed(sign: Value, magnitude: Value): Value {
    const wide = this.type === 'i32' ? sign : extendU(sign);
    return or(shl(wide, this.width - 1), magnitude);
  }

  /** Bits as the wasm float they stand for, and back. WebAssembly has no binary16. */
  float(raw: Value): Value {
    const op: OpName = this.type === 'i32' ? 'f32_reinterpret_i32' : 'f64_reinterpret_i64';
    return operation(this.hostType, op, raw);
  }

  get hostType(): 'f32' | 'f64' {
    if (this.name === 'f16') throw new Error('the host has no binary16');
    return this.name;
  }

  bits(value: Value): Value {
    const op: OpName = this.type === 'i32' ? 'i32_reinterpret_f32' : 'i64_reinterpret_f64';
    return operation(this.type, op, value);
  }

  /** A finite number that is not zero: biased exponent, and significand with its leading one in place. */
  unpack(code: Code, raw: Value): { readonly exponent: Variable; readonly significand: Variable } {
    const exponent = code.let(this.exponent(raw));
    const significand = code.let(this.fraction(raw));
    code.if(
      isZero(exponent),
      () => {
        const shift = code.let(sub(wrap(clz(significand)), 63 - SIGNIFICAND_BITS));
        code.set(significand, shl(significand, shift));
        code.set(exponent, sub(i32(1), shift));
      },
      () => code.set(significand, or(significand, power('i64', SIGNIFICAND_BITS))),
    );
    return { exponent, significand };
  }

  /** A finite number, zero included, as it stands: subnormal ones keep their leading zeros. */
  unpackPlain(code: Code, raw: Value): { readonly exponent: Variable; readonly significand: Variable } {
    const field = code.let(this.exponent(raw));
    const subnormal = isZero(field);
    const hidden = select(subnormal, i64(0), power('i64', SIGNIFICAND_BITS));
    return {
      significand: code.let(or(this.fraction(raw), hidden)),
      exponent: code.let(select(subnormal, i32(1), field)),
    };
  }
}

export const BINARY16 = new FloatFormat('f16', 16, 10);
export const BINARY32 = new FloatFormat('f32', 32, 23);
export const BINARY64 = new FloatFormat('f64', 64, 52);
