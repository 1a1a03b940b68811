import type { ModuleBuilder } from '../../wasm/module-builder.js';
import type { RuntimeFunction, RuntimeIndices } from '../runtime-functions.js';
import { FLOAT_FLAG, ROUNDING } from '../runtime-functions.js';
import {
  add,
  all,
  and,
  any,
  Code,
  call,
  eq,
  extendU,
  geS,
  gtS,
  i32,
  i64,
  isZero,
  load32,
  ltS,
  ltU,
  ne,
  or,
  select,
  shiftRight,
  shl,
  sub,
  type Value,
  wrap,
} from './code.js';
import { BINARY16, BINARY32, BINARY64, type FloatFormat } from './float-format.js';
import { standIn } from './stand-in.js';

/** Where the word stands, seen from the flags word, that must show when flags change. */
export interface FlagsChange {
  readonly distance: number;
  /** Bits that are set in it. */
  readonly mask: number;
}

/** Bit of an i64 at which a significand handed to `round` has its leading one. */
export const LEADING_BIT = 62;

/** Functions that round to binary16, or have its NaN as result. */
const HALF_FUNCTIONS = ['f16_fma', 'f16_from_i64', 'f16_from_u64', 'f64_to_f16'];

/** What the operations share: flags, NaNs and the rounding of an exact result. */
export class FloatKit {
  readonly #raise: number;
  readonly #shiftJam: number;
  readonly #round: Readonly<Record<FloatFormat['name'], number>>;
  readonly #nan: Readonly<Record<FloatFormat['name'], number>>;

  constructor(
    readonly builder: ModuleBuilder,
    readonly functions: RuntimeIndices,
    change: FlagsChange | undefined,
  ) {
    this.#raise = this.#defineRaise(change);
    this.#shiftJam = this.#defineShiftJam();
    const half = HALF_FUNCTIONS.some(name => name in functions);
    this.#round = {
      f16: half ? this.#defineRound(BINARY16) : -1,
      f32: this.#defineRound(BINARY32),
      f64: this.#defineRound(BINARY64),
    };
    this.#nan = {
      f16: half ? this.#defineNaN(BINARY16) : -1,
      f32: this.#defineNaN(BINARY32),
      f64: this.#defineNaN(BINARY64),
    };
  }

  /** Sets exception flags in the word at the address `flags`. */
  raise(code: Code, flags: Value, bits: Value | number): void {
    code.do(flags);
    code.do(typeof bits === 'number' ? i32(bits) : bits);
    code.f.call(this.#raise);
  }

  /** Shifts right by at least 1; bits that fall off leave a one in the last place. */
  shiftJam(value: Value, count: Value): Value {
    return call(this.#shiftJam, 'i64', value, count);
  }

  /** Rounds significand x 2^(exponent - bias - LEADING_BIT) and packs it, raising what applies. */
  round(
    format: FloatFormat,
    sign: Value,
    exponent: Value,
    significand: Value,
    mode: Value,
    flags: Value,
  ): Value {
    return call(this.#round[format.name], format.type, sign, exponent, significand, mode, flags);
  }

  /** The result of an operation with a NaN among its operands. */
  nan(format: FloatFormat, a: Value, b: Value, flags: Value): Value {
    return call(this.#nan[format.name], format.type, a, b, flags);
  }

  /** Returns the canonical NaN as an invalid operation. */
  returnInvalid(code: Code, format: FloatFormat, flags: Value): void {
    this.raise(code, flags, FLOAT_FLAG.invalid);
    code.return(format.canonicalNaN);
  }

  /** Returns what the host's arithmetic gives where it is sure to be right; `rounds` where the host may round. */
  tryHost(code: Code, name: RuntimeFunction, operands: readonly Value[], rounds = i32(0)): void {
    const host = standIn(name, operands);
    if (host === undefined) return;
    const attempt = () => {
      const result = code.let(host.result);
      code.if(host.sure(result), () => code.return(result));
    };
    if (host.rounds) code.if(rounds, attempt);
    else attempt();
  }

  #defineRaise(change: FlagsChange | undefined): number {
    const { index, body } = this.builder.function(['i32', 'i32'], []);
    const code = new Code(body);
    const flags = code.parameter(0);
    const old = code.let(load32(flags));
    const risen = code.let(or(old, code.parameter(1)));
    code.if(ne(risen, old), () => {
      code.store32(flags, risen);
      if (change === undefined) return;
      const word = code.let(add(flags, change.distance));
      code.store32(word, or(load32(word), change.mask));
    });
    return index;
  }

  #defineShiftJam(): number {
    const { index, body } = this.builder.function(['i64', 'i32'], ['i64']);
    const code = new Code(body);
    const value = code.parameter(0);
    const count = code.parameter(1);
    const lost = (bits: Value) => extendU(ne(bits, 0));
    code.if(ltU(count, 64), () => {
      code.return(or(shiftRight(value, count), lost(shl(value, sub(i32(64), count)))));
    });
    code.do(lost(value));
    return index;
  }

  #defineNaN(format: FloatFormat): number {
    const { index, body } = this.builder.function([format.type, format.type, 'i32'], [format.type]);
    const code = new Code(body);
    const signalling = or(format.isSignalling(code.parameter(0)), format.isSignalling(code.parameter(1)));
    code.if(signalling, () => this.raise(code, code.parameter(2), FLOAT_FLAG.invalid));
    code.do(format.canonicalNaN);
    return index;
  }

  /** Tininess is detected after rounding: as if the exponent had no lower bound (IEEE 754-2008 7.5 a). */
  #defineRound(format: FloatFormat): number {
    const { index, body } = this.builder.function(['i32', 'i32', 'i64', 'i32', 'i32'], [format.type]);
    const code = new Code(body);
    const sign = code.parameter(0);
    const exponent = code.parameter(1);
    const significand = code.parameter(2);
    const mode = code.parameter(3);
    const flags = code.parameter(4);
    const dropped = LEADING_BIT - format.fractionBits;
    const below = i64(2 ** dropped - 1);
    const half = i64(2 ** (dropped - 1));

    const increment = code.let(half);
    const directed = all(ne(mode, ROUNDING.nearestEven), ne(mode, ROUNDING.nearestAway));
    code.if(directed, () => {
      // Down rounds negative numbers away from zero, up positive ones.
      const away = eq(mode, sub(i32(ROUNDING.up), sign));
      code.set(increment, select(away, below, 0));
    });
    const carries = ltS(add(significand, increment), 0);

    code.if(
      ltS(exponent, 1),
      () => {
        const tiny = code.let(or(ltS(exponent, 0), isZero(carries)));
        code.set(significand, this.shiftJam(significand, sub(i32(1), exponent)));
        code.set(exponent, 1);
        code.if(all(tiny, ne(and(significand, below), 0)), () => {
          this.raise(code, flags, FLOAT_FLAG.underflow);
        });
      },
      () => {
        const last = format.special - 1;
        code.if(and(geS(exponent, last), any(gtS(exponent, last), carries)), () => {
          this.raise(code, flags, FLOAT_FLAG.overflow | FLOAT_FLAG.inexact);
          const finite = isZero(increment);
          const reached = sub(format.infinity, format.type === 'i32' ? finite : extendU(finite));
          code.return(format.signed(sign, reached));
        });
      },
    );

    const rest = code.let(and(significand, below));
    code.set(significand, shiftRight(add(significand, increment), dropped));
    code.if(ne(rest, 0), () => {
      this.raise(code, flags, FLOAT_FLAG.inexact);
      code.if(all(isZero(mode), eq(rest, half)), () => code.set(significand, and(significand, i64(-2))));
    });
    // The leading one adds 1 to the exponent field; a carry out of the significand adds another.
    const field = sub(exponent, 1);
    const narrow = format.type === 'i32' ? wrap(significand) : significand;
    const wideField = format.type === 'i32' ? field : extendU(field);
    code.do(format.signed(sign, add(shl(wideField, format.fractionBits), narrow)));
    return index;
  }
}
