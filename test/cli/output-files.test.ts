/** Whose files a command may touch: each test works in a folder of its own, with copies of the firmware. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backstub, lastLine, REPOSITORY, scratchFolder, start } from './backstub.js';

const MAIN = join(REPOSITORY, 'dist/cli/main.js');

/** A folder with firmware, a disk image that has a second and a third name, and a WAV file. */
function workplace() {
  const folder = scratchFolder();
  const path = (name: string) => join(folder, name);
  copyFileSync(join(REPOSITORY, 'fixtures/rv64/demo.elf'), path('fw.elf'));
  copyFileSync(join(REPOSITORY, 'fixtures/rv64/echo.elf'), path('echo.elf'));
  writeFileSync(path('disk.img'), 'precious'.padEnd(4096, '.'));
  linkSync(path('disk.img'), path('hard.img'));
  symlinkSync('disk.img', path('soft.img'));
  return { folder, path };
}

const inFolder = (cwd: string, ...args: string[]) => start(args, { cwd }).ended;

describe('an output is never an input or another output', () => {
  test.each<[string, string[]]>([
    ['the firmware', ['-o', 'fw.elf', '--serial', 'null']],
    ['the firmware', ['-o', 'x.bst', '--serial', 'file:fw.elf']],
    ['the firmware', ['-o', 'x.bst', '--serial', 'null', '--sound', 'wav:./fw.elf']],
    ['the firmware', ['-o', 'x.bst', '--serial', 'null', '--virtio-console', 'file:fw.elf']],
    ['a hard link of a disk', ['-o', 'hard.img', '--serial', 'null', '--disk', 'disk.img']],
    ['a link to a disk', ['-o', 'x.bst', '--serial', 'file:soft.img', '--disk', 'disk.img']],
    [
      'another name of a disk',
      ['-o', 'x.bst', '--serial', 'null', '--sound', 'wav:hard.img', '--disk', 'soft.img'],
    ],
    ['an initrd', ['-o', 'disk.img', '--serial', 'null', '--initrd', 'hard.img']],
    ['another output', ['-o', 'x.bst', '--serial', 'file:./x.bst']],
    ['another output', ['-o', 'x.bst', '--serial', 'file:x.bst', '--virtio-console', 'file:x.bst']],
    ['another output', ['-o', 'x.bst', '--serial', 'null', '--sound', 'wav:x.bst']],
  ])('%s (%j)', async (_, options) => {
    const { folder, path } = workplace();
    writeFileSync(path('x.bst'), 'older');
    const before = Object.fromEntries(
      readdirSync(folder).map(name => [name, readFileSync(path(name), 'latin1')]),
    );
    const { code, stderr } = await inFolder(folder, 'record', 'fw.elf', ...options);
    expect(code).toBe(2);
    expect(lastLine(stderr)).toMatch(
      /^backstub: error: cannot (create|read) .*: this (command (reads it|writes it already) \(|process writes it already)/,
    );
    const after = Object.fromEntries(
      readdirSync(folder).map(name => [name, readFileSync(path(name), 'latin1')]),
    );
    expect(after).toEqual(before);
  });

  test('standard output is one, too', async () => {
    const { folder, path } = workplace();
    const run = (command: string) =>
      spawnSync('bash', ['-c', `${process.execPath} ${MAIN} ${command}`], { cwd: folder, encoding: 'utf8' });
    expect(run('record fw.elf -o /dev/stdout > mixed').stderr).toContain(
      'cannot create recording /dev/stdout: it is standard output, which the console has',
    );
    expect(run('record fw.elf -o /dev/stdout --serial null > run.bst').status).toBe(1);
    expect((await backstub('verify', path('run.bst'))).code).toBe(0);
    expect(run('record fw.elf -o /dev/stdout --serial null | cat > piped.bst').status).toBe(0);
    expect((await backstub('verify', path('piped.bst'))).code).toBe(0);
    expect(run('record fw.elf -o run.bst --serial file:/dev/stdout | tail -1').stdout).toContain('panic');
  });

  test('a command that fails before it starts replaces nothing', async () => {
    const { folder, path } = workplace();
    for (const name of ['out.txt', 'out.wav', 'x.bst']) writeFileSync(path(name), 'older');
    const outputs = ['--serial', 'file:out.txt', '--sound', 'wav:out.wav'];
    const failing = [
      ['record', 'fw.elf', '-o', 'x.bst', ...outputs, '--memory', '16K'],
      ['record', 'fw.elf', '-o', 'absent/x.bst', ...outputs],
      ['record', 'fw.elf', '-o', 'x.bst', ...outputs, '--net', 'socket:connect=127.0.0.1:1'],
      ['serve', 'fw.elf', '--record', 'x.bst', ...outputs, '--gdb', '192.0.2.1:1'],
    ];
    for (const args of failing) {
      expect((await inFolder(folder, ...args)).code).toBe(2);
      for (const name of ['out.txt', 'out.wav', 'x.bst'])
        expect(readFileSync(path(name), 'utf8')).toBe('older');
    }
  });
});

describe('a recording in the place of an older one', () => {
  const older = async (folder: string) => {
    await inFolder(folder, 'record', 'fw.elf', '-o', 'run.bst', '--serial', 'null');
    return readFileSync(join(folder, 'run.bst'));
  };
  /** Files of at most so many KiB, as on a full disk. */
  const limited = (folder: string, kib: number, command: string) =>
    spawnSync('bash', ['-c', `ulimit -f ${kib}; exec ${process.execPath} ${MAIN} ${command}`], {
      cwd: folder,
      encoding: 'utf8',
    });

  test('stays when there is no room for the new one', async () => {
    const { folder, path } = workplace();
    const before = await older(folder);
    for (const command of [
      'record fw.elf -o run.bst --serial null',
      'trim whole.bst --to 1000 -o run.bst',
      'import parts -o run.bst',
    ]) {
      writeFileSync(path('whole.bst'), before);
      if (!existsSync(path('parts'))) await inFolder(folder, 'export', 'whole.bst', 'parts');
      const { status, stderr } = limited(folder, 1, command);
      expect(status).toBe(2);
      expect(lastLine(stderr)).toBe(
        'backstub: error: cannot write recording run.bst: the file would be larger than allowed; the file that was there stays as it was',
      );
      expect(readFileSync(path('run.bst')).equals(before)).toBe(true);
      expect(readdirSync(folder).filter(name => /\.(old|lock|part)/.test(name))).toEqual([]);
    }
  });

  test('stays beside the new one when its recorder is killed', async () => {
    const { folder, path } = workplace();
    const before = await older(folder);
    const recorder = start(
      ['record', 'echo.elf', '-o', 'run.bst', '--serial', 'null', '--clock', 'realtime'],
      { cwd: folder },
    );
    await changed(path('run.bst'), before);
    expect(readFileSync(path('run.bst.old')).equals(before)).toBe(true);
    recorder.process.kill('SIGKILL');
    await recorder.ended;
    expect((await inFolder(folder, 'verify', 'run.bst')).code).toBe(0);
    expect((await inFolder(folder, 'verify', 'run.bst.old')).code).toBe(0);
    // Its lock is stale.
    expect(
      (await inFolder(folder, 'record', 'fw.elf', '-o', 'run.bst', '--fsync', '--serial', 'null')).code,
    ).toBe(1);
    expect((await inFolder(folder, 'verify', 'run.bst')).code).toBe(0);
  });

  test('has one recorder at a time', async () => {
    const { folder, path } = workplace();
    const first = start(['record', 'echo.elf', '-o', 'run.bst', '--serial', 'null', '--clock', 'realtime'], {
      cwd: folder,
    });
    await changed(path('run.bst'), undefined);
    symlinkSync('run.bst', path('too.bst'));
    for (const name of ['run.bst', 'too.bst']) {
      const { code, stderr } = await inFolder(folder, 'record', 'fw.elf', '-o', name, '--serial', 'null');
      expect(code).toBe(2);
      expect(stderr).toContain(
        `cannot create recording ${name}: process ${first.process.pid} writes it (${path('run.bst.lock')})`,
      );
    }
    first.process.kill('SIGTERM');
    expect((await first.ended).code).toBe(143);
    expect(existsSync(path('run.bst.lock'))).toBe(false);
    expect((await inFolder(folder, 'verify', 'run.bst')).code).toBe(0);
  });
});

test('a debugger saves recordings to the save folder, and nowhere else', async () => {
  const { folder, path } = workplace();
  mkdirSync(path('saves'));
  writeFileSync(path('saves/notes.bst'), 'mine');
  const server = start(
    [
      'serve',
      'fw.elf',
      '--gdb',
      '127.0.0.1:0',
      '--save-dir',
      'saves',
      '--record',
      'live.bst',
      '--serial',
      'null',
    ],
    {
      cwd: folder,
    },
  );
  const port = Number((await server.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/))[1]);
  const gdb = new Monitor(port);
  expect(await gdb.ask('history save ok.bst')).toContain('history saved to ok.bst');
  for (const name of ['../x.bst', path('x.bst'), '../live.bst', '../fw.elf', 'notes.bst', '.x.bst', 'x'])
    expect(await gdb.ask(`history save ${name}`)).toMatch(/cannot save to|^E/);
  gdb.end();
  server.process.kill('SIGTERM');
  expect((await server.ended).code).toBe(143);
  expect(readdirSync(path('saves')).sort()).toEqual(['notes.bst', 'ok.bst']);
  expect(readFileSync(path('saves/notes.bst'), 'utf8')).toBe('mine');
  expect(existsSync(path('x.bst'))).toBe(false);
  expect(statSync(path('fw.elf')).size).toBe(statSync(join(REPOSITORY, 'fixtures/rv64/demo.elf')).size);
  for (const name of ['saves/ok.bst', 'live.bst'])
    expect((await inFolder(folder, 'verify', name)).code).toBe(0);
});

test('the save folder is the current one, and the recording under way is not saved onto', async () => {
  const { folder } = workplace();
  const server = start(
    ['serve', 'fw.elf', '--gdb', '127.0.0.1:0', '--record', 'live.bst', '--serial', 'null'],
    { cwd: folder },
  );
  const gdb = new Monitor(Number((await server.stderrMatch(/gdb server on 127\.0\.0\.1:(\d+)/))[1]));
  expect(await gdb.ask('history save live.bst')).toMatch(/writes it already|^E/);
  expect(await gdb.ask('history save here.bst')).toContain('history saved');
  gdb.end();
  server.process.kill('SIGTERM');
  await server.ended;
  for (const name of ['here.bst', 'live.bst']) expect((await inFolder(folder, 'verify', name)).code).toBe(0);
});

/** Resolves when a file is there and other than it was. */
async function changed(path: string, before: Buffer | undefined): Promise<void> {
  for (;;) {
    if (existsSync(path) && (before === undefined || !readFileSync(path).equals(before))) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

/** gdb's `monitor`, as bytes. */
class Monitor {
  readonly #socket;
  #received = '';
  #look = () => {};

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1').setEncoding('latin1');
    this.#socket.on('data', (text: string) => {
      this.#received += text;
      this.#look();
    });
  }

  /** The console text of an answer, or its error. */
  async ask(command: string): Promise<string> {
    this.#received = '';
    const packet = `qRcmd,${Buffer.from(command).toString('hex')}`;
    const sum = [...Buffer.from(packet)].reduce((a, b) => (a + b) & 255, 0);
    this.#socket.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
    for (;;) {
      const packets = [...this.#received.matchAll(/\$([^#]*)#[0-9a-f]{2}/g)].map(([, content]) => content);
      const last = packets.at(-1);
      // `O` and digits is text on the way; OK, or anything else, is the end.
      if (last !== undefined && !/^O[0-9a-f]/.test(last)) return packets.map(textOf).join('');
      await new Promise<void>(resolve => {
        this.#look = resolve;
      });
      this.#socket.write('+');
    }
  }

  end(): void {
    this.#socket.destroy();
  }
}

const textOf = (content: string): string =>
  /^O?([0-9a-f]{2})+$/.test(content) ? Buffer.from(content.replace(/^O/, ''), 'hex').toString() : content;
