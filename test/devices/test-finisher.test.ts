import { expect, test } from 'vitest';
import { TestFinisher } from '../../src/devices/test-finisher.js';

const finisher = () => {
  const asked: (number | 'reset')[] = [];
  const device = new TestFinisher({ powerOff: code => asked.push(code), reset: () => asked.push('reset') });
  return { asked, device };
};

test.each([
  [0x5555, [0]],
  [0x0001_5555, [0]],
  [0x0003_3333, [3]],
  [0xffff_3333, [255]],
  [0x3333, [0]],
  [0x7777, ['reset']],
  [0x1234, []],
])('a write of %i', (value, expected) => {
  const { asked, device } = finisher();
  device.write(0, 4, value);
  expect(asked).toEqual(expected);
});

test('only offset 0 is a command, and reads are 0', () => {
  const { asked, device } = finisher();
  device.write(4, 4, 0x5555);
  expect(asked).toEqual([]);
  expect(device.read()).toBe(0);
});
