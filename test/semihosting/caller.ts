/** The fixture that makes every call, booted with a folder of its own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { GuestFolder } from '../../src/host/files/guest-folder.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import { type BootOptions, bootFixture, type Live } from '../support/sessions.js';

export function guestFolder(): { readonly path: string; readonly folder: GuestFolder } {
  const path = mkdtempSync(join(tmpdir(), 'backstub-semihosting-'));
  const folder = new GuestFolder(path, new HostFiles());
  onTestFinished(() => {
    folder.close();
    rmSync(path, { recursive: true, force: true });
  });
  return { path, folder };
}

export interface Caller {
  readonly live: Live;
  /** Of its folder. */
  readonly path: string;
}

export function bootCaller(args: string, options: BootOptions & { readonly xlen?: 32 | 64 } = {}): Caller {
  const { xlen = 64, config, ...rest } = options;
  const { path, folder } = guestFolder();
  const live = bootFixture(`fixtures/rv${xlen}/semihosting.elf`, {
    config: { semihosting: 'files', args, ramBytes: 128 * 2 ** 20, ...config },
    semihosting: folder,
    ...rest,
  });
  return { live, path };
}
