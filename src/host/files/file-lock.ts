import { randomBytes } from 'node:crypto';
import {
  closeSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { InputError } from '../../state/input-error.js';

/** While it is held, no other process writes the file. */
export interface FileLock {
  /** May be called more than once. */
  release(): void;
}

/** Longer files are no lock. */
const MOST_BYTES = 64n;
const MOST_TRIES = 10;

/**
 * Locks a file against other writers: `PATH.lock`, made exclusively, says which process writes it. A lock whose process
 * is gone is taken over. Throws InputError, whose message is a reason, when it is held; and what the system says.
 */
export function lockFile(path: string): FileLock {
  const lock = `${path}.lock`;
  const own = `${process.pid} ${startOf(process.pid)}\n`;
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    if (create(lock, own)) return { release: () => removeIf(lock, own) };
    const found = contentOf(lock);
    if (found === undefined) continue;
    const holder = /^(\d{1,10}) (\d+|-)\n$/.exec(found);
    if (holder === null) throw new InputError(`${lock} is no lock of backstub: choose another name`);
    const pid = Number(holder[1]);
    if (isRunning(pid, holder[2])) {
      throw new InputError(
        pid === process.pid ? 'this process writes it already' : `process ${pid} writes it (${lock})`,
      );
    }
    removeIf(lock, found);
  }
  throw new InputError(`${lock} comes and goes: other processes write it`);
}

/** Whether it was made: complete at once, so that nobody reads a part of it. */
function create(lock: string, content: string): boolean {
  const draft = join(dirname(lock), `.backstub-${randomBytes(8).toString('hex')}.lock`);
  writeFileSync(draft, content, { flag: 'wx' });
  try {
    linkSync(draft, lock);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return false;
    if (code === 'EPERM' || code === 'ENOTSUP' || code === 'ENOSYS') return createWithoutLink(lock, content);
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** For file systems without hard links. */
function createWithoutLink(lock: string, content: string): boolean {
  try {
    const file = openSync(lock, 'wx');
    writeSync(file, content);
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when it is gone. */
function contentOf(lock: string): string | undefined {
  try {
    const stats = lstatSync(lock, { bigint: true });
    return stats.isFile() && stats.size <= MOST_BYTES ? readFileSync(lock, 'latin1') : '';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Removes the lock with this content. One that another process made meanwhile is put back. */
function removeIf(lock: string, content: string): void {
  const aside = join(dirname(lock), `.backstub-${randomBytes(8).toString('hex')}.lock`);
  try {
    if (contentOf(lock) !== content) return;
    renameSync(lock, aside);
    if (contentOf(aside) !== content) linkSync(aside, lock);
    unlinkSync(aside);
  } catch {
    // Gone already, or taken by somebody else.
  }
}

function isRunning(pid: number, start: string): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is one, too.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = startOf(pid);
  return start === '-' || now === '-' || now === start;
}

/**
 * When a process started, in the kernel's clock ticks: a number is used again, a number with its start is not. `-`:
 * not known.
 */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may hold anything; the start is the 22nd field (proc(5)).
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
