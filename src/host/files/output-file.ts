import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { identityOf } from './file-kind.js';
import type { FileLock } from './file-lock.js';
import { type OutputTarget, openDirect } from './output-target.js';

/** A file that is written. A process that dies loses nothing that was appended after `publish`. */
export interface OutputFile {
  /** Whether it is a regular file; others are written front to back. */
  readonly regular: boolean;
  readonly identity: string;
  /** Throws InputError once when the file cannot grow; what was appended before stays, later calls do nothing. */
  append(bytes: Uint8Array): void;
  /** Writes over bytes that were appended before; not where the file is no regular one. */
  writeAt(bytes: Uint8Array, position: number): void;
  /**
   * What was appended may be taken as the file from here on: it gets its name. An older file of that name is kept
   * beside it until `close`. Throws InputError as `append` does.
   */
  publish(): void;
  /** A file that is to survive a loss of power is written through. */
  sync(): void;
  /** It is whole. May be called more than once. What was not published is dropped, and an older file stays. */
  close(): void;
  /** As `close`, when it is not whole: an older file stays beside what was published. */
  abandon(): void;
}

/**
 * When what was written is on the disk itself. `replacing`: before an older file goes; `always`: with `sync`, too;
 * `never`: when the system likes, which a process that dies does not change.
 */
export type Durability = 'never' | 'replacing' | 'always';

export interface OutputNames {
  /** The file as the user calls it. */
  readonly path: string;
  /** Its purpose, for messages, e.g. `recording`. */
  readonly what: string;
}

/** A new regular file: written beside its name, which it gets when it is published. */
export class ReplacingFile implements OutputFile {
  readonly regular = true;
  readonly identity: string;
  readonly #target: string;
  readonly #draft: string;
  readonly #file: number;
  readonly #names: OutputNames;
  readonly #durability: Durability;
  readonly #lock: FileLock;
  #length = 0;
  #state: 'open' | 'failed' | 'closed' = 'open';
  #published = false;
  /** Where the older file is kept. */
  #kept: string | undefined;

  /** Throws what the system says when the file cannot be created. */
  constructor(
    { path, stats }: OutputTarget & { readonly kind: 'file' },
    names: OutputNames,
    durability: Durability,
    lock: FileLock,
  ) {
    this.#target = path;
    this.#names = names;
    this.#durability = durability;
    this.#lock = lock;
    if (stats !== undefined) accessSync(path, constants.W_OK);
    this.#draft = join(dirname(path), `.backstub-${randomBytes(8).toString('hex')}.part`);
    this.#file = openSync(this.#draft, 'wx');
    this.identity = identityOf(fstatSync(this.#file, { bigint: true }));
    if (stats !== undefined) fchmodSync(this.#file, Number(stats.mode & 0o777n));
  }

  append(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
      this.#length += bytes.length;
    } catch (error) {
      this.#fail(error);
    }
  }

  writeAt(bytes: Uint8Array, position: number): void {
    if (this.#state !== 'open') return;
    try {
      writeSync(this.#file, bytes, 0, bytes.length, position);
    } catch (error) {
      this.#fail(error);
    }
  }

  publish(): void {
    if (this.#published || this.#state !== 'open') return;
    try {
      this.#keepOld();
      renameSync(this.#draft, this.#target);
      this.#published = true;
      if (this.#durability === 'always' || (this.#kept !== undefined && this.#durability !== 'never'))
        this.#syncFolder();
    } catch (error) {
      if (!this.#published) this.#restoreOld();
      this.#fail(error);
    }
  }

  sync(): void {
    if (this.#state !== 'open' || this.#durability !== 'always') return;
    try {
      fsyncSync(this.#file);
    } catch (error) {
      this.#fail(error);
    }
  }

  close(): void {
    this.#close(this.#state === 'open');
  }

  abandon(): void {
    this.#close(false);
  }

  #close(whole: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    try {
      if (!this.#published) unlinkSync(this.#draft);
      else if (whole) this.#end();
    } catch {
      // The older file then stays beside the new one.
    }
    closeSync(this.#file);
    this.#lock.release();
  }

  /** The new file is whole: the older one goes. */
  #end(): void {
    const replaces = this.#kept !== undefined;
    if (this.#durability === 'always' || (replaces && this.#durability !== 'never')) fsyncSync(this.#file);
    if (this.#kept !== undefined) unlinkSync(this.#kept);
  }

  /** A second name for the older file, which the new one is about to take the name of. */
  #keepOld(): void {
    if (lstatSync(this.#target, { throwIfNoEntry: false }) === undefined) return;
    if (this.#durability !== 'never') fsyncSync(this.#file);
    for (let number = 1; ; number++) {
      const kept = `${this.#target}.old${number === 1 ? '' : number}`;
      try {
        linkSync(this.#target, kept);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === 'EEXIST') continue;
        // No hard links here: for a moment the name is free.
        if (lstatSync(kept, { throwIfNoEntry: false }) !== undefined) continue;
        renameSync(this.#target, kept);
      }
      this.#kept = kept;
      return;
    }
  }

  #restoreOld(): void {
    if (this.#kept === undefined) return;
    try {
      // Nothing happens where both are names of the one file; then the second name goes.
      renameSync(this.#kept, this.#target);
      unlinkSync(this.#kept);
    } catch {
      // It has its name again.
    }
    this.#kept = undefined;
  }

  #syncFolder(): void {
    const folder = openSync(dirname(this.#target), 'r');
    try {
      fsyncSync(folder);
    } catch {
      // Not every file system can.
    } finally {
      closeSync(folder);
    }
  }

  #fail(error: unknown): never {
    this.#state = 'failed';
    try {
      ftruncateSync(this.#file, this.#length);
    } catch {
      // A partial last chunk is recognized by its checksum.
    }
    throw new InputError(`${writeFailure(this.#names, error)}; ${this.#whatIsLeft()}`);
  }

  #whatIsLeft(): string {
    const before = this.#kept === undefined ? '' : `, and the file that was there is ${this.#kept}`;
    if (this.#published) return `the ${this.#length} bytes before are kept${before}`;
    const old = lstatSync(this.#target, { throwIfNoEntry: false });
    return old === undefined ? 'nothing is kept of it' : 'the file that was there stays as it was';
  }
}

/** What is written as it is: a FIFO, a device, a descriptor. */
export class DirectFile implements OutputFile {
  readonly regular = false;
  readonly identity: string;
  readonly #file: number;
  readonly #names: OutputNames;
  #length = 0;
  #state: 'open' | 'failed' | 'closed' = 'open';

  constructor(target: OutputTarget & { readonly kind: 'direct' }, names: OutputNames) {
    this.#file = openDirect(target);
    this.identity = identityOf(target.stats);
    this.#names = names;
  }

  append(bytes: Uint8Array): void {
    if (this.#state !== 'open') return;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#file, bytes, done);
      this.#length += bytes.length;
    } catch (error) {
      this.#state = 'failed';
      throw new InputError(`${writeFailure(this.#names, error)}; the ${this.#length} bytes before are kept`);
    }
  }

  writeAt(): void {
    throw new Error('only a regular file is written at a place');
  }

  publish(): void {}

  sync(): void {}

  close(): void {
    if (this.#state !== 'closed') closeSync(this.#file);
    this.#state = 'closed';
  }

  abandon(): void {
    this.close();
  }
}

const writeFailure = ({ what, path }: OutputNames, error: unknown) =>
  `cannot write ${what} ${path}: ${systemErrorText(error)}`;
