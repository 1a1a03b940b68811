/** How a recording ends is said as it was, and decides whether a machine can go on from there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Recording } from '../../src/replay/recording.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { MemoryFile } from '../support/sessions.js';
import { backstub, lastLine, REPOSITORY, scratchFolder, start } from './backstub.js';

const ECHO = join(REPOSITORY, 'fixtures/rv64/echo.elf');
const COMPUTE = join(REPOSITORY, 'fixtures/rv64/compute.elf');

const endOf = async (file: string) => lastLine((await backstub('info', file)).stdout);

const read = (file: string) => readRecording(new Uint8Array(readFileSync(file)));

function write(file: string, recording: Recording): void {
  const sink = new MemoryFile();
  writeRecording(sink, recording);
  writeFileSync(file, sink.bytes);
}

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('a recording ended by %s says so, and a machine goes on from its end', async (signal, code) => {
  const folder = scratchFolder();
  const file = join(folder, 'run.bst');
  const running = start(['record', ECHO, '-o', file], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.process.stdin?.write('x');
  await new Promise(resolve => running.process.stdout?.once('data', resolve));
  running.process.kill(signal);
  expect((await running.ended).code).toBe(code);
  expect(await endOf(file)).toMatch(new RegExp(`^end +stopped at icount \\d+ by ${signal}$`));
  const { end } = read(file);
  const more = join(folder, 'more.bst');
  const limit = String(end.icount + 1000);
  const went = await backstub(
    'record',
    file,
    '--at',
    'end',
    '-o',
    more,
    '--max-icount',
    limit,
    '--serial',
    'null',
  );
  expect(went.code).toBe(0);
  expect(read(more).header.start?.icount).toBe(end.icount);
});

test.each([
  [['--max-icount', '1000'], 'the icount limit', 0],
  [['--timeout', '0.3'], 'the time limit', 124],
] as const)('a recording ended by %o says which limit it was', async (limit, text, code) => {
  const file = join(scratchFolder(), 'run.bst');
  expect((await backstub('record', ECHO, '-o', file, '--serial', 'null', ...limit)).code).toBe(code);
  expect(await endOf(file)).toMatch(new RegExp(`^end +stopped at icount \\d+ by ${text}$`));
});

test('a served session that a signal ends says so in its recording', async () => {
  const file = join(scratchFolder(), 'served.bst');
  const serving = start(['serve', ECHO, '--record', file, '--gdb', '127.0.0.1:0', '--serial', 'null']);
  await serving.stderrMatch(/gdb server on/);
  serving.process.kill('SIGTERM');
  expect((await serving.ended).code).toBe(143);
  expect(await endOf(file)).toBe('end         stopped at icount 0 by SIGTERM');
});

/** A replay of it fails at its second checkpoint: whoever says anything else has not replayed it. */
async function powerOffThatDiverges(folder: string): Promise<string> {
  const file = join(folder, 'off.bst');
  expect((await backstub('record', COMPUTE, '-o', file)).code).toBe(0);
  const recording = read(file);
  const checkpoints = [...recording.checkpoints].map((checkpoint, i) => ({
    ...checkpoint,
    digests: i === 0 ? checkpoint.digests : { ...checkpoint.digests, ram: '0'.repeat(16) },
    state: checkpoint.state.slice(),
  }));
  write(file, { ...recording, checkpoints });
  expect((await backstub('verify', file)).code).toBe(3);
  return file;
}

test('that a powered-off machine cannot go on is said before anything is replayed', async () => {
  const folder = scratchFolder();
  const file = await powerOffThatDiverges(folder);
  const { icount } = read(file).end;
  const refused = {
    code: 2,
    stdout: '',
    stderr: `backstub: error: the machine is powered off at icount ${icount}: go on from an earlier moment\n`,
  };
  const more = join(folder, 'more.bst');
  expect(await backstub('record', file, '-o', more)).toEqual(refused);
  expect(await backstub('record', file, '--at', String(icount), '-o', more)).toEqual(refused);
  expect(await backstub('serve', file, '--live', 'end', '--gdb', '127.0.0.1:0')).toEqual(refused);
});
