import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasGdb, runGdb } from '../support/gdb.js';
import { backstub, lastLine, REPOSITORY, scratchFolder, start } from './backstub.js';

const DEMO = 'fixtures/rv64/demo.elf';
const ECHO = 'fixtures/rv64/echo.elf';

async function record(firmware: string, folder: string, ...options: string[]): Promise<string> {
  const file = join(folder, 'run.bst');
  await backstub('record', firmware, '-o', file, '--serial', 'null', ...options);
  return file;
}

const row = (info: string, name: string) => new RegExp(`^${name} +(.*)$`, 'm').exec(info)?.[1];

describe('trim', () => {
  test('writes a part that every command takes, and that needs nothing else', async () => {
    const folder = scratchFolder();
    const run = await record(DEMO, folder);
    const part = join(folder, 'part.bst');
    expect(await backstub('trim', run, '--from', '1_000_000', '-o', part)).toEqual({
      code: 0,
      stdout: `${part}: 5386676 steps from icount 1000000\n`,
      stderr: '',
    });
    expect((await backstub('diff', run, part)).stdout).toBe(
      `${run} and ${part} show the same, from icount 1000000 on, where ${part} starts: 0 inputs and 1 common checkpoint; power-off at icount 6386676 with exit code 1\n`,
    );
    rmSync(run);
    const { stdout: info } = await backstub('info', part);
    expect(row(info, 'start')).toBe(
      'icount 1000000, at 0.008000000 s of virtual time; 2 changed pages inside',
    );
    expect(row(info, 'length')).toBe('5386676 steps, at least 0.043093408 s of virtual time');
    for (const engine of [[], ['--no-jit'], ['--bisect']]) {
      expect(await backstub('verify', part, ...engine)).toEqual({
        code: 0,
        stdout: `${part}: 2 checkpoints agree over 5386676 steps from icount 1000000; power-off at icount 6386676 with exit code 1\n`,
        stderr: '',
      });
    }
    const parts = join(folder, 'parts');
    const again = join(folder, 'again.bst');
    expect((await backstub('export', part, parts)).code).toBe(0);
    expect(JSON.parse(readFileSync(join(parts, 'recording.json'), 'utf8'))).toMatchObject({
      format: 3,
      start: 'start.json',
    });
    expect(JSON.parse(readFileSync(join(parts, 'start.json'), 'utf8'))).toMatchObject({
      icount: 1_000_000,
      state: { machine: { poweredOff: ['u8', '00'] } },
    });
    expect((await backstub('import', parts, '-o', again)).code).toBe(0);
    expect(Buffer.compare(readFileSync(again), readFileSync(part))).toBe(0);

    const state = join(parts, 'start.json');
    writeFileSync(state, readFileSync(state, 'utf8').replace('"machine": {', '"engine": {'));
    expect((await backstub('import', parts, '-o', again)).code).toBe(0);
    expect(await backstub('verify', again)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'backstub: error: the machine that the recording starts with cannot be used: this machine has no component engine\n',
    });
  });

  test('writes the first steps, or some in the middle', async () => {
    const folder = scratchFolder();
    const run = await record(DEMO, folder);
    const part = join(folder, 'part.bst');
    expect((await backstub('trim', run, '--to', '5e5', '-o', part)).stdout).toBe(`${part}: 500000 steps\n`);
    expect(row((await backstub('info', part)).stdout, 'end')).toBe(
      'stopped at icount 500000: the part ends here',
    );
    expect((await backstub('verify', part)).code).toBe(0);
    const middle = join(folder, 'middle.bst');
    expect((await backstub('trim', run, '--from', '700000', '--to', '800000', '-o', middle)).stdout).toBe(
      `${middle}: 100000 steps from icount 700000\n`,
    );
    expect((await backstub('verify', middle)).code).toBe(0);
  });

  test('tells what is wrong in one line', async () => {
    const folder = scratchFolder();
    const run = await record(DEMO, folder, '--max-icount', '100000');
    const part = join(folder, 'part.bst');
    const said = async (...args: string[]) => {
      const { code, stderr } = await backstub('trim', ...args);
      expect(code).toBe(2);
      return stderr;
    };
    expect(await said(run, '-o', run)).toBe(
      `backstub: error: cannot create recording ${run}: this command reads it (recording ${run})\n`,
    );
    expect(await said(run, '--from', '100001', '-o', part)).toBe(
      'backstub: error: icount 100001 is outside the history, which goes from 0 to 100000\n',
    );
    expect(await said(run, '--from', '500', '--to', '400', '-o', part)).toBe(
      "backstub: error: icount 400 comes before the part's beginning, icount 500\n",
    );
    expect(await said(DEMO, '-o', part)).toContain('is an ELF file, not a recording');
  });
});

test('a moment is named as `monitor goto` names it: by the snapshot that a recording begins with, too', async () => {
  const folder = scratchFolder();
  const [run, other] = ['fixtures/recordings/v3.bst', join(folder, 'other.bst')];
  const trimmed = await backstub('trim', run, '--from', 'started', '--to', '0x1312d0', '-o', other);
  expect(trimmed).toMatchObject({ code: 0, stdout: expect.stringContaining('150000 steps') });
  const goesOn = ['--max-icount', '1200000', '--serial', 'null', '-o', other];
  expect(await backstub('record', run, '--at', 'started', ...goesOn)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('icount 1100000'),
  });
  for (const command of [
    ['trim', run, '--from', 'nowhere', '-o', other],
    ['trim', run, '--to', 'nowhere', '-o', other],
    ['record', run, '--at', 'nowhere', '-o', other],
    ['replay', run, '--at', 'nowhere', '--gdb', '127.0.0.1:0'],
    ['serve', run, '--live', 'nowhere', '--gdb', '127.0.0.1:0'],
  ]) {
    const { code, stderr } = await backstub(...command);
    expect([code, stderr]).toEqual([2, 'backstub: error: nowhere is neither an icount nor a snapshot\n']);
  }
});

describe('going on from a moment of a recording', () => {
  test('record takes new inputs, and the recording holds the machine it began with', async () => {
    const folder = scratchFolder();
    const run = await record(ECHO, folder, '--max-icount', '200000');
    const more = join(folder, 'more.bst');
    const running = start(['record', run, '-o', more, '--clock', 'virtual', '--timeout', '20'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.process.stdin?.end('new words\rquit\r\x04');
    const { code, stdout, stderr } = await running.ended;
    expect(stderr).toContain(`backstub: going on from icount 200000 of ${run}\n`);
    expect(stdout).toContain('new words');
    rmSync(run);
    const { stdout: info } = await backstub('info', more);
    expect(row(info, 'start')).toMatch(/^icount 200000, at /);
    expect(row(info, 'events')).toMatch(/console/);
    const verified = await backstub('verify', more);
    expect(verified.code).toBe(0);
    expect(verified.stdout).toContain('steps from icount 200000; ');
    expect([0, 124]).toContain(code);
  });

  test('killed at any moment, the recording is good up to there, or says that nothing is in it', async () => {
    const folder = scratchFolder();
    const ticks = 'fixtures/rv64/ticks.elf';
    const run = await record(ticks, folder, '--max-icount', '2000000');
    let replayed = 0;
    for (let i = 0; i < 8; i++) {
      const file = join(folder, `${i}.bst`);
      const running = start(['record', run, '-o', file, '--clock', 'realtime', '--serial', 'null']);
      await running.stderrMatch(/going on from icount 2000000/);
      await new Promise(resolve => setTimeout(resolve, i * 60));
      running.process.kill('SIGKILL');
      await running.ended;
      const { code, stdout, stderr } = await backstub('verify', file);
      if (code === 0) {
        replayed++;
        expect(stdout).toMatch(/steps from icount 2000000; cut at icount \d+: the recorder was killed\n$/);
      } else {
        expect(lastLine(stderr)).toMatch(
          /cannot (read|use) recording|within its header: nothing in it can be replayed|it is empty$/,
        );
      }
    }
    expect(replayed).toBeGreaterThan(3);
  });

  test.skipIf(!hasGdb)('serve --live is a live machine from there on, under gdb', async () => {
    const folder = scratchFolder();
    const run = await record(DEMO, folder);
    const live = join(folder, 'live.bst');
    const serving = start([
      'serve',
      run,
      '--live',
      '2e6',
      '--record',
      live,
      '--gdb',
      ':0',
      '--serial',
      'null',
    ]);
    const [, port] = await serving.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/);
    const { stdout } = await runGdb({
      port: Number(port),
      elf: join(REPOSITORY, DEMO),
      commands: [
        'print $icount',
        'stepi 100',
        'set var $s11 = 5',
        'stepi',
        'reverse-continue',
        'print $icount',
        'monitor info replay',
      ],
    });
    expect(stdout).toContain('$1 = 2000000');
    expect(stdout).toContain('No more reverse-execution history');
    expect(stdout).toContain('$2 = 2000000');
    expect(stdout).toContain('icount: 2000000 of 2000000..2000101');
    serving.process.kill('SIGTERM');
    await serving.ended;
    expect(serving.process.exitCode).toBe(143);
    const { stdout: verified } = await backstub('verify', live);
    expect(verified).toContain('over 101 steps from icount 2000000; stopped at icount 2000101 by SIGTERM');
    expect((await backstub('events', live)).stdout).toBe(
      '2000100\twrite-register hart 0 register 27 = 0x0000000000000005\n',
    );
  });

  test('what cannot be is one line', async () => {
    const folder = scratchFolder();
    const run = await record(DEMO, folder);
    const other = join(folder, 'other.bst');
    const said = async (...args: string[]) => {
      const { code, stderr } = await backstub(...args);
      expect(code).toBe(2);
      return lastLine(stderr);
    };
    expect(await said('record', run, '-o', other)).toBe(
      'backstub: error: the machine is powered off at icount 6386676: go on from an earlier moment',
    );
    expect(await said('record', run, '--at', '7e9', '-o', other)).toBe(
      'backstub: error: icount 7000000000 is outside the history, which goes from 0 to 6386676',
    );
    expect(await said('record', run, '--at', 'start', '-o', run)).toBe(
      `backstub: error: cannot create recording ${run}: this command reads it (file ${run})`,
    );
    expect(await said('record', run, '--at', 'start', '--memory', '1G', '-o', other)).toBe(
      `backstub: error: ${run} is a recording, which brings its own machine: --memory cannot change it`,
    );
    expect(await said('record', run, '--at', 'start', '--net', 'user', '-o', other)).toBe(
      `backstub: error: --net is given, but the machine in ${run} has no network device`,
    );
    expect(await said('record', DEMO, '--at', 'start', '-o', other)).toBe(
      `backstub: error: --at is a moment of a recording, and ${DEMO} is none`,
    );
    expect(await said('serve', run, '--record', other)).toBe(
      `backstub: error: ${run} is a recording already: --record needs --live, which goes on from it`,
    );
    expect(await said('serve', DEMO, '--live', 'end')).toBe(
      `backstub: error: --live goes on from a recording, and ${DEMO} is none`,
    );
  });
});
