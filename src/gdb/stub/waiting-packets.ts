import type { FrameEvent } from '../rsp/framing.js';

export type QueuedPacket = Extract<
  FrameEvent,
  { kind: 'packet' | 'bad-checksum' | 'too-long' | 'interrupt' }
>;

/** Bytes that waiting packets may take; a debugger has one of them waiting, seldom two. */
const MOST_BYTES = 32 * 2 ** 20;
/** What a packet takes beside its body. */
const BYTES_PER_PACKET = 256;
const SMALLEST_COMPACTION = 1024;

/** Packets and interrupts that wait their turn, first in, first out, in constant time each. */
export class PacketQueue {
  private items: (QueuedPacket | undefined)[] = [];
  private head = 0;
  private bytes = 0;
  /** Interrupts among the items, and how many of them were taken before their turn. */
  private interrupts = 0;
  private taken = 0;

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

  /** Interrupts with nothing in between are one. */
  push(packet: QueuedPacket): void {
    if (packet.kind === 'interrupt') {
      if (this.interrupts > 0 && this.items.at(-1)?.kind === 'interrupt') return;
      this.interrupts++;
    }
    this.items.push(packet);
    this.bytes += cost(packet);
  }

  shift(): QueuedPacket | undefined {
    const packet = this.items[this.head];
    if (packet === undefined) return undefined;
    this.items[this.head++] = undefined;
    this.bytes -= cost(packet);
    this.compact();
    if (packet.kind !== 'interrupt') return packet;
    if (this.taken === 0) {
      this.interrupts--;
      return packet;
    }
    this.taken--;
    return this.shift();
  }

  /** Takes the first interrupt out of the queue, wherever it is; false: there is none. */
  takeInterrupt(): boolean {
    if (this.interrupts === 0) return false;
    this.interrupts--;
    this.taken++;
    return true;
  }

  private compact(): void {
    if (this.head >= SMALLEST_COMPACTION && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
  }

  clear(): void {
    this.items = [];
    this.head = 0;
    this.bytes = 0;
    this.interrupts = 0;
    this.taken = 0;
  }
}

function cost(packet: QueuedPacket): number {
  return BYTES_PER_PACKET + (packet.kind === 'packet' ? packet.body.length : 0);
}
