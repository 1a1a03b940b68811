import { describe, expect, test } from 'vitest';
import { virtioSlot } from '../../src/boards/virt/memory-map.js';
import { VIRTIO_SLOTS } from '../../src/ports/settings.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import { hasQemu } from './qtest.js';
import { QtestMachine } from './qtest-machine.js';

/** What a driver finds before it does anything: a device for each side, from the highest slot down. */
const DEVICES = [
  'virtio-rng-device',
  'virtio-keyboard-device',
  'virtio-mouse-device',
  'virtio-tablet-device',
];
const OURS = { rng: true, inputs: ['keyboard', 'mouse', 'tablet'] } as const;

const REGISTER = {
  features: 0x10,
  featuresSelect: 0x14,
  queueSelect: 0x30,
  queueMax: 0x34,
  config: 0x100,
} as const;
const IDENTITY = [0x00, 0x08, 0x0c, 0x44, 0x60, 0x70];
const SELECTIONS: readonly (readonly [select: number, subselect: number])[] = [
  [0, 0],
  [1, 0],
  [1, 1],
  [2, 0],
  [3, 0],
  [0x10, 0],
  ...Array.from({ length: 0x20 }, (_, type) => [0x11, type] as const),
  ...Array.from({ length: 10 }, (_, axis) => [0x12, axis] as const),
  [0x7f, 3],
];

interface Side {
  read(address: number, size: 1 | 4): Promise<number>;
  write(address: number, size: 1 | 4, value: number): Promise<void>;
}

async function look(side: Side, slot: number): Promise<Record<string, unknown>> {
  const { base } = virtioSlot(slot);
  const seen: Record<string, unknown> = {};
  for (const offset of IDENTITY) seen[`0x${offset.toString(16)}`] = await side.read(base + offset, 4);
  for (const word of [0, 1]) {
    await side.write(base + REGISTER.featuresSelect, 4, word);
    seen[`features ${word}`] = await side.read(base + REGISTER.features, 4);
  }
  for (const queue of [0, 1, 2, 3]) {
    await side.write(base + REGISTER.queueSelect, 4, queue);
    seen[`queue ${queue}`] = await side.read(base + REGISTER.queueMax, 4);
  }
  const config = base + REGISTER.config;
  for (const [select, subselect] of SELECTIONS) {
    await side.write(config, 1, select);
    await side.write(config + 1, 1, subselect);
    const size = await side.read(config + 2, 1);
    const bytes: number[] = [];
    for (let at = 0; at < Math.min(size, 128); at++) bytes.push(await side.read(config + 8 + at, 1));
    seen[`select ${select}/${subselect}`] = `${size}: ${bytes.join(' ')}`;
  }
  return seen;
}

describe.skipIf(!hasQemu)('what a driver finds is what it finds on QEMU', () => {
  test.each(DEVICES.map((device, index) => ({ device, slot: VIRTIO_SLOTS - 1 - index })))(
    '$device',
    async ({ slot }) => {
      const machine = testMachine('rv64imacsu', { ...OURS, virtio: 'modern' });
      const { bus } = machine.board;
      const ours: Side = {
        read: async (address, size) => {
          bus.readDevice(address, size);
          return bus.low;
        },
        write: async (address, size, value) => {
          bus.writeDevice(address, size, value, 0);
        },
      };
      await using qemu = new QtestMachine([
        ...['-global', 'virtio-mmio.force-legacy=off'],
        ...DEVICES.flatMap(device => ['-device', device]),
      ]);
      const theirs: Side = {
        read: (address, size) => qemu.readRegister(address, size),
        write: (address, size, value) => qemu.writeRegister(address, size, value),
      };
      expect(await look(ours, slot)).toEqual(await look(theirs, slot));
    },
  );
});
