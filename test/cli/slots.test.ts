import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { VIRT_IRQ, virtioSlot } from '../../src/boards/virt/memory-map.js';
import { virtDevices } from '../../src/boards/virt/virt-devices.js';
import { virtTree } from '../../src/boards/virt/virt-tree.js';
import { parseDisk, parseInputs, parseNet, parsePlace, parseSound } from '../../src/cli/values.js';
import { newSettings } from '../../src/ports/config.js';
import { VIRTIO_SLOTS } from '../../src/ports/settings.js';
import { hasQemu } from '../devices/qtest.js';
import { QtestMachine } from '../devices/qtest-machine.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import { backstub, lastLine, scratchFolder } from './backstub.js';

const FIRMWARE = 'fixtures/rv64/devices.elf';
const NEEDED = { xlen: 64, isa: 'rv64imac', entry: 0x8000_0000 } as const;

describe('where a device is to sit is said behind it', () => {
  test('and a comma of a file name is written twice', () => {
    expect(parseDisk('fs.img')).toEqual({ path: 'fs.img' });
    expect(parseDisk('fs.img,slot=0')).toEqual({ path: 'fs.img', slot: 0 });
    expect(parseDisk('fs.img,slot=7,format=raw')).toEqual({ path: 'fs.img', format: 'raw', slot: 7 });
    expect(parseDisk('a,,slot=1,,b,,,slot=2')).toEqual({ path: 'a,slot=1,b,', slot: 2 });
    expect(parseNet('user,slot=3,restrict=on')).toMatchObject({ kind: 'user', restricted: true, slot: 3 });
    expect(parseNet('socket:listen=:99,slot=3')).toMatchObject({ kind: 'listen', port: 99, slot: 3 });
    expect(parseSound('wav:a,,b.wav,in=c.wav,slot=4')).toEqual({
      output: 'a,b.wav',
      input: 'c.wav',
      slot: 4,
    });
    expect(parsePlace('slot=5')).toEqual({ slot: 5 });
    expect(parseInputs('keyboard,slot=3,mouse,tablet,slot=0')).toEqual([
      { kind: 'keyboard', slot: 3 },
      { kind: 'mouse' },
      { kind: 'tablet', slot: 0 },
    ]);
  });

  test.each([
    [
      'd.img,bus=0',
      "Behind a comma stands format= or slot=, not bus=0; a comma of a file's name is written twice.",
    ],
    ['d.img,slot=8', 'A slot of virtio is a number from 0 to 7, not 8.'],
    ['d.img,slot=', 'A slot of virtio is a number from 0 to 7, not .'],
    ['d.img,slot=1,slot=2', 'slot is given twice.'],
    ['d.img,format=iso', 'Allowed: raw, qcow2.'],
    [',slot=1', 'FILE[,format=raw|qcow2][,slot=N] is needed.'],
  ])('%s is refused', (text, message) => {
    expect(() => parseDisk(text)).toThrow(message);
  });
});

/** Device, and the slot it is in. */
const DEVICES = [
  { name: 'virtio-rng-device', bus: 2 },
  { name: 'virtio-keyboard-device', bus: 0 },
  { name: 'virtio-mouse-device', bus: undefined },
] as const;
const OURS = { rng: true, inputs: ['keyboard', 'mouse'], slots: { rng: 2, input0: 0 } } as const;

describe('a machine with slots', () => {
  test.skipIf(!hasQemu())('shows each device where QEMU has it on that bus', async () => {
    const { bus } = testMachine('rv64imac', OURS).board;
    await using qemu = new QtestMachine(
      DEVICES.flatMap(({ name, bus: number }) => [
        '-device',
        number === undefined ? name : `${name},bus=virtio-mmio-bus.${number}`,
      ]),
    );
    const [ours, theirs]: number[][] = [[], []];
    for (let slot = 0; slot < VIRTIO_SLOTS; slot++) {
      const address = virtioSlot(slot).base + 8;
      bus.readDevice(address, 4);
      ours.push(bus.low);
      theirs.push(await qemu.readRegister(address, 4));
    }
    expect(ours).toEqual(theirs);
    expect(ours).toEqual([18, 0, 4, 0, 0, 0, 0, 18]);
  });

  test('has its interrupts there, and the device tree that it has without', () => {
    const config = newSettings({ ...NEEDED, ...OURS });
    const rows = virtDevices(config);
    expect(rows.find(({ name }) => name === 'rng')?.interrupt).toBe(VIRT_IRQ.virtio + 2);
    expect(virtTree(config)).toEqual(virtTree(newSettings(NEEDED)));
  });

  test('is recorded with them, told by info, and verified', async () => {
    const folder = scratchFolder();
    const disk = join(folder, 'a,b.img');
    writeFileSync(disk, new Uint8Array(65_536).fill(0x5a));
    const file = join(folder, 'run.bst');
    const recorded = await backstub(
      ...['record', FIRMWARE, '-o', file, '--serial', 'null', '--cpu', 'rv64gc_zkr'],
      ...['--disk', `${disk.replace(',', ',,')},slot=7`, '--rng=slot=5', '--virtio-console', 'null'],
      ...['--input', 'keyboard,tablet', '--sound', 'null,slot=2'],
    );
    expect(recorded).toMatchObject({ code: 0, stderr: '' });
    expect((await backstub('verify', file)).code).toBe(0);
    expect((await backstub('info', file)).stdout).toMatch(/^slots +disk0 in 7, rng in 5, sound in 2$/m);
  });

  test('takes the word behind --rng for what it is', async () => {
    const ended = await backstub('run', '--rng', 'fixtures/rv64/demo.elf', '--max-icount', '10');
    expect(ended).toMatchObject({ code: 0 });
  });

  test.each([
    [['--rng=slot=1', '--input', 'mouse,slot=1'], 'rng and input0 cannot both stand in slot 1 of virtio'],
    [['--rng=here'], 'slot=N is needed'],
    [['--rng', '--input', Array(8).fill('mouse').join()], '9 virtio devices are wanted'],
  ])('%j is refused in one line', async (args, message) => {
    const ended = await backstub('run', FIRMWARE, ...args);
    expect(ended.code).toBe(2);
    expect(lastLine(ended.stderr)).toContain(message);
  });
});
