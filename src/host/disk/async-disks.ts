import type { BlockBackend } from '../../ports/host.js';
import { readMeanwhile } from '../files/input-file.js';

/**
 * Disk requests at the speed of the host: each reads as much of its image file as the guest reads or writes, and is
 * done when the host is. The bytes the guest sees come from the machine, so a file that changes, or goes, changes
 * nothing.
 */
export function asyncDisks(paths: readonly string[]): BlockBackend {
  return {
    start(disk, offset, length, done) {
      void readOnce(paths[disk], offset, length).then(done, done);
    },
  };
}

const LONGEST_READ = 2 ** 20;

async function readOnce(path: string | undefined, offset: number, length: number): Promise<void> {
  if (path === undefined || length === 0) return;
  await readMeanwhile(path, new Uint8Array(Math.min(length, LONGEST_READ)), offset);
}
