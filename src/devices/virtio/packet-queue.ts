import { bytes, u32 } from '../../state/layout.js';

const CAPACITY = 65_536;
const LENGTH_BYTES = 2;

/** Packets that wait for the driver: their length in two bytes, then the packet, in a ring. */
export const packetQueueFields = () => ({
  waiting: bytes(CAPACITY),
  waitingHead: u32(),
  waitingBytes: u32(),
});

export interface PacketQueueState {
  readonly waiting: Uint8Array;
  waitingHead: number;
  waitingBytes: number;
}

/** A queue of packets, bounded by what they take together. */
export class PacketQueue {
  constructor(readonly state: PacketQueueState) {}

  get empty(): boolean {
    return this.state.waitingBytes === 0;
  }

  /** Length of the longest packet that has room. */
  get room(): number {
    return Math.max(0, CAPACITY - this.state.waitingBytes - LENGTH_BYTES);
  }

  /** False when there is no room: the packet is not taken. */
  push(packet: Uint8Array): boolean {
    if (packet.length > this.room) return false;
    this.#append(Uint8Array.of(packet.length & 0xff, packet.length >>> 8));
    this.#append(packet);
    return true;
  }

  /** The oldest packet, which stays. */
  first(): Uint8Array {
    const { waiting, waitingHead } = this.state;
    const length = waiting[waitingHead] | (waiting[(waitingHead + 1) % CAPACITY] << 8);
    const start = (waitingHead + LENGTH_BYTES) % CAPACITY;
    const packet = new Uint8Array(length);
    const straight = Math.min(length, CAPACITY - start);
    packet.set(waiting.subarray(start, start + straight));
    packet.set(waiting.subarray(0, length - straight), straight);
    return packet;
  }

  /** Takes the oldest packet, `length` bytes long, away. */
  dropFirst(length: number): void {
    const { state } = this;
    state.waitingHead = (state.waitingHead + LENGTH_BYTES + length) % CAPACITY;
    state.waitingBytes -= LENGTH_BYTES + length;
  }

  clear(): void {
    this.state.waitingBytes = 0;
  }

  #append(part: Uint8Array): void {
    const { state } = this;
    const end = (state.waitingHead + state.waitingBytes) % CAPACITY;
    const straight = Math.min(part.length, CAPACITY - end);
    state.waiting.set(part.subarray(0, straight), end);
    state.waiting.set(part.subarray(straight), 0);
    state.waitingBytes += part.length;
  }
}
