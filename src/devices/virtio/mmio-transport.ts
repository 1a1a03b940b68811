import type { DmaPort, IrqLine, MmioDevice } from '../../ports/device.js';
import {
  type Bound,
  bytes,
  defineState,
  type Fields,
  halves,
  u8,
  u16,
  u32,
  u64s,
  words,
} from '../../state/layout.js';
import { MAGIC, REGISTER, VENDOR_QEMU, VERSION, type VirtioVersion } from './mmio-registers.js';
import { MAX_QUEUE_SIZE, type QueuesState, queueAt, RingFault, Virtqueue } from './queue.js';

/** Bytes of a slot that answer, in QEMU. */
export const VIRTIO_SLOT_BYTES = 0x200;
/** Queue numbers that can be selected, whether or not the device has them. */
const SELECTABLE_QUEUES = 1024;
const DEFAULT_ALIGNMENT = 4096;

const STATUS = { driverOk: 4, featuresOk: 8, needsReset: 64 } as const;
const INTERRUPT = { queue: 1, configuration: 2 } as const;
/** Bit 32 of the features: not a legacy driver. */
const VERSION_1 = 1;

/** State of the transport of a device with queues of at most these sizes, and of the device itself. */
export const virtioState = <F extends Fields>(name: string, queueSizes: readonly number[], own: F) =>
  defineState(name, { ...transportFields(queueSizes), ...own });

/** Fields with one element, or pair of elements, for each queue come last. */
const transportFields = (sizes: readonly number[]) => ({
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
  /** What a modern driver wrote; it takes effect with QueueReady. */
  setupSize: words(sizes.length),
  setupDescriptors: u64s(sizes.length),
  setupAvailable: u64s(sizes.length),
  setupUsed: u64s(sizes.length),
  queueReady: bytes(sizes.length),
  queueAlign: words(
    sizes.length,
    sizes.map(() => DEFAULT_ALIGNMENT),
  ),
  queueSize: words(sizes.length, sizes),
  descriptors: u64s(sizes.length),
  available: u64s(sizes.length),
  used: u64s(sizes.length),
  nextAvailable: halves(sizes.length),
  nextUsed: halves(sizes.length),
  signalledUsed: halves(sizes.length),
  signalledValid: bytes(sizes.length),
});

type TransportState = Bound<ReturnType<typeof transportFields>> & QueuesState;

/** What a kind of device adds to the transport. */
export interface VirtioFunction {
  /** virtio 1.2, chapter 5. */
  readonly deviceId: number;
  /** Of each queue, in the order of their numbers. */
  readonly queueSizes: readonly number[];
  /** Features offered, low and high word. */
  readonly features: Readonly<Record<VirtioVersion, readonly [number, number]>>;
  readonly configBytes: number;
  readConfig(offset: number): number;
  writeConfig(offset: number, value: number): void;
  /** The driver says that there are requests in a queue. */
  notified(queue: number): void;
  /** One of the device's timers came due. */
  onTimer?(index: number): void;
  /** The driver resets the device, whose queues are still there: what was asked for is completed or forgotten. */
  reset?(): void;
}

export interface TransportPorts {
  readonly irq: IrqLine;
  readonly dma: DmaPort;
}

/** A virtio-mmio slot with a device, as QEMU 7.2's hw/virtio/virtio-mmio.c. */
export class VirtioMmio implements MmioDevice {
  readonly access = { min: 1, max: 8 } as const;
  readonly width = 4;
  readonly queues: readonly Virtqueue[];

  /** `device` is what the slot is for; it makes its transport and uses it, so it is not finished yet here. */
  constructor(
    private readonly device: VirtioFunction,
    readonly state: TransportState,
    readonly version: VirtioVersion,
    readonly ports: TransportPorts,
  ) {
    this.queues = Array.from(
      state.queueSize,
      (_, queue) => new Virtqueue(queueAt(state, queue), ports.dma, () => state.features[0]),
    );
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

  /** Whether a driver is at work: it has said so, and the device has not given up. */
  get driven(): boolean {
    return (this.state.status & STATUS.driverOk) !== 0 && this.state.broken === 0;
  }

  /** Raises a queue's interrupt if the driver wants it. */
  interruptForQueue(queue: number): void {
    if (!this.queues[queue].shouldInterrupt()) return;
    this.state.interruptStatus |= INTERRUPT.queue;
    this.#updateIrq();
  }

  onTimer(index: number): void {
    this.device.onTimer?.(index);
  }

  read(offset: number, size: number): number {
    return this.peek(offset, size);
  }

  peek(offset: number, size: number): number {
    if (offset >= REGISTER.config) return this.#readConfig(offset - REGISTER.config, size);
    if (size !== 4) return 0;
    const { state } = this;
    const queue = state.queueSelect;
    const existing = queue < this.queues.length;
    switch (offset) {
      case REGISTER.magic:
        return MAGIC;
      case REGISTER.version:
        return VERSION[this.version];
      case REGISTER.deviceId:
        return this.device.deviceId;
      case REGISTER.vendorId:
        return VENDOR_QEMU;
      case REGISTER.deviceFeatures:
        return this.device.features[this.version][state.deviceFeaturesSelect] >>> 0;
      case REGISTER.queueSizeMax:
        return existing && state.queueSize[queue] !== 0 ? MAX_QUEUE_SIZE : 0;
      case REGISTER.queuePage: {
        if (!this.#legacy || !existing) return 0;
        return Math.floor(addressOf(state.descriptors, queue) / 2 ** state.guestPageShift) % 2 ** 32;
      }
      case REGISTER.queueReady:
        return this.#legacy || !existing ? 0 : state.queueReady[queue];
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
        if (value < this.queues.length) this.#notified(value);
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
        if (state.queueSelect < this.queues.length) {
          this.#writeQueueRegister(state.queueSelect, offset, value);
        }
    }
  }

  #writeQueueRegister(queue: number, offset: number, value: number): void {
    const { state } = this;
    if (this.#legacy) {
      switch (offset) {
        case REGISTER.queueSize:
          this.#setQueueSize(queue, value);
          this.#placeLegacyRings(queue);
          break;
        case REGISTER.queueAlign:
          state.queueAlign[queue] = value;
          this.#placeLegacyRings(queue);
          break;
        case REGISTER.queuePage: {
          if (value === 0) {
            this.#reset();
            break;
          }
          setAddress(state.descriptors, queue, value * 2 ** state.guestPageShift);
          this.#placeLegacyRings(queue);
          break;
        }
      }
      return;
    }
    switch (offset) {
      case REGISTER.queueSize:
        this.#setQueueSize(queue, value);
        state.setupSize[queue] = value;
        break;
      case REGISTER.queueReady:
        if (value !== 0) this.#setUpQueue(queue);
        state.queueReady[queue] = value === 0 ? 0 : 1;
        break;
      case REGISTER.queueDescLow:
      case REGISTER.queueDescHigh:
        state.setupDescriptors[2 * queue + (offset - REGISTER.queueDescLow) / 4] = value;
        break;
      case REGISTER.queueAvailLow:
      case REGISTER.queueAvailHigh:
        state.setupAvailable[2 * queue + (offset - REGISTER.queueAvailLow) / 4] = value;
        break;
      case REGISTER.queueUsedLow:
      case REGISTER.queueUsedHigh:
        state.setupUsed[2 * queue + (offset - REGISTER.queueUsedLow) / 4] = value;
        break;
    }
  }

  /** A queue cannot be made to exist, or not to, by its size. */
  #setQueueSize(queue: number, size: number): void {
    const { queueSize } = this.state;
    if (size !== 0 && queueSize[queue] !== 0 && size <= MAX_QUEUE_SIZE) queueSize[queue] = size;
  }

  #setUpQueue(queue: number): void {
    const { state } = this;
    this.#setQueueSize(queue, state.setupSize[queue]);
    setAddress(state.descriptors, queue, addressOf(state.setupDescriptors, queue));
    setAddress(state.available, queue, addressOf(state.setupAvailable, queue));
    setAddress(state.used, queue, addressOf(state.setupUsed, queue));
    this.#checkRings(queue);
  }

  /** Rings of a legacy queue stand one behind the other (virtio 1.2, section 2.7.2). */
  #placeLegacyRings(queue: number): void {
    const { state } = this;
    const table = addressOf(state.descriptors, queue);
    const size = state.queueSize[queue];
    const alignment = state.queueAlign[queue];
    // As in QEMU, alignment 0 leaves the queue as it is.
    if (table === 0 || alignment === 0) return;
    const available = table + 16 * size;
    setAddress(state.available, queue, available);
    setAddress(state.used, queue, Math.ceil((available + 4 + 2 * size) / alignment) * alignment);
    this.#checkRings(queue);
  }

  #checkRings(queue: number): void {
    if (this.queues[queue].ready) this.guarded(() => this.queues[queue].checkRings());
  }

  #notified(queue: number): void {
    if (this.state.broken !== 0 || !this.queues[queue].ready) return;
    this.device.notified(queue);
  }

  /** Features that were not offered are dropped; after FEATURES_OK they stay. */
  #setFeatures(low: number, high: number): void {
    const { state } = this;
    if ((state.status & STATUS.featuresOk) !== 0) return;
    const [offeredLow, offeredHigh] = this.device.features[this.version];
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
    this.device.reset?.();
    state.status = 0;
    state.broken = 0;
    state.interruptStatus = 0;
    state.features.fill(0);
    state.queueSelect = 0;
    state.queueReady.fill(0);
    state.queueSize.set(this.device.queueSizes);
    for (const addresses of [state.descriptors, state.available, state.used]) addresses.fill(0);
    for (const index of [state.nextAvailable, state.nextUsed, state.signalledUsed]) index.fill(0);
    state.signalledValid.fill(0);
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
    const { device } = this;
    let value = 0;
    for (let i = size - 1; i >= 0; i--) {
      const byte = offset + size <= device.configBytes ? device.readConfig(offset + i) : 0xff;
      value = (value * 256 + byte) % 2 ** 32;
    }
    return value;
  }

  #writeConfig(offset: number, size: number, value: number): void {
    const { device } = this;
    if (offset + size > device.configBytes) return;
    for (let i = 0; i < size; i++) device.writeConfig(offset + i, (value >>> (8 * i)) & 0xff);
  }
}

const addressOf = (pairs: Uint32Array, queue: number) => pairs[2 * queue + 1] * 2 ** 32 + pairs[2 * queue];

function setAddress(pairs: Uint32Array, queue: number, address: number): void {
  pairs[2 * queue] = address % 2 ** 32;
  pairs[2 * queue + 1] = Math.floor(address / 2 ** 32);
}
