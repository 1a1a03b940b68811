import { expect, test } from 'vitest';
import { SEMIHOSTING_CALLS } from '../../src/semihosting/calls.js';
import { callDocumentation } from './call-docs.js';

test('the table of calls is what docs/semihosting.md shows (vitest -u writes it)', async () => {
  await expect(callDocumentation()).toMatchFileSnapshot('../../docs/semihosting.md');
});

test('no two calls have one number, and one that asks the host says what and takes an answer', () => {
  expect(new Set(SEMIHOSTING_CALLS.map(({ number }) => number)).size).toBe(SEMIHOSTING_CALLS.length);
  for (const { name, request, answered } of SEMIHOSTING_CALLS)
    expect([name, request === undefined]).toEqual([name, answered === undefined]);
});
