/** Guests that mean harm find no way out. `npm run fuzz -- guests --seed N` has more of them. */
import { describe, test } from 'vitest';
import { BOARDS, playGuest } from './hostile-guest.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
const SEEDS = Array.from({ length: FULL ? 30 : 6 }, (_, i) => 1 + i);
const ROUNDS = FULL ? 3_000 : 600;

describe.each(Object.keys(BOARDS))('a hostile guest of the board: %s', board => {
  test.each(SEEDS)('finds no way out (seed %i)', { timeout: 300_000 }, seed => {
    playGuest(board, seed, ROUNDS);
  });
});
