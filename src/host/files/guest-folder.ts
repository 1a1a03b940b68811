import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import {
  answerOf,
  ERRNO,
  openMode,
  type SemihostingAnswer,
  type SemihostingBackend,
  type SemihostingFile,
  type SemihostingRequest,
} from '../../ports/semihosting-host.js';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { Refused, readAt, writeAt } from './guest-file.js';
import type { HostFiles } from './host-files.js';

const NEW_FILE_MODE = 0o644;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

type Descriptor = { readonly number: number; readonly name: string };

/**
 * The folder that a guest has by semihosting: its only way to a file of the host. Nothing outside of it, nothing
 * through a link, nothing but regular files; what this command writes is none of it, and what it reads is not written.
 */
export class GuestFolder implements SemihostingBackend {
  readonly #root: string;
  /** By handle. */
  readonly #open = new Map<number, Descriptor>();

  /** Throws InputError when there is no such folder. */
  constructor(
    folder: string,
    readonly files: HostFiles,
  ) {
    try {
      this.#root = realpathSync(folder);
      if (!lstatSync(this.#root).isDirectory()) throw new InputError('it is no folder');
    } catch (error) {
      const why = error instanceof InputError ? error.message : systemErrorText(error);
      throw new InputError(`cannot give the guest ${folder} for semihosting: ${why}`);
    }
  }

  answer(request: SemihostingRequest, effects: 'real' | 'pretend'): SemihostingAnswer {
    try {
      return effects === 'real' ? this.#do(request) : this.#pretend(request);
    } catch (error) {
      return answerOf({ errno: errnoOf(error) });
    }
  }

  close(): void {
    for (const { number } of this.#open.values()) closeSync(number);
    this.#open.clear();
  }

  #do(request: SemihostingRequest): SemihostingAnswer {
    switch (request.kind) {
      case 'open':
        this.#forget(request.file.handle);
        this.#keep(request.file, this.#openAt(request.file, openMode(request.file.mode)));
        return answerOf();
      case 'close':
        this.#forget(request.file.handle);
        return answerOf();
      case 'length':
        return answerOf({ value: fstatSync(this.#of(request.file)).size });
      case 'read':
        return answerOf({ bytes: readAt(this.#of(request.file), request.position, request.length) });
      case 'write':
        return answerOf({ value: writeAt(this.#of(request.file), request) });
      case 'remove':
        unlinkSync(this.#changeable(request.name));
        return answerOf();
      case 'rename':
        renameSync(this.#changeable(request.name), this.#replaceable(request.to));
        return answerOf();
    }
  }

  /** What would be answered, as far as the files are what they are: nothing is changed, and no file stays open. */
  #pretend(request: SemihostingRequest): SemihostingAnswer {
    switch (request.kind) {
      case 'open':
        if (openMode(request.file.mode).creates) this.#replaceable(request.file.name);
        else this.#reading(request.file, () => {});
        return answerOf();
      case 'close':
        return answerOf();
      case 'length':
        return answerOf({ value: this.#reading(request.file, descriptor => fstatSync(descriptor).size) });
      case 'read': {
        const { file, position, length } = request;
        return answerOf({ bytes: this.#reading(file, descriptor => readAt(descriptor, position, length)) });
      }
      case 'write':
        return answerOf({ value: request.bytes.length });
      case 'remove':
        this.#changeable(request.name);
        return answerOf();
      case 'rename':
        this.#changeable(request.name);
        this.#replaceable(request.to);
        return answerOf();
    }
  }

  #reading<T>(file: SemihostingFile, use: (descriptor: number) => T): T {
    const descriptor = this.#openAt(file, openMode(0));
    try {
      return use(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  /** A handle's file; of one that was opened by another command, by its name. */
  #of(file: SemihostingFile): number {
    const known = this.#open.get(file.handle);
    if (known?.name === shownName(file.name)) return known.number;
    this.#forget(file.handle);
    return this.#keep(file, this.#openAt(file, { ...openMode(file.mode), truncates: false, creates: false }));
  }

  #keep({ handle, name }: SemihostingFile, number: number): number {
    this.#open.set(handle, { number, name: shownName(name) });
    return number;
  }

  #forget(handle: number): void {
    const known = this.#open.get(handle);
    this.#open.delete(handle);
    if (known !== undefined) closeSync(known.number);
  }

  #openAt({ name }: SemihostingFile, mode: ReturnType<typeof openMode>): number {
    const path = this.#pathOf(name);
    const there = this.#check(path, mode.writes ? 'write' : 'read');
    if (!there && !mode.creates) throw new Refused(ERRNO.noEntry);
    const access = mode.writes ? (mode.reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
    const flags =
      access |
      (mode.creates ? constants.O_CREAT : 0) |
      (mode.appends ? constants.O_APPEND : 0) |
      // What has become a link or a FIFO meanwhile is neither followed nor waited for.
      constants.O_NOFOLLOW |
      constants.O_NONBLOCK;
    const descriptor = openSync(path, flags, NEW_FILE_MODE);
    try {
      const stats = fstatSync(descriptor, { bigint: true });
      if (!stats.isFile() || this.files.isTaken(stats, mode.writes ? 'write' : 'read'))
        throw new Refused(ERRNO.accessDenied);
      if (mode.truncates) ftruncateSync(descriptor);
      return descriptor;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  /** The path of a file that may go. */
  #changeable(name: Uint8Array): string {
    const path = this.#pathOf(name);
    if (!this.#check(path, 'write')) throw new Refused(ERRNO.noEntry);
    return path;
  }

  /** The path of a file that may be there or not. */
  #replaceable(name: Uint8Array): string {
    const path = this.#pathOf(name);
    this.#check(path, 'write');
    return path;
  }

  /** Whether a file is there. Throws Refused for what is no regular file, or has another use in this command. */
  #check(path: string, access: 'read' | 'write'): boolean {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) return false;
    if (stats.isSymbolicLink()) throw new Refused(ERRNO.link);
    if (stats.isDirectory()) throw new Refused(ERRNO.isFolder);
    if (!stats.isFile() || this.files.isTaken(stats, access)) throw new Refused(ERRNO.accessDenied);
    return true;
  }

  /** Where a name is, if it is in the folder. Every folder on the way is there, and is no link. */
  #pathOf(name: Uint8Array): string {
    const text = decoded(name);
    const inside = isAbsolute(text) ? relative(this.#root, text) : text;
    const parts = inside.split('/').filter(part => part !== '' && part !== '.');
    if (isAbsolute(inside) || parts.includes('..')) throw new Refused(ERRNO.accessDenied);
    const last = parts.pop();
    if (last === undefined || inside.endsWith('/')) throw new Refused(ERRNO.isFolder);
    let folder = this.#root;
    for (const part of parts) {
      folder = join(folder, part);
      const stats = lstatSync(folder, { throwIfNoEntry: false });
      if (stats === undefined) throw new Refused(ERRNO.noEntry);
      if (stats.isSymbolicLink()) throw new Refused(ERRNO.link);
      if (!stats.isDirectory()) throw new Refused(ERRNO.notFolder);
    }
    return join(folder, last);
  }
}

function decoded(name: Uint8Array): string {
  if (name.includes(0)) throw new Refused(ERRNO.invalid);
  try {
    return UTF8.decode(name);
  } catch {
    throw new Refused(ERRNO.invalid);
  }
}

const shownName = (name: Uint8Array): string => Buffer.from(name).toString('latin1');

function errnoOf(error: unknown): number {
  if (error instanceof Refused) return error.errno;
  const { errno } = error as NodeJS.ErrnoException;
  if (errno === undefined) throw error;
  return Math.abs(errno);
}
