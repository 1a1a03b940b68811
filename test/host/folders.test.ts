/** Whose files an export may write and an import may read: those in the folder that is named. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readFromFolder, writeFolder } from '../../src/host/files/folders.js';
import { HostFiles } from '../../src/host/files/host-files.js';

const bytes = (text: string) => new TextEncoder().encode(text);

/** A secret outside of the folder `parts`. */
function place() {
  const outside = mkdtempSync(join(tmpdir(), 'backstub-folder-'));
  onTestFinished(() => rmSync(outside, { recursive: true, force: true }));
  writeFileSync(join(outside, 'secret'), 'secret');
  return { outside, parts: join(outside, 'parts') };
}

test('parts are written into the folder and read out of it', () => {
  const { outside, parts } = place();
  const files = [
    { path: 'config.json', pieces: [bytes('{}')] },
    { path: 'images/00.bin', pieces: [bytes('image')] },
    { path: 'empty', pieces: [bytes('')] },
  ];
  writeFolder(join(parts, 'new'), files);
  symlinkSync('parts/new', join(outside, 'link'));
  for (const folder of [join(parts, 'new'), join(outside, 'link')]) {
    for (const file of files)
      expect(Buffer.from(readFromFolder(new HostFiles(), folder, file.path))).toEqual(
        Buffer.concat([...file.pieces]),
      );
  }
});

test.each(['../secret', '/etc/passwd', 'images/../../secret', './x', 'images//x', '', 'x\0'])(
  'the name %j leads nowhere',
  name => {
    const { outside, parts } = place();
    mkdirSync(parts);
    expect(() => readFromFolder(new HostFiles(), parts, name)).toThrow('is no name of a file in a folder');
    const files = [
      { path: 'first', pieces: [bytes('x')] },
      { path: name, pieces: [bytes('overwritten')] },
    ];
    expect(() => writeFolder(parts, files)).toThrow('is no name of a file in a folder');
    expect(readdirSync(parts)).toEqual([]);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
  },
);

test('nothing is read through a link, and nothing that is no file', () => {
  const { outside, parts } = place();
  mkdirSync(parts);
  mkdirSync(join(outside, 'images'));
  writeFileSync(join(outside, 'images/00.bin'), 'secret');
  symlinkSync('../secret', join(parts, 'events.jsonl'));
  symlinkSync('../images', join(parts, 'images'));
  symlinkSync('/dev/zero', join(parts, 'pages.bin'));
  for (const name of ['events.jsonl', 'images/00.bin', 'pages.bin'])
    expect(() => readFromFolder(new HostFiles(), parts, name)).toThrow(
      `cannot read ${join(parts, name)}: it is a link, which may lead out of the folder`,
    );
  expect(spawnSync('mkfifo', [join(parts, 'config.json')]).status).toBe(0);
  expect(() => readFromFolder(new HostFiles(), parts, 'config.json')).toThrow('it is a FIFO');
  expect(() => readFromFolder(new HostFiles(), parts, 'images')).toThrow('it is a link');
  expect(() => readFromFolder(new HostFiles(), outside, 'parts')).toThrow('it is a folder');
});

test('an export that fails leaves nothing', () => {
  const { outside, parts } = place();
  const files = [
    { path: 'one', pieces: [bytes('x')] },
    { path: 'images/two', pieces: [bytes('x')] },
    { path: `images/${'x'.repeat(300)}`, pieces: [bytes('x')] },
  ];
  expect(() => writeFolder(join(parts, 'deep/down'), files)).toThrow('the name is too long');
  expect(existsSync(parts)).toBe(false);
  writeFileSync(join(outside, 'file'), '');
  expect(() => writeFolder(join(outside, 'file'), files)).toThrow(/cannot write to folder/);
  mkdirSync(parts);
  writeFileSync(join(parts, 'mine'), 'mine');
  expect(() => writeFolder(parts, files)).toThrow('is not empty');
  expect(readdirSync(parts)).toEqual(['mine']);
});
