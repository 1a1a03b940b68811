import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { newSettings } from '../../src/ports/config.js';
import type { LoggedEvent } from '../../src/ports/input-event.js';
import type { RecordingEnd } from '../../src/replay/recording.js';
import { LogWriter } from '../../src/replay/recording-writer.js';
import { backstub, lastLine, scratchFolder, start } from './backstub.js';

const EVENTS: LoggedEvent[] = [
  { icount: 1000, event: { kind: 'console', port: 0, bytes: new TextEncoder().encode('hi\r') } },
  { icount: 2000, event: { kind: 'warp', ns: 5_000_000 } },
  { icount: 2000, event: { kind: 'console', port: 0, bytes: new TextEncoder().encode('q') } },
];

function writeRecording(end: RecordingEnd, events = EVENTS): string {
  const path = join(scratchFolder(), 'run.bst');
  const pieces: Uint8Array[] = [];
  const sink = {
    append: (bytes: Uint8Array) => void pieces.push(bytes.slice()),
    publish() {},
    sync() {},
    close() {},
  };
  const writer = new LogWriter(sink, {
    config: newSettings({
      xlen: 64,
      isa: 'rv64imac_zicntr_zicsr_zifencei',
      harts: 2,
      icountShift: 1,
      entropySeed: 7,
      append: 'quiet',
      entry: 0x8000_0000,
    }),
    images: [{ name: 'demo.elf', address: 0x8000_0000, bytes: new Uint8Array(3000) }],
    writtenBy: 'backstub 9.8.7',
  });
  for (const event of events) writer.event(event);
  writer.end(end);
  writeFileSync(path, Buffer.concat(pieces));
  return path;
}

test('info tells what a recording holds and how it ends', async () => {
  const path = writeRecording({ kind: 'power-off', icount: 3000, code: 4 });
  const { code, stdout, stderr } = await backstub('info', path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.split('\n')).toEqual([
    `file        format version 3, ${statSync(path).size} bytes`,
    'written by  backstub 9.8.7',
    'board       virt, revision 2',
    'cpu         rv64imac_zicntr_zicsr_zifencei, 2 harts, quantum 4096 steps',
    'memory      128 MiB',
    'icount      shift=1: one step lasts 2 ns',
    'entropy     seed=7',
    'entry       0x80000000',
    'append      quiet',
    'image       demo.elf at 0x80000000, 3000 bytes',
    'length      3000 steps, at least 0.005002000 s of virtual time',
    'events      2 console, 1 warp',
    'checkpoints none',
    'end         power-off at icount 3000 with exit code 4',
    '',
  ]);
});

test.each<[RecordingEnd, string]>([
  [{ kind: 'stopped', icount: 2500, reason: 'enough' }, 'end         stopped at icount 2500: enough'],
  [{ kind: 'signal', icount: 2500, signal: 1 }, 'end         stopped at icount 2500 by SIGHUP'],
  [{ kind: 'signal', icount: 2500, signal: 10 }, 'end         stopped at icount 2500 by signal 10'],
  [{ kind: 'limit', icount: 2500, limit: 'timeout' }, 'end         stopped at icount 2500 by the time limit'],
  [
    { kind: 'trap-loop', icount: 2500, reason: 'hart 0 traps for ever at 0x0' },
    'end         stopped at icount 2500: hart 0 traps for ever at 0x0',
  ],
  [{ kind: 'cut', icount: 2500 }, 'end         cut at icount 2500: the recorder was killed'],
])('info tells of an end by %o', async (end, line) => {
  const { stdout } = await backstub('info', writeRecording(end));
  expect(lastLine(stdout)).toBe(line);
});

test('events lists the inputs in order', async () => {
  const path = writeRecording({ kind: 'power-off', icount: 3000, code: 0 });
  expect((await backstub('events', path)).stdout).toBe(
    '1000\tconsole 0 "hi\\r"\n2000\twarp to 5000000 ns\n2000\tconsole 0 "q"\n',
  );
});

test('events --json is one object a line with bytes in hexadecimal', async () => {
  const path = writeRecording({ kind: 'power-off', icount: 3000, code: 0 });
  const lines = (await backstub('events', path, '--json')).stdout.trimEnd().split('\n');
  expect(lines.map(line => JSON.parse(line))).toEqual([
    { icount: 1000, kind: 'console', port: 0, bytes: '68690d' },
    { icount: 2000, kind: 'warp', ns: 5_000_000 },
    { icount: 2000, kind: 'console', port: 0, bytes: '71' },
  ]);
});

test('a reader that goes away is no error', async () => {
  const many = Array.from({ length: 200_000 }, (_, icount): LoggedEvent => ({ ...EVENTS[0], icount }));
  const path = writeRecording({ kind: 'power-off', icount: 200_000, code: 0 }, many);
  const running = start(['events', path]);
  running.process.stdout?.destroy();
  expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
});

test.each(['info', 'events', 'verify', 'replay', 'serve'])(
  '%s names a damaged recording in one line',
  async command => {
    const path = join(scratchFolder(), 'old.bst');
    writeFileSync(path, Uint8Array.of(0x89, 0x62, 0x73, 0x74, 0x75));
    const { code, stderr } = await backstub(command, path);
    expect(stderr).toBe(
      `backstub: error: ${path}: cut at byte 5, within its header: nothing in it can be replayed\n`,
    );
    expect(code).toBe(2);
  },
);

test('machine options cannot change a recording', async () => {
  const path = writeRecording({ kind: 'power-off', icount: 3000, code: 0 });
  expect(await backstub('serve', path, '--smp', '4', '--append', 'x')).toMatchObject({
    code: 2,
    stderr: `backstub: error: ${path} is a recording, which brings its own machine: --smp, --append cannot change it\n`,
  });
});

test('a recording is no firmware', async () => {
  const path = writeRecording({ kind: 'power-off', icount: 3000, code: 0 });
  expect((await backstub('run', path)).stderr).toBe(
    `backstub: error: ${path} is a recording, not firmware: use backstub replay or backstub serve\n`,
  );
});
