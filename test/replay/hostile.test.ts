/**
 * Whatever is done with a recording that is none ends well or in one line. `npm run fuzz -- recordings --seed N` has
 * more.
 */
import { expect, test } from 'vitest';
import { tryRecordings } from './hostile-recordings.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
const SEEDS = Array.from({ length: FULL ? 30 : 3 }, (_, i) => 1 + i);
const TRIES = FULL ? 1000 : 40;

test.each(SEEDS)(
  'spoilt recordings of seed %i end well or in one line',
  { timeout: 3_600_000 },
  async seed => {
    const { used, refused } = await tryRecordings(seed, TRIES);
    expect(refused).toBeGreaterThan(TRIES / 4);
    expect(used).toBeGreaterThan(TRIES / 20);
  },
);
