import { type BigIntStats, fstatSync, lstatSync } from 'node:fs';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { identityOf } from './file-kind.js';
import { lockFile } from './file-lock.js';
import { type FileSource, fileSource } from './file-source.js';
import { type InputFile, openInputFile, readWhole } from './input-file.js';
import {
  DirectFile,
  type Durability,
  type OutputFile,
  type OutputNames,
  ReplacingFile,
} from './output-file.js';
import { type OutputTarget, outputTarget } from './output-target.js';

/** Outputs that are open in this process: when it ends in the middle, their drafts and locks go. */
const open = new Set<OutputFile>();
let watching = false;

function abandonAtExit(): void {
  if (watching) return;
  watching = true;
  process.on('exit', () => {
    for (const file of open) file.abandon();
  });
}

/**
 * The files of one command, or of one session of a script: the only way to open them. None is read and written, and
 * none is written twice, whatever its names: a file is known by its device and number.
 */
export class HostFiles {
  /** Why each cannot be written, by identity. */
  readonly #inputs = new Map<string, string>();
  /** Why each cannot be read or written, by identity; a file that does not exist yet is known to its lock alone. */
  readonly #outputs = new Map<string, string>();
  readonly #open = new Set<OutputFile>();

  /** A regular file to read. `what` names its purpose in messages. Throws InputError. */
  openInput(path: string, what: string): InputFile {
    const file = openInputFile(path, what);
    const written = this.#outputs.get(file.identity);
    if (written !== undefined) {
      file.close();
      throw new InputError(`cannot read ${what} ${path}: ${written}`);
    }
    this.#inputs.set(file.identity, `this command reads it (${what} ${path})`);
    return file;
  }

  /** The whole content of a file. Throws InputError. */
  read(path: string, what: string): Uint8Array {
    const file = this.openInput(path, what);
    try {
      return readWhole(file, what);
    } finally {
      file.close();
    }
  }

  /** A file that may be larger than memory. Throws InputError, also when it is empty. */
  openSource(path: string, what: string): FileSource {
    const file = this.openInput(path, what);
    try {
      if (file.bytes === 0) throw new InputError(`cannot use ${what} ${path}: the file is empty`);
      return fileSource(file, what);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /**
   * The first bytes of what is about to be replaced, fewer where it is shorter; undefined when nothing is there. Throws
   * InputError when it is a link or no regular file.
   */
  peek(path: string, what: string, length: number): Uint8Array | undefined {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) throw new InputError(`cannot create ${what} ${path}: it is a link`);
    const file = openInputFile(path, what);
    try {
      return file.read(0, length);
    } finally {
      file.close();
    }
  }

  /**
   * A new file to write; an older one stays until the new one is whole. FIFOs, devices and descriptors such as
   * /dev/stdout are written as they are. Throws InputError.
   */
  create(path: string, what: string, durability: Durability = 'never'): OutputFile {
    try {
      const target = this.#freeTarget(path);
      const file = this.#createAt(target, { path, what }, durability);
      return this.#tracked(file, { path, what }, identityOfTarget(target));
    } catch (error) {
      throw refusal(error, path, what);
    }
  }

  /** Whether a file that is there may not be read or written, as one that this command has other plans with. */
  isTaken(stats: BigIntStats, access: 'read' | 'write'): boolean {
    const identity = identityOf(stats);
    return this.#outputs.has(identity) || (access === 'write' && this.#inputs.has(identity));
  }

  /** Says early what `create` would say of a file that is read or written already. Throws InputError. */
  checkOutput(path: string, what: string): void {
    try {
      this.#freeTarget(path);
    } catch (error) {
      throw refusal(error, path, what);
    }
  }

  #freeTarget(path: string): OutputTarget {
    const target = outputTarget(path);
    const identity = identityOfTarget(target);
    const used = identity && (this.#inputs.get(identity) ?? this.#outputs.get(identity));
    if (used !== undefined) throw new InputError(used);
    return target;
  }

  /** Standard output is used otherwise, as `why` says: no file of this command may be the same one. */
  claimStandardOutput(why: string): void {
    try {
      const stats = fstatSync(1, { bigint: true });
      if (!stats.isCharacterDevice()) this.#outputs.set(identityOf(stats), why);
    } catch {
      // It is closed.
    }
  }

  /** The command failed: what it has not published is dropped, older files stay. */
  discard(): void {
    for (const file of [...this.#open]) file.abandon();
  }

  #createAt(target: OutputTarget, names: OutputNames, durability: Durability): OutputFile {
    if (target.kind === 'direct') return new DirectFile(target, names);
    const lock = lockFile(target.path);
    try {
      return new ReplacingFile(target, names, durability, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** `old`: the identity of the file that it replaces, or of what is written as it is. */
  #tracked(file: OutputFile, { path, what }: OutputNames, old: string | undefined): OutputFile {
    const identities = old === undefined ? [] : [old];
    if (file.regular) identities.push(file.identity);
    for (const identity of identities)
      this.#outputs.set(identity, `this command writes it already (${what} ${path})`);
    const ended = () => {
      this.#open.delete(tracked);
      open.delete(tracked);
      for (const identity of identities) this.#outputs.delete(identity);
    };
    const tracked: OutputFile = {
      regular: file.regular,
      identity: file.identity,
      append: bytes => file.append(bytes),
      writeAt: (bytes, position) => file.writeAt(bytes, position),
      publish: () => file.publish(),
      sync: () => file.sync(),
      close: () => {
        file.close();
        ended();
      },
      abandon: () => {
        file.abandon();
        ended();
      },
    };
    abandonAtExit();
    open.add(tracked);
    this.#open.add(tracked);
    return tracked;
  }
}

function refusal(error: unknown, path: string, what: string): InputError {
  const reason = error instanceof InputError ? error.message : systemErrorText(error);
  return new InputError(`cannot create ${what} ${path}: ${reason}`);
}

/** Undefined for what many may write at a time: terminals, /dev/null. */
const identityOfTarget = ({ stats }: OutputTarget): string | undefined =>
  stats === undefined || stats.isCharacterDevice() ? undefined : identityOf(stats);
