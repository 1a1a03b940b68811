import { mkdirSync, readdirSync, realpathSync, rmdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { InputError } from '../state/input-error.js';
import type { HostFiles } from './files/host-files.js';
import { readBytes } from './files/input-file.js';
import { systemErrorText } from './system-error.js';

/** Bytes with a path within a folder, `/` between its parts. */
export interface FolderFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Writes files into a folder that does not exist yet or is empty, and nowhere else: all of them or, when that fails, none.
 * Throws InputError.
 */
export function writeFolder(path: string, files: readonly FolderFile[]): void {
  const undo: (() => void)[] = [];
  const makeFolder = (folder: string) => {
    const first = mkdirSync(folder, { recursive: true });
    if (first === undefined) return;
    const made: string[] = [];
    for (let at = resolve(folder); at.length >= resolve(first).length; at = dirname(at)) made.push(at);
    undo.unshift(...made.map(one => () => rmdirSync(one)));
  };
  try {
    makeFolder(path);
    if (readdirSync(path).length > 0) throw new InputError(`${path} is not empty: name a new folder`);
    for (const file of files) {
      const place = placeIn(path, file.path);
      makeFolder(dirname(place));
      undo.unshift(() => unlinkSync(place));
      writeFileSync(place, file.bytes, { flag: 'wx' });
    }
  } catch (error) {
    for (const step of undo) attempt(step);
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot write to folder ${path}: ${systemErrorText(error)}`);
  }
}

/**
 * A file of a folder that may come from a stranger; it may be empty. Nothing outside the folder is read: not through a
 * link, and what is no regular file is not opened. Throws InputError.
 */
export function readFromFolder(files: HostFiles, folder: string, path: string): Uint8Array {
  const place = placeIn(folder, path);
  try {
    if (realpathSync(place) !== join(realpathSync(folder), ...path.split('/')))
      throw new InputError(`cannot read ${place}: it is a link, which may lead out of the folder`);
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot read ${place}: ${systemErrorText(error)}`);
  }
  const file = files.openInput(place, 'part');
  try {
    return readBytes(file, 'part');
  } finally {
    file.close();
  }
}

function placeIn(folder: string, path: string): string {
  const parts = path.split('/');
  if (
    parts.some(
      part => part === '' || part === '.' || part === '..' || part.includes(sep) || part.includes('\0'),
    )
  )
    throw new InputError(`${JSON.stringify(path)} is no name of a file in a folder`);
  return join(folder, ...parts);
}

function attempt(step: () => void): void {
  try {
    step();
  } catch {
    // It was not made, or somebody else uses it.
  }
}
