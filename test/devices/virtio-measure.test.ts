/**
 * Requests to virtio devices that would take the host's memory or time without measure, and a ring that shrinks under
 * one: refused, cut short, or the device gives up. The machine never throws.
 */
import { expect, test } from 'vitest';
import { RAM_BASE, virtioSlot } from '../../src/boards/virt/memory-map.js';
import type { Machine } from '../../src/machine/machine.js';
import type { MachineConfig } from '../../src/ports/config.js';
import { VIRTIO_SLOTS } from '../../src/ports/settings.js';
import { testMachine } from '../lockstep/emulator-hart.js';

const RAM_BYTES = 4 << 20;
const RING = RAM_BASE + 0x10_0000;
const WHOLE = RAM_BYTES;
const TABLE = RING;
const AVAILABLE = RING + 0x4000;
const USED = RING + 0x5000;
const REQUEST = RING + 0x8000;
const STATUS = { needsReset: 64 };

interface Descriptor {
  readonly at: number;
  readonly length: number;
  readonly write?: true;
}
const all = (count: number, write?: true): Descriptor[] =>
  Array.from({ length: count }, () => ({ at: RAM_BASE, length: WHOLE, ...(write && { write }) }));

const EVERYTHING: Partial<MachineConfig> = {
  virtio: 'modern',
  disks: [2 ** 21],
  sound: 'duplex',
  rng: true,
  virtioConsole: true,
};

/** A driver of one device, by its number in virtio 1.2, chapter 5. */
class Driver {
  readonly machine: Machine;
  readonly base: number;
  #requests = 0;

  constructor(device: number, changes: Partial<MachineConfig> = {}) {
    this.machine = testMachine('rv64imacsu', { ...EVERYTHING, ...changes }, { jit: false });
    const { bus } = this.machine.board;
    const slots = Array.from({ length: VIRTIO_SLOTS }, (_, slot) => virtioSlot(slot).base);
    this.base = slots.find(base => bus.readDevice(base + 8, 4) && bus.low === device)!;
  }

  put(register: number, value: number): void {
    this.machine.board.bus.writeDevice(this.base + register, 4, value, 0);
  }

  start(queue: number, size: number): void {
    for (const [register, value] of [
      ...[
        [0x70, 0],
        [0x70, 3],
        [0x24, 1],
        [0x20, 1],
        [0x70, 11],
      ],
      ...[
        [0x30, queue],
        [0x38, size],
        [0x80, TABLE],
        [0x90, AVAILABLE],
        [0xa0, USED],
        [0x44, 1],
        [0x70, 15],
      ],
    ]) {
      this.put(register, value);
    }
  }

  words(address: number, ...values: number[]): void {
    const { memory, bus } = this.machine.board;
    memory.u32.set(values, bus.hostAddress(address, 4 * values.length, true) >> 2);
  }

  request(queue: number, chain: readonly Descriptor[]): void {
    this.offer(queue, chain);
    this.pass();
  }

  /** Puts one request, whose first descriptor has this number, and lets no time pass. */
  offer(queue: number, chain: readonly Descriptor[], first = 0): void {
    chain.forEach(({ at, length, write }, i) => {
      const more = i + 1 < chain.length;
      const flags = (more ? 1 : 0) | (write ? 2 : 0);
      this.words(TABLE + 16 * (first + i), at, 0, length, flags | ((more ? first + i + 1 : 0) << 16));
    });
    this.words(AVAILABLE, ++this.#requests << 16, first * 0x1_0001);
    this.put(0x50, queue);
  }

  pass(): void {
    for (let i = 0; i < 4; i++) {
      this.machine.run(this.machine.icount + 10, { idle: 'return' });
      this.machine.skipIdle();
    }
  }

  get gaveUp(): boolean {
    const { bus } = this.machine.board;
    bus.readDevice(this.base + 0x70, 4);
    return (bus.low & STATUS.needsReset) !== 0;
  }

  get used(): number {
    const { memory, bus } = this.machine.board;
    return memory.u32[bus.hostAddress(USED, 4, false) >> 2] >>> 16;
  }

  wordAt(address: number): number {
    const { memory, bus } = this.machine.board;
    return memory.u32[bus.hostAddress(address, 4, false) >> 2];
  }
}

const SOUND = 25;
const command = (driver: Driver, ...words: number[]) => {
  driver.words(REQUEST, ...words);
  driver.request(0, [
    { at: REQUEST, length: 4 * words.length },
    { at: REQUEST + 0x100, length: 64, write: true },
  ]);
};
const running = (stream: number): Driver => {
  const driver = new Driver(SOUND);
  driver.start(0, 32);
  command(driver, 0x101, stream, 4096, 1024, 0, 2 | (5 << 8) | (7 << 16));
  expect(driver.wordAt(REQUEST + 0x100)).toBe(0x8000);
  command(driver, 0x102, stream);
  command(driver, 0x104, stream);
  return driver;
};
/** The other queue of a device that has been started. */
const also = (driver: Driver, queue: number) => {
  for (const [register, value] of [
    [0x30, queue],
    [0x38, 64],
    [0x80, TABLE],
    [0x90, AVAILABLE],
    [0xa0, USED],
    [0x44, 1],
  ])
    driver.put(register, value);
};

test('sound: items of information of 4 GiB each are a bad message', () => {
  const driver = new Driver(SOUND);
  driver.start(0, 32);
  command(driver, 0x100, 0, 2, 0xffff_ffff);
  expect([driver.wordAt(REQUEST + 0x100), driver.used, driver.gaveUp]).toEqual([0x8001, 1, false]);
});

test('sound: a command with gigabytes behind it is answered by its beginning', () => {
  const driver = new Driver(SOUND);
  driver.start(0, 1024);
  driver.words(RAM_BASE, 0xffff_ffff);
  driver.request(0, [...all(1000), { at: REQUEST + 0x100, length: 64, write: true }]);
  expect([driver.wordAt(REQUEST + 0x100), driver.gaveUp]).toEqual([0x8002, false]);
});

test.each([
  ['played', 0, 2, all(16)],
  ['filled', 1, 3, all(16, true)],
] as const)('sound: a buffer of 64 MiB is not %s', (_, stream, queue, chain) => {
  const driver = running(stream);
  also(driver, queue);
  driver.request(queue, chain);
  expect(driver.gaveUp).toBe(true);
});

test('entropy: a request for gigabytes is given 64 KiB', () => {
  const driver = new Driver(4);
  driver.start(0, 1024);
  driver.request(0, [{ at: RAM_BASE + 0x20_0000, length: 0x10_0000, write: true }]);
  expect([driver.used, driver.wordAt(USED + 8), driver.gaveUp]).toEqual([1, 2 ** 16, false]);
});

test('console: output of gigabytes in one request is refused', () => {
  const driver = new Driver(3);
  driver.start(1, 1024);
  driver.request(1, all(1000));
  expect(driver.gaveUp).toBe(true);
});

test('any: a chain of more than 2^32 bytes is refused', () => {
  const ramBytes = 2 * RAM_BYTES;
  for (const [count, refused] of [
    [511, false],
    [512, true],
  ] as const) {
    const driver = new Driver(2, { ramBytes });
    driver.start(0, 1024);
    driver.words(REQUEST, 1, 0, 0, 0);
    const data = Array.from({ length: count }, () => ({ at: RAM_BASE, length: ramBytes }));
    const end: Descriptor = { at: REQUEST + 0x100, length: 1, write: true };
    driver.request(0, [{ at: REQUEST, length: 16 }, ...data, end]);
    expect([count, driver.gaveUp, driver.used]).toEqual([count, refused, refused ? 0 : 1]);
  }
});

test('sound: a ring that shrinks below the buffer under way breaks the device', () => {
  const driver = running(0);
  also(driver, 2);
  const chain: Descriptor[] = [
    { at: REQUEST, length: 0x1000 },
    { at: REQUEST + 0x2000, length: 8, write: true },
  ];
  driver.words(AVAILABLE + 4, 40 * 0x1_0001);
  driver.offer(2, chain, 40);
  for (const [register, value] of [
    [0x30, 2],
    [0x38, 8],
    [0x44, 1],
  ])
    driver.put(register, value);
  // Where the table would have ended, memory does.
  driver.put(0x80, RAM_BASE + RAM_BYTES - 128);
  driver.put(0x44, 1);
  for (let i = 0; i < 50; i++) driver.pass();
  expect(driver.gaveUp).toBe(true);
});
