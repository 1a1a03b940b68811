import type { BigIntStats } from 'node:fs';

/** What a file is when it is no regular one, for messages; undefined for a regular file. */
export function otherKind(stats: BigIntStats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return 'a folder';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

/** The same for every name of one file. */
export const identityOf = ({ dev, ino }: BigIntStats): string => `${dev}:${ino}`;
