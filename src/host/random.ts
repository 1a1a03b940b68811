import { randomBytes } from 'node:crypto';

/** Random bytes of the host. */
export const hostRandom = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
