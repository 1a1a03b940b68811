// Guests that mean harm, on each board: whatever they do to its devices, the machine neither throws nor stops.
import { fromTests } from './from-tests.mjs';

const { BOARDS, playGuest } = await fromTests('devices/hostile-guest');

/** `count`: rounds of each guest. */
export async function fuzz({ seed, count }) {
  const boards = Object.keys(BOARDS);
  for (const board of boards) playGuest(board, seed, count);
  return `rounds on each of ${boards.length} boards`;
}
