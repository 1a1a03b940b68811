import { describe, expect, test } from 'vitest';
import { type QueueState, RingFault, Virtqueue } from '../../src/devices/virtio/queue.js';
import { RAM_BASE, RigMemory } from './virtio-rig.js';

const QUEUE_SIZE = 4;
const [TABLE, AVAILABLE, USED, DATA, INDIRECT] = [0x100, 0x200, 0x400, 0x800, 0x600].map(at => RAM_BASE + at);
const FLAG = { next: 1, write: 2, indirect: 4 } as const;

interface Descriptor {
  readonly address?: number;
  readonly length?: number;
  readonly flags?: number;
  readonly next?: number;
}

/** A queue with one request: the chain that begins at the first of these descriptors. */
function queueOf(descriptors: readonly Descriptor[], indirect: readonly Descriptor[] = []) {
  const memory = new RigMemory(new Uint8Array(0x1000));
  const view = new DataView(memory.bytes.buffer);
  const lay = (table: number, rows: readonly Descriptor[]) => {
    for (const [i, { address = DATA, length = 16, flags = 0, next = 0 }] of rows.entries()) {
      const at = table - RAM_BASE + 16 * i;
      view.setUint32(at, address, true);
      view.setUint32(at + 8, length, true);
      view.setUint16(at + 12, flags, true);
      view.setUint16(at + 14, next, true);
    }
  };
  lay(TABLE, descriptors);
  lay(INDIRECT, indirect);
  view.setUint16(AVAILABLE - RAM_BASE + 2, 1, true);
  const state: QueueState = {
    queueSize: QUEUE_SIZE,
    descriptors: Uint32Array.of(TABLE, 0),
    available: Uint32Array.of(AVAILABLE, 0),
    used: Uint32Array.of(USED, 0),
    nextAvailable: 0,
    nextUsed: 0,
    signalledUsed: 0,
    signalledValid: 0,
  };
  return new Virtqueue(state, memory, () => 0);
}

const more = (next: number): Descriptor => ({ flags: FLAG.next, next });

describe('a chain of descriptors', () => {
  test('may go through the last one of the table', () => {
    const chain = queueOf([more(QUEUE_SIZE - 1), {}, {}, {}]).pop();
    expect(chain?.out.map(buffer => buffer.length)).toEqual([16, 16]);
  });

  test.each([QUEUE_SIZE, QUEUE_SIZE + 1, 0xffff])(
    'that goes on at %i, behind the table, is a fault of the ring',
    next => {
      expect(() => queueOf([more(next)]).pop()).toThrow(new RingFault(`Desc next is ${next}`));
    },
  );

  test('may fill an indirect table, and not go one past it', () => {
    const table = { address: INDIRECT, length: 32, flags: FLAG.indirect };
    expect(queueOf([table], [more(1), {}]).pop()?.out).toHaveLength(2);
    expect(() => queueOf([table], [more(1), more(2), {}]).pop()).toThrow(new RingFault('Desc next is 2'));
  });

  test('may be as long as the table, and not visit one twice', () => {
    expect(queueOf([more(1), more(2), more(3), {}]).pop()?.out).toHaveLength(QUEUE_SIZE);
    expect(() => queueOf([more(1), more(0)]).pop()).toThrow(new RingFault('Looped descriptor'));
  });
});
