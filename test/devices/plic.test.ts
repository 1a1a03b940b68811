import { expect, test } from 'vitest';
import { Plic, plicState } from '../../src/devices/plic.js';
import { instantiate } from './rig.js';

const M0 = 0;
const S0 = 1;

/** Two harts; sources given by number with their priority are enabled for hart 0 in M-mode. */
const plic = (priorities: Readonly<Record<number, number>>, pendingBy: 'level' | 'raise' = 'raise') => {
  const { device, rig } = instantiate(
    plicState(4),
    (state, r) =>
      new Plic(
        state,
        [0, 1, 2, 3].map(context => r.line(`${context}`)),
        pendingBy,
      ),
  );
  const enable = (context: number, ...sources: number[]) => {
    for (const source of sources) {
      const at = 0x2000 + 0x80 * context + 4 * (source >> 5);
      device.write(at, 4, device.read(at, 4) | (1 << (source & 31)));
    }
  };
  for (const [source, priority] of Object.entries(priorities)) {
    device.write(4 * Number(source), 4, priority);
    enable(M0, Number(source));
  }
  const claimAt = (context: number) => 0x20_0004 + 0x1000 * context;
  return {
    device,
    enable,
    claim: (context = M0) => device.read(claimAt(context), 4),
    complete: (source: number, context = M0) => device.write(claimAt(context), 4, source),
    threshold: (context: number, value: number) => device.write(0x20_0000 + 0x1000 * context, 4, value),
    high: () => [...rig.levels].filter(([, level]) => level).map(([context]) => Number(context)),
  };
};

test('claims go by priority, then by lowest number; the line falls with the last', () => {
  const { device, claim, high } = plic({ 3: 1, 33: 7, 64: 7, 95: 2 });
  for (const source of [3, 33, 64, 95]) device.input(source).set(true);
  expect(high()).toEqual([M0]);
  expect([claim(), claim(), claim(), claim(), claim()]).toEqual([33, 64, 95, 3, 0]);
  expect(high()).toEqual([]);
});

test('a source that is set high while it is handled is pending when it is completed; else it is not', () => {
  const { device, claim, complete, high } = plic({ 10: 1 });
  device.input(10).set(true);
  expect(claim()).toBe(10);
  complete(10);
  expect([high(), claim()]).toEqual([[], 0]);
  device.input(10).set(true);
  expect(claim()).toBe(10);
  device.input(10).set(true);
  expect([device.read(0x1000, 4), high(), claim()]).toEqual([1 << 10, [], 0]);
  complete(10);
  expect(high()).toEqual([M0]);
  expect(claim()).toBe(10);
  device.input(10).set(true);
  device.input(10).set(false);
  complete(10);
  expect([high(), claim()]).toEqual([[M0], 10]);
});

test('revision 1: a level still high at completion is pending again; one that fell is not', () => {
  const { device, claim, complete, high } = plic({ 10: 1 }, 'level');
  device.input(10).set(true);
  expect(claim()).toBe(10);
  expect(claim()).toBe(0);
  complete(10);
  expect(high()).toEqual([M0]);
  expect(claim()).toBe(10);
  device.input(10).set(false);
  complete(10);
  expect(high()).toEqual([]);
  expect(claim()).toBe(0);
});

test.each(['level', 'raise'] as const)(
  'a request once made stays until claimed, though its line falls (%s)',
  pendingBy => {
    const { device, claim, complete } = plic({ 10: 1 }, pendingBy);
    device.input(10).set(true);
    device.input(10).set(false);
    expect(device.read(0x1000, 4)).toBe(1 << 10);
    expect(claim()).toBe(10);
    complete(10);
    expect(claim()).toBe(0);
  },
);

test('threshold, priority 0 and enables hold a source back from one context alone', () => {
  const { device, enable, threshold, claim, high } = plic({ 10: 3 });
  enable(S0, 10);
  device.input(10).set(true);
  expect(high()).toEqual([M0, S0]);
  threshold(M0, 3);
  expect(high()).toEqual([S0]);
  expect(claim(M0)).toBe(0);
  threshold(M0, 2);
  expect(high()).toEqual([M0, S0]);
  device.write(40, 4, 0);
  expect(high()).toEqual([]);
  device.write(40, 4, 3);
  expect(claim(S0)).toBe(10);
  expect(high()).toEqual([]);
});

test('a debugger that looks at claim/complete claims nothing', () => {
  const { device, claim, high } = plic({ 10: 1 });
  device.input(10).set(true);
  expect(device.peek(0x20_0004, 4)).toBe(10);
  expect(high()).toEqual([M0]);
  expect(claim()).toBe(10);
});
