import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording } from '../../src/replay/log-reader.js';
import { scratchFolder, start } from '../cli/backstub.js';
import { Random } from '../lockstep/random.js';
import { replay } from '../support/sessions.js';

const KILLS = process.env.BACKSTUB_FULL ? 100 : 20;
/** `ticks` runs some 40 M steps; with a realtime clock it lasts for seconds. */
const TICKS = 'fixtures/rv64/ticks.elf';

test('a recorder killed at any moment leaves a recording that verifies nearly to that moment', async () => {
  const random = new Random(20261124);
  const folder = scratchFolder();
  let longest = 0;
  let typed = 0;
  for (let i = 0; i < KILLS; i++) {
    const file = join(folder, `${i}.bst`);
    const running = start(['record', TICKS, '-o', file, '--clock', 'realtime'], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    await new Promise(resolve => running.process.stdout?.once('data', resolve));
    const chunks = random.below(6);
    for (let n = 0; n < chunks; n++) {
      running.process.stdin?.write('typed\r');
      await new Promise(resolve => setTimeout(resolve, random.below(150)));
    }
    await new Promise(resolve => setTimeout(resolve, random.below(500)));
    running.process.kill('SIGKILL');
    await running.ended;
    const recording = readRecording(new Uint8Array(readFileSync(file)), { name: file });
    expect(recording.end.kind).toBe('cut');
    const { session } = replay(recording);
    const { checkpoints, icount } = await session.verify();
    expect(checkpoints).toBeGreaterThanOrEqual(1);
    expect(icount).toBe(recording.end.icount);
    longest = Math.max(longest, icount);
    typed += recording.events.filter(({ event }) => event.kind === 'console').length;
  }
  // They were not all killed before anything happened.
  expect(longest).toBeGreaterThan(100_000);
  expect(typed).toBeGreaterThan(0);
}, 300_000);
