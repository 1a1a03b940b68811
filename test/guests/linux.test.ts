import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readDiskImage } from '../../src/host/disk/disk-file.js';
import { HostFiles } from '../../src/host/files/host-files.js';
import {
  bootGuest,
  consoleOnQemu,
  firmwareMissing,
  hasQemu,
  linuxKernel,
  OPENSBI,
} from '../support/guests.js';
import { type BootOptions, MemoryFile, replay } from '../support/sessions.js';

const MOST_STEPS = 2_000_000_000;
/** What init prints when every phase did what it does on hardware. */
const CHECKSUM = 'guest: CHECKSUM 6db9f426d33936c2 failures=0';

const up = linuxKernel('up');
const smp = linuxKernel('smp');
const hasMke2fs = spawnSync('mke2fs', ['-V'], { stdio: 'ignore' }).status === 0;
const missing =
  firmwareMissing ??
  (up === undefined ? 'no kernel: npm run test:full builds it, or set BACKSTUB_LINUX' : undefined);

function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-linux-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Boots, records, runs to power-off. */
async function run(
  image: string,
  options: BootOptions,
  answers: readonly (readonly [string, string])[] = [],
) {
  const live = bootGuest(image, OPENSBI.dynamic, options);
  const file = new MemoryFile();
  live.session.record(file);
  for (const [prompt, reply] of answers) live.console.answer(prompt, reply);
  const end = await live.session.runToEnd({ maxIcount: MOST_STEPS });
  live.session.close();
  return { end, text: live.console.text, recording: file.read() };
}

/** A root file system with the kernel's own init on it. */
function rootImage(kernelFolder: string, path: string): void {
  const root = scratchFolder();
  for (const name of ['dev', 'proc', 'sys', 'tmp', 'sbin']) mkdirSync(join(root, name));
  copyFileSync(join(kernelFolder, 'init'), join(root, 'sbin/init'));
  writeFileSync(path, '');
  const commands = join(root, 'sbin/commands');
  writeFileSync(commands, 'cd dev\nmknod console c 5 1\n');
  for (const [program, ...args] of [
    ['mke2fs', '-q', '-t', 'ext2', '-d', root, path, '8M'],
    ['debugfs', '-w', '-f', commands, path],
  ]) {
    const made = spawnSync(program, args);
    if (made.status !== 0) throw new Error(made.stderr.toString());
  }
}

/** An archive (cpio, newc) with one folder: where this kernel, whose initramfs has none, mounts its root. */
function folderArchive(folder: string): Uint8Array {
  const entry = (name: string, mode: number) => {
    const fields = [1, mode, 0, 0, 2, 0, 0, 0, 0, 0, 0, name.length + 1, 0];
    const text = `070701${fields.map(field => field.toString(16).padStart(8, '0')).join('')}${name}\0`;
    return text.padEnd(Math.ceil(text.length / 4) * 4, '\0');
  };
  return new TextEncoder().encode(entry(folder, 0o40755) + entry('TRAILER!!!', 0));
}

describe.skipIf(missing !== undefined)(`OpenSBI and Linux on one hart (${missing ?? 'built'})`, () => {
  const image = up?.image ?? '';

  test('to the last line of init and power-off; the recording verifies', async () => {
    const { end, text, recording } = await run(image, { config: { append: 'console=ttyS0 work=1' } });
    expect(text).toContain('riscv: base ISA extensions acdfim');
    expect(text).toContain(CHECKSUM);
    expect(text).toContain('guest: done');
    expect(end).toEqual({ kind: 'power-off', code: 0 });
    const verified = await replay(recording).session.verify();
    expect(verified.icount).toBe(recording.end.icount);
    expect(verified.checkpoints).toBeGreaterThan(1);
  });

  test.skipIf(!hasQemu)('the console shows what it shows on QEMU with the same device tree', async () => {
    const append = 'console=ttyS0 earlycon=sbi work=1';
    const { text, recording } = await run(image, { config: { append } });
    const tree = join(scratchFolder(), 'virt.dtb');
    writeFileSync(tree, recording.header.images.find(({ name }) => name === 'device tree')?.bytes ?? '');
    const args = ['-bios', OPENSBI.dynamic, '-kernel', image, '-append', append, '-dtb', tree];
    const theirs = await consoleOnQemu(args, [], 50_000);
    // Times and counts of interrupts are the host's on QEMU; its harts have Sv57 besides, and its version as theirs. It
    // leaves more room behind the tree.
    const stable = (output: string) =>
      output
        .replaceAll('\r', '')
        .replaceAll(/^\[ *\d+\.\d+\] /gm, '')
        .replaceAll(/^guest: (\/proc\/interrupts|uptime).*\n/gm, '')
        .replaceAll(/sv(48|57)/g, 'sv')
        .replaceAll(/(marchid|mimpid)\t\t: 0x[0-9a-f]+/g, '$1')
        .replaceAll(/(Memory: |MemTotal: +|, )\d+K? ?k?B?(\/| reserved|\n)/g, '$1K$2')
        .split('\n');
    expect(stable(text)).toEqual(stable(theirs));
  });

  test('typing at its shell; a reboot starts all over, with time going on', async () => {
    const { end, text, recording } = await run(image, { config: { append: 'console=ttyS0 mode=shell' } }, [
      ['guest> ', 'echo typed by a test\n'],
      ['guest> ', 'int\n'],
      ['guest> ', 'reboot\n'],
      ['guest> ', 'sum after the reboot\n'],
      ['guest> ', 'poweroff\n'],
    ]);
    expect(text).toContain('\ntyped by a test\r\n');
    expect(text.match(/OpenSBI v/g)).toHaveLength(2);
    expect(text.split(CHECKSUM)).toHaveLength(3);
    expect(end).toEqual({ kind: 'power-off', code: 0 });
    expect([...recording.events].map(({ event }) => event.kind)).toContain('console');
    const verified = await replay(recording).session.verify();
    expect(verified.icount).toBe(recording.end.icount);
  });

  test.skipIf(!hasMke2fs).each(['legacy', 'modern'] as const)(
    'its root on a virtio disk, %s interface: the image stays as it was, the recording needs it no more',
    async virtio => {
      const path = join(scratchFolder(), 'root.img');
      rootImage(dirname(image), path);
      const before = readFileSync(path);
      const { end, text, recording } = await run(image, {
        config: { append: 'console=ttyS0 root=/dev/vda rw rdinit=/none init=/sbin/init work=1', virtio },
        initrd: { name: 'root.cpio', bytes: folderArchive('root') },
        disks: [readDiskImage(new HostFiles(), path, 'root.img')],
      });
      expect(text).toContain('VFS: Mounted root (ext2 filesystem)');
      expect(text).toContain(CHECKSUM);
      expect(end).toEqual({ kind: 'power-off', code: 0 });
      expect(readFileSync(path).equals(before)).toBe(true);
      rmSync(path);
      const verified = await replay(recording).session.verify();
      expect(verified.icount).toBe(recording.end.icount);
    },
  );

  test('the other harts of a machine stay in OpenSBI', async () => {
    const { end, text } = await run(image, { config: { append: 'console=ttyS0 work=1', harts: 3 } });
    expect(text).toContain('Platform HART Count       : 3');
    expect(text).toContain(CHECKSUM);
    expect(end).toEqual({ kind: 'power-off', code: 0 });
  });
});

const smpMissing =
  firmwareMissing ??
  (smp === undefined ? 'no kernel: npm run test:full builds it, or set BACKSTUB_LINUX_SMP' : undefined);

describe.skipIf(smpMissing !== undefined)(`OpenSBI and Linux with SMP (${smpMissing ?? 'built'})`, () => {
  test.each([1, 4])('%i harts: to power-off; the recording verifies', async harts => {
    const { end, text, recording } = await run(smp?.image ?? '', {
      config: { append: 'console=ttyS0 work=1', harts },
    });
    expect(text).toContain(`smp: Brought up 1 node, ${harts} CPU${harts === 1 ? '' : 's'}`);
    expect(text).toContain(CHECKSUM);
    expect(end).toEqual({ kind: 'power-off', code: 0 });
    const verified = await replay(recording).session.verify();
    expect(verified.icount).toBe(recording.end.icount);
  });
});
