import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  realpathSync,
  writeSync,
} from 'node:fs';
import { InputError } from '../state/input-error.js';
import { systemErrorText } from './system-error.js';

/**
 * The whole content of a file. `what` names its purpose in messages, e.g. `firmware`.
 * Throws InputError when it is missing, unreadable, a folder or empty.
 */
export function readInputFile(path: string, what: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new InputError(`cannot read ${what} ${path}: ${systemErrorText(error)}`);
  }
  if (bytes.length === 0) throw new InputError(`cannot use ${what} ${path}: the file is empty`);
  return bytes;
}

/** Whether two paths name the same existing file. */
export function sameFile(left: string, right: string): boolean {
  try {
    return realpathSync(left) === realpathSync(right);
  } catch {
    return false;
  }
}

/** A file that is only appended to. A process that dies loses nothing that was appended. */
export interface AppendFile {
  /** Throws InputError once when the file cannot grow; what was appended before stays, later calls do nothing. */
  append(bytes: Uint8Array): void;
  /** May be called more than once. */
  close(): void;
}

/** Creates the file, or empties an existing one. Throws InputError when that is not possible. */
export function createAppendFile(path: string, what: string): AppendFile {
  let file: number;
  try {
    file = openSync(path, 'w');
  } catch (error) {
    throw new InputError(`cannot create ${what} ${path}: ${systemErrorText(error)}`);
  }
  let length = 0;
  let state: 'open' | 'failed' | 'closed' = 'open';
  return {
    append(bytes) {
      if (state !== 'open') return;
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
        length += bytes.length;
      } catch (error) {
        state = 'failed';
        dropPartialWrite(file, length);
        throw new InputError(
          `cannot write ${what} ${path}: ${systemErrorText(error)}; the ${length} bytes before are kept`,
        );
      }
    },
    close() {
      if (state !== 'closed') closeSync(file);
      state = 'closed';
    },
  };
}

function dropPartialWrite(file: number, length: number): void {
  try {
    if (fstatSync(file).isFile()) ftruncateSync(file, length);
  } catch {
    // A partial last chunk is recognized by its checksum.
  }
}
