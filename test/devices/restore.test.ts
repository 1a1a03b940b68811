import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Clint, clintState } from '../../src/devices/clint.js';
import { GoldfishRtc, goldfishRtcState } from '../../src/devices/goldfish-rtc.js';
import { Plic, plicState } from '../../src/devices/plic.js';
import { UART_STATE, Uart16550 } from '../../src/devices/uart16550.js';
import type { MmioDevice } from '../../src/ports/device.js';
import { type Instance, instantiate } from './rig.js';

const rtc = () =>
  instantiate(
    goldfishRtcState(1_704_067_200),
    (state, rig) => new GoldfishRtc(state, { irq: rig.line('irq'), clock: rig.clock, timer: rig.timer(0) }),
  );

type Step<D extends MmioDevice> = (instance: Instance<D>) => unknown;

const clint = () =>
  instantiate(
    clintState(2),
    (state, rig) =>
      new Clint(
        state,
        rig.clock,
        [0, 1].map(hart => ({
          msip: rig.line(`msip${hart}`),
          mtip: rig.line(`mtip${hart}`),
          timer: rig.timer(hart),
        })),
      ),
  );
const plic = () =>
  instantiate(
    plicState(4),
    (state, rig) =>
      new Plic(
        state,
        [0, 1, 2, 3].map(context => rig.line(`context${context}`)),
        'raise',
      ),
  );
const uart = () =>
  instantiate(
    UART_STATE,
    (state, rig) =>
      new Uart16550(state, {
        irq: rig.line('irq'),
        output: rig.output,
        clock: rig.clock,
        timer: rig.timer(0),
      }),
  );

const read = <D extends MmioDevice>(offsets: readonly number[], size: number) =>
  fc.constantFrom(...offsets).map(
    (offset): Step<D> =>
      ({ device }) => {
        const shown = device.peek(offset, size);
        const value = device.read(offset, size);
        expect(shown).toBe(value);
        return value;
      },
  );
const write = <D extends MmioDevice>(
  offsets: readonly number[],
  size: number,
  values: fc.Arbitrary<number>,
) =>
  fc.tuple(fc.constantFrom(...offsets), values).map(
    ([offset, value]): Step<D> =>
      ({ device }) =>
        device.write(offset, size, value),
  );
const wait = <D extends MmioDevice>(max: number) =>
  fc.nat(max).map(
    (ns): Step<D> =>
      ({ rig, device }) =>
        rig.advance(ns, device),
  );

const word = fc.oneof(
  fc.nat(20),
  fc.nat(0xffff_ffff),
  fc.constantFrom(0, 1, 0xffff_ffff, 0xffff_fffe, 0x8000_0000),
);

/** Runs steps on one instance; at `cut` moves its bytes and the board's part to a second one and compares. */
function resumes<D extends MmioDevice>(create: () => Instance<D>, step: fc.Arbitrary<Step<D>>): void {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 60 }),
      fc.array(step, { minLength: 1, maxLength: 60 }),
      (before, after) => {
        const first = create();
        for (const run of before) run(first);
        const second = create();
        second.bytes.set(first.bytes);
        second.rig.restoreFrom(first.rig);
        for (const run of after) expect(run(second)).toEqual(run(first));
        expect(second.bytes).toEqual(first.bytes);
        expect([...second.rig.levels]).toEqual([...first.rig.levels]);
        expect(second.rig.deadlines).toEqual(first.rig.deadlines);
      },
    ),
    { numRuns: 300 },
  );
}

describe('a device restored from its state bytes continues alike', () => {
  test('uart', () => {
    const registers = [0, 1, 2, 3, 4, 5, 6, 7];
    resumes<Uart16550>(
      uart,
      fc.oneof(
        read(registers, 1),
        write(registers, 1, fc.nat(255)),
        write([0], 1, fc.nat(255)),
        fc.nat(255).map(
          (byte): Step<Uart16550> =>
            ({ device }) =>
              device.receive(byte),
        ),
        wait(10_000_000),
      ),
    );
  });

  test('clint', () => {
    const registers = [0, 4, 8, 0x4000, 0x4004, 0x4008, 0x400c, 0x4010, 0xbff8, 0xbffc];
    resumes<Clint>(clint, fc.oneof(read(registers, 4), write(registers, 4, word), wait(3000)));
  });

  test('goldfish rtc', () => {
    const registers = [0, 4, 8, 12, 16, 20, 24, 28];
    const values = fc.oneof(fc.nat(0xffff_ffff), fc.nat(3), fc.constant(397_000_000));
    resumes<GoldfishRtc>(
      rtc,
      fc.oneof(read([0, 8, 12, 16, 24], 4), write(registers, 4, values), wait(2_000_000_000)),
    );
  });

  test('plic', () => {
    const registers = [4, 8, 0x28, 0x180, 0x1000, 0x1004, 0x2000, 0x2080, 0x2104, 0x2188]
      .concat([0x20_0000, 0x20_1000, 0x20_2000, 0x20_3000])
      .concat([0x20_0004, 0x20_1004, 0x20_2004, 0x20_3004]);
    resumes<Plic>(
      plic,
      fc.oneof(
        read(registers, 4),
        write(registers, 4, word),
        fc.tuple(fc.constantFrom(1, 2, 10, 31, 32, 64, 95), fc.boolean()).map(
          ([source, level]): Step<Plic> =>
            ({ device }) =>
              device.input(source).set(level),
        ),
      ),
    );
  });
});
