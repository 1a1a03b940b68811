import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backstub, lastLine, REPOSITORY, scratchFolder, start } from './backstub.js';

const DEMO = 'fixtures/rv64/demo.elf';
const ECHO = 'fixtures/rv64/echo.elf';
const expectedConsole = (name: string) =>
  readFileSync(join(REPOSITORY, `fixtures/expected/${name}.txt`), 'utf8');
const plain = (text: string) => text.replaceAll('\r\n', '\n');

test.each(['rv32', 'rv64'])(
  'run shows the console of %s firmware and ends with its exit code',
  async width => {
    const demo = await backstub('run', `fixtures/${width}/demo.elf`);
    expect(plain(demo.stdout)).toBe(expectedConsole(`demo.${width}`));
    expect(demo.code).toBe(1);
    const traps = await backstub('run', '--kernel', `fixtures/${width}/traps.elf`);
    expect(plain(traps.stdout)).toBe(expectedConsole(`traps.${width}`));
    expect(traps.code).toBe(0);
  },
);

test('--serial file: and null keep standard output clean', async () => {
  const file = join(scratchFolder(), 'console.txt');
  expect(await backstub('run', DEMO, '--serial', `file:${file}`)).toMatchObject({ code: 1, stdout: '' });
  expect(plain(readFileSync(file, 'utf8'))).toBe(expectedConsole('demo.rv64'));
  expect(await backstub('run', DEMO, '--serial', 'null')).toMatchObject({ code: 1, stdout: '' });
});

test('--serial tcp: carries the console both ways', async () => {
  let heard = '';
  const server = createServer(socket => {
    socket.write('over tcp\x04');
    socket.on('data', bytes => {
      heard += bytes.toString();
    });
    socket.on('error', () => {});
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const { code } = await backstub('run', ECHO, '--serial', `tcp:127.0.0.1:${port}`);
  await new Promise(resolve => server.close(resolve));
  expect(code).toBe(0);
  expect(heard).toContain('over tcp');
});

test('what is piped in is typed, and a pipe left open does not keep an ended machine', async () => {
  const running = start(['run', ECHO], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.process.stdin?.write('piped\x04');
  const { code, stdout } = await running.ended;
  expect(stdout).toContain('piped');
  expect(code).toBe(0);
});

test('record, verify and info agree on what happened', async () => {
  const file = join(scratchFolder(), 'demo.bst');
  writeFileSync(file, 'an older file is replaced');
  const recorded = await backstub('record', DEMO, '-o', file);
  expect(plain(recorded.stdout)).toBe(expectedConsole('demo.rv64'));
  expect(recorded.code).toBe(1);
  const verified = await backstub('verify', file);
  expect(verified.stdout).toMatch(
    /checkpoints agree over \d+ steps; power-off at icount \d+ with exit code 1\n$/,
  );
  expect(verified.code).toBe(0);
  const { stdout } = await backstub('info', file);
  const steps = /over (\d+) steps/.exec(verified.stdout)?.[1];
  expect(stdout).toContain(`length      ${steps} steps,`);
  expect(stdout).toMatch(/^image +demo\.elf at 0x80000000/m);
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends a recording in order', async (signal, code) => {
  const file = join(scratchFolder(), 'echo.bst');
  const running = start(['record', ECHO, '-o', file], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.process.stdin?.write('typed before the signal');
  await new Promise<void>(resolve => {
    let shown = '';
    running.process.stdout?.on('data', text => {
      shown += text;
      if (shown.includes('typed before the signal')) resolve();
    });
  });
  running.process.kill(signal);
  expect((await running.ended).code).toBe(code);
  expect((await backstub('events', file)).stdout).not.toContain('shutdown');
  expect((await backstub('verify', file)).code).toBe(0);
});

test('a recorder killed without mercy leaves a recording that says so', async () => {
  const file = join(scratchFolder(), 'echo.bst');
  const running = start(['record', ECHO, '-o', file], { stdio: ['pipe', 'pipe', 'pipe'] });
  running.process.stdin?.write('x');
  await new Promise(resolve => running.process.stdout?.once('data', resolve));
  running.process.kill('SIGKILL');
  await running.ended;
  expect(lastLine((await backstub('info', file)).stdout)).toMatch(
    /^end +cut at icount \d+: the recorder was killed$/,
  );
  const verified = await backstub('verify', file);
  expect(verified.code).toBe(0);
  expect(verified.stderr).toContain('ends early');
});

test('--timeout ends with 124, --max-icount in order', async () => {
  const folder = scratchFolder();
  const late = await backstub('run', ECHO, '--timeout', '0.2');
  expect(lastLine(late.stderr)).toBe('backstub: error: the guest was still running after 0.2 s (--timeout)');
  expect(late.code).toBe(124);
  const file = join(folder, 'short.bst');
  const short = await backstub('record', DEMO, '-o', file, '--max-icount', '10000');
  expect(short.stderr).toContain('stopped at icount 10000 (--max-icount)');
  expect(short.code).toBe(0);
  expect((await backstub('info', file)).stdout).toMatch(/^length +10000 steps/m);
  expect((await backstub('verify', file)).code).toBe(0);
});

test('a recording that cannot be written is one line', async () => {
  const nowhere = join(scratchFolder(), 'absent', 'x.bst');
  expect(await backstub('record', DEMO, '-o', nowhere)).toEqual({
    code: 2,
    stdout: '',
    stderr: `backstub: error: cannot create recording ${nowhere}: no such file or folder\n`,
  });
  expect(await backstub('record', DEMO, '-o', DEMO)).toMatchObject({
    code: 2,
    stderr: `backstub: error: cannot create recording ${DEMO}: this command reads it (file ${DEMO})\n`,
  });
  expect(statSync(join(REPOSITORY, DEMO)).size).toBeGreaterThan(1000);
});

test.skipIf(!existsSync('/dev/full'))('a full disk is one line', async () => {
  const { code, stderr } = await backstub('record', DEMO, '-o', '/dev/full');
  expect(lastLine(stderr)).toBe(
    'backstub: error: cannot write recording /dev/full: no space left on the device; the 0 bytes before are kept',
  );
  expect(code).toBe(2);
});

test('serve says where it listens, and ends on a signal', async () => {
  const running = start(['serve', DEMO, '--gdb', '127.0.0.1:0']);
  const [, port] = await running.stderrMatch(/^backstub: gdb server on 127\.0\.0\.1:(\d+)$/m);
  const second = await backstub('serve', DEMO, '--gdb', `127.0.0.1:${port}`);
  expect(lastLine(second.stderr)).toMatch(/^backstub: error: .*in use/);
  expect(second.code).toBe(2);
  running.process.kill('SIGTERM');
  expect((await running.ended).code).toBe(143);
});

test('serve and replay take recordings; --at must lie within', async () => {
  const file = join(scratchFolder(), 'demo.bst');
  await backstub('record', DEMO, '-o', file, '--serial', 'null');
  for (const args of [
    ['serve', file],
    ['replay', file, '--at', 'end'],
    ['replay', file, '--at', '5000'],
  ]) {
    const running = start([...args, '--gdb', '127.0.0.1:0', '--serial', 'null']);
    await running.stderrMatch(/gdb server on/);
    running.process.kill('SIGINT');
    expect((await running.ended).code).toBe(130);
  }
  const beyond = await backstub('replay', file, '--at', '999999999999');
  expect(lastLine(beyond.stderr)).toMatch(/^backstub: error: .*999999999999/);
  expect(beyond.code).toBe(2);
});

test('a guest that traps for ever ends the run, with a line that says why', async () => {
  const image = join(scratchFolder(), 'stuck.bin');
  const recording = join(scratchFolder(), 'stuck.bst');
  // c.nop; c.nop; an instruction that no hart has
  writeFileSync(image, Uint8Array.of(1, 0, 1, 0, 0xff, 0xff, 0xff, 0xff));
  const why =
    'hart 0 traps for ever at 0x0 since icount 8: illegal instruction 0xffffffff at 0x80000004, mtvec is 0';
  const ran = await backstub('run', image, '--serial', 'null');
  expect(ran.code).toBe(125);
  expect(lastLine(ran.stderr)).toBe(`backstub: error: ${why} (--no-trap-loop-check lets it go on)`);
  const recorded = await backstub('record', image, '-o', recording, '--serial', 'null');
  expect(recorded.code).toBe(125);
  expect(recorded.stderr).toContain(`backstub replay ${recording} --at end`);
  const info = await backstub('info', recording);
  expect(info.stdout).toContain(why);
  expect((await backstub('verify', recording)).code).toBe(0);
  // Too short to be sure: it ends at the limit, and is no success.
  const short = await backstub('run', image, '--serial', 'null', '--max-icount', '50000');
  expect(short.code).toBe(125);
  expect(lastLine(short.stderr)).toBe(`backstub: error: stopped at icount 50000 (--max-icount): ${why}`);
  expect(short.stderr).toContain('backstub: hart 0 at 0x0, machine mode');
  const off = await backstub(
    'run',
    image,
    '--serial',
    'null',
    '--max-icount',
    '50000',
    '--no-trap-loop-check',
  );
  expect(off.code).toBe(0);
  expect(lastLine(off.stderr)).toBe('backstub: stopped at icount 50000 (--max-icount)');
});

test('the end at a limit says where each hart is', async () => {
  const { code, stderr } = await backstub(
    'run',
    'fixtures/rv64/compute-long.elf',
    '--max-icount',
    '100000',
    '--smp',
    '2',
  );
  expect(code).toBe(0);
  expect(stderr).toMatch(/^backstub: hart 0 at \w+(\+\d+)? \(0x8[0-9a-f]{7}\), machine mode$/m);
  expect(stderr).toMatch(/^backstub: hart 1 at .*$/m);
});
