import type { VirtioMmio } from '../../src/devices/virtio/mmio-transport.js';
import type { DmaPort } from '../../src/ports/device.js';
import type { Rig } from './rig.js';

const REGISTER = {
  driverFeatures: 0x20,
  driverFeaturesSelect: 0x24,
  queueSelect: 0x30,
  queueSize: 0x38,
  queueReady: 0x44,
  queueNotify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  queueDesc: 0x80,
  queueAvail: 0x90,
  queueUsed: 0xa0,
} as const;

const NEEDS_RESET = 64;
const RAM = 0x8000_0000;
const RAM_BYTES = 1 << 20;
/** Memory of each queue: descriptors, available ring, used ring; buffers come behind all of them. */
const QUEUE_BYTES = 0x2000;
const BUFFERS = RAM + 8 * QUEUE_BYTES;

/** Guest memory as a device reaches it. */
export class Ram implements DmaPort {
  readonly bytes = new Uint8Array(RAM_BYTES);
  readonly view = new DataView(this.bytes.buffer);

  readable(address: number, length: number): Uint8Array | undefined {
    const at = address - RAM;
    return at >= 0 && at + length <= RAM_BYTES ? this.bytes.subarray(at, at + length) : undefined;
  }

  writable(address: number, length: number): Uint8Array | undefined {
    return this.readable(address, length);
  }
}

export interface Buffer {
  /** What the device reads, or how many bytes it may write. */
  readonly content: Uint8Array | number;
}

/** A driver of a device on version 2 of virtio-mmio, one queue entry after the other. */
export class VirtioDriver {
  #nextBuffer = BUFFERS;
  readonly #nextDescriptor: number[] = [];
  readonly #taken: number[] = [];
  /** Where the device may write, for each queue and head. */
  readonly #places = new Map<string, { address: number; length: number }[]>();

  constructor(
    readonly device: VirtioMmio,
    readonly ram: Ram,
    readonly rig: Rig,
    readonly queueSize = 64,
  ) {}

  start(features: number, queues: number): void {
    this.write(REGISTER.status, 0);
    this.write(REGISTER.status, 3);
    this.write(REGISTER.driverFeaturesSelect, 0);
    this.write(REGISTER.driverFeatures, features >>> 0);
    this.write(REGISTER.driverFeaturesSelect, 1);
    this.write(REGISTER.driverFeatures, 1);
    this.write(REGISTER.status, 11);
    this.ram.bytes.fill(0, 0, BUFFERS - RAM);
    for (let queue = 0; queue < queues; queue++) {
      const base = RAM + queue * QUEUE_BYTES;
      this.write(REGISTER.queueSelect, queue);
      this.write(REGISTER.queueSize, this.queueSize);
      this.write(REGISTER.queueDesc, base);
      this.write(REGISTER.queueAvail, base + 0x1000);
      this.write(REGISTER.queueUsed, base + 0x1800);
      this.write(REGISTER.queueReady, 1);
      this.#nextDescriptor[queue] = 0;
      this.#taken[queue] = 0;
    }
    this.write(REGISTER.status, 15);
  }

  /** Puts a chain of buffers into a queue; returns its head. */
  offer(queue: number, buffers: readonly Buffer[]): number {
    const { view } = this.ram;
    const table = queue * QUEUE_BYTES;
    const head = this.#nextDescriptor[queue];
    const places: { address: number; length: number }[] = [];
    buffers.forEach(({ content }, i) => {
      const writes = typeof content === 'number';
      const length = writes ? content : content.length;
      const address = this.#allocate(length);
      if (writes) places.push({ address, length });
      else this.ram.bytes.set(content, address - RAM);
      const at = table + 16 * ((head + i) % this.queueSize);
      view.setUint32(at, address, true);
      view.setUint32(at + 4, 0, true);
      view.setUint32(at + 8, length, true);
      view.setUint16(at + 12, (i + 1 < buffers.length ? 1 : 0) | (writes ? 2 : 0), true);
      view.setUint16(at + 14, (head + i + 1) % this.queueSize, true);
    });
    this.#places.set(`${queue} ${head}`, places);
    this.#nextDescriptor[queue] = (head + buffers.length) % this.queueSize;
    const index = view.getUint16(table + 0x1002, true);
    view.setUint16(table + 0x1004 + 2 * (index % this.queueSize), head, true);
    view.setUint16(table + 0x1002, index + 1, true);
    return head;
  }

  notify(queue: number): void {
    this.write(REGISTER.queueNotify, queue);
  }

  /** What the device is done with since the last call, and what it wrote. */
  finished(queue: number): { readonly head: number; readonly written: Uint8Array }[] {
    const { view } = this.ram;
    const table = queue * QUEUE_BYTES;
    const done: { head: number; written: Uint8Array }[] = [];
    for (; this.#taken[queue] !== view.getUint16(table + 0x1802, true); this.#taken[queue]++) {
      const at = table + 0x1804 + 8 * (this.#taken[queue] % this.queueSize);
      const head = view.getUint32(at, true);
      const whole: number[] = [];
      for (const { address, length } of this.#places.get(`${queue} ${head}`) ?? []) {
        whole.push(...this.ram.bytes.subarray(address - RAM, address - RAM + length));
      }
      done.push({ head, written: Uint8Array.from(whole.slice(0, view.getUint32(at + 4, true))) });
    }
    return done;
  }

  /** Lets the device do what it was told to. */
  wait(ns = 1_000_000): void {
    this.rig.advance(ns, this.device);
  }

  get interrupted(): boolean {
    return this.rig.levels.get('irq') === true;
  }

  acknowledge(): void {
    this.write(REGISTER.interruptAck, this.read(REGISTER.interruptStatus));
  }

  get needsReset(): boolean {
    return (this.read(REGISTER.status) & NEEDS_RESET) !== 0;
  }

  read(offset: number): number {
    return this.device.read(offset, 4);
  }

  write(offset: number, value: number): void {
    this.device.write(offset, 4, value);
  }

  /** Buffers go round through memory. */
  #allocate(length: number): number {
    if (this.#nextBuffer + length > RAM + RAM_BYTES) this.#nextBuffer = BUFFERS;
    const address = this.#nextBuffer;
    this.#nextBuffer += length;
    return address;
  }
}
