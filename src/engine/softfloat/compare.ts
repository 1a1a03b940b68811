import type { FunctionBody } from '../../wasm/function-body.js';
import { FLOAT_FLAG, type RuntimeFunction } from '../runtime-functions.js';
import { Code, eq, i32, lt, or, select } from './code.js';
import type { FloatFormat } from './float-format.js';
import type { FloatKit } from './rounding.js';

/** Comparison predicates (IEEE 754-2008 section 5.11): only equality is quiet by itself. */
export function emitCompare(
  kit: FloatKit,
  format: FloatFormat,
  predicate: 'eq' | 'lt' | 'le' | 'lt_quiet' | 'le_quiet',
  f: FunctionBody,
): void {
  const code = new Code(f);
  const [a, b, flags] = [0, 1, 2].map(index => code.parameter(index));
  kit.tryHost(code, `${format.name}_${predicate}` as RuntimeFunction, [a, b]);
  // At least one is a NaN.
  const signalling = or(format.isSignalling(a), format.isSignalling(b));
  const quiet = predicate === 'eq' || predicate.endsWith('_quiet');
  const invalid = quiet ? signalling : i32(1);
  code.if(invalid, () => kit.raise(code, flags, FLOAT_FLAG.invalid));
  code.do(i32(0));
}

/** minimumNumber and maximumNumber (IEEE 754-2019 section 9.6): a number beats a NaN, -0 is less than +0. */
export function emitMinimum(kit: FloatKit, format: FloatFormat, greatest: boolean, f: FunctionBody): void {
  const code = new Code(f);
  const [a, b, flags] = [0, 1, 2].map(index => code.parameter(index));
  code.if(or(format.isNaN(a), format.isNaN(b)), () => {
    const nan = code.let(kit.nan(format, a, b, flags));
    code.if(format.isNaN(a), () => code.return(select(format.isNaN(b), nan, b)));
    code.return(a);
  });
  // Equal are only the same bits, or zeros of either sign.
  const equal = eq(format.float(a), format.float(b));
  const firstLess = or(lt(format.float(a), format.float(b)), select(equal, format.sign(a), 0));
  code.do(greatest ? select(firstLess, b, a) : select(firstLess, a, b));
}
