import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { REPOSITORY } from './backstub.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
/** Seeds, and packets of each: 20,000 in CI, a million in full. */
const [SEEDS, COUNT] = FULL ? [30, 33_334] : [2, 10_000];
/** In CI only what hangs meets them; in full, on a host of its own, they are what is promised. */
const LIMITS = FULL ? [] : ['--limit-ms', '120000', '--end-ms', '120000'];

const fuzz = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['scripts/fuzz.mjs', ...args], { cwd: REPOSITORY });

test(`after any of ${SEEDS} times ${COUNT} packets a sentinel is answered, and SIGTERM ends the server`, {
  timeout: 3_600_000,
}, async () => {
  const { stdout } = await fuzz(
    'packets',
    '--seed',
    '1',
    '--seeds',
    `${SEEDS}`,
    '--count',
    `${COUNT}`,
    ...LIMITS,
  );
  expect(stdout.match(/^packets, seed \d+: \d+ in /gm)).toHaveLength(SEEDS);
});

/** Tries of each seed; the tests of their rooms have more of them, without the command line. */
test.each([
  ['recordings', FULL ? 500 : 8],
  ['guests', FULL ? 3000 : 50],
] as const)(
  '%s that mean harm do none, and a seed gives the same ones again',
  {
    timeout: 3_600_000,
  },
  async (kind, count) => {
    const seeds = FULL ? 30 : 1;
    const amount = ['--seeds', `${seeds}`, '--count', `${count}`];
    const { stdout } = await fuzz(kind, '--seed', '1', ...amount);
    const done = (text: string) =>
      text
        .trimEnd()
        .split('\n')
        .map(line => line.replace(/in [\d.]+ s|at most \d+ ms/g, ''));
    expect(done(stdout)).toHaveLength(seeds);
    const again = await fuzz(kind, '--seed', `${seeds}`, '--count', `${count}`);
    expect(done(again.stdout)[0]).toBe(done(stdout).at(-1));
  },
);

test('what cannot be fuzzed is one line', async () => {
  const refused = {
    code: 2,
    stderr: expect.stringMatching(/^backstub: error: what to fuzz is needed, one of: .*packets.*\n$/),
  };
  await expect(fuzz('pakets')).rejects.toMatchObject(refused);
});
