import type { FrameEvent } from '../rsp/framing.js';

export type QueuedPacket = Extract<FrameEvent, { kind: 'packet' | 'bad-checksum' | 'too-long' }>;

/** Bytes that waiting packets may take; a debugger has one of them waiting, seldom two. */
const MOST_BYTES = 64 * 2 ** 20;
/** What a packet takes beside its body. */
const BYTES_PER_PACKET = 256;
const SMALLEST_COMPACTION = 1024;

/** Packets that wait their turn, first in, first out, in constant time each. */
export class PacketQueue {
  private items: (QueuedPacket | undefined)[] = [];
  private head = 0;
  private bytes = 0;

  get length(): number {
    return this.items.length - this.head;
  }

  /** No more should be taken in before half of it is worked off. */
  get full(): boolean {
    return this.bytes >= MOST_BYTES;
  }

  get halfEmpty(): boolean {
    return this.bytes <= MOST_BYTES / 2;
  }

  push(packet: QueuedPacket): void {
    this.items.push(packet);
    this.bytes += cost(packet);
  }

  shift(): QueuedPacket | undefined {
    const packet = this.items[this.head];
    if (packet === undefined) return undefined;
    this.items[this.head++] = undefined;
    this.bytes -= cost(packet);
    if (this.head >= SMALLEST_COMPACTION && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return packet;
  }

  clear(): void {
    this.items = [];
    this.head = 0;
    this.bytes = 0;
  }
}

function cost(packet: QueuedPacket): number {
  return BYTES_PER_PACKET + (packet.kind === 'packet' ? packet.body.length : 0);
}
