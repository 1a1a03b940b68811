import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EmptyVirtioSlot } from '../../src/devices/virtio/empty-slot.js';
import type { VirtioVersion } from '../../src/devices/virtio/mmio-registers.js';
import { VIRTIO_SLOTS, virtioSlot } from '../../src/machine/memory-map.js';
import { hasQemu } from './qtest.js';
import { QtestMachine } from './qtest-machine.js';
import { type BlockRig, blockRig, pattern, RAM_BASE } from './virtio-rig.js';
import {
  BUFFERS,
  DISK_BYTES,
  memoryOf,
  RAM_BYTES,
  REGISTER,
  type Round,
  rounds,
  setUp,
  USED_INDEX,
} from './virtio-rounds.js';

const SLOT = virtioSlot(VIRTIO_SLOTS - 1).base;
/** For QEMU to complete a request that our device has completed. */
const PATIENCE_MS = 1000;
const MS = 1e6;

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backstub-virtio-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function qemu(version: VirtioVersion, bytes: Uint8Array): QtestMachine {
  const image = join(folder, `disk-${version}.img`);
  writeFileSync(image, bytes);
  return new QtestMachine([
    ...['-global', `virtio-mmio.force-legacy=${version === 'legacy' ? 'on' : 'off'}`],
    ...['-drive', `file=${image},format=raw,if=none,id=disk,snapshot=on`],
    ...['-device', 'virtio-blk-device,drive=disk'],
  ]);
}

/** The first bytes that differ, as `offset: ours, theirs`. */
function differences(ours: Uint8Array, theirs: Uint8Array): string[] {
  const found: string[] = [];
  for (let at = 0; at < ours.length && found.length < 8; at++) {
    if (ours[at] !== theirs[at]) found.push(`0x${at.toString(16)}: ${ours[at]}, ${theirs[at]}`);
  }
  return found;
}

/** One device on each side, driven alike. */
class Pair {
  /** The available ring's index. */
  #index = 0;

  constructor(
    readonly ours: BlockRig,
    readonly theirs: QtestMachine,
    readonly version: VirtioVersion,
  ) {}

  async start(eventIndex: boolean): Promise<void> {
    this.#index = 0;
    await this.#store([[0, pattern(RAM_BYTES, 99).fill(0, 0, BUFFERS)]]);
    for (const [register, value] of setUp(this.version, { eventIndex })) await this.#write(register, value);
  }

  /** False when the device wants a reset. */
  async run(round: Round): Promise<boolean> {
    await this.#store(memoryOf(round, this.#index));
    this.#index = (this.#index + round.advance) & 0xffff;
    await this.#write(REGISTER.notify, 0);
    this.ours.rig.advance(100 * MS, this.ours.device);
    const used = this.ours.memory.bytes[USED_INDEX];
    const begin = performance.now();
    for (;;) {
      const [low] = await this.theirs.readMemory(RAM_BASE + USED_INDEX, 1);
      if (low === used || performance.now() - begin > PATIENCE_MS) break;
    }
    const broken = this.ours.device.state.broken !== 0;
    for (const register of [REGISTER.interruptStatus, REGISTER.status, REGISTER.generation]) {
      const name = `register 0x${register.toString(16)}`;
      const theirs = await this.theirs.readRegister(SLOT + register, 4);
      expect(`${name} = ${this.ours.device.read(register, 4)}`).toBe(`${name} = ${theirs}`);
    }
    if (broken) return false;
    const memory = await this.theirs.readMemory(RAM_BASE, RAM_BYTES);
    expect(differences(this.ours.memory.bytes, memory)).toEqual([]);
    await this.#write(REGISTER.interruptAck, 3);
    return true;
  }

  async #store(parts: readonly (readonly [number, Uint8Array])[]): Promise<void> {
    for (const [offset, bytes] of parts) {
      this.ours.memory.bytes.set(bytes, offset);
      await this.theirs.writeMemory(RAM_BASE + offset, bytes);
    }
  }

  async #write(register: number, value: number): Promise<void> {
    this.ours.device.write(register, 4, value >>> 0);
    await this.theirs.writeRegister(SLOT + register, 4, value >>> 0);
  }
}

describe.skipIf(!hasQemu()).each(['legacy', 'modern'] as const)('a virtio disk beside QEMU, %s', version => {
  test('registers and configuration, with and without a device', async () => {
    const ours = blockRig(version, new Uint8Array(RAM_BYTES), pattern(DISK_BYTES)).device;
    const empty = new EmptyVirtioSlot(version);
    await using theirs = qemu(version, pattern(DISK_BYTES));
    for (const select of [0, 1]) {
      await theirs.writeRegister(SLOT + REGISTER.deviceFeaturesSelect, 4, select);
      ours.write(REGISTER.deviceFeaturesSelect, 4, select);
      for (let offset = 0; offset < 0x200; offset += 4) {
        const name = `0x${offset.toString(16)} = `;
        expect(name + ours.read(offset, 4)).toBe(name + (await theirs.readRegister(SLOT + offset, 4)));
        const other = await theirs.readRegister(SLOT - 0x1000 + offset, 4);
        expect(name + empty.read(offset)).toBe(name + other);
      }
    }
    for (const size of [1, 2] as const) {
      for (let offset = 0x100; offset < 0x148; offset += size) {
        const name = `0x${offset.toString(16)} = `;
        expect(name + ours.read(offset, size)).toBe(name + (await theirs.readRegister(SLOT + offset, size)));
      }
    }
  });

  test('requests of all kinds and broken ones: the same memory, status and interrupts', async () => {
    await using theirs = qemu(version, pattern(DISK_BYTES));
    const pair = new Pair(blockRig(version, new Uint8Array(RAM_BYTES), pattern(DISK_BYTES)), theirs, version);
    let broken = 0;
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(rounds, { minLength: 1, maxLength: 12 }),
        async (eventIndex, all) => {
          await pair.start(eventIndex);
          for (const round of all) {
            if (await pair.run(round)) {
              served++;
            } else {
              broken++;
              await pair.start(eventIndex);
            }
          }
        },
      ),
      { numRuns: process.env.BACKSTUB_FULL === undefined ? 12 : 200, endOnFailure: true },
    );
    expect(served).toBeGreaterThan(20);
    expect(broken).toBeGreaterThan(5);
  });
});
