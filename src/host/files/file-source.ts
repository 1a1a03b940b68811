import { InputError } from '../../state/input-error.js';
import type { InputFile } from './input-file.js';

/** A file that is read as its bytes are asked for: it may be larger than memory. */
export interface FileSource {
  /** Its size when it was opened: what is appended since is not seen. */
  readonly size: number;
  /** Throws InputError when they cannot be read, or are not there any more. */
  read(offset: number, length: number): Uint8Array;
  /** May be called more than once. */
  close(): void;
}

/** A file of this size is read at once: it may then change, or go. */
const READ_AT_ONCE_BYTES = 64 * 2 ** 20;
/** What is read ahead, as a rule: most of what is asked for is a few bytes behind what was asked for last. */
const WINDOW_BYTES = 256 * 1024;

export function fileSource(file: InputFile, what: string, atOnceBytes = READ_AT_ONCE_BYTES): FileSource {
  const { path, bytes: size } = file;
  const readAll = (offset: number, length: number) => {
    const bytes = file.read(offset, length);
    if (bytes.length < length)
      throw new InputError(`cannot read ${what} ${path}: it became shorter while it was read`);
    return bytes;
  };
  if (size <= atOnceBytes) {
    const whole = readAll(0, size);
    file.close();
    return { size, read: (offset, length) => whole.subarray(offset, offset + length), close() {} };
  }
  let window: Uint8Array = new Uint8Array(0);
  let windowAt = 0;
  return {
    size,
    read(offset, length) {
      if (offset < windowAt || offset + length > windowAt + window.length) {
        if (length >= WINDOW_BYTES) return readAll(offset, length);
        // A new one each time: who was given a part of the old one may still look at it.
        window = readAll(offset, Math.min(WINDOW_BYTES, size - offset));
        windowAt = offset;
      }
      return window.subarray(offset - windowAt, offset - windowAt + length);
    },
    close: () => file.close(),
  };
}
