import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { systemClock } from '../../src/host/clock.js';
import { openFileConsole } from '../../src/host/console/outputs.js';
import { createAppendFile, readInputFile, sameFile } from '../../src/host/files.js';
import { InputError } from '../../src/state/input-error.js';

const folder = mkdtempSync(join(tmpdir(), 'backstub-host-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const bytes = (text: string) => new TextEncoder().encode(text);

test('what is appended is in the file at once, before it is closed', () => {
  const path = join(folder, 'log');
  writeFileSync(path, 'older and longer content');
  const file = createAppendFile(path, 'recording');
  file.append(bytes('one '));
  expect(readFileSync(path, 'utf8')).toBe('one ');
  file.append(bytes('two'));
  expect(readFileSync(path, 'utf8')).toBe('one two');
  file.close();
  file.close();
  file.append(bytes('ignored'));
  expect(readFileSync(path, 'utf8')).toBe('one two');
});

test.skipIf(!existsSync('/dev/full'))('a full disk is told once', () => {
  const file = createAppendFile('/dev/full', 'recording');
  expect(() => file.append(bytes('x'))).toThrow(InputError);
  expect(() => file.append(bytes('x'))).not.toThrow();
  file.close();
  const told: string[] = [];
  const output = openFileConsole('/dev/full', line => told.push(line));
  output.write(bytes('x'));
  output.write(bytes('x'));
  output.close();
  expect(told).toEqual([
    'cannot write console output /dev/full: no space left on the device; the 0 bytes before are kept',
  ]);
});

test('two names of one file are the same file', () => {
  const path = join(folder, 'same');
  writeFileSync(path, 'x');
  expect(sameFile(path, join(folder, '.', 'same'))).toBe(true);
  expect(sameFile(path, join(folder, 'absent'))).toBe(false);
  expect(readInputFile(path, 'file')).toEqual(Buffer.from('x'));
});

test('a sleep ends when it is woken', async () => {
  let wake = () => {};
  const woken = new Promise<void>(resolve => {
    wake = resolve;
  });
  const slept = systemClock.sleep(3_600_000, woken);
  wake();
  await slept;
  await systemClock.sleep(0, new Promise(() => {}));
});
