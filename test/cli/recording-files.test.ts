import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backstub, scratchFolder } from './backstub.js';

const DEMO = 'fixtures/rv64/demo.elf';

async function record(folder: string, name: string, ...options: string[]): Promise<string> {
  const file = join(folder, name);
  await backstub('record', DEMO, '-o', file, '--serial', 'null', ...options);
  return file;
}

test('diff: the same, other settings, a bad file', async () => {
  const folder = scratchFolder();
  const [a, b] = [await record(folder, 'a.bst'), await record(folder, 'b.bst')];
  expect(await backstub('diff', a, b)).toMatchObject({
    code: 0,
    stderr: '',
    stdout: expect.stringMatching(/show the same: 0 inputs and \d+ common checkpoints; power-off/),
  });
  const other = await record(folder, 'other.bst', '--append', 'quiet');
  const { code, stdout } = await backstub('diff', a, other);
  expect(code).toBe(1);
  expect(stdout.split('\n').slice(0, 4)).toEqual([
    'they part before the first step: the machines are not built from the same',
    'append',
    `  ${a}: ""`,
    `  ${other}: "quiet"`,
  ]);
  const shorter = await record(folder, 'shorter.bst', '--max-icount', '1000000');
  const json = await backstub('diff', a, shorter, '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    same: false,
    difference: { kind: 'end', icount: 1_000_000, right: { kind: 'stopped' } },
    agreed: { events: 0 },
  });
  expect(await backstub('diff', a, DEMO)).toMatchObject({ code: 2, stdout: '' });
});

test('export and import give the same recording, and a changed part shows', async () => {
  const folder = scratchFolder();
  const recorded = await record(folder, 'a.bst');
  const parts = join(folder, 'parts');
  const again = join(folder, 'again.bst');
  expect(await backstub('export', recorded, parts)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await backstub('import', parts, '-o', again)).toEqual({ code: 0, stdout: '', stderr: '' });
  expect((await backstub('diff', recorded, again)).code).toBe(0);
  expect((await backstub('verify', again)).code).toBe(0);
  expect(await backstub('export', recorded, parts)).toEqual({
    code: 2,
    stdout: '',
    stderr: `backstub: error: ${parts} is not empty: name a new folder\n`,
  });

  const events = join(parts, 'events.jsonl');
  writeFileSync(events, '{"icount":500000,"kind":"shutdown","cause":"monitor"}\n');
  expect((await backstub('import', parts, '-o', again)).code).toBe(0);
  const verified = await backstub('verify', again);
  expect(verified.code).toBe(3);
  expect(verified.stderr).toContain('powered off');

  writeFileSync(events, `${readFileSync(events, 'utf8')}{"icount":1}\n`);
  const unused = join(folder, 'unused.bst');
  expect(await backstub('import', parts, '-o', unused)).toEqual({
    code: 2,
    stdout: '',
    stderr: `backstub: error: ${events}:2: an event needs "icount" and "kind"\n`,
  });
  expect(existsSync(unused)).toBe(false);
  expect((await backstub('import', folder, '-o', unused)).stderr).toBe(
    `backstub: error: cannot read ${join(folder, 'recording.json')}: no such file or folder\n`,
  );
});
