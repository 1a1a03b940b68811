import { describe, expect, test } from 'vitest';
import { CSR_OPS, CSR_OPS_IMMEDIATE } from '../lockstep/encode.js';
import { Bench } from './bench.js';

const SEED = 0x015;
const ILLEGAL = 2n;
const WITH_ZKR = 'rv64imacsu_zkr';
const { csrrw, csrrs, csrrc } = CSR_OPS;
const { csrrwi, csrrsi } = CSR_OPS_IMMEDIATE;

/** Scalar cryptography spec 4.1. */
describe('the seed CSR', () => {
  test('gives 16 bits that differ from read to read, by any instruction that also writes', () => {
    const bench = new Bench(WITH_ZKR, { entropySeed: 12 });
    const seen = new Set<bigint>();
    const writing = [csrrw(10, SEED, 0), csrrs(10, SEED, 1), csrrc(10, SEED, 1), csrrwi(10, SEED, 3)];
    for (const instruction of [...writing, ...writing]) {
      expect(bench.trapOf('machine', instruction)).toBeUndefined();
      const value = bench.get('x10');
      expect(value >> 16n).toBe(0x8000n);
      seen.add(value);
    }
    expect(seen.size).toBe(8);
  });

  test('cannot be read without a write, nor in less privileged modes, nor without Zkr', () => {
    const bench = new Bench(WITH_ZKR);
    for (const [mode, instruction] of [
      ['machine', csrrs(10, SEED, 0)],
      ['machine', csrrsi(10, SEED, 0)],
      ['supervisor', csrrw(10, SEED, 0)],
      ['user', csrrw(10, SEED, 0)],
    ] as const) {
      expect(bench.trapOf(mode, instruction)).toEqual({ cause: ILLEGAL, tval: BigInt(instruction) });
    }
    expect(new Bench().trapOf('machine', csrrw(10, SEED, 0))?.cause).toBe(ILLEGAL);
  });

  test("says wait until the host's bytes have entered, and a debugger that looks takes none", () => {
    const bench = new Bench(WITH_ZKR, { entropy: 'host' });
    bench.trapOf('machine', csrrw(10, SEED, 0));
    expect(bench.get('x10')).toBe(0x4000_0000n);
    bench.machine.apply({ kind: 'entropy', bytes: Uint8Array.of(1, 2, 3, 4) });
    expect(bench.get('seed')).toBe(0n);
    bench.trapOf('machine', csrrw(10, SEED, 0));
    const first = bench.get('x10');
    bench.trapOf('machine', csrrw(10, SEED, 0));
    expect([first, bench.get('x10')]).toEqual([0x8000_0304n, 0x8000_0102n]);
    bench.trapOf('machine', csrrw(10, SEED, 0));
    expect(bench.get('x10')).toBe(0x4000_0000n);
  });
});
