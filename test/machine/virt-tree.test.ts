import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cells, node, strings, writeDeviceTree } from '../../src/boards/device-tree.js';
import { type VirtTreeOptions, virtTree } from '../../src/boards/virt/virt-tree.js';
import { MACHINE_REVISION } from '../../src/ports/revisions.js';

const has = (command: string) => spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0;
const missing = ['qemu-system-riscv64', 'qemu-system-riscv32', 'dtc'].filter(command => !has(command));

/** Nodes of QEMU's board that ours does not have. */
const NOT_HERE = /^\t*(pmu|fw-cfg@|flash@|platform-bus@|pci@)\S* \{$/;

function decompile(blob: Uint8Array): string[] {
  const { status, stdout, stderr } = spawnSync('dtc', ['-q', '-s', '-I', 'dtb', '-O', 'dts'], {
    input: blob,
  });
  if (status !== 0) throw new Error(stderr.toString());
  return stdout.toString().split('\n');
}

/** The tree's source without the nodes named above; the seed is random in QEMU. */
function comparable(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let until: string | undefined;
  for (const line of lines) {
    if (until !== undefined) {
      if (line === until) until = undefined;
      continue;
    }
    if (NOT_HERE.test(line)) until = `${/^\t*/.exec(line)?.[0]}};`;
    else if (line !== '') kept.push(line.replace(/rng-seed = .*/, 'rng-seed'));
  }
  return kept;
}

const options: VirtTreeOptions = {
  board: 'virt',
  machineRevision: MACHINE_REVISION,
  xlen: 64,
  isa: 'rv64imac_zicsr_zifencei',
  harts: 1,
  ramBytes: 128 * 2 ** 20,
  icountShift: 0,
  quantum: 1000,
  append: '',
  entropySeed: 1,
  rtcSeconds: 0,
  virtio: 'legacy',
  disks: [],
  network: false,
};

describe.skipIf(missing.length > 0)(
  `the tree is QEMU's (skipped without qemu-system-misc and device-tree-compiler${missing.map(m => `; no ${m}`)})`,
  () => {
    let folder = '';
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'backstub-tree-'));
    });
    afterAll(() => rmSync(folder, { recursive: true }));

    function qemuTree(xlen: 32 | 64, args: readonly string[], board = 'virt'): string[] {
      const file = join(folder, 'virt.dtb');
      const run = spawnSync(`qemu-system-riscv${xlen}`, [
        '-M',
        `${board},dumpdtb=${file}`,
        '-display',
        'none',
        '-bios',
        'none',
        ...args,
      ]);
      if (run.status !== 0) throw new Error(run.stderr.toString());
      return decompile(readFileSync(file));
    }

    test.each([
      [64, 1, '128M', 128 * 2 ** 20],
      [64, 4, '3G', 3 * 2 ** 30],
      [64, 2, '6G', 6 * 2 ** 30],
      [64, 16, '128M', 128 * 2 ** 20],
      [32, 2, '16M', 16 * 2 ** 20],
    ] as const)('RV%i, %i harts, %s of RAM', (xlen, harts, memory, ramBytes) => {
      // The extensions of our default.
      const cpu = `rv${xlen},h=off,zbc=off,sstc=off,Zihintpause=off`;
      const theirs = comparable(qemuTree(xlen, ['-cpu', cpu, '-smp', `${harts}`, '-m', memory]));
      const isa = /riscv,isa = "(.*)"/.exec(theirs.join('\n'))?.[1] ?? '';
      expect(isa).toMatch(new RegExp(`^rv${xlen}ima`));
      const ours = virtTree({ ...options, harts, ramBytes, isa: isa.replace('_', 'su_') });
      expect(comparable(decompile(writeDeviceTree(ours)))).toEqual(theirs);
    });

    test('an ACLINT', () => {
      const args = ['-cpu', 'rv64,h=off,zbc=off,sstc=off,Zihintpause=off', '-smp', '2'];
      const theirs = comparable(qemuTree(64, args, 'virt,aclint=on'));
      const isa = /riscv,isa = "(.*)"/.exec(theirs.join('\n'))?.[1] ?? '';
      const ours = virtTree({ ...options, harts: 2, isa: isa.replace('_', 'su_'), aclint: true });
      expect(comparable(decompile(writeDeviceTree(ours)))).toEqual(theirs);
    });

    test('a command line for the kernel', () => {
      const kernel = join(folder, 'virt.dtb');
      qemuTree(64, []);
      const theirs = qemuTree(64, ['-kernel', kernel, '-append', 'console=ttyS0 quiet']);
      const ours = decompile(writeDeviceTree(virtTree({ ...options, append: 'console=ttyS0 quiet' })));
      const bootargs = (lines: readonly string[]) => lines.filter(line => line.includes('bootargs'));
      expect(bootargs(ours)).toEqual(bootargs(theirs));
      expect(bootargs(ours)).toHaveLength(1);
    });

    test('harts without an MMU name no mmu-type', () => {
      const source = decompile(writeDeviceTree(virtTree(options))).join('\n');
      expect(source).not.toContain('mmu-type');
      expect(source).toContain('riscv,isa = "rv64imac_zicsr_zifencei"');
    });
  },
);

describe('the random seed of the tree', () => {
  const seedOf = (entropySeed: number) => {
    const chosen = virtTree({ ...options, entropySeed }).children.find(child => child.name === 'chosen');
    const value = chosen?.properties['rng-seed'];
    if (value === undefined || value === true || !('bytes' in value)) throw new Error('no rng-seed');
    return Buffer.from(value.bytes).toString('hex');
  };

  test('is a function of the machine’s seed', () => {
    expect(seedOf(1)).toMatch(/^[0-9a-f]{64}$/);
    expect(seedOf(1)).toBe(seedOf(1));
    const seeds = [0, 1, 2, 0xffff_ffff, 2 ** 32 + 1].map(seedOf);
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});

describe('a blob', () => {
  test('is laid out as the specification says', () => {
    const blob = writeDeviceTree(
      node('', { a: cells(1, 0xffff_ffff), bc: strings('x') }, [node('n', { a: true })]),
    );
    const hex = Buffer.from(blob).toString('hex');
    const header =
      'd00dfeed 00000089 00000038 00000084 00000028 00000011 00000010 00000000 00000005 0000004c';
    const root =
      '00000001 00000000 00000003 00000008 00000000 00000001 ffffffff 00000003 00000002 00000002 78000000';
    const child = '00000001 6e000000 00000003 00000000 00000000 00000002';
    const names = '61 00 62 63 00';
    expect(hex).toBe(
      `${header}${'0'.repeat(32)}${root}${child}00000002 00000009${names}`.replaceAll(' ', ''),
    );
  });
});
