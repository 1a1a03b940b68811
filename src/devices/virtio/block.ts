import type { BlockPort, TimerPort, VirtualClock } from '../../ports/device.js';
import { halves, u8, u32, words } from '../../state/layout.js';
import type { VirtioVersion } from './mmio-registers.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { type Chain, MODERN_HIGH, RING_FEATURE, RingFault, type Virtqueue } from './queue.js';

const SECTOR_BYTES = 512;
const QUEUE_SIZE = 256;
/** From a driver's notification, or the request before, to a request's completion: virtual time of a fast disk. */
const REQUEST_NS = 50_000;

/** Features of virtio 1.2, section 5.2.3, that QEMU 7.2 offers by default. */
const FEATURE = {
  segmentMax: 1 << 2,
  geometry: 1 << 4,
  blockSize: 1 << 6,
  scsi: 1 << 7,
  flush: 1 << 9,
  topology: 1 << 10,
  configWriteCache: 1 << 11,
  discard: 1 << 13,
  writeZeroes: 1 << 14,
} as const;
const { scsi: LEGACY_ONLY, ...COMMON } = FEATURE;
const OFFERED =
  Object.values(COMMON).reduce((all, bit) => all | bit, 0) | RING_FEATURE.indirect | RING_FEATURE.eventIndex;

const REQUEST = {
  in: 0,
  out: 1,
  scsi: 2,
  flush: 4,
  getId: 8,
  discard: 11,
  writeZeroes: 13,
  barrier: 0x8000_0000,
} as const;
const RESULT = { ok: 0, error: 1, unsupported: 2 } as const;
const HEADER_BYTES = 16;
const RANGE_BYTES = 16;
const UNMAP = 1;
/** Requests above 2 GiB less a sector are refused, as in QEMU. */
const MOST_SECTORS = 0x3f_ffff;

const CONFIG_BYTES = 57;
const WRITE_CACHE = 32;

export const VIRTIO_BLOCK_STATE = virtioState('virtio-block', [QUEUE_SIZE], {
  /** Requests are being served: the timer is armed. */
  busy: u8(),
  /** The driver's choice, which changes nothing: writes are never lost. */
  writeCache: u8(1),
  /** Requests that the host works on, in the order in which they came: descriptor and number of each. */
  heads: halves(QUEUE_SIZE),
  requests: words(QUEUE_SIZE),
  inFlight: u32(),
  nextRequest: u32(),
});

export type VirtioBlockState = ReturnType<(typeof VIRTIO_BLOCK_STATE)['bind']>;

/** A piece of a disk, in bytes. */
interface Extent {
  readonly offset: number;
  readonly length: number;
}

export interface VirtioBlockPorts extends TransportPorts {
  readonly disk: BlockPort;
  /** `timed`: requests complete one after the other, by the clock; `host`: each when `complete` says so. */
  readonly completion: 'timed' | 'host';
  readonly clock: VirtualClock;
  /** Completion of the next request; the device ignores its `onTimer` index. */
  readonly timer: TimerPort;
}

/**
 * Block device (virtio 1.2, section 5.2) with QEMU 7.2's features, configuration and checks. A request is
 * carried out and completed at one moment.
 */
export class VirtioBlock implements VirtioFunction {
  readonly deviceId = 2;
  readonly queueSizes = [QUEUE_SIZE];
  readonly features = {
    legacy: [OFFERED | LEGACY_ONLY | RING_FEATURE.notifyOnEmpty, 0],
    modern: [OFFERED, MODERN_HIGH],
  } as const;
  readonly configBytes = CONFIG_BYTES;
  readonly transport: VirtioMmio;
  readonly #config: Uint8Array;

  constructor(
    private readonly state: VirtioBlockState,
    version: VirtioVersion,
    private readonly ports: VirtioBlockPorts,
  ) {
    this.transport = new VirtioMmio(this, state, version, ports);
    this.#config = configOf(ports.disk.sectors);
  }

  get awaitsHost(): boolean {
    return this.state.inFlight > 0;
  }

  /** Numbers of the requests that the host is to work on, oldest first. */
  get inFlight(): Uint32Array {
    return this.state.requests.subarray(0, this.state.inFlight);
  }

  /** The bytes of the disk that a request in flight is about; for what is no read or write, none. */
  extentOf(request: number): Extent {
    const index = this.inFlight.indexOf(request);
    if (index < 0) return NOWHERE;
    try {
      const { out, in: filled } = this.#queue.chain(this.state.heads[index], true);
      if (lengthOf(out) < HEADER_BYTES) return NOWHERE;
      const sector = sectorOf(takeFront(out, HEADER_BYTES), 8);
      const length = Math.max(lengthOf(out) - HEADER_BYTES, lengthOf(filled) - 1);
      return { offset: sector * SECTOR_BYTES, length };
    } catch (error) {
      // What is wrong with it shows when it completes: asking must not change the machine.
      if (error instanceof RingFault) return NOWHERE;
      throw error;
    }
  }

  /** The host has finished a request; one that is not in flight is none of this machine. */
  complete(request: number): void {
    const index = this.inFlight.indexOf(request);
    if (index < 0 || this.state.broken !== 0) return;
    this.transport.guarded(() => {
      this.#finish(index);
      this.transport.interruptForQueue(0);
    });
  }

  get #queue(): Virtqueue {
    return this.transport.queues[0];
  }

  readConfig(offset: number): number {
    return offset === WRITE_CACHE ? this.state.writeCache : this.#config[offset];
  }

  writeConfig(offset: number, value: number): void {
    if (offset === WRITE_CACHE) this.state.writeCache = value === 0 ? 0 : 1;
  }

  notified(): void {
    if (this.ports.completion === 'host') this.#takeAll();
    else if (this.state.busy === 0) this.#continue();
  }

  onTimer(): void {
    this.state.busy = 0;
    if (this.state.broken !== 0) return;
    this.transport.guarded(() => {
      this.#serveNext();
      this.transport.interruptForQueue(0);
    });
    this.#continue();
  }

  reset(): void {
    const { state } = this;
    this.ports.timer.arm(Number.POSITIVE_INFINITY);
    const wasBusy = state.busy !== 0;
    state.busy = 0;
    if (state.broken === 0) {
      this.transport.guarded(() => {
        if (wasBusy) for (let left = this.#queue.waiting; left > 0; left--) this.#serveNext();
        while (state.inFlight > 0) this.#finish(0);
      });
    }
    state.inFlight = 0;
  }

  /** Hands all requests over to the host. */
  #takeAll(): void {
    const { state } = this;
    this.transport.guarded(() => {
      for (let chain = this.#queue.pop(); chain !== undefined; chain = this.#queue.pop()) {
        if (state.inFlight === QUEUE_SIZE) throw new RingFault('more requests than the ring has room for');
        state.heads[state.inFlight] = chain.head;
        state.requests[state.inFlight] = state.nextRequest;
        state.inFlight++;
        state.nextRequest++;
      }
    });
  }

  #finish(index: number): void {
    const { state } = this;
    const head = state.heads[index];
    state.heads.copyWithin(index, index + 1);
    state.requests.copyWithin(index, index + 1);
    state.inFlight--;
    this.#serve(this.#queue.chain(head));
  }

  /** Arms the timer for the next request, if there is one. */
  #continue(): void {
    if (this.state.broken !== 0) return;
    this.transport.guarded(() => {
      if (!this.#queue.pending) return;
      this.state.busy = 1;
      this.ports.timer.arm(this.ports.clock.nowNs() + REQUEST_NS);
    });
  }

  /** Carries out one request, if there is one. */
  #serveNext(): void {
    const chain = this.#queue.pop();
    if (chain !== undefined) this.#serve(chain);
  }

  #serve(chain: Chain): void {
    const { out, in: filled, head } = chain;
    if (out.length === 0 || filled.length === 0) throw new RingFault('virtio-blk missing headers');
    if (lengthOf(out) < HEADER_BYTES) throw new RingFault('virtio-blk request outhdr too short');
    const last = filled[filled.length - 1];
    last[last.length - 1] = this.#execute(chain);
    this.#queue.push(head, lengthOf(filled));
  }

  /** The status byte is the last one to fill; what is before it is data. */
  #execute({ out, in: filled }: Chain): number {
    const header = takeFront(out, HEADER_BYTES);
    const data = skipFront(out, HEADER_BYTES);
    const room = dropLastByte(filled);
    const type = header.getUint32(0, true);
    // "Barrier" is a hint of long ago.
    const kind = (type & ~REQUEST.barrier) >>> 0;
    switch (kind & ~REQUEST.out) {
      case REQUEST.in:
        return (kind & REQUEST.out) !== 0 ? this.#write(header, data) : this.#read(header, room);
      case REQUEST.flush:
        return RESULT.ok;
      case REQUEST.scsi:
        return refuseScsi(out, filled);
      case REQUEST.getId:
        // A serial number that is empty.
        if (room.length > 0) room[0][0] = 0;
        return RESULT.ok;
      case REQUEST.discard & ~REQUEST.out:
      case REQUEST.writeZeroes & ~REQUEST.out:
        if ((kind & REQUEST.out) === 0 || lengthOf(data) > RANGE_BYTES) return RESULT.unsupported;
        if (lengthOf(data) < RANGE_BYTES) {
          throw new RingFault('virtio-blk discard/write_zeroes header too short');
        }
        return this.#zero(takeFront(data, RANGE_BYTES), kind === REQUEST.writeZeroes);
      default:
        return RESULT.unsupported;
    }
  }

  #read(header: DataView, room: readonly Uint8Array[]): number {
    let offset = this.#place(sectorOf(header, 8), lengthOf(room));
    if (offset < 0) return RESULT.error;
    for (const part of room) {
      this.ports.disk.read(offset, part);
      offset += part.length;
    }
    return RESULT.ok;
  }

  #write(header: DataView, data: readonly Uint8Array[]): number {
    const length = lengthOf(data);
    const offset = this.#place(sectorOf(header, 8), length);
    if (offset < 0 || length > this.ports.disk.mostChangedBytes) return RESULT.error;
    return this.ports.disk.write(offset, data.length === 1 ? data[0] : joined(data))
      ? RESULT.ok
      : RESULT.error;
  }

  /** Discarded sectors keep what they hold, as QEMU's default `discard=ignore`. */
  #zero(range: DataView, writes: boolean): number {
    const sectors = range.getUint32(8, true);
    const flags = range.getUint32(12, true);
    const offset = sectors > MOST_SECTORS ? -1 : this.#place(sectorOf(range, 0), sectors * SECTOR_BYTES);
    if (offset < 0) return RESULT.error;
    if ((flags & ~UNMAP) !== 0 || (!writes && (flags & UNMAP) !== 0)) return RESULT.unsupported;
    if (!writes) return RESULT.ok;
    return this.ports.disk.zero(offset, sectors * SECTOR_BYTES) ? RESULT.ok : RESULT.error;
  }

  /** Byte offset of a request, or -1 when it is not whole sectors of the disk. */
  #place(sector: number, bytes: number): number {
    const sectors = bytes / SECTOR_BYTES;
    if (!Number.isInteger(sectors) || sectors > MOST_SECTORS) return -1;
    return sector + sectors <= this.ports.disk.sectors ? sector * SECTOR_BYTES : -1;
  }
}

const NOWHERE: Extent = { offset: 0, length: 0 };

/**
 * Commands that only a SCSI disk of the host would take. They end in an error (255) in the buffer before the status,
 * or at once when buffers are missing.
 */
function refuseScsi(out: readonly Uint8Array[], filled: readonly Uint8Array[]): number {
  if (out.length < 2 || filled.length < 3) return RESULT.error;
  filled[filled.length - 2].set(Uint8Array.of(255, 0, 0, 0).subarray(0, filled[filled.length - 2].length));
  return RESULT.unsupported;
}

/** Inexact above 2^53, which is on no disk. */
const sectorOf = (view: DataView, at: number) =>
  view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);

const lengthOf = (parts: readonly Uint8Array[]) => parts.reduce((sum, part) => sum + part.length, 0);

/** A copy of the first bytes of a scattered buffer that has as many. */
function takeFront(parts: readonly Uint8Array[], bytes: number): DataView {
  const front = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    front.set(part.subarray(0, bytes - at), at);
    at = Math.min(at + part.length, bytes);
  }
  return new DataView(front.buffer);
}

function skipFront(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  const rest: Uint8Array[] = [];
  for (const part of parts) {
    if (part.length > left) rest.push(part.subarray(left));
    left = Math.max(left - part.length, 0);
  }
  return rest;
}

function dropLastByte(parts: readonly Uint8Array[]): Uint8Array[] {
  const last = parts[parts.length - 1];
  const kept = parts.slice(0, -1);
  return last.length > 1 ? [...kept, last.subarray(0, -1)] : kept;
}

/** A write is all or nothing: its parts are put together first. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(parts));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** virtio 1.2, section 5.2.4. */
function configOf(sectors: number): Uint8Array {
  const config = new Uint8Array(CONFIG_BYTES);
  const view = new DataView(config.buffer);
  const [heads, sectorsPerTrack] = [16, 63];
  const cylinders = Math.floor(sectors / (heads * sectorsPerTrack));
  view.setUint32(0, sectors % 2 ** 32, true);
  view.setUint32(4, Math.floor(sectors / 2 ** 32), true);
  view.setUint32(12, QUEUE_SIZE - 2, true);
  view.setUint16(16, Math.min(Math.max(cylinders, 2), 16383), true);
  view.setUint8(18, heads);
  view.setUint8(19, sectorsPerTrack);
  view.setUint32(20, SECTOR_BYTES, true);
  view.setUint8(WRITE_CACHE, 1);
  view.setUint16(34, 1, true);
  view.setUint32(36, MOST_SECTORS, true);
  view.setUint32(40, 1, true);
  view.setUint32(44, 1, true);
  view.setUint32(48, MOST_SECTORS, true);
  view.setUint32(52, 1, true);
  view.setUint8(56, 1);
  return config;
}
