import {
  type BigIntStats,
  closeSync,
  constants,
  lstatSync,
  openSync,
  readlinkSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../../state/input-error.js';

/** Where the name of an output leads. */
export type OutputTarget =
  /** A regular file, or a name that is free: `stats` is the old file's. */
  | { readonly kind: 'file'; readonly path: string; readonly stats: BigIntStats | undefined }
  /** What is written as it is: a FIFO, a device, an open descriptor such as /dev/stdout. */
  | { readonly kind: 'direct'; readonly path: string; readonly stats: BigIntStats };

/** As the kernel, which calls more a loop. */
const MOST_LINKS = 40;
const DESCRIPTORS = /^\/proc\/[^/]+\/(task\/\d+\/)?fd$|^\/dev\/fd$/;

/** Follows links, also those that lead to no file yet. Throws InputError, or what the system says. */
export function outputTarget(path: string): OutputTarget {
  if (path === '') throw new InputError('the name is empty');
  if (/[\\/]$/.test(path)) throw new InputError('it names a folder');
  let name = resolve(path);
  for (let links = 0; links < MOST_LINKS; links++) {
    const folder = realpathSync(dirname(name));
    const place = join(folder, basename(name));
    if (DESCRIPTORS.test(folder))
      return { kind: 'direct', path: place, stats: statSync(place, { bigint: true }) };
    const stats = lstatSync(place, { bigint: true, throwIfNoEntry: false });
    if (stats?.isSymbolicLink() === true) {
      name = resolve(folder, readlinkSync(place));
      continue;
    }
    if (stats === undefined || stats.isFile()) return { kind: 'file', path: place, stats };
    if (stats.isDirectory()) throw new InputError('it is a folder');
    if (stats.isSocket()) throw new InputError('it is a socket');
    return { kind: 'direct', path: place, stats };
  }
  throw new InputError('its links lead in a circle');
}

/** Opens what is written as it is. Throws InputError for a FIFO that nobody reads: opening it would wait. */
export function openDirect({ path, stats }: OutputTarget & { readonly kind: 'direct' }): number {
  if (stats.isFIFO()) refuseWithoutReader(path);
  // A file behind a descriptor is the shell's: what it holds already stays.
  return openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOCTTY);
}

function refuseWithoutReader(path: string): void {
  try {
    closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
    throw new InputError('nobody reads this FIFO: start its reader first');
  }
}
