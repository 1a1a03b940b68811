import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { boot, openRecording } from '../../src/api/index.js';

const ELF = 'fixtures/rv64/semihosting.elf';

test('a script gives a folder and arguments, and a recording needs neither', async () => {
  const path = mkdtempSync(join(tmpdir(), 'backstub-api-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  const [files, recording] = [mkdtempSync(join(path, 'files-')), join(path, 'run.bst')];
  writeFileSync(join(files, 'input.txt'), 'line of input\n');
  const live = boot(ELF, { semihostingFolder: files, args: 'f', record: recording });
  await live.continue();
  expect(live.console.text).toContain('input: left 16 "line of input\n"');
  const { text } = live.console;
  live.close();
  expect(readdirSync(files)).toEqual(['input.txt']);
  rmSync(files, { recursive: true });
  const replayed = openRecording(recording);
  await replayed.continue();
  expect(replayed.console.text).toBe(text);
  replayed.close();
});

test('without a folder files are refused; switched off, nothing is answered', async () => {
  const linked = boot(ELF, { args: 'f' });
  await linked.continue();
  expect(linked.console.text).toContain('create: -1 errno 13');
  linked.close();
  expect(() => boot(ELF, { args: 'f', semihosting: 'off' })).toThrow('not linked for semihosting');
});
