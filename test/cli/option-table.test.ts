/**
 * Whatever an option is given, the command ends well or with an error of one line that is none of the program's own.
 * The commands run in this process; the files that they may touch are in a folder of the test's own.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { MACHINE_OPTIONS } from '../../src/cli/machine-options.js';
import { CommandFailure } from '../../src/cli/messages.js';
import {
  ENGINE_OPTIONS,
  GDB_OPTIONS,
  HISTORY_OPTIONS,
  LIMIT_OPTIONS,
  RECORDING_OPTIONS,
  REPLAY_CONSOLE_OPTIONS,
  SAVE_OPTIONS,
  SIZE_LIMIT_OPTIONS,
} from '../../src/cli/options.js';
import { buildProgram } from '../../src/cli/program.js';
import { InputError } from '../../src/state/input-error.js';
import { REPOSITORY } from './backstub.js';

/** Said on standard error: not what these tests are about. */
vi.spyOn(process.stderr, 'write').mockReturnValue(true);

const DEMO = join(REPOSITORY, 'fixtures/rv64/demo.elf');
const folder = mkdtempSync(join(tmpdir(), 'backstub-options-'));
const socket = createServer();

beforeAll(async () => {
  for (const name of ['empty', 'unreadable', 'text'])
    writeFileSync(join(folder, name), name === 'text' ? 'text' : '');
  chmodSync(join(folder, 'unreadable'), 0);
  mkdirSync(join(folder, 'folder'));
  writeFileSync(join(folder, 'folder/mine'), 'mine');
  expect(spawnSync('mkfifo', [join(folder, 'fifo')]).status).toBe(0);
  await outcome('record', DEMO, '-o', join(folder, 'run.bst'), '--serial', 'null', '--max-icount', '1');
  await new Promise<void>(resolve => socket.listen(join(folder, 'socket'), resolve));
});

afterAll(() => {
  socket.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a command line leads to: an exit code, or the error that it ends with. */
async function outcome(...args: string[]): Promise<number | Error> {
  let code = 0;
  const program = buildProgram('0', async body => {
    code = await body();
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    return error as Error;
  }
}

/** An error that tells the user what to do otherwise, in one line. */
function expectOrdinary(result: number | Error): void {
  if (typeof result === 'number') return;
  const kinds = [CommanderError, InputError, CommandFailure];
  if (!kinds.some(kind => result instanceof kind)) throw result;
  // The argument parser's own, with a hint on a second line, is printed as one.
  if (!(result instanceof CommanderError)) expect(result.message.trim()).toMatch(/^[^\n]+$/);
  expect(result.message).not.toMatch(/internal|undefined|\[object|\bat \w+ \(|E[A-Z]{4,}:/);
}

const ODD = [
  '',
  ' ',
  '-1',
  '0',
  '-0',
  '1.5',
  '0x10',
  '1e99',
  'NaN',
  'Infinity',
  '99999999999999999999',
  '3T',
  ',',
  '=',
  ':',
  'x'.repeat(5000),
  'é💥',
  'shift=',
  'seed=-1',
  'user,',
  'user,hostfwd=',
  'file:',
  'file:/',
  'unix:',
  `unix:${'x'.repeat(300)}`,
  'tcp::99999',
  'wav:',
  'wav:/',
  'null,in=',
];

/** Options of `run`; their flags as `--name`. */
const FOR_RUN = { ...MACHINE_OPTIONS, ...LIMIT_OPTIONS };
const ALL = {
  ...FOR_RUN,
  ...ENGINE_OPTIONS,
  ...HISTORY_OPTIONS,
  ...SIZE_LIMIT_OPTIONS,
  ...RECORDING_OPTIONS,
  ...SAVE_OPTIONS,
  ...GDB_OPTIONS,
  ...REPLAY_CONSOLE_OPTIONS,
};
const flagOf = ({ flags }: { readonly flags: string }) => flags.split(' ')[0];
const takesValue = ({ flags }: { readonly flags: string }) => flags.includes('<');

test.each(Object.values(ALL).filter(takesValue).map(flagOf))('%s without its value', async flag => {
  const results = await Promise.all(
    ['run', 'record', 'serve', 'replay'].map(command => outcome(command, DEMO, flag)),
  );
  for (const result of results) {
    expect(result).toBeInstanceOf(CommanderError);
    expectOrdinary(result);
  }
  // At least one command knows it.
  expect(results.some(result => (result as Error).message.includes('argument missing'))).toBe(true);
});

describe('odd values', () => {
  test.each(Object.values(FOR_RUN).filter(takesValue).map(flagOf))('of %s', async flag => {
    for (const value of ODD) {
      const limits = ['--serial', 'null', '--max-icount', '1'];
      expectOrdinary(await outcome('run', DEMO, ...limits, flag, value));
      expectOrdinary(await outcome('run', DEMO, ...limits, flag, value, flag, value));
    }
  });

  test('of options that the command line parses only', async () => {
    const {
      saveDir: _folder,
      snapshotDisk: _other,
      ...numbers
    } = { ...HISTORY_OPTIONS, ...SAVE_OPTIONS, ...GDB_OPTIONS };
    for (const option of Object.values(numbers)) {
      // A command that refuses a firmware of that name starts no server, whatever the value.
      for (const value of ODD)
        expectOrdinary(await outcome('serve', join(folder, 'absent'), flagOf(option), value));
    }
  });

  test('settings that cannot be built', async () => {
    const run = (...options: string[]) =>
      outcome('run', DEMO, '--serial', 'null', '--max-icount', '1', ...options);
    for (const options of [
      ['--memory', '3T'],
      ['--memory', '4G'],
      ['--memory', '1'],
      ['--memory', '4097'],
      ['--smp', '0'],
      ['--smp', '17'],
      ['--cpu', 'rv32gc'],
      Array.from({ length: 9 }, () => ['--disk', join(folder, 'text')]).flat(),
      ['--input', Array.from({ length: 40 }, () => 'mouse').join()],
    ])
      expect(await run(...options)).toBeInstanceOf(Error);
  });
});

describe('a file of the wrong kind', () => {
  const inputs: readonly (readonly [string, (path: string) => string[]])[] = [
    ['firmware', path => ['run', path]],
    ['firmware', path => ['serve', path, '--gdb', '127.0.0.1:0']],
    ['firmware', path => ['record', path, '-o', join(folder, 'never.bst')]],
    ['--kernel', path => ['run', '--kernel', path]],
    ['--bios', path => ['run', DEMO, '--bios', path]],
    ['--initrd', path => ['run', DEMO, '--initrd', path]],
    ['--disk', path => ['run', DEMO, '--disk', path]],
    ['--disk qcow2', path => ['run', DEMO, '--disk', `${path},format=qcow2`]],
    ['--sound in', path => ['run', DEMO, '--sound', `null,in=${path}`]],
    ...['replay', 'verify', 'info', 'events'].map(
      command => [command, (path: string) => [command, path]] as const,
    ),
    ['diff', path => ['diff', path, path]],
    ['trim', path => ['trim', path, '-o', join(folder, 'never.bst')]],
    ['export', path => ['export', path, join(folder, 'never')]],
    ['import', path => ['import', path, '-o', join(folder, 'never.bst')]],
    ['--save-dir', path => ['serve', DEMO, '--serial', 'null', '--save-dir', path, '--gdb', '192.0.2.1:1']],
    [
      '--snapshot-disk',
      path => ['serve', DEMO, '--serial', 'null', '--snapshot-disk', path, '--gdb', '192.0.2.1:1'],
    ],
  ];
  const outputs: typeof inputs = [
    ['-o', path => ['record', DEMO, '--serial', 'null', '--max-icount', '1', '-o', path]],
    ['--serial file', path => ['run', DEMO, '--max-icount', '1', '--serial', `file:${path}`]],
    ['--sound wav', path => ['run', DEMO, '--max-icount', '1', '--serial', 'null', '--sound', `wav:${path}`]],
    ['export', path => ['export', join(folder, 'run.bst'), path]],
    ['import', path => ['import', join(folder, 'folder'), '-o', path]],
  ];

  const places = [
    'absent',
    'absent/file',
    'text/file',
    'empty',
    'folder',
    'fifo',
    'socket',
    `${'x'.repeat(300)}`,
    '',
  ];

  test.each(inputs)('is refused, and never waited for: %s', async (_, args) => {
    for (const name of [...places, 'unreadable']) {
      const path = name === '' ? '' : join(folder, name);
      const result = await outcome(...args(path));
      expect(result, `${args(path).join(' ')}`).toBeInstanceOf(Error);
      expectOrdinary(result);
    }
    expectOrdinary(await outcome(...args('/dev/zero')));
    expect(readdirSync(folder).filter(name => name.startsWith('never'))).toEqual([]);
  });

  test.each(outputs)('is no output: %s', async (_, args) => {
    for (const name of ['absent/file/', 'text/file', 'folder', 'fifo', 'socket', `${'x'.repeat(300)}`, '']) {
      const path = name === '' ? '' : join(folder, name);
      expectOrdinary(await outcome(...args(path)));
    }
    expectOrdinary(await outcome(...args('/proc/backstub')));
    expect(readFileSync(join(folder, 'folder/mine'), 'utf8')).toBe('mine');
    expect(readFileSync(join(folder, 'text'), 'utf8')).toBe('text');
  });
});
