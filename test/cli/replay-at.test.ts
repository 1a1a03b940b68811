/** `replay --at`: at once open to debuggers, as quick to go back as any other way there, and ended at any time. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeProgress } from '../../src/cli/progress.js';
import { hex, unhex } from '../gdb/wire.js';
import { RspClient } from '../support/rsp-client.js';
import { backstub, type Running, scratchFolder, start } from './backstub.js';

const COMPUTE = 'fixtures/rv64/compute-long.elf';
const STEPS = 300_000_000;
const INTERVAL = 10_000_000;

/** A recording that takes a moment to go through. */
async function longRecording(): Promise<string> {
  const file = join(scratchFolder(), 'run.bst');
  const recorded = await backstub(
    ...['record', COMPUTE, '-o', file, '--serial', 'null', '--max-icount', `${STEPS}`],
  );
  expect(recorded.code).toBe(0);
  return file;
}

/** Starts `serve --live end` of it; back as soon as it listens. */
async function goingOnLive(): Promise<{ file: string; server: Running; port: number }> {
  const file = await longRecording();
  const where = ['--live', 'end', '--gdb', '127.0.0.1:0', '--serial', 'null'];
  const server = start(['serve', file, ...where]);
  const [, port] = await server.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/);
  return { file, server, port: Number(port) };
}

/** Starts `replay --at end` of it; back as soon as it listens. */
async function replayAtEnd(): Promise<{ server: Running; port: number }> {
  const file = await longRecording();
  const where = ['--at', 'end', '--gdb', '127.0.0.1:0', '--serial', 'null'];
  const server = start(['replay', file, ...where, '--snapshot-interval', `${INTERVAL}`]);
  const [, port] = await server.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/);
  return { server, port: Number(port) };
}

test('a debugger that comes at once finds the end, and snapshots all along the way', async () => {
  const { server, port } = await replayAtEnd();
  const client = await RspClient.connect(port);
  expect(await client.request('?')).toMatch(/^T05/);
  const replay = await client.request(`qRcmd,${hex('info replay')}`);
  expect(unhex(replay.slice(1))).toContain(`icount ${STEPS}`);
  client.close();
  const again = await RspClient.connect(port);
  const list = unhex((await again.request(`qRcmd,${hex('snapshot list')}`)).slice(1));
  const moments = [...list.matchAll(/icount (\d+)/g)].map(([, icount]) => Number(icount));
  expect(moments.length).toBeGreaterThan(STEPS / INTERVAL / 2);
  for (const [i, moment] of moments.slice(1).entries())
    expect(moment - moments[i]).toBeLessThanOrEqual(2 * INTERVAL);
  again.close();
  server.process.kill('SIGTERM');
  expect((await server.ended).code).toBe(143);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it in order while it is on its way, with a debugger waiting', async (signal, code) => {
  const { server, port } = await replayAtEnd();
  const client = await RspClient.connect(port);
  const answer = client.request('?').catch((error: Error) => error.message);
  server.process.kill(signal);
  const ended = await server.ended;
  expect(ended.code).toBe(code);
  expect(ended.stderr).not.toContain('error');
  // The connection ends, or the machine was there already.
  expect(await answer).toMatch(/closed|ECONNRESET|^T05/);
});

test('serve --live listens at once, and is live where the replay leads', async () => {
  const { file, server, port } = await goingOnLive();
  const client = await RspClient.connect(port);
  expect(await client.request('?')).toMatch(/^T05/);
  const replay = unhex((await client.request(`qRcmd,${hex('info replay')}`)).slice(1));
  expect(replay).toMatch(/^mode: live/);
  expect(replay).toContain(`icount: ${STEPS} of ${STEPS}..${STEPS}`);
  client.close();
  server.process.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  expect(code).toBe(143);
  expect(stderr).toMatch(new RegExp(`gdb server on [^]*going on from icount ${STEPS} of ${file}`));
});

test('SIGTERM ends serve --live in order on its way', async () => {
  const { server } = await goingOnLive();
  server.process.kill('SIGTERM');
  const { code, stderr } = await server.ended;
  expect([code, /error|going on/.test(stderr)]).toEqual([143, false]);
});

test('a moment outside the recording is refused before it listens', async () => {
  const file = join(scratchFolder(), 'short.bst');
  await backstub('record', COMPUTE, '-o', file, '--serial', 'null', '--max-icount', '1000');
  const { code, stderr } = await backstub('replay', file, '--at', '1001', '--gdb', '127.0.0.1:0');
  expect(stderr).toBe('backstub: error: icount 1001 is outside the history, which goes from 0 to 1000\n');
  expect(code).toBe(2);
});

test('what it says of its progress: how much, how fast, how long still', () => {
  const to = 11_000_000_000;
  const from = 1_000_000_000;
  const told = (at: number, perSecond: number) => describeProgress({ from, at, to, perSecond });
  expect(told(4_500_000_000, 812_345_678)).toBe(
    'replaying to icount 11000000000: 35 %, 812 million steps/s, about 9 s left',
  );
  expect(told(from, 0)).toBe('replaying to icount 11000000000: 0 %');
  expect(told(from, 20_000_000)).toContain('20 million steps/s, about 8 min left');
  expect(told(from, 500_000)).toContain('500000 steps/s, about 6 h left');
  expect(told(to, 1e9)).toContain('100 %, 1000 million steps/s, about 0 s left');
});
