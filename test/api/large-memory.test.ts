import { expect, it } from 'vitest';
import { boot } from '../../src/api/index.js';

// Host addresses of the upper half of such a machine are negative as 32-bit integers.
it('3 GiB of RAM can be used up to the last byte, and going back restores it', async () => {
  using session = boot('fixtures/rv64/demo.elf', { ramBytes: 3 * 2 ** 30 });
  await session.runUntil('main');
  const top = 0x8000_0000n + 3n * 2n ** 30n;
  const start = session.icount;
  await session.step(10);
  session.setMemory(top - 8n, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8));
  session.setRegister('sp', top - 64n);
  expect(session.value(top - 8n, 8)).toBe(0x0807060504030201n);
  await session.step(200);
  await session.seek(start);
  expect(session.value(top - 8n, 8)).toBe(0n);
  await session.seek('end');
  expect(session.value(top - 8n, 8)).toBe(0x0807060504030201n);
  // The guest's own stores went there: its stack was moved to the top of memory.
  expect(session.register('sp')).toBeGreaterThan(top - 4096n);
  await session.continue();
  expect(session.exitCode).toBe(1);
});
