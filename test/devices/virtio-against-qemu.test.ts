import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { VIRT_IRQ, VIRT_MAP, virtioSlot } from '../../src/boards/virt/memory-map.js';
import { Plic, plicState } from '../../src/devices/plic.js';
import { EmptyVirtioSlot } from '../../src/devices/virtio/empty-slot.js';
import type { VirtioVersion } from '../../src/devices/virtio/mmio-registers.js';
import { VIRTIO_SLOTS } from '../../src/ports/settings.js';
import { hasQemu } from './qtest.js';
import { QtestMachine } from './qtest-machine.js';
import { instantiate } from './rig.js';
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

/** How a driver handles an interrupt: claims it, then this, in this order. */
const HANDLERS = {
  usual: ['acknowledge', 'complete'],
  late: ['complete', 'acknowledge'],
  /** Completes it behind the next request. */
  slow: ['acknowledge'],
  forgetful: ['complete'],
  deaf: [],
} as const;
type Handler = keyof typeof HANDLERS;
const handlers = fc.constantFrom(...(Object.keys(HANDLERS) as Handler[]));

const SOURCE = VIRT_IRQ.virtio + VIRTIO_SLOTS - 1;
const PLIC = { priority: 4 * SOURCE, pending: 0x1000, enable: 0x2000, claim: 0x20_0004 } as const;

/** One device on each side, with its interrupt controller, driven alike. */
class Pair {
  /** The available ring's index. */
  #index = 0;
  readonly #plic = instantiate(
    plicState(1),
    (state, rig) => new Plic(state, [rig.line('M')], 'raise'),
  ).device;
  readonly ours: BlockRig;

  constructor(
    readonly theirs: QtestMachine,
    readonly version: VirtioVersion,
  ) {
    const line = this.#plic.input(SOURCE);
    this.ours = blockRig(version, new Uint8Array(RAM_BYTES), pattern(DISK_BYTES), line);
  }

  async start(eventIndex: boolean): Promise<void> {
    this.#index = 0;
    await this.#writePlic(PLIC.priority, 1);
    await this.#writePlic(PLIC.enable, 1 << SOURCE);
    await this.#store([[0, pattern(RAM_BYTES, 99).fill(0, 0, BUFFERS)]]);
    for (const [register, value] of setUp(this.version, { eventIndex })) await this.#write(register, value);
  }

  /** False when the device wants a reset. */
  async run(round: Round, handler: Handler): Promise<boolean> {
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
    await this.#handle(handler);
    if (broken) return false;
    const memory = await this.theirs.readMemory(RAM_BASE, RAM_BYTES);
    expect(differences(this.ours.memory.bytes, memory)).toEqual([]);
    return true;
  }

  async #handle(handler: Handler): Promise<void> {
    await this.#samePlic(PLIC.pending);
    await this.#samePlic(PLIC.claim);
    for (const act of HANDLERS[handler]) {
      if (act === 'acknowledge') await this.#write(REGISTER.interruptAck, 3);
      else await this.#writePlic(PLIC.claim, SOURCE);
      await this.#samePlic(PLIC.pending);
    }
  }

  async #samePlic(register: number): Promise<void> {
    const name = `plic 0x${register.toString(16)}`;
    const theirs = await this.theirs.readRegister(VIRT_MAP.plic.base + register, 4);
    expect(`${name} = ${this.#plic.read(register, 4)}`).toBe(`${name} = ${theirs}`);
  }

  async #writePlic(register: number, value: number): Promise<void> {
    this.#plic.write(register, 4, value);
    await this.theirs.writeRegister(VIRT_MAP.plic.base + register, 4, value);
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
    const pair = new Pair(theirs, version);
    let broken = 0;
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(fc.tuple(rounds, handlers), { minLength: 1, maxLength: 12 }),
        async (eventIndex, all) => {
          await pair.start(eventIndex);
          for (const [round, handler] of all) {
            if (await pair.run(round, handler)) {
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
