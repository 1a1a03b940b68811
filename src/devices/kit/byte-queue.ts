import { type Bound, bytes, u32 } from '../../state/layout.js';

const CAPACITY = 4096;

/** State of a byte queue, as fields of a component. */
export const byteQueueFields = () => ({ queue: bytes(CAPACITY), head: u32(), count: u32() });

/** Bytes in order, a fixed number at most. */
export class ByteQueue {
  constructor(readonly state: Bound<ReturnType<typeof byteQueueFields>>) {}

  /** How many bytes can still enter. */
  get room(): number {
    return CAPACITY - this.state.count;
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
      if (state.count === CAPACITY) return;
      state.queue[(state.head + state.count) % CAPACITY] = byte;
      state.count++;
    }
  }

  drop(): void {
    const { state } = this;
    state.head = (state.head + 1) % CAPACITY;
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
