import { describe, expect, test } from 'vitest';
import { bootRom, treeAddress } from '../../src/boards/virt/boot-rom.js';
import { RAM_BASE, VIRT_MAP } from '../../src/boards/virt/memory-map.js';
import { QemuMachine, qemuAvailable } from '../support/qemu.js';

const unavailable = qemuAvailable();
const MIB = 2 ** 20;

describe.skipIf(unavailable)(`the boot ROM is QEMU's (${unavailable ?? 'compared'})`, () => {
  test.each([
    [64, 16],
    [64, 128],
    [64, 3072],
    [32, 128],
    [32, 33],
  ] as const)('RV%i with %i MiB', async (xlen, mib) => {
    await using qemu = await QemuMachine.start({ xlen, args: ['-m', `${mib}M`] });
    const ours = bootRom({
      xlen,
      entry: RAM_BASE,
      treeAddress: treeAddress(mib * MIB, 5000),
      nextAddress: 0,
    });
    const theirs = await qemu.client.request(
      `m${VIRT_MAP.bootRom.base.toString(16)},${ours.length.toString(16)}`,
    );
    expect(Buffer.from(ours).toString('hex')).toBe(theirs);
  });
});

describe('the boot ROM', () => {
  const words = (bytes: Uint8Array) =>
    Array.from({ length: bytes.length / 4 }, (_, i) => new DataView(bytes.buffer).getUint32(i * 4, true));

  test('names the next stage to fw_dynamic firmware', () => {
    const rom = { entry: RAM_BASE, treeAddress: 0x8700_0000, nextAddress: 0x8020_0000 };
    expect(words(bootRom({ ...rom, xlen: 64 })).slice(10)).toEqual([
      0x4942_534f, 0, 2, 0, 0x8020_0000, 0, 1, 0, 0, 0, 0, 0,
    ]);
    expect(words(bootRom({ ...rom, xlen: 32 })).slice(10)).toEqual([0x4942_534f, 2, 0x8020_0000, 1, 0, 0]);
  });

  test('jumps to an entry elsewhere', () => {
    const rom = bootRom({ xlen: 64, entry: 0x1_8000_1000, treeAddress: 0x8700_0000, nextAddress: 0 });
    expect(words(rom).slice(6, 8)).toEqual([0x8000_1000, 1]);
  });

  test('small RAM has the tree in its last pages', () => {
    expect(treeAddress(64 * 1024, 2000)).toBe(RAM_BASE + 60 * 1024);
    expect(treeAddress(2 * MIB, 5000)).toBe(RAM_BASE + 2 * MIB - 8192);
    expect(treeAddress(4 * MIB, 5000)).toBe(RAM_BASE + 2 * MIB);
  });
});
