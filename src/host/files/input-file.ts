import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { identityOf, otherKind } from './file-kind.js';

/** A regular file that is open for reading. */
export interface InputFile {
  readonly path: string;
  readonly bytes: number;
  /** What of it takes space; less than `bytes` where it has holes. For speed only: some file systems do not know. */
  readonly storedBytes: number;
  readonly identity: string;
  /** Bytes at an offset; fewer where the file ends. */
  read(offset: number, length: number): Uint8Array;
  /** Fills `into` from an offset on; returns how many bytes there were. */
  readInto(into: Uint8Array, offset: number): number;
  /** From here on `readInto` goes past the system's cache, where `into` and the offset allow it: see disk-file.ts. */
  bypassCache(): void;
  close(): void;
}

/** Where a FIFO has taken the place of a file since it was looked at, opening it does not wait. */
const READING = constants.O_RDONLY | constants.O_NONBLOCK;
/** Larger files are no firmware and no initrd; Node, too, reads none at once. */
const LARGEST_WHOLE_BYTES = 2 ** 31 - 1;
const BLOCK_BYTES = 512;

/**
 * Opens a regular file. `what` names its purpose in messages, e.g. `firmware`. Throws InputError for what is missing,
 * unreadable or no regular file; a FIFO or a device is not even opened, which could wait or have effects.
 */
export function openInputFile(path: string, what: string): InputFile {
  const refuse = (why: string) => new InputError(`cannot read ${what} ${path}: ${why}`);
  let descriptor: number | undefined;
  try {
    const before = otherKind(statSync(path, { bigint: true }));
    if (before !== undefined) throw refuse(`it is ${before}`);
    descriptor = openSync(path, READING);
    const stats = fstatSync(descriptor, { bigint: true });
    const kind = otherKind(stats);
    if (kind !== undefined) throw refuse(`it is ${kind}`);
    return inputFile(path, what, descriptor, {
      bytes: Number(stats.size),
      storedBytes: Number(stats.blocks) * BLOCK_BYTES,
      identity: identityOf(stats),
    });
  } catch (error) {
    if (descriptor !== undefined) closeSync(descriptor);
    throw error instanceof InputError ? error : refuse(systemErrorText(error));
  }
}

function inputFile(
  path: string,
  what: string,
  descriptor: number,
  facts: Pick<InputFile, 'bytes' | 'storedBytes' | 'identity'>,
): InputFile {
  let open = true;
  let unbuffered: number | undefined;
  const readInto = (into: Uint8Array, offset: number): number => {
    if (unbuffered !== undefined && readUnbuffered(unbuffered, into, offset) === into.length)
      return into.length;
    let done = 0;
    try {
      while (done < into.length) {
        const got = readSync(descriptor, into, done, into.length - done, offset + done);
        if (got === 0) break;
        done += got;
      }
    } catch (error) {
      throw new InputError(`cannot read ${what} ${path}: ${systemErrorText(error)}`);
    }
    return done;
  };
  return {
    path,
    ...facts,
    readInto,
    read(offset, length) {
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, readInto(bytes, offset));
    },
    bypassCache() {
      unbuffered ??= openUnbuffered(path, facts.identity);
    },
    close() {
      if (!open) return;
      open = false;
      closeSync(descriptor);
      if (unbuffered !== undefined) closeSync(unbuffered);
    },
  };
}

/** The same file once more; undefined where that is not possible, or another has its name by now. */
function openUnbuffered(path: string, identity: string): number | undefined {
  if (constants.O_DIRECT === undefined) return undefined;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, READING | constants.O_DIRECT);
    if (identityOf(fstatSync(descriptor, { bigint: true })) === identity) return descriptor;
  } catch {
    // It is read as usual.
  }
  if (descriptor !== undefined) closeSync(descriptor);
  return undefined;
}

/** Bytes that were read; -1 where it is to be tried as usual, which says what is wrong. */
function readUnbuffered(descriptor: number, into: Uint8Array, offset: number): number {
  try {
    return readSync(descriptor, into, 0, into.length, offset);
  } catch {
    return -1;
  }
}

/** Reads up to a buffer's length at an offset while the process goes on. Rejects for what is no regular file now. */
export async function readMeanwhile(path: string, into: Uint8Array, offset: number): Promise<void> {
  const file = await open(path, READING);
  try {
    if ((await file.stat()).isFile()) await file.read(into, 0, into.length, offset);
  } finally {
    await file.close();
  }
}

/** The whole content of an open file. Throws InputError when it is empty or too large. */
export function readWhole(file: InputFile, what: string): Uint8Array {
  const { path, bytes } = file;
  if (bytes === 0) throw new InputError(`cannot use ${what} ${path}: the file is empty`);
  return readBytes(file, what);
}

/** The same of a file that may be empty. Throws InputError when it is too large. */
export function readBytes({ path, bytes, read }: InputFile, what: string): Uint8Array {
  if (bytes > LARGEST_WHOLE_BYTES)
    throw new InputError(`cannot use ${what} ${path}: it is larger than 2 GiB`);
  try {
    return read(0, bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new InputError(`cannot use ${what} ${path}: there is no memory for its ${bytes} bytes`);
  }
}
