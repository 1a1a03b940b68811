import type { BootImage } from '../ports/config.js';
import { InputError } from '../state/input-error.js';
import type { Board } from './board.js';

/** Puts what a machine boots from into its memory, and every hart before the boot ROM's first instruction. */
export function loadImages(board: Board, images: readonly BootImage[], by?: 'reset'): void {
  for (const image of images) {
    if (image.disk !== undefined) continue;
    const host = board.bus.hostAddress(image.address, Math.max(image.bytes.length, 1), false);
    if (host === 0) throw new InputError(`image ${image.name} does not lie in this machine's memory`);
    if (image.bytes.length === 0) continue;
    if (by !== undefined) board.foreignWrites.note(image.address, image.bytes.length, by);
    board.memory.beforeWrite(host, image.bytes.length);
    board.memory.u8.set(image.bytes, host);
  }
  for (const hart of board.harts) hart.reset(board.resetAddress);
}
