import { expect, test } from 'vitest';
import { Scheduler } from '../../src/machine/scheduler.js';
import { timeState, VirtualTime } from '../../src/machine/virtual-time.js';

const TIMERS = 4;

function virtualTime(): VirtualTime {
  const state = timeState(TIMERS);
  return new VirtualTime(state.bind(new ArrayBuffer(state.byteLength), 0), 0, new Scheduler());
}

test('timers that are due are taken in the order of their deadlines, at a tie the lower one first', () => {
  const time = virtualTime();
  for (const [index, deadline] of [500, 300, 500, 300].entries()) time.timer(index).arm(deadline);
  expect(time.takeDue()).toBe(-1);
  time.warpTo(500);
  expect([1, 2, 3, 4, 5].map(() => time.takeDue())).toEqual([1, 3, 0, 2, -1]);
});
