// Recordings that somebody spoilt: whatever is done with one ends well or in one line, in bounded time and memory.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../setup.mjs';
import { fromTests } from './from-tests.mjs';

const { tryRecordings } = await fromTests('replay/hostile-recordings');

/** One of so many is given to the command line as well. */
const COMMANDS_EVERY = 200;
/** Only what hangs meets it. */
const USUAL_LIMIT_MS = 20_000;
const MOST_HEAP = '--max-old-space-size=128';
const COMMANDS = [['info'], ['events', '--json'], ['verify', '--no-jit'], ['trim', '--to', 'start', '-o']];
/** Exit codes for: it is well, bad input, another machine than was recorded. */
const ORDERLY = [0, 2, 3];

export async function fuzz({ seed, count, limitMs = USUAL_LIMIT_MS }) {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-fuzz-'));
  const file = join(folder, 'a.bst');
  let commands = 0;
  try {
    const { used, refused, slowestMs } = await tryRecordings(seed, count, async (bytes, index) => {
      if (index % COMMANDS_EVERY !== 0) return;
      writeFileSync(file, bytes);
      for (const [command, ...options] of COMMANDS) {
        const to = command === 'trim' ? [join(folder, `part-${index}.bst`)] : [];
        tryCommand([command, file, ...options, ...to], limitMs);
        commands++;
      }
    });
    if (slowestMs > limitMs) throw new Error(`one took ${Math.round(slowestMs)} ms`);
    return `${used} used, ${refused} refused, ${commands} commands, at most ${Math.round(slowestMs)} ms each`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryCommand(args, limitMs) {
  const program = [MOST_HEAP, join(root, 'dist/cli/main.js'), ...args];
  const { status, signal, stderr } = spawnSync(process.execPath, program, {
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: limitMs,
  });
  const lines = stderr.trimEnd().split('\n').filter(Boolean);
  const ours = lines.every(line => line.startsWith('backstub: ')) && !/internal error/.test(stderr);
  if (!ORDERLY.includes(status) || !ours || (status === 2 && lines.length !== 1))
    throw new Error(`${args.join(' ')} ended with ${status ?? signal}: ${stderr.slice(-2000)}`);
}
