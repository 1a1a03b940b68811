import type { FunctionBody } from '../wasm/function-body.js';

/** Body of a function (i64, i64) -> i64: the polynomial product over GF(2), bits 0 to 63 of it or bits 63 to 126. */
export function emitCarryless(f: FunctionBody, part: 'low' | 'reversed'): void {
  const [a, b] = [0, 1];
  const sum = f.local('i64');
  const done = f.block();
  const next = f.loop();
  f.get(b).op('i64_eqz').brIf(done);
  // The lowest bit of b that is set says how far a is shifted; then it is cleared.
  f.get(sum).get(a);
  if (part === 'low') f.get(b).op('i64_ctz').op('i64_shl');
  else f.i64(63, 0).get(b).op('i64_ctz').op('i64_sub').op('i64_shr_u');
  f.op('i64_xor').set(sum);
  f.get(b).get(b).i64(1, 0).op('i64_sub').op('i64_and').set(b);
  f.br(next).end().end();
  f.get(sum);
}
