/** Checkpoints cost: they stand half a second of the host's time apart, however much the guest does meanwhile. */
import { expect, test } from 'vitest';
import type { HostClock } from '../../src/ports/host.js';
import { bootFixture, fixture, MemoryFile } from '../support/sessions.js';

/** The host's time goes on by so much each time that somebody looks. */
function record(msPerLook: number) {
  let ms = 1000;
  const hostClock: HostClock = {
    nowMs: () => {
      ms += msPerLook;
      return ms;
    },
    sleep: () => new Promise(resolve => setImmediate(resolve)),
  };
  const { session } = bootFixture(fixture('rv64', 'demo'), { hostClock });
  const file = new MemoryFile();
  session.record(file);
  return { session, file, passedMs: () => ms - 1000 };
}

test('while no time passes, only the beginning and the end have one', async () => {
  const { session, file } = record(0);
  await session.runToEnd({ maxIcount: 1_000_000 });
  session.close();
  expect([...file.read().checkpoints].map(({ icount }) => icount)).toEqual([0, 1_000_000]);
});

test('while time passes, one comes each half second at most', async () => {
  const { session, file, passedMs } = record(7);
  await session.runToEnd({ maxIcount: 5_000_000 });
  session.close();
  const { length } = file.read().checkpoints;
  expect(length).toBeGreaterThan(2);
  expect(length).toBeLessThanOrEqual(2 + passedMs() / 500);
});
