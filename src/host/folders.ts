import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../state/input-error.js';
import { systemErrorText } from './system-error.js';

/** Writes files into a folder that does not exist yet or is empty. Throws InputError. */
export function writeFolder(
  path: string,
  files: readonly { readonly path: string; readonly bytes: Uint8Array }[],
): void {
  try {
    mkdirSync(path, { recursive: true });
    if (readdirSync(path).length > 0) throw new InputError(`${path} is not empty: name a new folder`);
    for (const file of files) {
      const place = join(path, file.path);
      mkdirSync(dirname(place), { recursive: true });
      writeFileSync(place, file.bytes);
    }
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot write to folder ${path}: ${systemErrorText(error)}`);
  }
}

/** A file of a folder; it may be empty. Throws InputError. */
export function readFromFolder(folder: string, path: string): Uint8Array {
  try {
    return readFileSync(join(folder, path));
  } catch (error) {
    throw new InputError(`cannot read ${join(folder, path)}: ${systemErrorText(error)}`);
  }
}
