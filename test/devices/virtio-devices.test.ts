/** Console, input, entropy and sound devices as a driver sees them: what they say of themselves, and what they do. */
import { describe, expect, test } from 'vitest';
import { virtioSlot } from '../../src/boards/virt/memory-map.js';
import { VIRTIO_BLOCK_STATE, VirtioBlock } from '../../src/devices/virtio/block.js';
import { VIRTIO_CONSOLE_STATE, VirtioConsole } from '../../src/devices/virtio/console.js';
import { EmptyVirtioSlot } from '../../src/devices/virtio/empty-slot.js';
import { VIRTIO_INPUT_STATE, VirtioInput } from '../../src/devices/virtio/input.js';
import type { VirtioFunction, VirtioMmio } from '../../src/devices/virtio/mmio-transport.js';
import { VIRTIO_RNG_STATE, VirtioRng } from '../../src/devices/virtio/rng.js';
import { VIRTIO_SOUND_STATE, VirtioSound } from '../../src/devices/virtio/sound.js';
import type { InputDeviceKind } from '../../src/ports/config.js';
import type { SoundFormat } from '../../src/ports/device.js';
import type { Bound, Fields, Layout } from '../../src/state/layout.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import { instantiate, type Rig } from './rig.js';
import { Ram, VirtioDriver } from './virtio-driver.js';
import { RigDisk } from './virtio-rig.js';

const CONFIG = 0x100;

/** A device, and a driver that has started it. */
function started<F extends Fields, D extends VirtioFunction & { readonly transport: VirtioMmio }>(
  layout: Layout<F>,
  queues: number,
  build: (state: Bound<F>, rig: Rig, ram: Ram) => D,
) {
  const ram = new Ram();
  const made: D[] = [];
  const { device, rig } = instantiate(layout, (state, rig) => {
    made.push(build(state, rig, ram));
    return made[0].transport;
  });
  const driver = new VirtioDriver(device, ram, rig);
  driver.start(0, queues);
  const config = (offset: number, length: number) =>
    Array.from({ length }, (_, i) => device.read(CONFIG + offset + i, 1));
  return { device, rig, ram, driver, config, it: made[0] };
}

describe('console', () => {
  const console = () =>
    started(
      VIRTIO_CONSOLE_STATE,
      2,
      (state, rig, dma) =>
        new VirtioConsole(state, 'modern', { irq: rig.line('irq'), dma, output: rig.output }),
    );

  test('has one port, no size, and prints what is written for emergencies', () => {
    const { config, device, rig } = console();
    expect(config(0, 12)).toEqual([0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    device.write(CONFIG + 8, 4, 0x41);
    device.write(CONFIG + 4, 4, 0x42);
    expect(rig.sent).toEqual([0x41]);
  });

  test('what is typed waits for buffers, and fills one after the other', () => {
    const { driver, it } = console();
    it.type(Uint8Array.of(1, 2, 3, 4, 5));
    expect(it.room).toBe(4096 - 5);
    driver.offer(0, [{ content: 2 }, { content: 1 }]);
    driver.offer(0, [{ content: 4 }]);
    driver.offer(0, [{ content: 4 }]);
    driver.notify(0);
    expect(driver.finished(0).map(({ written }) => [...written])).toEqual([
      [1, 2, 3],
      [4, 5],
    ]);
    expect(driver.interrupted).toBe(true);
    driver.acknowledge();
    it.type(Uint8Array.of(6));
    expect(driver.finished(0).map(({ written }) => [...written])).toEqual([[6]]);
    expect(driver.interrupted).toBe(true);
    expect(it.room).toBe(4096);
  });
});

describe('input', () => {
  const input = (kind: InputDeviceKind) =>
    started(
      VIRTIO_INPUT_STATE,
      2,
      (state, rig, dma) => new VirtioInput(kind, state, { irq: rig.line('irq'), dma }),
    );

  test('selection is two bytes; what else is written changes nothing', () => {
    const { device, config } = input('tablet');
    device.write(CONFIG, 1, 0x12);
    device.write(CONFIG + 1, 1, 1);
    for (const offset of [2, 3, 7, 8, 100]) device.write(CONFIG + offset, 1, 0x55);
    expect(config(0, 3)).toEqual([0x12, 1, 20]);
    // From 0 to 32767: struct virtio_input_absinfo.
    expect(config(8, 8)).toEqual([0, 0, 0, 0, 0xff, 0x7f, 0, 0]);
    device.write(CONFIG, 1, 1);
    device.write(CONFIG + 1, 1, 0);
    const [length] = config(2, 1);
    expect(String.fromCharCode(...config(8, length))).toBe('QEMU Virtio Tablet\0');
    expect(config(8 + length, 1)).toEqual([0]);
  });

  test('events come with the report that ends them, all or none', () => {
    const { driver, it } = input('keyboard');
    for (let i = 0; i < 3; i++) driver.offer(0, [{ content: 8 }]);
    it.send(1, 30, 1);
    expect(driver.finished(0)).toEqual([]);
    it.send(0, 0, 0);
    expect(driver.finished(0).map(({ written }) => [...written])).toEqual([
      [1, 0, 30, 0, 1, 0, 0, 0],
      [0, 0, 0, 0, 0, 0, 0, 0],
    ]);
    it.send(1, 30, 0);
    it.send(0, 0, 0);
    expect(driver.finished(0)).toEqual([]);
    driver.offer(0, [{ content: 8 }]);
    it.send(1, 31, 0xffff_ffff);
    it.send(0, 0, 0);
    expect(driver.finished(0).map(({ written }) => [...written.subarray(2, 8)])).toEqual([
      [31, 0, 255, 255, 255, 255],
      [0, 0, 0, 0, 0, 0],
    ]);
  });

  test('what the driver says of its lights is taken', () => {
    const { driver } = input('keyboard');
    driver.offer(1, [{ content: Uint8Array.of(0x11, 0, 0, 0, 1, 0, 0, 0) }]);
    driver.notify(1);
    expect(driver.finished(1)).toHaveLength(1);
    expect(driver.interrupted).toBe(true);
  });
});

describe('entropy', () => {
  test('requests are served a moment after the notification, as long as there is some', () => {
    let left = 5;
    let tell = () => {};
    const { driver, rig } = started(
      VIRTIO_RNG_STATE,
      1,
      (state, rig, dma) =>
        new VirtioRng(state, 'modern', {
          irq: rig.line('irq'),
          dma,
          clock: rig.clock,
          timer: rig.timer(0),
          entropy: {
            ready: () => left > 0,
            tellOfFresh: listener => {
              tell = () => listener.fed();
            },
            draw: into => {
              const drawn = Math.min(left, into.length);
              into.fill(7, 0, drawn);
              left -= drawn;
              return drawn;
            },
          },
        }),
    );
    driver.offer(0, [{ content: 4 }]);
    driver.offer(0, [{ content: 4 }]);
    driver.offer(0, [{ content: 4 }]);
    driver.notify(0);
    const [due] = rig.deadlines;
    rig.nowNs += 1;
    driver.notify(0);
    expect(rig.deadlines).toEqual([due]);
    expect(driver.finished(0)).toEqual([]);
    driver.wait();
    expect(driver.finished(0).map(({ written }) => [...written])).toEqual([[7, 7, 7, 7], [7]]);
    expect(driver.interrupted).toBe(true);
    driver.acknowledge();
    left = 2;
    tell();
    driver.wait();
    expect(driver.finished(0).map(({ written }) => [...written])).toEqual([[7, 7]]);
    driver.notify(0);
    driver.write(0x70, 0);
    expect(rig.deadlines).toEqual([Number.POSITIVE_INFINITY]);
  });
});

describe('sound', () => {
  const [CONTROL, PLAYBACK, CAPTURE] = [0, 2, 3];
  const [OK, BAD, UNSUPPORTED] = [0x8000, 0x8001, 0x8002];
  const RATE_48000 = 7;

  function sound(captures = true) {
    const played: { samples: Uint8Array; format: SoundFormat; ordinal: number }[] = [];
    const parts = started(
      VIRTIO_SOUND_STATE,
      4,
      (state, rig, dma) =>
        new VirtioSound(state, {
          irq: rig.line('irq'),
          dma,
          captures,
          clock: rig.clock,
          timers: [rig.timer(0), rig.timer(1)],
          output: {
            play: (samples, format, ordinal) => {
              played.push({ samples: samples.slice(), format, ordinal });
            },
          },
        }),
    );
    const { driver } = parts;
    const command = (...words: number[]): number => {
      driver.offer(CONTROL, [{ content: new Uint8Array(Uint32Array.from(words).buffer) }, { content: 4 }]);
      driver.notify(CONTROL);
      return new DataView(driver.finished(CONTROL)[0].written.buffer).getUint32(0, true);
    };
    const choose = (stream: number, channels: number, rate: number, format = 5) =>
      command(0x101, stream, 4096, 1024, 0, channels | (format << 8) | (rate << 16));
    const run = (stream: number, rate = RATE_48000) => {
      expect(choose(stream, 2, rate)).toBe(OK);
      expect(command(0x102, stream)).toBe(OK);
      expect(command(0x104, stream)).toBe(OK);
    };
    return { ...parts, played, command, choose, run };
  }

  test('has two streams, no jacks and no channel maps', () => {
    expect(sound().config(0, 12)).toEqual([0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
  });

  test.each([
    [1, 8000],
    [2, 11_025],
    [3, 16_000],
    [4, 22_050],
    [5, 32_000],
    [6, 44_100],
    [7, 48_000],
    [10, 96_000],
  ])('rate number %i is %i Hz, and a buffer lasts as long as its samples do', (number, hertz) => {
    const { driver, run, rig, played } = sound();
    run(0, number);
    const samples = new Uint8Array(4 * 100).fill(9);
    driver.offer(PLAYBACK, [{ content: Uint8Array.of(0, 0, 0, 0, ...samples) }, { content: 8 }]);
    driver.notify(PLAYBACK);
    expect(played).toEqual([{ samples, format: { rate: hertz, channels: 2 }, ordinal: 1 }]);
    expect(rig.deadlines[0]).toBe(Math.ceil((100 * 1e9) / hertz));
    driver.wait(rig.deadlines[0] - 1);
    expect(driver.finished(PLAYBACK)).toEqual([]);
    driver.wait(1);
    expect(driver.finished(PLAYBACK).map(({ written }) => [...written])).toEqual([
      [0, 0x80, 0, 0, 0, 0, 0, 0],
    ]);
    expect(driver.interrupted).toBe(true);
  });

  test.each([0, 8, 9, 11, 12, 13, 255])('rate number %i is not offered', number => {
    const { choose, command } = sound();
    expect(choose(0, 2, number)).toBe(UNSUPPORTED);
    expect(command(0x102, 0)).toBe(BAD);
  });

  test.each([
    ['no channel', 0, 5, UNSUPPORTED],
    ['one', 1, 5, OK],
    ['two', 2, 5, OK],
    ['three', 3, 5, UNSUPPORTED],
    ['another format', 2, 4, UNSUPPORTED],
  ])('%s', (_, channels, format, result) => {
    expect(sound().choose(0, channels, RATE_48000, format)).toBe(result);
  });

  test('says what its streams can do, each in as many bytes as are asked for', () => {
    const { driver } = sound();
    const ask = (first: number, count: number, size: number) => {
      driver.offer(CONTROL, [
        { content: new Uint8Array(Uint32Array.of(0x100, first, count, size).buffer) },
        { content: 4 + 2 * 40 },
      ]);
      driver.notify(CONTROL);
      return [...driver.finished(CONTROL)[0].written];
    };
    const info = (direction: number) => [
      ...[0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 0, 0, 0, 0],
      ...[0xfe, 0x04, 0, 0, 0, 0, 0, 0, direction, 1, 2, 0, 0, 0, 0, 0],
    ];
    const ok = [0, 0x80, 0, 0];
    const pad = new Array(8).fill(0);
    expect(ask(0, 2, 32)).toEqual([...ok, ...info(0), ...info(1)]);
    expect(ask(0, 2, 40)).toEqual([...ok, ...info(0), ...pad, ...info(1), ...pad]);
    expect(ask(1, 1, 32)).toEqual([...ok, ...info(1)]);
    expect(ask(2, 0, 32)).toEqual(ok);
    for (const [first, count, size] of [
      [1, 2, 32],
      [0, 3, 32],
      [3, 0, 32],
      [0, 2, 31],
      [0, 1, 4097],
    ])
      expect(ask(first, count, size)).toEqual([1, 0x80, 0, 0]);
  });

  test('commands follow the life of a stream', () => {
    const { command, choose } = sound();
    expect([command(0x102, 0), command(0x104, 0), command(0x105, 0), command(0x103, 0)]).toEqual([
      BAD,
      BAD,
      BAD,
      BAD,
    ]);
    expect(choose(0, 2, RATE_48000)).toBe(OK);
    expect([command(0x104, 0), command(0x105, 0), command(0x103, 0)]).toEqual([BAD, BAD, BAD]);
    expect([command(0x102, 0), command(0x102, 0), command(0x105, 0)]).toEqual([OK, OK, BAD]);
    expect(command(0x104, 0)).toBe(OK);
    expect([choose(0, 2, RATE_48000), command(0x102, 0), command(0x104, 0), command(0x103, 0)]).toEqual([
      BAD,
      BAD,
      BAD,
      BAD,
    ]);
    expect([command(0x105, 0), command(0x103, 0), command(0x103, 0)]).toEqual([OK, OK, BAD]);
    expect([command(0x102, 2), command(0x102), command(0x777, 0)]).toEqual([BAD, BAD, UNSUPPORTED]);
  });

  test('captured samples fill the buffer before its status', () => {
    const { driver, run, it, rig } = sound();
    expect(it.wanted).toBeUndefined();
    run(1);
    expect(it.wanted).toEqual({ bytes: 16_384, format: { rate: 48_000, channels: 2 } });
    it.capture(Uint8Array.from({ length: 8000 }, (_, i) => i % 251));
    expect(it.wanted?.bytes).toBe(8384);
    it.capture(Uint8Array.from({ length: 400 }, () => 1));
    expect(it.wanted).toBeUndefined();
    driver.offer(CAPTURE, [{ content: Uint8Array.of(1, 0, 0, 0) }, { content: 64 }, { content: 8 }]);
    driver.notify(CAPTURE);
    expect(rig.deadlines[1]).toBe(Math.ceil((16 * 1e9) / 48_000));
    expect(driver.finished(CAPTURE)).toEqual([]);
    driver.wait();
    expect(driver.finished(CAPTURE).map(({ written }) => [...written])).toEqual([
      [...Array.from({ length: 64 }, (_, i) => i), 0, 0x80, 0, 0, 0, 0, 0, 0],
    ]);
  });

  test('nobody captures for a device that only plays: its samples are silence', () => {
    const { driver, run, it } = sound(false);
    run(1);
    expect(it.wanted).toBeUndefined();
    driver.offer(CAPTURE, [{ content: Uint8Array.of(1, 0, 0, 0) }, { content: 24 }]);
    driver.notify(CAPTURE);
    driver.wait();
    expect(driver.finished(CAPTURE).map(({ written }) => [...written])).toEqual([
      [...new Array(16).fill(0), 0, 0x80, 0, 0, 0, 0, 0, 0],
    ]);
  });

  test('what waits is handed back at release, and nothing of it is played', () => {
    const { driver, run, command, played, rig } = sound();
    run(0);
    for (let i = 0; i < 3; i++) {
      driver.offer(PLAYBACK, [{ content: new Uint8Array(4 + 4096) }, { content: 8 }]);
      driver.notify(PLAYBACK);
    }
    expect(played).toHaveLength(1);
    expect(command(0x105, 0)).toBe(OK);
    expect(command(0x103, 0)).toBe(OK);
    expect(driver.finished(PLAYBACK)).toHaveLength(3);
    expect(rig.deadlines[0]).toBe(Number.POSITIVE_INFINITY);
    expect(played).toHaveLength(1);
  });
});

describe('disk', () => {
  test('says what a request that the host works on is about', () => {
    const { driver, it, device, config } = started(
      VIRTIO_BLOCK_STATE,
      1,
      (state, rig, dma) =>
        new VirtioBlock(state, 'modern', {
          irq: rig.line('irq'),
          dma,
          disk: new RigDisk(new Uint8Array(16 * 512)),
          completion: 'host',
          clock: rig.clock,
          timer: rig.timer(0),
        }),
    );
    const header = (type: number, sector: number) => ({
      content: Uint8Array.of(type, 0, 0, 0, 0, 0, 0, 0, sector, ...new Array(7).fill(0)),
    });
    driver.offer(0, [header(0, 3), { content: 1024 }, { content: 1 }]);
    driver.offer(0, [header(1, 5), { content: new Uint8Array(512) }, { content: 1 }]);
    driver.offer(0, [header(4, 0), { content: 1 }]);
    driver.notify(0);
    driver.wait();
    expect([...it.inFlight].map(request => it.extentOf(request))).toEqual([
      { offset: 3 * 512, length: 1024 },
      { offset: 5 * 512, length: 512 },
      { offset: 0, length: 0 },
    ]);
    expect(it.extentOf(99)).toEqual({ offset: 0, length: 0 });
    const [first, second, third] = it.inFlight;
    expect(new Set([first, second, third]).size).toBe(3);
    // The host may be done with any of them first; one that it names twice is done.
    it.complete(second);
    it.complete(second);
    it.complete(99);
    expect([...it.inFlight]).toEqual([first, third]);
    it.complete(third);
    it.complete(first);
    expect(driver.finished(0).map(({ head }) => head)).toEqual([3, 6, 0]);
    for (const [written, read] of [
      [0, 0],
      [5, 1],
      [0, 0],
      [1, 1],
    ]) {
      device.write(CONFIG + 32, 1, written);
      expect(config(32, 1)).toEqual([read]);
    }
  });

  test('whole sectors of the disk are read, and nothing else', () => {
    const { driver } = started(
      VIRTIO_BLOCK_STATE,
      1,
      (state, rig, dma) =>
        new VirtioBlock(state, 'modern', {
          irq: rig.line('irq'),
          dma,
          disk: new RigDisk(new Uint8Array(8 * 512).fill(7)),
          completion: 'timed',
          clock: rig.clock,
          timer: rig.timer(0),
        }),
    );
    const read = (sector: number, bytes: number) => {
      const header = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, sector, ...new Array(7).fill(0));
      driver.offer(0, [{ content: header }, { content: bytes }, { content: 1 }]);
      driver.notify(0);
      driver.wait();
      const [{ written }] = driver.finished(0);
      return written.at(-1) === 0 && written[bytes - 1] === 7;
    };
    expect([read(0, 512), read(7, 512), read(0, 8 * 512)]).toEqual([true, true, true]);
    expect([read(8, 512), read(7, 1024), read(0, 100), read(0, 513)]).toEqual([false, false, false, false]);
  });

  test('a command for a SCSI disk ends in an error in the buffer before the status', () => {
    const { driver, rig } = started(
      VIRTIO_BLOCK_STATE,
      1,
      (state, rig, dma) =>
        new VirtioBlock(state, 'modern', {
          irq: rig.line('irq'),
          dma,
          disk: new RigDisk(new Uint8Array(4096)),
          completion: 'timed',
          clock: rig.clock,
          timer: rig.timer(0),
        }),
    );
    const header = { content: Uint8Array.of(2, ...new Array(15).fill(0)) };
    const command = { content: new Uint8Array(16) };
    const status = { content: 1 };
    driver.offer(0, [header, command, { content: 4 }, { content: 8 }, status]);
    driver.offer(0, [header, command, { content: 4 }, status]);
    driver.notify(0);
    expect(rig.deadlines[0]).toBeGreaterThan(rig.nowNs);
    driver.wait();
    driver.wait();
    const [whole, short] = driver.finished(0);
    // 13 bytes stand behind each other: data, error word, status.
    const memory = driver.ram.bytes.subarray(0x10000);
    const at = memory.indexOf(255);
    expect([...memory.subarray(at - 4, at + 9)]).toEqual([0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 2]);
    expect(memory.indexOf(255, at + 1)).toBe(-1);
    expect([whole.head, short.head]).toEqual([0, 5]);
  });
});

test('a driver of the old interface resets a device with page 0, too', () => {
  const { device } = started(
    VIRTIO_CONSOLE_STATE,
    2,
    (state, rig, dma) =>
      new VirtioConsole(state, 'legacy', { irq: rig.line('irq'), dma, output: rig.output }),
  );
  const [SELECT, PAGE, STATUS] = [0x30, 0x40, 0x70];
  device.write(STATUS, 4, 7);
  device.write(SELECT, 4, 1);
  device.write(PAGE, 4, 0x80000);
  expect([device.read(STATUS, 4), device.read(PAGE, 4) > 0]).toEqual([7, true]);
  device.write(PAGE, 4, 0);
  expect([device.read(STATUS, 4), device.read(PAGE, 4)]).toEqual([0, 0]);
});

test('a debugger sees an empty slot word by word', () => {
  const machine = testMachine('rv64imacsu', { virtio: 'modern' }, { jit: false });
  const bytes = machine.debug.readMemory(0, BigInt(virtioSlot(0).base), 16);
  expect([...new Uint32Array(bytes.slice().buffer)]).toEqual([0x7472_6976, 2, 0, 0x554d_4551]);
  expect(new EmptyVirtioSlot('legacy').peek(4)).toBe(1);
});
