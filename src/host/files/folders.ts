import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join, resolve, sep } from 'node:path';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import type { HostFiles } from './host-files.js';
import { readBytes } from './input-file.js';

/** A file with a path within a folder, `/` between its parts. */
export interface FolderFile {
  readonly path: string;
  /** One after the other: together they may be more than memory holds. */
  readonly pieces: Iterable<Uint8Array>;
}

/**
 * Writes files into a folder that does not exist yet or is empty, and nowhere else: all of them or, when that fails,
 * none. Throws InputError.
 */
export function writeFolder(path: string, files: readonly FolderFile[]): void {
  const undo: (() => void)[] = [];
  const makeFolder = (folder: string) => {
    // One by one: where no folder can be made, as in /proc, Node's recursive mkdir never ends.
    const missing: string[] = [];
    for (let at = resolve(folder); !existsSync(at); at = dirname(at)) missing.unshift(at);
    for (const one of missing) {
      mkdirSync(one);
      undo.unshift(() => rmdirSync(one));
    }
  };
  try {
    makeFolder(path);
    if (readdirSync(path).length > 0) throw new InputError(`${path} is not empty: name a new folder`);
    for (const file of files) {
      const place = placeIn(path, file.path);
      makeFolder(dirname(place));
      undo.unshift(() => unlinkSync(place));
      writePieces(place, file.pieces);
    }
  } catch (error) {
    for (const step of undo) attempt(step);
    if (error instanceof InputError) throw error;
    throw new InputError(`cannot write to folder ${path}: ${systemErrorText(error)}`);
  }
}

/** Small pieces - lines - are written together. */
const TOGETHER_BYTES = 64 * 1024;

function writePieces(path: string, pieces: Iterable<Uint8Array>): void {
  const file = openSync(path, 'wx');
  try {
    let waiting: Uint8Array[] = [];
    let bytes = 0;
    const write = () => {
      const all = Buffer.concat(waiting);
      for (let done = 0; done < all.length; ) done += writeSync(file, all, done);
      waiting = [];
      bytes = 0;
    };
    for (const piece of pieces) {
      waiting.push(piece);
      bytes += piece.length;
      if (bytes >= TOGETHER_BYTES) write();
    }
    write();
  } finally {
    closeSync(file);
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
