import { type Bound, bytes, u32 } from '../../state/layout.js';

/** State of a queue of so many bytes, as fields of a component. */
export const byteQueueFields = (capacity: number) => ({ queue: bytes(capacity), head: u32(), count: u32() });

/** Bytes in order, a fixed number at most. */
export class ByteQueue {
  readonly capacity: number;

  constructor(readonly state: Bound<ReturnType<typeof byteQueueFields>>) {
    this.capacity = state.queue.length;
  }

  /** How many bytes can still enter. */
  get room(): number {
    return this.capacity - this.state.count;
  }

  get empty(): boolean {
    return this.state.count === 0;
  }

  /** The byte that `drop` would drop; meaningless when empty. */
  get first(): number {
    return this.state.queue[this.state.head];
  }

  /** Bytes beyond `room` are lost, as on a line that nobody reads. */
  enqueue(input: Uint8Array): void {
    const { state } = this;
    for (const byte of input) {
      if (state.count === this.capacity) return;
      state.queue[(state.head + state.count) % this.capacity] = byte;
      state.count++;
    }
  }

  drop(): void {
    const { state } = this;
    state.head = (state.head + 1) % this.capacity;
    state.count--;
  }

  /** Moves bytes to a buffer and returns how many. */
  take(to: Uint8Array): number {
    let taken = 0;
    for (; taken < to.length && !this.empty; taken++) {
      to[taken] = this.first;
      this.drop();
    }
    return taken;
  }
}
