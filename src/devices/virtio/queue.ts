import type { DmaPort } from '../../ports/device.js';

/** A chain's buffers together, at most (virtio 1.2, section 2.7.5). */
const MOST_CHAIN_BYTES = 2 ** 32;

/** Largest ring that QEMU lets a driver set up. */
export const MAX_QUEUE_SIZE = 1024;

/** Feature bits that concern the ring, all in the low word (virtio 1.2, chapter 6). */
export const RING_FEATURE = { notifyOnEmpty: 1 << 24, indirect: 1 << 28, eventIndex: 1 << 29 } as const;

const ANY_LAYOUT = 1 << 27;
/** VIRTIO_F_VERSION_1 and, without a register for it as in QEMU, VIRTIO_F_RING_RESET. */
export const MODERN_HIGH = 0x101;

/** A device's features, low and high word, for drivers of either version: its own and what QEMU's rings offer. */
export const offeredFeatures = (own: number) => {
  const ring = RING_FEATURE.indirect | RING_FEATURE.eventIndex;
  return {
    legacy: [(own | ring | RING_FEATURE.notifyOnEmpty | ANY_LAYOUT) >>> 0, 0],
    modern: [(own | ring) >>> 0, MODERN_HIGH],
  } as const;
};

const DESCRIPTOR_BYTES = 16;
const DESCRIPTOR = { next: 1, write: 2, indirect: 4 } as const;
const NO_INTERRUPT = 1;

/** What a queue remembers: the fields of its device's state that concern it. */
export interface QueueState {
  /** Entries of the ring; 0 in a queue that does not exist. */
  readonly queueSize: number;
  /** Physical addresses of descriptor table, available ring and used ring, as two words each; 0: not set up. */
  readonly descriptors: Uint32Array;
  readonly available: Uint32Array;
  readonly used: Uint32Array;
  nextAvailable: number;
  nextUsed: number;
  /** Used index at the last interrupt, when there was one. */
  signalledUsed: number;
  signalledValid: number;
}

/** The same for every queue of a device: an element, or a pair of elements, each. */
export interface QueuesState {
  readonly queueSize: Uint32Array;
  readonly descriptors: Uint32Array;
  readonly available: Uint32Array;
  readonly used: Uint32Array;
  readonly nextAvailable: Uint16Array;
  readonly nextUsed: Uint16Array;
  readonly signalledUsed: Uint16Array;
  readonly signalledValid: Uint8Array;
}

/** The fields of one queue; writing to them changes its element. */
export function queueAt(state: QueuesState, queue: number): QueueState {
  const pairOf = (pairs: Uint32Array) => pairs.subarray(2 * queue, 2 * queue + 2);
  return {
    descriptors: pairOf(state.descriptors),
    available: pairOf(state.available),
    used: pairOf(state.used),
    get queueSize() {
      return state.queueSize[queue];
    },
    get nextAvailable() {
      return state.nextAvailable[queue];
    },
    set nextAvailable(index) {
      state.nextAvailable[queue] = index;
    },
    get nextUsed() {
      return state.nextUsed[queue];
    },
    set nextUsed(index) {
      state.nextUsed[queue] = index;
    },
    get signalledUsed() {
      return state.signalledUsed[queue];
    },
    set signalledUsed(index) {
      state.signalledUsed[queue] = index;
    },
    get signalledValid() {
      return state.signalledValid[queue];
    },
    set signalledValid(valid) {
      state.signalledValid[queue] = valid;
    },
  };
}

/** A request of the driver: buffers to read, then buffers to fill. */
export interface Chain {
  readonly head: number;
  readonly out: readonly Uint8Array[];
  readonly in: readonly Uint8Array[];
}

/** The driver broke the rules of the ring; the message is for logs. */
export class RingFault extends Error {
  override readonly name = 'RingFault';
}

/**
 * A split virtqueue (virtio 1.2, section 2.7), with the checks of QEMU 7.2's hw/virtio/virtio.c.
 * Methods throw RingFault where QEMU gives the device up.
 */
export class Virtqueue {
  constructor(
    private readonly state: QueueState,
    private readonly dma: DmaPort,
    /** Low word of the features agreed on. */
    private readonly features: () => number,
  ) {}

  get ready(): boolean {
    return this.#address(this.state.descriptors) !== 0;
  }

  /** Checks that the rings lie in memory. */
  checkRings(): void {
    const { state } = this;
    this.#descriptorTable();
    this.#readable(this.#address(state.available), 6 + 2 * state.queueSize);
    this.#writable(this.#address(state.used), 6 + 8 * state.queueSize);
  }

  /** Requests that the driver has put and that were not taken. */
  get waiting(): number {
    const waiting = (this.#availableIndex() - this.state.nextAvailable) & 0xffff;
    if (waiting > this.state.queueSize) throw new RingFault('Virtqueue size exceeded');
    return waiting;
  }

  get pending(): boolean {
    return this.waiting > 0;
  }

  /** Takes the next request, or undefined when there is none. */
  pop(): Chain | undefined {
    const { state } = this;
    if (!this.pending) return undefined;
    const ring = this.#readable(this.#address(state.available), 4 + 2 * state.queueSize);
    const head = half(ring, 4 + 2 * (state.nextAvailable % state.queueSize));
    state.nextAvailable = (state.nextAvailable + 1) & 0xffff;
    if (head >= state.queueSize) throw new RingFault(`Guest says index ${head} is available`);
    this.#offerEvent();
    return this.chain(head);
  }

  /** Undoes the last `count` pops, of requests that were not pushed. */
  putBack(count: number): void {
    this.state.nextAvailable = (this.state.nextAvailable - count) & 0xffff;
  }

  /** Hands a request back, `written` bytes of its buffers filled. */
  push(head: number, written: number): void {
    const { state } = this;
    const ring = this.#writable(this.#address(state.used), 4 + 8 * state.queueSize);
    const view = viewOf(ring);
    const at = 4 + 8 * (state.nextUsed % state.queueSize);
    view.setUint32(at, head, true);
    view.setUint32(at + 4, written, true);
    state.nextUsed = (state.nextUsed + 1) & 0xffff;
    view.setUint16(2, state.nextUsed, true);
  }

  /**
   * Serves the requests that wait, in order, `serve` returning how many bytes it filled; whether there were any. What
   * is put into the ring meanwhile, by a buffer that overlaps it, is left: no ring keeps a device at work for ever.
   */
  serveAll(serve: (chain: Chain) => number): boolean {
    const { waiting } = this;
    for (let left = waiting; left > 0; left--) {
      const chain = this.pop();
      if (chain === undefined) break;
      this.push(chain.head, serve(chain));
    }
    return waiting > 0;
  }

  /** Whether the driver wants an interrupt for what was pushed since the last one. */
  shouldInterrupt(): boolean {
    const { state } = this;
    const features = this.features();
    if ((features & RING_FEATURE.notifyOnEmpty) !== 0 && !this.pending) return true;
    const ring = this.#readable(this.#address(state.available), 6 + 2 * state.queueSize);
    if ((features & RING_FEATURE.eventIndex) === 0) return (half(ring, 0) & NO_INTERRUPT) === 0;
    const known = state.signalledValid !== 0;
    const before = state.signalledUsed;
    state.signalledValid = 1;
    state.signalledUsed = state.nextUsed;
    const event = half(ring, 4 + 2 * state.queueSize);
    return !known || ((state.nextUsed - event - 1) & 0xffff) < ((state.nextUsed - before) & 0xffff);
  }

  /** Asks to be told of the next request (section 2.7.10). */
  #offerEvent(): void {
    const { state } = this;
    if ((this.features() & RING_FEATURE.eventIndex) === 0) return;
    const at = 4 + 8 * state.queueSize;
    const ring = this.#writable(this.#address(state.used), at + 2);
    viewOf(ring).setUint16(at, state.nextAvailable, true);
  }

  /**
   * The buffers of a request that was taken: views hold only until the machine runs on. `look`: nothing will be filled,
   * and asking leaves no trace.
   */
  chain(head: number, look = false): Chain {
    const out: Uint8Array[] = [];
    const filled: Uint8Array[] = [];
    let table = this.#descriptorTable();
    let limit = this.state.queueSize;
    let index = head;
    // The driver may have made the ring smaller since the request was taken.
    if (index >= limit) throw new RingFault(`Guest says index ${index} is available`);
    let view = viewOf(table);
    let bytes = 0;
    if ((view.getUint16(index * DESCRIPTOR_BYTES + 12, true) & DESCRIPTOR.indirect) !== 0) {
      const length = view.getUint32(index * DESCRIPTOR_BYTES + 8, true);
      if (length === 0 || length % DESCRIPTOR_BYTES !== 0) {
        throw new RingFault('Invalid size for indirect buffer table');
      }
      table = this.#readable(addressAt(view, index * DESCRIPTOR_BYTES), length);
      view = viewOf(table);
      limit = length / DESCRIPTOR_BYTES;
      index = 0;
    }
    for (let count = 1; ; count++) {
      const at = index * DESCRIPTOR_BYTES;
      const address = addressAt(view, at);
      const length = view.getUint32(at + 8, true);
      const flags = view.getUint16(at + 12, true);
      bytes += length;
      if (bytes > MOST_CHAIN_BYTES) throw new RingFault('a descriptor chain is longer than 2^32 bytes');
      if (length === 0) throw new RingFault('zero sized buffers are not allowed');
      if (out.length + filled.length === MAX_QUEUE_SIZE) throw new RingFault('too many descriptors');
      if ((flags & DESCRIPTOR.write) !== 0)
        filled.push(look ? this.#readable(address, length) : this.#writable(address, length));
      else if (filled.length > 0) throw new RingFault('Incorrect order for descriptors');
      else out.push(this.#readable(address, length));
      if (count > limit) throw new RingFault('Looped descriptor');
      if ((flags & DESCRIPTOR.next) === 0) return { head, out, in: filled };
      index = view.getUint16(at + 14, true);
      if (index >= limit) throw new RingFault(`Desc next is ${index}`);
    }
  }

  #availableIndex(): number {
    return half(this.#readable(this.#address(this.state.available), 4), 2);
  }

  #descriptorTable(): Uint8Array {
    const { descriptors, queueSize } = this.state;
    return this.#readable(this.#address(descriptors), queueSize * DESCRIPTOR_BYTES);
  }

  /** Inexact above 2^53, where there is no memory. */
  #address(pair: Uint32Array): number {
    return pair[1] * 2 ** 32 + pair[0];
  }

  #readable(address: number, length: number): Uint8Array {
    const bytes = this.dma.readable(address, length);
    if (bytes === undefined) throw new RingFault(`no memory at 0x${address.toString(16)}`);
    return bytes;
  }

  #writable(address: number, length: number): Uint8Array {
    const bytes = this.dma.writable(address, length);
    if (bytes === undefined) throw new RingFault(`no memory to write at 0x${address.toString(16)}`);
    return bytes;
  }
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const half = (bytes: Uint8Array, at: number) => bytes[at] | (bytes[at + 1] << 8);
const addressAt = (view: DataView, at: number) =>
  view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
