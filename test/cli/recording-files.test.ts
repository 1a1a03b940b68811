import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backstub, lastLine, REPOSITORY, scratchFolder } from './backstub.js';

const DEMO = 'fixtures/rv64/demo.elf';
const ECHO = 'fixtures/rv64/echo.elf';

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
    'they part before the first step: the machines do not start the same',
    'append',
    `  ${a}: ""`,
    `  ${other}: "quiet"`,
  ]);
  const shorter = await record(folder, 'shorter.bst', '--max-icount', '1000000');
  const json = await backstub('diff', a, shorter, '--json');
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({
    same: false,
    difference: { kind: 'end', icount: 1_000_000, right: { kind: 'limit', limit: 'icount' } },
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
  const bisected = await backstub('verify', again, '--bisect');
  expect(bisected.code).toBe(3);
  const [comparing, finding, mismatch] = bisected.stderr.split('\n');
  expect(comparing).toMatch(
    /^backstub: comparing a compiled and an interpreted replay between icount 0 and 500000$/,
  );
  expect(finding).toBe('backstub: they agree with each other, but not with the recording');
  expect(mismatch).toMatch(/^backstub: error: the replay differs .* it agreed up to icount 0$/);

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

test('a run that fails ends with the two lines that open its recording', async () => {
  const file = join(scratchFolder(), 'it failed.bst');
  const { code, stderr } = await backstub('record', DEMO, '-o', file, '--serial', 'null');
  expect(code).toBe(1);
  const inReadme = stderr.replace(`'${file}'`, 'tests.bst').replace(DEMO, 'tests.elf');
  expect(readFileSync(join(REPOSITORY, 'README.md'), 'utf8')).toContain(inReadme);
  expect(stderr.trimEnd().split('\n')).toEqual([
    `backstub: to debug this run: backstub replay '${file}' --at end`,
    `backstub: and in gdb: gdb-multiarch ${DEMO} -ex 'target remote 127.0.0.1:1234'`,
  ]);
});

test('a run that went on from a recording is opened with the names it was given', async () => {
  const folder = scratchFolder();
  const [first, more] = [join(folder, 'first.bst'), join(folder, 'more.bst')];
  await backstub('record', DEMO, '-o', first, '--serial', 'null', '--max-icount', '1000');
  const goOn = ['record', first, '-o', more, '--serial', 'null'];
  const { code, stderr } = await backstub(...goOn, '--symbols', DEMO);
  expect(code).toBe(1);
  expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
    `backstub: to debug this run: backstub replay ${more} --at end --symbols ${DEMO}`,
    `backstub: and in gdb: gdb-multiarch ${DEMO} -ex 'target remote 127.0.0.1:1234'`,
  ]);
  const refused = await backstub(...goOn, '--symbols', first);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toBe(
    `backstub: error: ${first} is a recording, not symbols: use backstub replay or backstub serve\n`,
  );
});

test('verify takes names for the step that --bisect finds', async () => {
  const file = join(scratchFolder(), 'run.bst');
  await backstub('record', DEMO, '-o', file, '--serial', 'null', '--max-icount', '1000');
  expect(await backstub('verify', file, '--bisect', '--symbols', DEMO)).toMatchObject({
    code: 0,
    stderr: '',
  });
  expect(await backstub('verify', file, '--symbols', DEMO)).toMatchObject({
    code: 2,
    stderr: 'backstub: error: --symbols names the step that --bisect finds: give both\n',
  });
});

test('a recording that grows too large ends in order', async () => {
  const file = join(scratchFolder(), 'large.bst');
  const { code, stderr } = await backstub('record', ECHO, '-o', file, '--serial', 'null', '--max-size', '1K');
  expect(code).toBe(124);
  expect(lastLine(stderr)).toMatch(
    /^backstub: error: the recording has reached 1024 bytes \(--max-size\); it is good up to icount \d+$/,
  );
  expect(stderr).toContain(`backstub replay ${file} --at end`);
  expect((await backstub('info', file)).stdout).toMatch(/^end +stopped at icount \d+ by the size limit$/m);
  expect((await backstub('verify', file)).code).toBe(0);
});

test('of a damaged recording, what is before the damage is used when asked for', async () => {
  const folder = scratchFolder();
  const file = await record(folder, 'a.bst', '--max-icount', '1000000');
  const bytes = readFileSync(file);
  // The last chunk is the end mark.
  bytes[bytes.length - 3] ^= 0x10;
  writeFileSync(file, bytes);
  for (const command of ['info', 'events', 'verify']) {
    expect(await backstub(command, file)).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^backstub: error: .*damaged at byte \d+, chunk \d+.*up to icount \d+, is intact: --damaged uses it\n$/,
      ),
    });
    expect(await backstub(command, file, '--damaged')).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(command === 'verify' ? /a\.bst ends early: damaged at byte \d+/ : /^$/),
    });
  }
  expect((await backstub('info', file, '--damaged')).stdout).toMatch(/end +.*damaged at byte \d+/);
  const rest = join(folder, 'rest.bst');
  expect(await backstub('trim', file, '--damaged', '-o', rest)).toMatchObject({ code: 0, stderr: '' });
  const verified = await backstub('verify', rest);
  expect(verified.code).toBe(0);
  expect(verified.stdout).toMatch(/[1-9]\d* checkpoints agree/);
});
