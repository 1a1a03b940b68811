import { fstatSync, readSync, writeSync } from 'node:fs';
import { ERRNO, MOST_WRITTEN, openMode, type SemihostingRequest } from '../../ports/semihosting-host.js';

/** Why a guest's request is not met. */
export class Refused extends Error {
  constructor(readonly errno: number) {
    super(`errno ${errno}`);
  }
}

/** It may be out of a recording that a stranger made. */
function check(position: number): void {
  if (!Number.isSafeInteger(position) || position < 0) throw new Refused(ERRNO.invalid);
}

/** As many bytes at a position as there are, `length` at most. */
export function readAt(descriptor: number, position: number, length: number): Uint8Array {
  check(position);
  const left = Math.max(0, fstatSync(descriptor).size - position);
  const bytes = new Uint8Array(Math.min(length, left));
  let done = 0;
  while (done < bytes.length) {
    const got = readSync(descriptor, bytes, done, bytes.length - done, position + done);
    if (got === 0) break;
    done += got;
  }
  return bytes.subarray(0, done);
}

/**
 * Writes at a position; a file that is appended to takes the bytes at its end. No file grows beyond the limit.
 * Returns how many bytes it has taken.
 */
export function writeAt(
  descriptor: number,
  { file, position, bytes }: Extract<SemihostingRequest, { kind: 'write' }>,
): number {
  check(position);
  const { appends } = openMode(file.mode);
  const { size } = fstatSync(descriptor);
  const start = appends ? size : position;
  if (start + bytes.length > Math.max(size, MOST_WRITTEN)) throw new Refused(ERRNO.tooLarge);
  let done = 0;
  try {
    while (done < bytes.length) done += writeSync(descriptor, bytes, done, bytes.length - done, start + done);
  } catch (error) {
    if (done === 0) throw error;
  }
  return done;
}
