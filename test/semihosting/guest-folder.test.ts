/** What a guest reaches of the host by semihosting: regular files in its folder, and nothing else. */
import { spawnSync } from 'node:child_process';
import {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GuestFolder } from '../../src/host/files/guest-folder.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import { ERRNO, type SemihostingRequest } from '../../src/ports/semihosting-host.js';
import { guestFolder } from './caller.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const file = (name: string, mode: number, handle = 1) => ({ handle, name: bytes(name), mode });
const [READ, WRITE, APPEND] = [0, 4, 8];

/** A folder `guest` with a secret beside it. */
function place() {
  const { path: outside } = guestFolder();
  const path = join(outside, 'guest');
  mkdirSync(join(path, 'sub'), { recursive: true });
  writeFileSync(join(outside, 'secret'), 'secret');
  writeFileSync(join(path, 'mine'), 'mine');
  symlinkSync(join(outside, 'secret'), join(path, 'link'));
  symlinkSync(outside, join(path, 'out'));
  symlinkSync('mine', join(path, 'near'));
  expect(spawnSync('mkfifo', [join(path, 'fifo')]).status).toBe(0);
  const files = new HostFiles();
  const folder = new GuestFolder(path, files);
  const ask = (request: SemihostingRequest) => folder.answer(request, 'real').errno;
  return { outside, path, files, folder, ask };
}

const NAMES: readonly (readonly [name: string, errno: number])[] = [
  ['../secret', ERRNO.accessDenied],
  ['sub/../../secret', ERRNO.accessDenied],
  ['sub/../mine', ERRNO.accessDenied],
  ['/etc/hostname', ERRNO.accessDenied],
  ['//etc/hostname', ERRNO.accessDenied],
  ['link', ERRNO.link],
  ['near', ERRNO.link],
  ['out/secret', ERRNO.link],
  ['out/guest/mine', ERRNO.link],
  ['fifo', ERRNO.accessDenied],
  ['sub', ERRNO.isFolder],
  ['sub/', ERRNO.isFolder],
  ['.', ERRNO.isFolder],
  ['mine/x', ERRNO.notFolder],
  ['none/x', ERRNO.noEntry],
];

describe.each(NAMES)('%s', (name, errno) => {
  test.each(['real', 'pretend'] as const)('is refused, whatever is wanted: %s', effects => {
    const { outside, path, folder } = place();
    const before = readdirSync(path).sort();
    const ask = (request: SemihostingRequest) => folder.answer(request, effects).errno;
    for (const mode of [READ, 2, WRITE, 6, APPEND, 10])
      expect(ask({ kind: 'open', file: file(name, mode) })).toBe(errno);
    expect(ask({ kind: 'remove', name: bytes(name) })).toBe(errno);
    expect(ask({ kind: 'rename', name: bytes(name), to: bytes('new') })).toBe(errno);
    expect(ask({ kind: 'rename', name: bytes('mine'), to: bytes(name) })).toBe(errno);
    // A handle out of a recording, whose file is opened again by its name.
    expect(ask({ kind: 'length', file: file(name, READ, 9) })).toBe(errno);
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
    expect(readdirSync(path).sort()).toEqual(before);
  });
});

test('files in the folder and in those below are opened, by absolute names too', () => {
  const { path, ask, folder } = place();
  expect(ask({ kind: 'open', file: file('sub/new', WRITE) })).toBe(0);
  const written = folder.answer(
    { kind: 'write', file: file('sub/new', WRITE), position: 0, bytes: bytes('text') },
    'real',
  );
  expect(written).toMatchObject({ errno: 0, value: 4 });
  expect(readFileSync(join(path, 'sub/new'), 'utf8')).toBe('text');
  expect(ask({ kind: 'open', file: file(join(path, 'mine'), READ, 2) })).toBe(0);
});

test('what has become a link since it was looked at is not followed', () => {
  const { outside, path, ask } = place();
  linkSync(join(path, 'mine'), join(path, 'hard'));
  expect(ask({ kind: 'open', file: file('hard', READ) })).toBe(0);
  expect(ask({ kind: 'rename', name: bytes('mine'), to: bytes('link') })).toBe(ERRNO.link);
  expect(lstatSync(join(path, 'link')).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret');
});

test('a name that is no text, and one with a zero in it, is none', () => {
  const { ask } = place();
  const odd = (name: Uint8Array) => ask({ kind: 'open', file: { handle: 1, name, mode: WRITE } });
  expect(odd(Uint8Array.of(0xff, 0xfe))).toBe(ERRNO.invalid);
  expect(odd(Uint8Array.of(0x61, 0, 0x62))).toBe(ERRNO.invalid);
});

test('what the command writes is not reached, and what it reads is not written', () => {
  const { path, files, ask } = place();
  files.read(join(path, 'mine'), 'firmware');
  expect(ask({ kind: 'open', file: file('mine', READ) })).toBe(0);
  expect(ask({ kind: 'open', file: file('mine', WRITE) })).toBe(ERRNO.accessDenied);
  expect(ask({ kind: 'remove', name: bytes('mine') })).toBe(ERRNO.accessDenied);
  writeFileSync(join(path, 'other'), '');
  expect(ask({ kind: 'rename', name: bytes('other'), to: bytes('mine') })).toBe(ERRNO.accessDenied);
  const output = files.create(join(path, 'run.bst'), 'recording');
  output.append(bytes('recorded'));
  output.publish();
  for (const mode of [READ, WRITE, APPEND])
    expect(ask({ kind: 'open', file: file('run.bst', mode) })).toBe(ERRNO.accessDenied);
  output.close();
  expect(readFileSync(join(path, 'run.bst'), 'utf8')).toBe('recorded');
  expect(readFileSync(join(path, 'mine'), 'utf8')).toBe('mine');
});

test('a file does not grow beyond a gibibyte, but a longer one may be changed', () => {
  const { path, folder } = place();
  const write = (name: string, position: number) =>
    folder.answer({ kind: 'write', file: file(name, 2), position, bytes: bytes('x') }, 'real').errno;
  expect(write('mine', 2 ** 30)).toBe(ERRNO.tooLarge);
  expect(write('mine', 2 ** 52)).toBe(ERRNO.tooLarge);
  expect(lstatSync(join(path, 'mine')).size).toBe(4);
  writeFileSync(join(path, 'large'), '');
  truncateSync(join(path, 'large'), 2 ** 30 + 10);
  expect(write('large', 2 ** 30 + 9)).toBe(0);
});

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY, 0.5, 2 ** 60])('position %d is none', position => {
  const { path, ask } = place();
  expect(ask({ kind: 'read', file: file('mine', READ), position, length: 9 })).toBe(ERRNO.invalid);
  expect(ask({ kind: 'write', file: file('mine', 2), position, bytes: bytes('x') })).toBe(ERRNO.invalid);
  expect(readFileSync(join(path, 'mine'), 'utf8')).toBe('mine');
});

test('no folder is an error that names it', () => {
  expect(() => new GuestFolder('/nonexistent/folder', new HostFiles())).toThrow(
    'cannot give the guest /nonexistent/folder for semihosting: no such file or folder',
  );
  expect(() => new GuestFolder('package.json', new HostFiles())).toThrow('it is no folder');
});
