import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { asyncDisks } from '../../src/host/disk/async-disks.js';
import { readDiskImage } from '../../src/host/disk/disk-file.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import type { DiskContents } from '../../src/ports/config.js';

const hasQemuImg = spawnSync('qemu-img', ['--version'], { stdio: 'ignore' }).status === 0;
const MIB = 2 ** 20;

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'backstub-disk-'));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

/** A disk with data at its start, far inside, and in its last sector; zeros else. */
function sample(bytes: number): Uint8Array {
  const disk = new Uint8Array(bytes);
  for (const [start, length] of [
    [0, 5000],
    [3 * MIB + 100, 70_000],
    [bytes - 512, 512],
  ]) {
    for (let i = 0; i < length; i++) disk[start + i] = (i * 31 + (i >> 8) + start) & 0xff;
  }
  return disk;
}

function whole({ sectors, extents }: DiskContents): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  for (const extent of extents) bytes.set(extent.bytes, extent.offset);
  return bytes;
}

const same = (left: Uint8Array, right: Uint8Array) => Buffer.compare(left, right) === 0;

test('a raw image is read whole, its zeros are left out', () => {
  const path = join(folder(), 'disk.img');
  const disk = sample(8 * MIB);
  writeFileSync(path, disk);
  const contents = readDiskImage(new HostFiles(), path, 'disk.img');
  expect(contents.sectors).toBe(16384);
  expect(same(whole(contents), disk)).toBe(true);
  expect(contents.extents.reduce((sum, { bytes }) => sum + bytes.length, 0)).toBeLessThan(MIB);
});

test('a raw image whose last sector is not whole ends in zeros', () => {
  const path = join(folder(), 'disk.img');
  writeFileSync(path, Uint8Array.of(1, 2, 3));
  const contents = readDiskImage(new HostFiles(), path, 'disk.img');
  expect(contents.sectors).toBe(1);
  expect([...whole(contents).subarray(0, 5)]).toEqual([1, 2, 3, 0, 0]);
});

test('a large sparse image costs what it holds', () => {
  const path = join(folder(), 'disk.img');
  writeFileSync(path, 'data');
  truncateSync(path, 2 ** 30);
  const { sectors, extents } = readDiskImage(new HostFiles(), path, 'disk.img');
  expect(sectors).toBe(2 ** 21);
  expect(extents.map(({ offset, bytes }) => [offset, bytes.length])).toEqual([[0, 4096]]);
});

describe.skipIf(!hasQemuImg)('images that qemu-img wrote (skipped without qemu-utils)', () => {
  const convert = (options: readonly string[], bytes = sample(8 * MIB)) => {
    const at = folder();
    const [raw, image] = [join(at, 'disk.img'), join(at, 'disk.qcow2')];
    writeFileSync(raw, bytes);
    const made = spawnSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', ...options, raw, image]);
    if (made.status !== 0) throw new Error(made.stderr.toString());
    return { raw, image, bytes };
  };

  test.each([
    [],
    ['-o', 'compat=0.10'],
    ['-o', 'cluster_size=512'],
    ['-o', 'cluster_size=2M'],
    ['-o', 'preallocation=metadata'],
    ['-c'],
    ['-c', '-o', 'cluster_size=4k'],
  ])('qcow2 with options %j', (...options) => {
    const { image, bytes } = convert(options);
    expect(same(whole(readDiskImage(new HostFiles(), image, 'disk')), bytes)).toBe(true);
  });

  test('extended L2 entries and encryption are refused', () => {
    expect(() => readDiskImage(new HostFiles(), convert(['-o', 'extended_l2=on']).image, 'disk')).toThrow(
      'extended L2',
    );
    const { image } = convert([]);
    const bytes = readFileSync(image);
    bytes.writeUInt32BE(2, 32);
    writeFileSync(image, bytes);
    expect(() => readDiskImage(new HostFiles(), image, 'disk')).toThrow('it is encrypted');
  });

  test('a backing file is refused; a cut file is told of', () => {
    const { raw, image } = convert([]);
    const overlay = `${image}.overlay`;
    spawnSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', raw, '-F', 'raw', overlay]);
    expect(() => readDiskImage(new HostFiles(), overlay, 'disk')).toThrow('needs a backing file');
    truncateSync(image, 300_000);
    expect(() => readDiskImage(new HostFiles(), image, 'disk')).toThrow('truncated');
  });
});

test.each([
  ['missing', undefined, /cannot read disk .*no such file/i],
  ['empty', '', /it has no sectors/],
  ['no qcow2', 'QFI', /it is no qcow2 image/],
])('bad images end in one line: %s', (_name, content, message) => {
  const path = join(folder(), 'disk');
  if (content !== undefined) writeFileSync(path, content);
  const format = content === 'QFI' ? 'qcow2' : undefined;
  expect(() => readDiskImage(new HostFiles(), path, 'disk', format)).toThrow(message);
});

test('a request to a disk is done, and waits for nobody, when its file has gone or a FIFO has its name', async () => {
  const path = join(folder(), 'disk.img');
  writeFileSync(path, sample(4 * MIB));
  const disks = asyncDisks([path]);
  const done = () => new Promise<void>(resolve => disks.start(0, 512, 4096, resolve));
  await done();
  rmSync(path);
  await done();
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  await done();
});
