import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Clint, clintState } from '../../src/devices/clint.js';
import { instantiate } from './rig.js';

const clint = () => {
  const { device, rig } = instantiate(
    clintState(2),
    (state, r) =>
      new Clint(
        state,
        r.clock,
        [0, 1].map(hart => ({
          msip: r.line(`msip${hart}`),
          mtip: r.line(`mtip${hart}`),
          timer: r.timer(hart),
        })),
      ),
  );
  const write64 = (offset: number, value: bigint) => {
    device.write(offset, 4, Number(value & 0xffff_ffffn));
    device.write(offset + 4, 4, Number(value >> 32n));
  };
  const read64 = (offset: number) =>
    (BigInt(device.read(offset + 4, 4)) << 32n) | BigInt(device.read(offset, 4));
  return { device, rig, write64, read64 };
};

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;

test('after a reset the timer interrupts are pending, as in QEMU: mtimecmp is 0', () => {
  const { device, rig } = clint();
  device.settle();
  expect(Object.fromEntries(rig.levels)).toEqual({ msip0: false, mtip0: true, msip1: false, mtip1: true });
});

test('msip is one bit for each hart', () => {
  const { device, rig } = clint();
  device.write(4, 4, 0xffff_ffff);
  expect(device.read(4, 4)).toBe(1);
  expect(rig.levels.get('msip0')).toBe(false);
  expect(rig.levels.get('msip1')).toBe(true);
  device.write(4, 4, 2);
  expect(rig.levels.get('msip1')).toBe(false);
});

test('mtip rises at the first nanosecond at which mtime reaches mtimecmp', () => {
  const { device, rig, write64 } = clint();
  rig.nowNs = 12_345;
  write64(MTIMECMP + 8, 200n);
  expect(rig.levels.get('mtip1')).toBe(false);
  rig.advance(20_000 - 12_345 - 1, device);
  expect(rig.levels.get('mtip1')).toBe(false);
  rig.advance(1, device);
  expect(rig.levels.get('mtip1')).toBe(true);
  write64(MTIMECMP + 8, 201n);
  expect(rig.levels.get('mtip1')).toBe(false);
});

test('a deadline beyond 2^53 ns is never', () => {
  const { rig, write64 } = clint();
  for (const value of [0xffff_ffff_ffff_ffffn, 1n << 63n, BigInt(Number.MAX_SAFE_INTEGER) / 100n + 1n]) {
    write64(MTIMECMP, value);
    expect(rig.levels.get('mtip0')).toBe(false);
    expect(rig.deadlines[0]).toBe(Number.POSITIVE_INFINITY);
  }
  write64(MTIMECMP, BigInt(Number.MAX_SAFE_INTEGER) / 100n);
  expect(rig.deadlines[0]).toBe(Math.floor(Number.MAX_SAFE_INTEGER / 100) * 100);
});

test('mtime counts on from what is written, and mtip and the deadline follow', () => {
  const u64 = fc.oneof(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.bigInt({ min: 0n, max: 1n << 34n }));
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 50 }), u64, u64, fc.nat(100_000), (now, time, compare, later) => {
      const { device, rig, write64, read64 } = clint();
      rig.nowNs = now;
      write64(MTIME, time);
      write64(MTIMECMP, compare);
      expect(read64(MTIME)).toBe(time);
      expect(rig.levels.get('mtip0')).toBe(time >= compare);
      const ticks = BigInt(Math.floor(now / 100));
      const deadline = (ticks + compare - time) * 100n;
      const never = time >= compare || deadline > BigInt(Number.MAX_SAFE_INTEGER);
      expect(rig.deadlines[0]).toBe(never ? Number.POSITIVE_INFINITY : Number(deadline));
      rig.advance(later, device);
      const passed = BigInt(Math.floor((now + later) / 100)) - ticks;
      expect(read64(MTIME)).toBe(BigInt.asUintN(64, time + passed));
      expect(rig.levels.get('mtip0')).toBe(time + passed >= compare);
    }),
  );
});
