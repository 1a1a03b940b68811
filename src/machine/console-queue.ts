import { bytes, defineState, type StateOf, u32 } from '../state/layout.js';

const CAPACITY = 4096;

/** Input that has entered the machine and waits until the UART has room for it. */
export const CONSOLE_QUEUE_STATE = defineState('console-queue', {
  queue: bytes(CAPACITY),
  head: u32(),
  count: u32(),
});

/** What the queue feeds. */
export interface CharacterReceiver {
  receive(byte: number): boolean;
}

export class ConsoleQueue {
  constructor(
    readonly state: StateOf<typeof CONSOLE_QUEUE_STATE>,
    readonly receiver: CharacterReceiver,
  ) {}

  /** How many bytes can still enter. */
  get room(): number {
    return CAPACITY - this.state.count;
  }

  get empty(): boolean {
    return this.state.count === 0;
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

  /** Hands over as much as the receiver takes. */
  pump(): void {
    const { state } = this;
    while (state.count > 0 && this.receiver.receive(state.queue[state.head])) {
      state.head = (state.head + 1) % CAPACITY;
      state.count--;
    }
  }
}
