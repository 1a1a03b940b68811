import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { backstub, lastLine, scratchFolder, start } from './backstub.js';

test.each(['serve', 'replay'])('%s --help tells of snapshots on disk', async command => {
  const { stdout } = await backstub(command, '--help');
  expect(stdout).toContain('--snapshot-disk <folder>');
  expect(stdout).toContain('--snapshot-disk-size <size>');
});

test('a folder that is not there is one line and exit code 2', async () => {
  const folder = `${scratchFolder()}/missing`;
  const args = ['serve', 'fixtures/rv64/demo.elf', '--gdb', '127.0.0.1:0', '--snapshot-disk', folder];
  const { code, stderr } = await backstub(...args);
  expect(code).toBe(2);
  expect(lastLine(stderr)).toBe(
    `backstub: error: cannot create a snapshot file in ${folder}: no such file or folder`,
  );
});

test('a server that is killed leaves nothing in the folder', async () => {
  const folder = scratchFolder();
  const args = ['serve', 'fixtures/rv64/demo.elf', '--gdb', '127.0.0.1:0', '--serial', 'null'];
  const server = start([...args, '--snapshot-disk', folder]);
  await server.stderrMatch(/gdb server on/);
  server.process.kill('SIGKILL');
  await server.ended;
  expect(readdirSync(folder)).toEqual([]);
});
