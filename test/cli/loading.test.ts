import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findOpenSbi } from '../../src/assembly/opensbi.js';
import { parseLoad } from '../../src/cli/values.js';
import { hasQemu } from '../devices/qtest.js';
import { buildElf } from '../machine/elf-builder.js';
import { runOnQemu } from '../support/qemu.js';
import { backstub, lastLine } from './backstub.js';

const words = (...code: number[]) => new Uint8Array(Uint32Array.from(code).buffer);
/** Prints the byte at 0x80610000, then powers off. */
const CODE = words(
  0x0004_03b7, // lui t2, 0x40
  0x3083_839b, // addiw t2, t2, 0x308
  0x00d3_9393, // slli t2, t2, 13
  0x0003_ce03, // lbu t3, 0(t2)
  0x1000_02b7, // lui t0, 0x10000
  0x01c2_8023, // sb t3, 0(t0)
  0x0010_02b7, // lui t0, 0x100
  0x0000_5337, // lui t1, 5
  0x5553_031b, // addiw t1, t1, 0x555
  0x0062_a023, // sw t1, 0(t0)
  0x0000_006f, // j .
);

let folder: string;
const at = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backstub-loading-'));
  writeFileSync(at('printer.elf'), buildElf({ segments: [{ physical: 0x8000_0000n, bytes: [...CODE] }] }));
  writeFileSync(at('printer.bin'), CODE);
  writeFileSync(at('blob@1.bin'), 'Loaded');
  writeFileSync(at('blob.elf'), buildElf({ segments: [{ physical: 0x8061_0000n, bytes: [0x45] }] }));
  const image = new Uint8Array(64);
  image.set(CODE.subarray(0, 44));
  image.set([0x52, 0x53, 0x43, 5], 56);
  writeFileSync(at('Image'), image);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('files that are loaded', () => {
  test('are told where by what stands behind the last @', () => {
    expect(parseLoad('a@0x80200000')).toEqual({ path: 'a', address: 0x8020_0000 });
    expect(parseLoad('a@b.bin@4096')).toEqual({ path: 'a@b.bin', address: 4096 });
    expect(parseLoad('a@b.elf')).toEqual({ path: 'a@b.elf', address: undefined });
    expect(() => parseLoad('a@0xzz')).toThrow('An address is a number such as 0x80200000, not 0xzz.');
    expect(() => parseLoad('a@')).toThrow('FILE[@ADDRESS] is needed.');
  });

  test('stand in memory, in the recording, and where QEMU puts them', async () => {
    const blob = `${at('blob@1.bin')}@0x80610000`;
    const recorded = await backstub('record', at('printer.elf'), '-o', at('run.bst'), '--load', blob);
    expect(recorded).toMatchObject({ code: 0, stdout: 'L', stderr: '' });
    expect((await backstub('verify', at('run.bst'))).code).toBe(0);
    if (!hasQemu()) return;
    const args = ['-device', `loader,file=${at('blob@1.bin')},addr=0x80610000,force-raw=on`];
    const theirs = await runOnQemu({ xlen: 64, kernel: at('printer.elf'), input: '', args });
    expect(theirs).toMatchObject({ console: 'L', code: 0 });
  });

  test('an ELF file goes where it wants to be, and says so when there is no room', async () => {
    expect((await backstub('run', at('printer.elf'), '--load', at('blob.elf'))).stdout).toBe('E');
    const high = await backstub('run', at('printer.elf'), '--load', `${at('blob@1.bin')}@0x90000000`);
    expect(high.code).toBe(2);
    expect(lastLine(high.stderr)).toContain('is outside RAM, 0x80000000 to 0x88000000: give --memory');
    const over = await backstub('run', at('printer.elf'), '--load', `${at('blob@1.bin')}@0x80000004`);
    expect(lastLine(over.stderr)).toContain('overlap in memory');
    const raw = await backstub('run', at('printer.elf'), '--load', at('printer.bin'));
    expect(lastLine(raw.stderr)).toContain(
      'printer.bin is no ELF file, so it has to be told where to go: FILE@ADDRESS',
    );
  });
});

describe('what is not an ELF program', () => {
  test('says that it is run as it is', async () => {
    const ran = await backstub('run', at('printer.bin'), '--load', `${at('blob@1.bin')}@0x80610000`);
    expect(ran).toMatchObject({
      code: 0,
      stdout: 'L',
      stderr: 'backstub: printer.bin is no ELF file: raw image at 0x80000000\n',
    });
  });

  test('and is a Linux kernel needs firmware, or somebody who knows that it does not', async () => {
    const refused = await backstub('run', at('Image'));
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toBe(
      'backstub: error: Image is a Linux kernel, which needs firmware below it: give --bios default, or none for one that is made for machine mode\n',
    );
    expect((await backstub('run', at('Image'), '--bios', 'none')).code).toBe(0);
  });

  test.skipIf(!hasQemu())('runs on the OpenSBI that is installed, which is named', async () => {
    const ran = await backstub('run', at('Image'), '--bios', 'default', '--max-icount', '1000');
    expect(ran.stderr).toContain(`backstub: firmware: ${findOpenSbi(64)}\n`);
  });
});

test.each([
  ['256', '256 bytes are less than 4096: 256M?'],
  ['4G', 'It must be at most 3G: a machine lives in one WebAssembly memory of 4 GiB'],
])('--memory %s is refused with what was meant, or why', async (size, message) => {
  const ended = await backstub('run', at('printer.elf'), '--memory', size);
  expect(ended.code).toBe(2);
  expect(lastLine(ended.stderr)).toContain(message);
});

test('sixteen harts run, each in its turn, and a recording of them agrees', async () => {
  const options = ['--smp', '16', '--load', `${at('blob@1.bin')}@0x80610000`, '-o', at('many.bst')];
  expect(await backstub('record', at('printer.elf'), ...options)).toMatchObject({ code: 0 });
  expect((await backstub('verify', at('many.bst'))).code).toBe(0);
  expect((await backstub('info', at('many.bst'))).stdout).toContain('16 harts');
});
