/** What a program sees of each call is what it sees on QEMU, but for the errors that only one of them notes. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { qemuAvailable } from '../support/qemu.js';
import { REPOSITORY } from '../support/sessions.js';
import { bootCaller, guestFolder } from './caller.js';

const missing = qemuAvailable();
const INPUT = 'line of input\n';

/** The lines of the console, and the exit code. */
function onQemu(xlen: 32 | 64, mode: string): { text: string; code: number | null } {
  const { path } = guestFolder();
  writeFileSync(join(path, 'input.txt'), INPUT);
  const console = join(path, 'console.txt');
  const { status, stdout } = spawnSync(
    `qemu-system-riscv${xlen}`,
    [
      ...['-M', 'virt', '-bios', 'none', '-display', 'none', '-monitor', 'none', '-serial', 'null'],
      ...['-chardev', `file,id=c,path=${console}`],
      ...['-semihosting-config', `enable=on,target=native,chardev=c,arg=semihosting.elf,arg=${mode}`],
      ...['-kernel', join(REPOSITORY, `fixtures/rv${xlen}/semihosting.elf`)],
    ],
    { cwd: path, timeout: 30_000, encoding: 'utf8' },
  );
  // What goes through a handle is on QEMU's own output.
  return { text: readFileSync(console, 'utf8') + stdout, code: status };
}

const sorted = (text: string) =>
  text
    .replace(/ errno -?\d+/g, '')
    .split('\n')
    .sort();

/** QEMU 7.2 forgets that a file is appended to, so that "!" comes where it stands. */
const appended = (text: string) => text.replaceAll('left 28 "Jello! world"', 'left 27 "Jello, world!"');

describe.skipIf(missing)(`calls as on QEMU${missing ? ` (skipped: ${missing})` : ''}`, () => {
  test.each([
    [32, 'c'],
    [64, 'c'],
    [32, 'f'],
    [64, 'f'],
  ] as const)('rv%i, mode %s', async (xlen, mode) => {
    const qemu = onQemu(xlen, mode);
    const { live, path } = bootCaller(mode, { xlen });
    writeFileSync(join(path, 'input.txt'), INPUT);
    const end = await live.session.runToEnd({ maxIcount: 10_000_000 });
    expect(end).toEqual({ kind: 'power-off', code: 7 });
    expect(qemu.code).toBe(7);
    expect(sorted(live.console.text)).toEqual(sorted(appended(qemu.text)));
    expect(live.console.text.split('\n').length).toBeGreaterThan(20);
  });
});
