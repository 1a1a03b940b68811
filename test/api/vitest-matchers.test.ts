import { expect, it } from 'vitest';
import '../../src/api/vitest.js';
import { boot } from '../../src/api/index.js';

it('matchers tell where the machine is, what it printed and how it ended', async () => {
  using session = boot('fixtures/rv64/ticks.elf');
  await session.runUntil('on_tick');
  expect(session).toBeIn('on_tick');
  expect(session).not.toBeIn('main');
  expect(session).not.toHaveExited(0);
  await session.continue();
  expect(session).toHavePrinted('done: 1000 ticks');
  expect(session).toHaveExited(0);
  expect(() => expect(session).toHaveExited(1)).toThrow(/exited with 1; it exited with 0/);
  expect(() => expect(session).toHavePrinted('no such text')).toThrow(/it printed:\nticks/);
  expect(() => expect(7).toBeIn('main')).toThrow(/takes a session/);
});
