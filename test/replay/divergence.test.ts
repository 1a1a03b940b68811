import { describe, expect, test } from 'vitest';
import { DivergenceError, describeDivergence, findDivergence } from '../../src/replay/divergence.js';
import { count, defineState, StatePlan, u8, u64s } from '../../src/state/layout.js';
import { digest } from './recordings.js';

const plan = new StatePlan();
const hartLayout = defineState('hart', { x: u64s(32), steps: count() });
const uartLayout = defineState('uart', { lsr: u8(0x60) });
const hart = plan.add('hart0', hartLayout);
const uart = plan.add('uart0', uartLayout);

const machineState = () => {
  const buffer = new ArrayBuffer(plan.byteLength);
  plan.reset(buffer, 0);
  return {
    bytes: new Uint8Array(buffer),
    hart: hartLayout.bind(buffer, hart.offset),
    uart: uartLayout.bind(buffer, uart.offset),
  };
};
const digests = { hart0: digest(1), uart0: digest(2), ram: digest(3) };

describe('a replayed checkpoint', () => {
  test('that agrees is no divergence', () => {
    const recorded = { icount: 900, digests, state: machineState().bytes };
    const found = { icount: 900, digests: { ...digests }, state: machineState().bytes };
    expect(findDivergence(recorded, found, plan, 0)).toBeUndefined();
  });

  test('that differs names the interval, the components and the fields', () => {
    const recorded = machineState();
    const replayed = machineState();
    recorded.hart.x[10] = 0x1000;
    replayed.hart.x[10] = 0x1008;
    replayed.uart.lsr = 0x61;
    const report = findDivergence(
      { icount: 900, digests, state: recorded.bytes },
      { icount: 900, digests: { ...digests, hart0: digest(9), ram: digest(8) }, state: replayed.bytes },
      plan,
      400,
    )!;
    expect(report.components).toEqual(['hart0', 'ram', 'uart0']);
    expect(describeDivergence(report).split('\n')).toEqual([
      'replay diverges from the recording after icount 400 and up to 900, in hart0, ram, uart0',
      '  hart0.x[5]: recorded 0x1000, replayed 0x1008',
      '  uart0.lsr: recorded 0x60, replayed 0x61',
    ]);
    expect(new DivergenceError(report).message).toBe(describeDivergence(report));
  });

  test('with other components or another layout is a divergence too', () => {
    const state = machineState().bytes;
    const { ram: _, ...fewer } = digests;
    expect(
      findDivergence({ icount: 1, digests, state }, { icount: 1, digests: fewer, state }, plan, 0)
        ?.components,
    ).toEqual(['ram']);
    const other = findDivergence(
      { icount: 1, digests, state },
      { icount: 1, digests, state: state.slice(8) },
      plan,
      0,
    )!;
    expect(describeDivergence(other)).toContain('the layout of the declared state');
  });
});
