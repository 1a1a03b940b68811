import { describe, expect, test } from 'vitest';
import {
  AMOS_D,
  AMOS_W,
  LOADS,
  LOADS_64,
  lr_d,
  lr_w,
  STORES,
  STORES_64,
  sc_d,
  sc_w,
} from '../lockstep/encode.js';
import { Bench, DATA, ISA32 } from './bench.js';

const NOWHERE = 0x0800_0000;
const ROM = 0x1000;
const UART = 0x1000_0000;
const CLINT = 0x200_0000;
const MTIME = CLINT + 0xbff8;

/** The trap of one instruction with x5 = address, x6 = value; undefined when it does not trap. */
function access(bench: Bench, instruction: number, address: number | bigint, value: number | bigint = 0) {
  bench.set({ x5: address, x6: value, x7: 0 });
  return bench.trapOf('machine', instruction);
}

describe('loads and stores', () => {
  test('every size at every offset, over page boundaries, as bytes laid side by side', () => {
    const bench = new Bench();
    for (let i = 0; i < 64; i++) bench.poke(DATA + 0xfe0 + i, 1, 0x80 + i);
    for (const [size, load, store] of [
      [2, LOADS.lhu, STORES.sh],
      [4, LOADS_64.lwu, STORES.sw],
      [8, LOADS_64.ld, STORES_64.sd],
    ] as const) {
      for (let address = DATA + 0xff0; address < DATA + 0x1008; address++) {
        let expected = 0n;
        for (let i = size - 1; i >= 0; i--) expected = (expected << 8n) | bench.read(address + i, 1);
        expect(access(bench, load(7, 5, 0), address)).toBeUndefined();
        expect(bench.get('x7'), `${size} bytes at ${address.toString(16)}`).toBe(expected);
        const around = [bench.read(address - 1, 1), bench.read(address + size, 1)];
        const value = BigInt.asUintN(8 * size, 0x0123_4567_89ab_cdefn + BigInt(address));
        expect(access(bench, store(6, 5, 0), address, value)).toBeUndefined();
        let stored = 0n;
        for (let i = size - 1; i >= 0; i--) stored = (stored << 8n) | bench.read(address + i, 1);
        expect(stored).toBe(value);
        expect([bench.read(address - 1, 1), bench.read(address + size, 1)]).toEqual(around);
      }
    }
  });

  test.each([
    [LOADS.lw(7, 5, 0), 5n],
    [STORES.sw(6, 5, 0), 7n],
    [AMOS_W.add(7, 5, 6), 5n],
    [lr_w(7, 5), 5n],
  ])('%i where nothing answers is cause %i', (instruction, cause) => {
    expect(access(new Bench(), instruction, NOWHERE)).toEqual({ cause, tval: BigInt(NOWHERE) });
  });

  test('an access that runs out of RAM names the part that is not there, and changes nothing', () => {
    const bench = new Bench();
    const end = 0x8000_0000 + bench.machine.config.ramBytes;
    bench.poke(end - 8, 8, 0x1122_3344_5566_7788n);
    expect(access(bench, LOADS_64.ld(7, 5, 0), end - 4)).toEqual({ cause: 5n, tval: BigInt(end) });
    expect(access(bench, STORES_64.sd(6, 5, 0), end - 4, -1)).toEqual({ cause: 7n, tval: BigInt(end) });
    expect(bench.read(end - 8, 8)).toBe(0x1122_3344_5566_7788n);
  });

  test('addresses beyond 56 bits, and RV32 addresses that wrap around', () => {
    const far = (1n << 60n) | 0x8000_0000n;
    expect(access(new Bench(), LOADS.lw(7, 5, 0), far)).toEqual({ cause: 5n, tval: far });
    const narrow = new Bench(ISA32);
    expect(access(narrow, LOADS.lw(7, 5, 0), 0xffff_fffe)).toEqual({ cause: 5n, tval: 0xffff_fffen });
    narrow.poke(DATA, 4, 99);
    narrow.set({ x5: DATA + 2047 });
    narrow.run('machine', LOADS.lw(7, 5, -2047));
    expect(narrow.get('x7')).toBe(99n);
  });

  test('stores to ROM do nothing, atomics there see what it holds', () => {
    const bench = new Bench();
    bench.poke(ROM, 8, 0x11);
    for (const [instruction, address] of [
      [STORES_64.sd(6, 5, 0), ROM],
      [STORES.sb(6, 5, 0), ROM + 1],
      [STORES_64.sd(6, 5, 0), ROM + 0xffc],
      [AMOS_D.add(7, 5, 6), ROM],
    ] as const) {
      expect(access(bench, instruction, address, -1)).toBeUndefined();
    }
    expect(bench.get('x7')).toBe(0x11n);
    expect(bench.read(ROM, 8)).toBe(0x11n);
    expect(bench.read(ROM + 0xff8, 8) | bench.read(ROM + 0x1000, 8)).toBe(0n);
  });

  test('devices answer in the sizes they have', () => {
    const bench = new Bench();
    expect(access(bench, LOADS_64.ld(7, 5, 0), MTIME)).toBeUndefined();
    expect(access(bench, LOADS.lbu(7, 5, 0), MTIME)?.cause).toBe(5n);
    expect(access(bench, LOADS.lbu(7, 5, 0), UART + 5)).toBeUndefined();
    expect(bench.get('x7')).toBe(0x60n);
    expect(access(bench, LOADS_64.ld(7, 5, 0), UART)?.cause).toBe(5n);
  });

  test('a misaligned read of a device takes from the two words around, a misaligned write goes byte by byte', () => {
    const bench = new Bench();
    const wordAt = (address: number) => {
      expect(access(bench, LOADS_64.lwu(7, 5, 0), address)).toBeUndefined();
      return bench.get('x7');
    };
    const both = (wordAt(UART + 4) << 32n) | wordAt(UART);
    expect(both).not.toBe(0n);
    expect(wordAt(UART + 2)).toBe(BigInt.asUintN(32, both >> 16n));
    // Line control and modem control.
    expect(access(bench, STORES.sh(6, 5, 0), UART + 3, 0x0203)).toBeUndefined();
    for (const [register, value] of [
      [3, 3n],
      [4, 2n],
    ] as const) {
      expect(access(bench, LOADS.lbu(7, 5, 0), UART + register)).toBeUndefined();
      expect(bench.get('x7')).toBe(value);
    }
    expect(access(bench, STORES.sw(6, 5, 0), MTIME + 2, 1)?.cause).toBe(7n);
  });
});

describe('atomics', () => {
  test('misaligned ones are cause 4, as on QEMU, wherever they point', () => {
    for (const address of [DATA + 2, DATA + 0xffe, NOWHERE + 1]) {
      for (const instruction of [AMOS_W.add(7, 5, 6), AMOS_W.swap(0, 5, 6), lr_w(7, 5)]) {
        expect(access(new Bench(), instruction, address)).toEqual({ cause: 4n, tval: BigInt(address) });
      }
    }
    expect(access(new Bench(), AMOS_D.add(7, 5, 6), DATA + 4)?.cause).toBe(4n);
  });

  test('devices take none', () => {
    expect(access(new Bench(), AMOS_W.add(7, 5, 6), CLINT)?.cause).toBe(7n);
  });

  test('the old value is read before rd changes, also when rd is the address or the operand', () => {
    const bench = new Bench();
    bench.poke(DATA, 8, 5);
    access(bench, AMOS_D.add(5, 5, 6), DATA, 3);
    expect([bench.get('x5'), bench.read(DATA, 8)]).toEqual([5n, 8n]);
    access(bench, AMOS_D.add(6, 5, 6), DATA, 3);
    expect([bench.get('x6'), bench.read(DATA, 8)]).toEqual([8n, 11n]);
  });

  test('sc succeeds once after lr at its address, and not elsewhere', () => {
    const bench = new Bench();
    bench.set({ x5: DATA, x6: 7, x8: DATA + 8 });
    bench.run(
      'machine',
      sc_w(10, 5, 6),
      lr_w(11, 5),
      sc_w(12, 5, 6),
      sc_w(13, 5, 6),
      lr_w(11, 5),
      sc_w(14, 8, 6),
    );
    expect([10, 12, 13, 14].map(x => bench.get(`x${x}`))).toEqual([1n, 0n, 1n, 1n]);
    expect([bench.read(DATA, 4), bench.read(DATA + 8, 4)]).toEqual([7n, 0n]);
  });

  test('sc fails when the value changed, and succeeds when it changed back', () => {
    for (const [value, failed] of [
      [1, 1n],
      [0, 0n],
    ] as const) {
      const bench = new Bench();
      bench.set({ x5: DATA, x6: 7, x8: value, x9: 55 });
      bench.run('machine', lr_d(11, 5), STORES.sb(9, 5, 0), STORES.sb(8, 5, 0), sc_d(12, 5, 6));
      expect(bench.get('x12')).toBe(failed);
      expect(bench.read(DATA, 8)).toBe(failed === 0n ? 7n : 1n);
    }
  });

  test('sc without a reservation does not touch memory, not even one that is not there', () => {
    expect(access(new Bench(), sc_w(7, 5, 6), NOWHERE)).toBeUndefined();
  });
});
