/**
 * A guest that means harm: accesses of all kinds to every device of the board, rings that hold nonsense, that overlap
 * themselves or end in the middle of a request. The machine neither throws nor stops answering.
 */
import { buildMachine, type VirtMachine } from '../../src/boards/build-machine.js';
import { RAM_BASE, VIRT_MAP, virtioSlot } from '../../src/boards/virt/memory-map.js';
import type { MachineConfig } from '../../src/ports/config.js';
import type { InputEvent } from '../../src/ports/input-event.js';
import { VIRTIO_SLOTS } from '../../src/ports/settings.js';
import { testMachine } from '../lockstep/emulator-hart.js';
import { Random } from '../lockstep/random.js';

const RAM_BYTES = 4 << 20;
const RING = RAM_BASE + 0x10_0000;
/** Sent in all: what a guest can make of one byte written is bounded. */
const MOST_OUTPUT = 64 << 20;

export class HostileGuest {
  machine: VirtMachine;
  /** Bytes sent in all. */
  output = 0;

  constructor(
    readonly random: Random,
    readonly changes: Partial<MachineConfig>,
  ) {
    this.machine = this.#build();
  }

  #build(): VirtMachine {
    const { config } = testMachine('rv64imacsu', { ramBytes: RAM_BYTES, ...this.changes });
    const count = (bytes: number) => {
      this.output += bytes;
    };
    const outputs = {
      serial: { write: () => count(1) },
      virtioConsole: { write: () => count(1) },
      network: { send: (packet: Uint8Array) => count(packet.length) },
      sound: { play: (samples: Uint8Array) => count(samples.length) },
    };
    const machine = buildMachine(config, [], outputs, { jit: false });
    // It waits for interrupts for ever, so that time passes as fast as timers are set.
    machine.board.memory.u32[machine.board.memory.plan.ram >> 2] = 0x1050_0073;
    machine.board.memory.u32[(machine.board.memory.plan.ram >> 2) + 1] = 0xffdf_f06f;
    return machine;
  }

  write(address: number, size: number, low: number, high = 0): void {
    const { bus } = this.machine.board;
    if (bus.acceptsWrite(address, size)) bus.writeDevice(address, size, low >>> 0, high >>> 0);
  }

  read(address: number, size: number): void {
    this.machine.board.bus.readDevice(address, size);
  }

  word(): number {
    const { random } = this;
    return random.pick([
      ...[0, 1, 2, 3, 8, 15, 0xff, 0x1000, 0xffff, 0x8000_0000, 0xffff_ffff, RING, RING / 4096],
      ...[
        random.word(),
        random.below(64),
        random.below(1024),
        1 << random.below(31),
        RAM_BASE + RAM_BYTES - random.below(32),
      ],
    ]);
  }

  access(base: number, bytes: number): void {
    const { random } = this;
    const size = random.pick([1, 2, 4, 8]);
    const address = base + random.below(bytes);
    if (random.chance(50)) this.read(address, size);
    else this.write(address, size, this.word(), this.word());
  }

  /** Descriptors, rings and what they point at. */
  fillRings(): void {
    const { random } = this;
    const { memory, bus } = this.machine.board;
    const at = bus.hostAddress(RING, 0x1_0000, true);
    const view = new DataView(memory.memory.buffer, at, 0x1_0000);
    memory.beforeWrite(at, 0x1_0000);
    for (let i = 0; i < 256; i++) {
      const place = random.pick([
        RING + 0x8000 + random.below(0x8000),
        RING + random.below(0x8000),
        this.word(),
        RAM_BASE,
      ]);
      view.setUint32(16 * i, place, true);
      view.setUint32(16 * i + 4, random.chance(95) ? 0 : this.word(), true);
      const lengths = [0, 1, 4, 8, 12, 16, 24, 512, 513, 1526, 4096, 65_536, RAM_BYTES, 0xffff_ffff];
      view.setUint32(16 * i + 8, random.pick(lengths), true);
      view.setUint16(16 * i + 12, random.pick([0, 1, 1, 2, 2, 3, 3, 4, 5, 7]), true);
      view.setUint16(16 * i + 14, random.chance(80) ? random.below(16) : random.word(), true);
    }
    for (let ring = 0x1000; ring < 0x8000; ring += 2) {
      view.setUint16(ring, random.chance(70) ? random.below(16) : random.word(), true);
    }
    const codes = [0, 1, 4, 8, 11, 13, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0xffff_ffff];
    for (let i = 0x8000; i + 64 <= 0x1_0000; i += 64) {
      view.setUint32(i, random.pick(codes), true);
      view.setUint32(i + 4, random.pick([0, 1, 2, 0xffff_ffff]), true);
      view.setUint32(i + 8, random.pick([0, 1, 2, 60, 0xffff_ffff]), true);
      view.setUint32(i + 12, random.pick([0, 32, 4096, 0xffff_ffff]), true);
      view.setUint32(i + 16, 0, true);
      view.setUint32(i + 20, random.word() & 0x0f0f0f0f, true);
    }
  }

  /** A driver that gets as far as its queues. */
  drive(): void {
    const { random } = this;
    const base = virtioSlot(random.below(VIRTIO_SLOTS)).base;
    const put = (register: number, value: number) => this.write(base + register, 4, value);
    const ring = () => RING + (random.chance(80) ? 0x1000 * (1 + random.below(7)) : random.below(0x8000));
    if (random.chance(50)) this.fillRings();
    for (const status of [0, 3]) put(0x70, status);
    put(0x24, 0);
    put(0x20, random.chance(50) ? 0xffff_ffff : random.word());
    put(0x24, 1);
    put(0x20, 1);
    put(0x70, 11);
    for (let queue = 0; queue < 4; queue++) {
      put(0x30, queue);
      put(0x28, random.chance(80) ? 4096 : this.word());
      put(0x38, random.chance(80) ? 1 << random.below(8) : this.word());
      put(0x3c, random.chance(80) ? 4096 : this.word());
      put(0x40, random.chance(80) ? RING / 4096 : this.word());
      put(0x80, random.chance(90) ? RING : this.word());
      put(0x90, random.chance(90) ? ring() : this.word());
      put(0xa0, random.chance(90) ? ring() : this.word());
      for (const high of [0x84, 0x94, 0xa4]) put(high, 0);
      put(0x44, 1);
    }
    put(0x70, 15);
    for (let i = random.below(8); i >= 0; i--) {
      put(0x50, random.below(5));
      // Smaller, or elsewhere, while a request is under way.
      if (random.chance(30)) {
        put(0x30, random.below(4));
        put(0x38, 1 + random.below(4));
        put(0x44, 1);
      }
      if (random.chance(30)) this.pass(random.below(1000));
    }
  }

  /** Lets steps and time pass. */
  pass(steps: number): void {
    this.machine.run(this.machine.icount + steps, { idle: 'return' });
    for (let jumps = 0; jumps < 8; jumps++) this.machine.skipIdle();
  }

  event(): void {
    const { random, machine } = this;
    const bytes = random.bytes(random.pick([1, 14, 60, 1514, 4096]));
    const events: InputEvent[] = [
      { kind: 'console', port: 0, bytes: bytes.subarray(0, machine.inputs.consoleRoom(0)) },
      { kind: 'console', port: 1, bytes: bytes.subarray(0, machine.inputs.consoleRoom(1)) },
      { kind: 'network', port: 0, bytes },
      { kind: 'audio-in', bytes },
      { kind: 'entropy', bytes },
      {
        kind: 'input',
        device: 0,
        type: random.below(4),
        code: random.word() & 0xffff,
        value: random.word() | 0,
      },
      { kind: 'block', disk: 0, request: machine.inputs.diskRequests()[0]?.request ?? 0 },
    ];
    machine.apply(random.pick(events));
  }

  round(): void {
    const { random } = this;
    const kind = random.below(16);
    if (kind < 5) this.access(virtioSlot(random.below(VIRTIO_SLOTS)).base, random.pick([0x200, 0x120]));
    else if (kind < 9) this.drive();
    else if (kind === 9) this.access(VIRT_MAP.uart0.base, 8);
    else if (kind === 10) this.access(VIRT_MAP.plic.base, random.pick([0x200, 0x3000, 0x20_4000]));
    else if (kind === 11) this.access(VIRT_MAP.clint.base, random.pick([0x40, 0xc000]));
    else if (kind === 12) this.access(VIRT_MAP.rtc.base, 0x24);
    else if (kind === 13) this.access(VIRT_MAP.test.base, 16);
    else if (kind === 14) this.pass(random.below(5000));
    else this.event();
    if (this.machine.poweredOff) this.machine = this.#build();
  }
}

export const BOARDS: Readonly<Record<string, Partial<MachineConfig>>> = {
  legacy: { virtio: 'legacy', disks: [128], network: true, rng: true, virtioConsole: true },
  modern: { virtio: 'modern', disks: [128], network: true, rng: true, virtioConsole: true },
  'input, sound and a disk of the host': {
    virtio: 'modern',
    disks: [128],
    diskAsync: true,
    inputs: ['keyboard', 'mouse', 'tablet'],
    sound: 'duplex',
    rng: true,
    entropy: 'host',
  },
};

/** One guest of a board for so many rounds, all of it decided by the seed. Throws for what must not be. */
export function playGuest(board: string, seed: number, rounds: number): void {
  const guest = new HostileGuest(new Random(seed), BOARDS[board] ?? {});
  for (let round = 0; round < rounds; round++) {
    try {
      guest.round();
    } catch (error) {
      throw new Error(`board ${board}, seed ${seed}, round ${round}: ${String(error)}`, { cause: error });
    }
  }
  if (guest.output > MOST_OUTPUT)
    throw new Error(`board ${board}, seed ${seed}: ${guest.output} bytes were sent`);
}
