import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readSync, unlinkSync, writevSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';

const PAGE_BYTES = 4096;

/** A temporary file of pages of 4 KiB. It has no name: when the process ends, however it ends, the space is free. */
export interface TemporaryPageFile {
  readonly capacity: number;
  /** For `readPage`, in any thread of this process. */
  readonly handle: number;
  write(first: number, pages: readonly Uint8Array[]): boolean;
  read(place: number, into: Uint8Array): void;
  close(): void;
}

/**
 * A file in `folder` for at most `bytes` bytes; it takes space as it fills. Throws InputError when it cannot be
 * created; `write` returns false when the disk is full or fails.
 */
export function openPageFile(folder: string, bytes: number): TemporaryPageFile {
  const path = join(folder, `.backstub-snapshots-${randomBytes(8).toString('hex')}`);
  let file: number | undefined;
  try {
    file = openSync(path, 'wx+', 0o600);
    unlinkSync(path);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw new InputError(`cannot create a snapshot file in ${folder}: ${systemErrorText(error)}`);
  }
  let open = true;
  const handle = file;
  return {
    capacity: Math.floor(bytes / PAGE_BYTES),
    handle,
    write(first, pages) {
      const at = first * PAGE_BYTES;
      try {
        if (writevSync(handle, pages, at) === pages.length * PAGE_BYTES) return true;
        // Cut short: what the whole pages did not take, one by one.
        return pages.every((page, i) => writevSync(handle, [page], at + i * PAGE_BYTES) === PAGE_BYTES);
      } catch {
        return false;
      }
    },
    read: (place, into) => readPage(handle, place, into),
    close() {
      if (open) closeSync(handle);
      open = false;
    },
  };
}

/** Reads a page of a file of pages. Throws InputError. */
export function readPage(handle: number, place: number, into: Uint8Array): void {
  let read = 0;
  try {
    read = readSync(handle, into, 0, PAGE_BYTES, place * PAGE_BYTES);
  } catch (error) {
    throw new InputError(`cannot read the snapshot file back: ${systemErrorText(error)}`);
  }
  if (read !== PAGE_BYTES) throw new InputError('cannot read the snapshot file back: it is cut');
}
