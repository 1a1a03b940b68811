import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backstub, lastLine, scratchFolder } from './backstub.js';

const DEMO = 'fixtures/rv64/demo.elf';
const COMMANDS = [
  'serve',
  'record',
  'replay',
  'verify',
  'run',
  'info',
  'events',
  'diff',
  'trim',
  'export',
  'import',
];

test('--help lists every command, and each has a help with examples', async () => {
  const { code, stdout } = await backstub('--help');
  expect(code).toBe(0);
  for (const command of COMMANDS) {
    expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    const help = await backstub(command, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toContain(`Examples:\n  backstub ${command} `);
  }
});

test.each<[string[], string]>([
  [[], 'no command is given'],
  [['frobnicate'], "unknown command 'frobnicate' (see backstub --help)"],
  [['run', DEMO, '--frobnicate'], "unknown option '--frobnicate' (see backstub --help)"],
  [['run', DEMO, '--usb', 'x'], "unknown option '--usb' (see backstub --help)"],
  [['run', DEMO, '--snapshot-memory', '1G'], "unknown option '--snapshot-memory' (see backstub --help)"],
  [['verify', 'x', '--smp', '2'], "unknown option '--smp' (see backstub --help)"],
  [['run'], 'no firmware is named: give an ELF file as argument'],
  [['run', DEMO, '--kernel', DEMO], 'the firmware is named twice: as argument and with --kernel'],
  [['replay'], "missing required argument 'recording' (see backstub --help)"],
  [['record', DEMO], "required option '-o, --output <file>' not specified (see backstub --help)"],
  [['run', DEMO, '--memory', '12Q'], "argument '12Q' is invalid. A size in bytes is needed"],
  [['run', DEMO, '--smp', '17'], "argument '17' is invalid. It must be 1 to 16."],
  [['run', DEMO, '--icount', '3'], "argument '3' is invalid. shift=N is needed"],
  [['run', DEMO, '--icount', 'shift=11'], 'It must be 0 to 10.'],
  [['run', DEMO, '--machine', 'sifive_u'], 'Allowed: virt.'],
  [['run', DEMO, '--cpu', 'z80'], 'no CPU is called z80: there is rv64, rv32, max, rv64gc,'],
  [['run', DEMO, '--cpu', 'rv64,zvbb=on'], 'no CPU here has zvbb: there is i m a f d c'],
  [['run', DEMO, '--cpu', 'rv64imac_zfoo_zba'], 'no CPU here has zfoo: there is i m a f d c'],
  [
    ['run', DEMO, '--cpu', 'rv64,zba'],
    'zba is no option of a CPU: name an extension, as in zbc=off or zicond=on',
  ],
  [['run', DEMO, '--serial', 'vc'], 'Allowed: stdio, null, file:PATH, pty, tcp:HOST:PORT, unix:PATH.'],
  [['run', DEMO, '--timeout', '0'], 'A number of seconds above 0 is needed'],
  [
    ['run', DEMO, '--serial', 'tcp:127.0.0.1:1'],
    'cannot connect the console to tcp:127.0.0.1:1: connection refused',
  ],
  [['serve', DEMO, '--gdb', 'here'], 'HOST:PORT is needed'],
  [['verify', DEMO], `${DEMO} is an ELF file, not a recording: make one with backstub record`],
])('%j is one line and exit code 2', async (args, message) => {
  const { code, stdout, stderr } = await backstub(...args);
  expect(lastLine(stderr)).toMatch(/^backstub: error: /);
  expect(lastLine(stderr)).toContain(message);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  if (args.length > 0) expect(stderr.trimEnd().split('\n')).toHaveLength(1);
});

describe('files that cannot be used', () => {
  const make = () => {
    const folder = scratchFolder();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'empty'), '');
    writeFileSync(join(folder, 'text'), 'not a recording');
    writeFileSync(join(folder, 'secret'), 'x');
    chmodSync(join(folder, 'secret'), 0);
    return folder;
  };

  test.each([
    ['run', 'absent', 'cannot read firmware %: no such file or folder'],
    ['run', 'folder', 'cannot read firmware %: it is a folder'],
    ['run', 'empty', 'cannot use firmware %: the file is empty'],
    ['serve', 'absent', 'cannot read file %: no such file or folder'],
    ['verify', 'text', '%: not a backstub recording: it does not start with the signature of one'],
    ['info', 'absent', 'cannot read recording %: no such file or folder'],
    ['events', 'empty', 'cannot use recording %: the file is empty'],
  ])('%s %s', async (command, name, message) => {
    const path = join(make(), name);
    expect(await backstub(command, path)).toEqual({
      code: 2,
      stdout: '',
      stderr: `backstub: error: ${message.replace('%', path)}\n`,
    });
  });

  test.skipIf(process.getuid?.() === 0)('one without permission (root may read all)', async () => {
    const path = join(make(), 'secret');
    expect((await backstub('run', path)).stderr).toBe(
      `backstub: error: cannot read firmware ${path}: permission denied\n`,
    );
  });
});
