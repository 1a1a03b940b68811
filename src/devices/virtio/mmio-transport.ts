import type { DmaPort, IrqLine, MmioDevice } from '../../machine/ports.js';
import { type Bound, defineState, type Fields, u8, u16, u32, u64, words } from '../../state/layout.js';
import { MAX_QUEUE_SIZE, RingFault, Virtqueue } from './queue.js';

/** Registers of virtio-mmio (virtio 1.2, section 4.2.2; the legacy ones, section 4.2.4). */
const REGISTER = {
  magic: 0x00,
  version: 0x04,
  deviceId: 0x08,
  vendorId: 0x0c,
  deviceFeatures: 0x10,
  deviceFeaturesSelect: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSelect: 0x24,
  guestPageSize: 0x28,
  queueSelect: 0x30,
  queueSizeMax: 0x34,
  queueSize: 0x38,
  queueAlign: 0x3c,
  queuePage: 0x40,
  queueReady: 0x44,
  queueNotify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  queueDescLow: 0x80,
  queueDescHigh: 0x84,
  queueAvailLow: 0x90,
  queueAvailHigh: 0x94,
  queueUsedLow: 0xa0,
  queueUsedHigh: 0xa4,
  sharedMemoryLengthLow: 0xb0,
  sharedMemoryLengthHigh: 0xb4,
  configGeneration: 0xfc,
  config: 0x100,
} as const;

const MAGIC = 0x7472_6976;
const VENDOR_QEMU = 0x554d_4551;
const VERSION = { legacy: 1, modern: 2 } as const;
/** Bytes of a slot that answer, in QEMU. */
export const VIRTIO_SLOT_BYTES = 0x200;
/** Queue numbers that can be selected, whether or not the device has them. */
const SELECTABLE_QUEUES = 1024;
const DEFAULT_ALIGNMENT = 4096;

const STATUS = { driverOk: 4, featuresOk: 8, needsReset: 64 } as const;
const INTERRUPT = { queue: 1, configuration: 2 } as const;
/** Bit 32 of the features: not a legacy driver. */
const VERSION_1 = 1;

export type VirtioVersion = keyof typeof VERSION;

/** State of the transport of a device with one queue, of at most `queueSize` entries, and of the device itself. */
export const virtioState = <F extends Fields>(name: string, queueSize: number, own: F) =>
  defineState(name, { ...transportFields(queueSize), ...own });

const transportFields = (queueSize: number) => ({
  status: u8(),
  /** The driver broke a rule: nothing happens until it resets the device. */
  broken: u8(),
  interruptStatus: u8(),
  generation: u32(),
  deviceFeaturesSelect: u8(),
  driverFeaturesSelect: u8(),
  /** What a modern driver wrote; it takes effect with FEATURES_OK. */
  offeredFeatures: words(2),
  features: words(2),
  queueSelect: u16(),
  guestPageShift: u8(),
  queueAlign: u32(DEFAULT_ALIGNMENT),
  /** What a modern driver wrote; it takes effect with QueueReady. */
  setupSize: u32(),
  setupDescriptors: u64(),
  setupAvailable: u64(),
  setupUsed: u64(),
  queueReady: u8(),
  queueSize: u32(queueSize),
  descriptors: u64(),
  available: u64(),
  used: u64(),
  nextAvailable: u16(),
  nextUsed: u16(),
  signalledUsed: u16(),
  signalledValid: u8(),
});

type TransportState = Bound<ReturnType<typeof transportFields>>;

/** What a kind of device adds to the transport. */
export interface VirtioFunction {
  /** virtio 1.2, chapter 5. */
  readonly deviceId: number;
  readonly queueSize: number;
  /** Features offered, low and high word. */
  readonly features: Readonly<Record<VirtioVersion, readonly [number, number]>>;
  readonly configBytes: number;
  readConfig(offset: number): number;
  writeConfig(offset: number, value: number): void;
  /** The driver says that there are requests. */
  notified(): void;
  onTimer(): void;
  /** The driver resets the device: what was asked for is completed first. */
  drain(): void;
}

export interface TransportPorts {
  readonly irq: IrqLine;
  readonly dma: DmaPort;
}

/** A virtio-mmio slot with a device, as QEMU 7.2's hw/virtio/virtio-mmio.c. */
export class VirtioMmio implements MmioDevice {
  readonly access = { min: 1, max: 8 } as const;
  readonly width = 4;
  readonly queue: Virtqueue;
  #device: VirtioFunction | undefined;

  constructor(
    readonly state: TransportState,
    readonly version: VirtioVersion,
    readonly ports: TransportPorts,
  ) {
    this.queue = new Virtqueue(state, ports.dma, () => state.features[0]);
  }

  /** To be called once, before the guest runs. */
  attach(device: VirtioFunction): void {
    this.#device = device;
  }

  get #function(): VirtioFunction {
    if (this.#device === undefined) throw new Error('a virtio transport without its device');
    return this.#device;
  }

  get #legacy(): boolean {
    return this.version === 'legacy';
  }

  /** Runs `act`; a RingFault in it makes the device ask for a reset (virtio 1.2, section 2.1.2). */
  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof RingFault)) throw error;
      this.#fail();
    }
  }

  /** Raises the queue's interrupt if the driver wants it. */
  interruptForQueue(): void {
    if (!this.queue.shouldInterrupt()) return;
    this.state.interruptStatus |= INTERRUPT.queue;
    this.#updateIrq();
  }

  onTimer(): void {
    this.#function.onTimer();
  }

  read(offset: number, size: number): number {
    return this.peek(offset, size);
  }

  peek(offset: number, size: number): number {
    if (offset >= REGISTER.config) return this.#readConfig(offset - REGISTER.config, size);
    if (size !== 4) return 0;
    const { state } = this;
    const existing = state.queueSelect === 0;
    switch (offset) {
      case REGISTER.magic:
        return MAGIC;
      case REGISTER.version:
        return VERSION[this.version];
      case REGISTER.deviceId:
        return this.#function.deviceId;
      case REGISTER.vendorId:
        return VENDOR_QEMU;
      case REGISTER.deviceFeatures:
        return this.#function.features[this.version][state.deviceFeaturesSelect] >>> 0;
      case REGISTER.queueSizeMax:
        return existing && state.queueSize !== 0 ? MAX_QUEUE_SIZE : 0;
      case REGISTER.queuePage: {
        if (!this.#legacy || !existing) return 0;
        const address = state.descriptors[1] * 2 ** 32 + state.descriptors[0];
        return Math.floor(address / 2 ** state.guestPageShift) % 2 ** 32;
      }
      case REGISTER.queueReady:
        return this.#legacy || !existing ? 0 : state.queueReady;
      case REGISTER.interruptStatus:
        return state.interruptStatus;
      case REGISTER.status:
        return state.status;
      case REGISTER.configGeneration:
        return this.#legacy ? 0 : state.generation;
      case REGISTER.sharedMemoryLengthLow:
      case REGISTER.sharedMemoryLengthHigh:
        return 0xffff_ffff;
      default:
        return 0;
    }
  }

  write(offset: number, size: number, value: number): void {
    if (offset >= REGISTER.config) {
      this.#writeConfig(offset - REGISTER.config, size, value);
      return;
    }
    if (size !== 4) return;
    const { state } = this;
    switch (offset) {
      case REGISTER.deviceFeaturesSelect:
        state.deviceFeaturesSelect = value === 0 ? 0 : 1;
        break;
      case REGISTER.driverFeatures:
        if (!this.#legacy) state.offeredFeatures[state.driverFeaturesSelect] = value;
        else if (state.driverFeaturesSelect === 0) this.#setFeatures(value, 0);
        break;
      case REGISTER.driverFeaturesSelect:
        state.driverFeaturesSelect = value === 0 ? 0 : 1;
        break;
      case REGISTER.queueSelect:
        if (value < SELECTABLE_QUEUES) state.queueSelect = value;
        break;
      case REGISTER.queueNotify:
        if (value === 0) this.#notified();
        break;
      case REGISTER.interruptAck:
        state.interruptStatus &= ~value;
        this.#updateIrq();
        break;
      case REGISTER.status:
        this.#setStatus(value & 0xff);
        break;
      case REGISTER.guestPageSize:
        if (this.#legacy) state.guestPageShift = value === 0 ? 0 : 31 - Math.clz32(value & -value);
        break;
      default:
        if (state.queueSelect === 0) this.#writeQueueRegister(offset, value);
    }
  }

  #writeQueueRegister(offset: number, value: number): void {
    const { state } = this;
    if (this.#legacy) {
      switch (offset) {
        case REGISTER.queueSize:
          this.#setQueueSize(value);
          this.#placeLegacyRings();
          break;
        case REGISTER.queueAlign:
          state.queueAlign = value;
          this.#placeLegacyRings();
          break;
        case REGISTER.queuePage: {
          if (value === 0) {
            this.#reset();
            break;
          }
          const address = value * 2 ** state.guestPageShift;
          state.descriptors[0] = address % 2 ** 32;
          state.descriptors[1] = Math.floor(address / 2 ** 32);
          this.#placeLegacyRings();
          break;
        }
      }
      return;
    }
    switch (offset) {
      case REGISTER.queueSize:
        this.#setQueueSize(value);
        state.setupSize = value;
        break;
      case REGISTER.queueReady:
        if (value !== 0) this.#setUpQueue();
        state.queueReady = value === 0 ? 0 : 1;
        break;
      case REGISTER.queueDescLow:
      case REGISTER.queueDescHigh:
        state.setupDescriptors[(offset - REGISTER.queueDescLow) / 4] = value;
        break;
      case REGISTER.queueAvailLow:
      case REGISTER.queueAvailHigh:
        state.setupAvailable[(offset - REGISTER.queueAvailLow) / 4] = value;
        break;
      case REGISTER.queueUsedLow:
      case REGISTER.queueUsedHigh:
        state.setupUsed[(offset - REGISTER.queueUsedLow) / 4] = value;
        break;
    }
  }

  /** A queue cannot be made to exist, or not to, by its size. */
  #setQueueSize(size: number): void {
    if (size !== 0 && this.state.queueSize !== 0 && size <= MAX_QUEUE_SIZE) this.state.queueSize = size;
  }

  #setUpQueue(): void {
    const { state } = this;
    this.#setQueueSize(state.setupSize);
    state.descriptors.set(state.setupDescriptors);
    state.available.set(state.setupAvailable);
    state.used.set(state.setupUsed);
    this.#checkRings();
  }

  /** Rings of a legacy queue stand one behind the other (virtio 1.2, section 2.7.2). */
  #placeLegacyRings(): void {
    const { state } = this;
    const table = state.descriptors[1] * 2 ** 32 + state.descriptors[0];
    // As in QEMU, alignment 0 leaves the queue as it is.
    if (table === 0 || state.queueAlign === 0) return;
    const available = table + 16 * state.queueSize;
    const used = Math.ceil((available + 4 + 2 * state.queueSize) / state.queueAlign) * state.queueAlign;
    state.available[0] = available % 2 ** 32;
    state.available[1] = Math.floor(available / 2 ** 32);
    state.used[0] = used % 2 ** 32;
    state.used[1] = Math.floor(used / 2 ** 32);
    this.#checkRings();
  }

  #checkRings(): void {
    if (this.queue.ready) this.guarded(() => this.queue.checkRings());
  }

  #notified(): void {
    if (this.state.broken !== 0 || !this.queue.ready) return;
    this.#function.notified();
  }

  /** Features that were not offered are dropped; after FEATURES_OK they stay. */
  #setFeatures(low: number, high: number): void {
    const { state } = this;
    if ((state.status & STATUS.featuresOk) !== 0) return;
    const [offeredLow, offeredHigh] = this.#function.features[this.version];
    state.features[0] = low & offeredLow;
    state.features[1] = high & offeredHigh;
  }

  #setStatus(status: number): void {
    const { state } = this;
    if (!this.#legacy && (status & STATUS.featuresOk) !== 0) {
      this.#setFeatures(state.offeredFeatures[0], state.offeredFeatures[1]);
    }
    state.status = status;
    if (status === 0) this.#reset();
  }

  #reset(): void {
    const { state } = this;
    if (state.broken === 0 && this.queue.ready) this.#function.drain();
    state.status = 0;
    state.broken = 0;
    state.interruptStatus = 0;
    state.features.fill(0);
    state.queueSelect = 0;
    state.queueReady = 0;
    state.queueSize = this.#function.queueSize;
    for (const pair of [state.descriptors, state.available, state.used]) pair.fill(0);
    state.nextAvailable = 0;
    state.nextUsed = 0;
    state.signalledUsed = 0;
    state.signalledValid = 0;
    this.#updateIrq();
  }

  #fail(): void {
    const { state } = this;
    state.broken = 1;
    if ((state.features[1] & VERSION_1) === 0) return;
    state.status |= STATUS.needsReset;
    if ((state.status & STATUS.driverOk) === 0) return;
    state.interruptStatus |= INTERRUPT.queue | INTERRUPT.configuration;
    state.generation++;
    this.#updateIrq();
  }

  #updateIrq(): void {
    this.ports.irq.set(this.state.interruptStatus !== 0);
  }

  /** All ones where the device's configuration has ended. */
  #readConfig(offset: number, size: number): number {
    const device = this.#function;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) {
      const byte = offset + size <= device.configBytes ? device.readConfig(offset + i) : 0xff;
      value = (value * 256 + byte) % 2 ** 32;
    }
    return value;
  }

  #writeConfig(offset: number, size: number, value: number): void {
    const device = this.#function;
    if (offset + size > device.configBytes) return;
    for (let i = 0; i < size; i++) device.writeConfig(offset + i, (value >>> (8 * i)) & 0xff);
  }
}

/** A slot without a device: drivers see device number 0 and leave it alone. */
export class EmptyVirtioSlot implements MmioDevice {
  readonly access = { min: 1, max: 8 } as const;
  readonly width = 4;

  constructor(readonly version: VirtioVersion) {}

  read(offset: number): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === REGISTER.magic) return MAGIC;
    if (offset === REGISTER.version) return VERSION[this.version];
    return offset === REGISTER.vendorId ? VENDOR_QEMU : 0;
  }

  write(): void {}
}
