import type { PacketPort, TimerPort, VirtualClock } from '../../ports/device.js';
import { count, u8, u32 } from '../../state/layout.js';
import type { VirtioVersion } from './mmio-registers.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { filterFields, NetworkFilter } from './network-filter.js';
import { PacketQueue, packetQueueFields } from './packet-queue.js';
import { type Chain, RING_FEATURE, RingFault } from './queue.js';
import { gather, lengthOf, scatter } from './scatter.js';

const QUEUE_SIZE = 256;
const QUEUE_SIZES = [QUEUE_SIZE, QUEUE_SIZE, 64];
const QUEUE = { receive: 0, transmit: 1, control: 2 } as const;

/** Features of virtio 1.2, section 5.1.3, that QEMU 7.2 offers on a network without offloads. */
const FEATURE = {
  controlOffloads: 1 << 2,
  address: 1 << 5,
  mergeBuffers: 1 << 15,
  status: 1 << 16,
  controlQueue: 1 << 17,
  controlReceive: 1 << 18,
  controlVlan: 1 << 19,
  controlReceiveExtra: 1 << 20,
  announce: 1 << 21,
  controlAddress: 1 << 23,
} as const;
const OFFERED =
  Object.values(FEATURE).reduce((all, bit) => all | bit, 0) | RING_FEATURE.indirect | RING_FEATURE.eventIndex;
/** VIRTIO_NET_F_GSO and VIRTIO_F_ANY_LAYOUT. */
const LEGACY_ONLY = (1 << 6) | (1 << 27) | RING_FEATURE.notifyOnEmpty;
/** VIRTIO_F_VERSION_1 and, without a register for it as in QEMU, VIRTIO_F_RING_RESET. */
const MODERN_HIGH = 0x101;
const VERSION_1 = 1;

/** Address and status. */
const CONFIG_BYTES = 8;
const ADDRESS_BYTES = 6;
const LINK_UP = 1;

const SHORT_HEADER_BYTES = 10;
const HEADER_BYTES = 12;
const HEADER_BUFFERS = 10;
/** Longer packets are not sent, as in QEMU. */
const LONGEST_PACKET = 4096 + 65_536;
const CONTROL_HEADER_BYTES = 2;
const CONTROL = { ok: 0, error: 1 } as const;

/** From a driver's notification to what it asks for: virtual time, some packets at gigabit speed. */
const SERVICE_NS = 10_000;

export const VIRTIO_NETWORK_STATE = virtioState('virtio-network', QUEUE_SIZES, {
  /** The driver notified the device, which is going to look: the timer is armed. */
  busy: u8(),
  ...filterFields(),
  ...packetQueueFields(),
  received: count(),
  /** Packets that found neither a buffer nor room to wait, or that the buffers were too short for. */
  dropped: count(),
  sent: count(),
  /** FNV-1a over everything sent, so that a replay that sends something else is found out. */
  sentHash: u32(0x811c_9dc5),
});

export type VirtioNetworkState = ReturnType<(typeof VIRTIO_NETWORK_STATE)['bind']>;

export interface VirtioNetworkPorts extends TransportPorts {
  /** Absent: a cable that ends nowhere. */
  readonly output: PacketPort | undefined;
  readonly clock: VirtualClock;
  /** Service of notified queues; the device ignores its `onTimer` index. */
  readonly timer: TimerPort;
}

/**
 * Network device (virtio 1.2, section 5.1) with QEMU 7.2's features, configuration and checks. What arrives while the
 * driver has no buffers waits, and is lost when too much waits.
 */
export class VirtioNetwork implements VirtioFunction {
  readonly deviceId = 1;
  readonly queueSizes = QUEUE_SIZES;
  readonly features = {
    legacy: [OFFERED | LEGACY_ONLY, 0],
    modern: [OFFERED, MODERN_HIGH],
  } as const;
  readonly configBytes = CONFIG_BYTES;
  readonly transport: VirtioMmio;
  readonly #filter: NetworkFilter;
  readonly #waiting: PacketQueue;

  constructor(
    private readonly state: VirtioNetworkState,
    version: VirtioVersion,
    private readonly ports: VirtioNetworkPorts,
  ) {
    this.transport = new VirtioMmio(this, state, version, ports);
    this.#filter = new NetworkFilter(state, () => this.#agreed(FEATURE.controlVlan));
    this.#waiting = new PacketQueue(state);
  }

  /** Length of the longest packet that surely is not lost for want of room. */
  get room(): number {
    return this.#waiting.room;
  }

  /** A packet arrives, with its Ethernet header and without checksum. */
  receive(packet: Uint8Array): void {
    const { state } = this;
    let done = false;
    if (this.#canReceive && this.#waiting.empty) {
      this.transport.guarded(() => {
        done = this.#deliver(packet);
        if (done) this.transport.interruptForQueue(QUEUE.receive);
      });
    }
    if (!done && !this.#waiting.push(packet)) state.dropped++;
  }

  readConfig(offset: number): number {
    if (offset < ADDRESS_BYTES) return this.state.address[offset];
    return offset === ADDRESS_BYTES ? LINK_UP : 0;
  }

  /** Legacy drivers set the address here, unless they have the control queue for it. */
  writeConfig(offset: number, value: number): void {
    const fixed = this.#agreed(FEATURE.controlAddress) || this.#modern;
    if (offset < ADDRESS_BYTES && !fixed) this.state.address[offset] = value;
  }

  notified(): void {
    if (this.state.busy !== 0) return;
    this.state.busy = 1;
    this.ports.timer.arm(this.ports.clock.nowNs() + SERVICE_NS);
  }

  onTimer(): void {
    this.state.busy = 0;
    const { transport } = this;
    if (!transport.driven) return;
    transport.guarded(() => {
      if (this.#serveAll(QUEUE.control, chain => this.#control(chain))) {
        transport.interruptForQueue(QUEUE.control);
      }
      if (this.#serveAll(QUEUE.transmit, chain => this.#transmit(chain))) {
        transport.interruptForQueue(QUEUE.transmit);
      }
      if (this.#deliverWaiting()) transport.interruptForQueue(QUEUE.receive);
    });
  }

  reset(): void {
    this.ports.timer.arm(Number.POSITIVE_INFINITY);
    this.state.busy = 0;
    this.#filter.reset();
    this.#waiting.clear();
  }

  get #modern(): boolean {
    return (this.state.features[1] & VERSION_1) !== 0;
  }

  get #merges(): boolean {
    return this.#agreed(FEATURE.mergeBuffers);
  }

  get #headerBytes(): number {
    return this.#modern || this.#merges ? HEADER_BYTES : SHORT_HEADER_BYTES;
  }

  get #canReceive(): boolean {
    return this.transport.driven && this.transport.queues[QUEUE.receive].ready;
  }

  #agreed(feature: number): boolean {
    return (this.state.features[0] & feature) !== 0;
  }

  /** Carries out every request of a queue; whether there was one. */
  #serveAll(number: number, serve: (chain: Chain) => number): boolean {
    const queue = this.transport.queues[number];
    return queue.ready && queue.serveAll(serve);
  }

  #transmit({ out }: Chain): number {
    if (out.length === 0) throw new RingFault('virtio-net header not in first element');
    const length = lengthOf(out) - this.#headerBytes;
    if (length <= 0 || length > LONGEST_PACKET) return 0;
    const { state } = this;
    const packet = gather(out, this.#headerBytes);
    for (const byte of packet) state.sentHash = Math.imul(state.sentHash ^ byte, 0x0100_0193) >>> 0;
    state.sent++;
    this.ports.output?.send(packet, state.sent);
    return 0;
  }

  #control({ out, in: filled }: Chain): number {
    if (lengthOf(filled) < 1 || lengthOf(out) < CONTROL_HEADER_BYTES) {
      throw new RingFault('virtio-net ctrl missing headers');
    }
    const status = lengthOf(out) <= LONGEST_PACKET && this.#filter.command(gather(out));
    scatter(filled, Uint8Array.of(status ? CONTROL.ok : CONTROL.error));
    return 1;
  }

  #deliverWaiting(): boolean {
    let delivered = false;
    while (this.#canReceive && !this.#waiting.empty) {
      const packet = this.#waiting.first();
      if (!this.#deliver(packet)) break;
      this.#waiting.dropFirst(packet.length);
      delivered = true;
    }
    return delivered;
  }

  /** Puts a packet into the driver's buffers, or drops it; false when there are not enough of them. */
  #deliver(packet: Uint8Array): boolean {
    const { state } = this;
    const queue = this.transport.queues[QUEUE.receive];
    const needed = this.#headerBytes + packet.length;
    const chains: Chain[] = [];
    let room = 0;
    while (room < needed) {
      if (chains.length === 1 && !this.#merges) break;
      const chain = queue.pop();
      if (chain === undefined) {
        queue.putBack(chains.length);
        return false;
      }
      if (chain.in.length === 0) throw new RingFault('virtio-net receive queue contains no in buffers');
      chains.push(chain);
      room += lengthOf(chain.in);
    }
    if (!this.#filter.accepts(packet)) {
      queue.putBack(chains.length);
      return true;
    }
    if (room < needed) {
      queue.putBack(chains.length);
      state.dropped++;
      return true;
    }
    const filled = this.#withHeader(packet, chains.length);
    let done = 0;
    for (const chain of chains) {
      const written = scatter(chain.in, filled.subarray(done));
      queue.push(chain.head, written);
      done += written;
    }
    state.received++;
    return true;
  }

  #withHeader(packet: Uint8Array, buffers: number): Uint8Array {
    const filled = new Uint8Array(this.#headerBytes + packet.length);
    filled.set(packet, this.#headerBytes);
    if (this.#headerBytes === HEADER_BYTES) {
      filled[HEADER_BUFFERS] = buffers & 0xff;
      filled[HEADER_BUFFERS + 1] = buffers >>> 8;
    }
    return filled;
  }
}
