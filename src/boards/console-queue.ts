import { ByteQueue, byteQueueFields } from '../devices/kit/byte-queue.js';
import { defineState, type StateOf } from '../state/layout.js';

/** Input that has entered the machine and waits until the UART has room for it. */
export const CONSOLE_QUEUE_STATE = defineState('console-queue', byteQueueFields(4096));

/** What the queue feeds. */
export interface CharacterReceiver {
  receive(byte: number): boolean;
}

export class ConsoleQueue extends ByteQueue {
  constructor(
    state: StateOf<typeof CONSOLE_QUEUE_STATE>,
    readonly receiver: CharacterReceiver,
  ) {
    super(state);
  }

  /** Hands over as much as the receiver takes. */
  pump(): void {
    while (!this.empty && this.receiver.receive(this.first)) this.drop();
  }
}
