import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VIRT_MAP } from '../../src/boards/virt/memory-map.js';
import { GoldfishRtc, goldfishRtcState } from '../../src/devices/goldfish-rtc.js';
import { hasQemu } from './qtest.js';
import { QtestMachine } from './qtest-machine.js';
import { instantiate } from './rig.js';

const START = 1_704_067_200;
const TIME_LOW = 0;
const TIME_HIGH = 4;
const ALARM_LOW = 8;
const ALARM_HIGH = 12;
const IRQ_ENABLED = 16;
const CLEAR_ALARM = 20;
const ALARM_STATUS = 24;
const CLEAR_INTERRUPT = 28;
const REGISTERS = [
  TIME_LOW,
  TIME_HIGH,
  ALARM_LOW,
  ALARM_HIGH,
  IRQ_ENABLED,
  CLEAR_ALARM,
  ALARM_STATUS,
  CLEAR_INTERRUPT,
  0x20,
];

const rtc = (seconds = START) =>
  instantiate(
    goldfishRtcState(seconds),
    (state, rig) => new GoldfishRtc(state, { irq: rig.line('irq'), clock: rig.clock, timer: rig.timer(0) }),
  );

const timeOf = ({ device }: ReturnType<typeof rtc>) => {
  const low = device.read(TIME_LOW, 4);
  return BigInt(device.read(TIME_HIGH, 4)) * 2n ** 32n + BigInt(low);
};

test.each([0, 1, START, 2 ** 32 - 1, 2 ** 32 + 12_345, 2 ** 33])(
  'starts at %i seconds and follows virtual time',
  seconds => {
    const clock = rtc(seconds);
    expect(timeOf(clock)).toBe(BigInt(seconds) * 1_000_000_000n);
    clock.rig.advance(4_294_967_296 + 7, clock.device);
    expect(timeOf(clock)).toBe(BigInt(seconds) * 1_000_000_000n + 4_294_967_303n);
  },
);

test('an alarm rings at its nanosecond, and one in the past at once', () => {
  const { device, rig } = rtc(0);
  device.write(IRQ_ENABLED, 4, 1);
  device.write(ALARM_HIGH, 4, 0);
  device.write(ALARM_LOW, 4, 1_000_000);
  expect(device.read(ALARM_STATUS, 4)).toBe(1);
  rig.advance(999_999, device);
  expect(rig.levels.get('irq')).toBe(false);
  rig.advance(1, device);
  expect(rig.levels.get('irq')).toBe(true);
  expect(device.read(ALARM_STATUS, 4)).toBe(0);
  device.write(CLEAR_INTERRUPT, 4, 1);
  expect(rig.levels.get('irq')).toBe(false);
  device.write(ALARM_LOW, 4, 5);
  expect(rig.levels.get('irq')).toBe(true);
});

test.skipIf(!hasQemu())('registers show what they show on QEMU, whose clock stands still', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('read' as const), offset: fc.constantFrom(...REGISTERS) }),
    fc.record({
      kind: fc.constant('write' as const),
      offset: fc.constantFrom(...REGISTERS),
      value: fc.oneof(fc.nat(0xffff_ffff), fc.nat(3), fc.constantFrom(397_000_000, 0x17a6_1234)),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async steps => {
      const { device } = rtc();
      await using theirs = new QtestMachine(['-rtc', 'base=2024-01-01T00:00:00,clock=vm']);
      for (const one of steps) {
        const { base } = VIRT_MAP.rtc;
        if (one.kind === 'write') {
          device.write(one.offset, 4, one.value);
          await theirs.writeRegister(base + one.offset, 4, one.value);
        } else {
          expect(device.peek(one.offset, 4)).toBe(await theirs.readRegister(base + one.offset, 4));
          device.read(one.offset, 4);
        }
      }
    }),
    { numRuns: 12 },
  );
});
