/**
 * Calls by semihosting on the command line: the folder, exit codes, what is said, and what a recording says of them.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { backstub } from './backstub.js';

const ELF = 'fixtures/rv64/semihosting.elf';
const LINKED =
  'semihosting.elf is linked for semihosting: its calls are answered, but those for files (see --semihosting=FOLDER, --no-semihosting)';

function place() {
  const path = mkdtempSync(join(tmpdir(), 'backstub-semihosting-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(join(path, 'files'));
  writeFileSync(join(path, 'files/input.txt'), 'line of input\n');
  return { path, files: join(path, 'files'), recording: join(path, 'run.bst') };
}

test('a program that is linked for it prints and ends with its exit code; one line says so', async () => {
  const { code, stdout, stderr } = await backstub('run', ELF);
  expect(code).toBe(7);
  expect(stdout).toMatch(/^mode c\nx\n/);
  expect(stderr).toBe(`backstub: ${LINKED}\n`);
});

test('one that is not is told nothing', async () => {
  const { stderr } = await backstub('run', 'fixtures/rv64/compute.elf', '--serial', 'null');
  expect(stderr).toBe('');
});

test('files are refused without a folder', async () => {
  const { code, stdout } = await backstub('run', ELF, '--args', 'f');
  expect(code).toBe(7);
  expect(stdout).toContain('open missing: -1 errno 13\ncreate: -1 errno 13\n');
});

test('what was asked for is not said; the word behind the option is the firmware', async () => {
  const { code, stderr } = await backstub('run', '--semihosting', ELF);
  expect(code).toBe(7);
  expect(stderr).toBe('');
});

test('switched off, its calls are breakpoints', async () => {
  const { stdout, stderr } = await backstub('run', ELF, '--no-semihosting', '--max-icount', '100000');
  expect(stdout).not.toContain('mode');
  expect(stderr).not.toContain('linked for semihosting');
});

test('a recording with files replays without them and is described', async () => {
  const { files, recording } = place();
  const given = [`--semihosting=${files}`, '--args', 'f'];
  const recorded = await backstub('record', ELF, '-o', recording, ...given);
  expect(recorded.code).toBe(7);
  expect(recorded.stdout).toContain('input: left 16 "line of input\n"');
  expect(existsSync(join(files, 'made.txt'))).toBe(false);
  rmSync(files, { recursive: true });
  const { code, stdout } = await backstub('verify', recording);
  expect(code).toBe(0);
  expect(stdout).toContain('power-off at icount');
  const info = (await backstub('info', recording)).stdout;
  expect(info).toMatch(/^semihosting console and files, command line "semihosting.elf f"$/m);
  expect(info).toContain('semihosting');
  expect((await backstub('events', recording)).stdout).toMatch(
    /^\d+\tsemihosting hart 0 call 0x6 value 0 6c696e65206f6620696e7075740a$/m,
  );
  expect(existsSync(files)).toBe(false);
});

test('a machine goes on from a recording with the files it had open', async () => {
  const { path, files, recording } = place();
  const given = [`--semihosting=${files}`, '--args', 'f'];
  const straight = await backstub('run', ELF, ...given);
  // In the middle of it, `made.txt` is open.
  const first = await backstub('record', ELF, '-o', recording, ...given, '--max-icount', '9000');
  expect(first.stdout).toMatch(/\nread: left 15 "world"\n$/);
  expect(readFileSync(join(files, 'made.txt'), 'utf8')).toBe('hello, world');
  const more = await backstub('record', recording, '-o', join(path, 'more.bst'), `--semihosting=${files}`);
  expect(more.code).toBe(7);
  expect(first.stdout + more.stdout).toBe(straight.stdout);
  const without = await backstub('record', recording, '-o', join(path, 'less.bst'));
  expect(without.stdout).toContain('overwrite: 1 errno 13');
});

test.each([
  [
    ['run', ELF, '--semihosting=/nonexistent'],
    'cannot give the guest /nonexistent for semihosting: no such file or folder',
  ],
  [
    ['run', 'fixtures/rv64/echo.elf', '--args', 'x'],
    'echo.elf is not linked for semihosting, so it cannot ask for its arguments: give --semihosting too, if it does',
  ],
  [['run', ELF, '--no-semihosting', '--args', 'x'], 'semihosting.elf is not linked'],
])('%j is an error of one line', async (args, message) => {
  const { code, stderr } = await backstub(...args);
  expect(code).toBe(2);
  expect(stderr.split('\n').at(-2)).toContain(`backstub: error: ${message}`);
});
