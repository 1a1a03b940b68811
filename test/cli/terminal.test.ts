/** How a command ends when its terminal, or who reads its output, goes away. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backstub, REPOSITORY, scratchFolder } from './backstub.js';

const MAIN = join(REPOSITORY, 'dist/cli/main.js');
const hasPython = spawnSync('python3', ['--version']).status === 0;

/**
 * Runs a command in a terminal that is closed once `ready` is on it. With `session` the command is not of the
 * terminal's session, so that no SIGHUP tells it. Prints how it ended: a code, or `signal N`.
 */
const CLOSING = `
import os, pty, subprocess, sys
session, ready = sys.argv[1] == 'own', sys.argv[2].encode()
command = sys.argv[3:]
if session:
    fd, slave = pty.openpty()
    pid = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True).pid
    os.close(slave)
else:
    pid, fd = pty.fork()
    if pid == 0: os.execvp(command[0], command)
seen = b''
while ready not in seen: seen += os.read(fd, 4096)
os.close(fd)
status = os.waitpid(pid, 0)[1]
print(os.WEXITSTATUS(status) if os.WIFEXITED(status) else f'signal {os.WTERMSIG(status)}')
`;

test.skipIf(!hasPython).each([
  ['the', ['record', 'fixtures/rv64/echo.elf', '-o', 'FILE', '--clock', 'realtime'], 'Ctrl-D ends'],
  ['own', ['record', 'fixtures/rv64/echo.elf', '-o', 'FILE', '--clock', 'realtime'], 'Ctrl-D ends'],
  ['the', ['serve', 'fixtures/rv64/demo.elf', '--record', 'FILE', '--gdb', '127.0.0.1:0'], 'gdb server on'],
  [
    'the',
    ['serve', 'fixtures/rv64/demo.elf', '--record', 'FILE', '--gdb', '127.0.0.1:0', '--serial', 'null'],
    'gdb server on',
  ],
])('a terminal that is closed ends it in order (%s session, %j)', async (session, args, ready) => {
  const file = join(scratchFolder(), 'run.bst');
  const command = [process.execPath, MAIN, ...args.map(arg => (arg === 'FILE' ? file : arg))];
  const { stdout, stderr } = spawnSync('python3', ['-c', CLOSING, session, ready, ...command], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect([stdout.trim(), stderr]).toEqual(['129', '']);
  expect((await backstub('verify', file)).stdout).toContain('by SIGHUP');
  expect(existsSync(`${file}.lock`)).toBe(false);
});

test('a reader that goes away is no error, and output that is lost is one', async () => {
  const folder = scratchFolder();
  const file = join(folder, 'run.bst');
  await backstub('record', 'fixtures/rv64/demo.elf', '-o', file, '--serial', 'null', '--max-icount', '1000');
  const run = (text: string) =>
    spawnSync('bash', ['-c', `set -o pipefail; "$0" "$1" ${text}`, process.execPath, MAIN], {
      cwd: folder,
      encoding: 'utf8',
    });
  expect(run('info run.bst | true')).toMatchObject({ status: 0, stderr: '' });
  expect(run('info run.bst <&-')).toMatchObject({ status: 0, stderr: '' });
  expect(run('info run.bst >&- 2>&-').status).toBe(0);
  if (!existsSync('/dev/full')) return;
  expect(run('info run.bst > /dev/full')).toMatchObject({
    status: 2,
    stderr: 'backstub: error: cannot write to standard output: no space left on the device\n',
  });
});
