import type { HostClock, InputEvent, ShutdownCause } from '../machine/ports.js';

/** Packets that wait outside the machine; more are lost. */
const MOST_PACKETS = 1000;
/** The device knows no longer ones. */
const LONGEST_PACKET = 65_533;

/** How much a machine can take now: bytes typed at the console, and the longest packet. */
export interface InputRoom {
  readonly consoleRoom: number;
  readonly networkRoom: number;
}

/** What the host sent and the machine has not taken yet. Host callbacks only queue here. */
export class LiveInput {
  readonly #typed: Uint8Array[] = [];
  readonly #packets: Uint8Array[] = [];
  #shutdown: ShutdownCause | undefined;
  #wake: () => void = () => {};
  #woken: Promise<void> = Promise.resolve();

  constructor(readonly clock: HostClock) {}

  type(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#typed.push(bytes.slice());
    this.#wake();
  }

  /** A packet for the guest. */
  receive(packet: Uint8Array): void {
    if (this.#packets.length < MOST_PACKETS && packet.length <= LONGEST_PACKET) {
      this.#packets.push(packet.slice());
    }
    this.#wake();
  }

  requestShutdown(cause: ShutdownCause): void {
    this.#shutdown = cause;
    this.#wake();
  }

  /** Ends a `wait` under way. */
  wake(): void {
    this.#wake();
  }

  /** Whether `next` would hand something over to a machine with this much room. */
  pending(room: InputRoom): boolean {
    if (this.#shutdown !== undefined || (this.#typed.length > 0 && room.consoleRoom > 0)) return true;
    return this.#packets.length > 0 && this.#packets[0].length <= room.networkRoom;
  }

  /** The next event to let in, or undefined. What the machine has no room for waits. */
  next({ consoleRoom, networkRoom }: InputRoom): InputEvent | undefined {
    if (this.#shutdown !== undefined) {
      const cause = this.#shutdown;
      this.#shutdown = undefined;
      return { kind: 'shutdown', cause };
    }
    if (this.#packets.length > 0 && this.#packets[0].length <= networkRoom) {
      const [bytes] = this.#packets.splice(0, 1);
      return { kind: 'network', port: 0, bytes };
    }
    if (this.#typed.length === 0 || consoleRoom === 0) return undefined;
    const [first] = this.#typed;
    const bytes = first.subarray(0, consoleRoom);
    if (bytes.length === first.length) this.#typed.shift();
    else this.#typed[0] = first.subarray(bytes.length);
    return { kind: 'console', port: 0, bytes };
  }

  /** Sleeps until something is queued or `ms` have passed. */
  async wait(ms: number): Promise<void> {
    this.#woken = new Promise(resolve => {
      this.#wake = resolve;
    });
    await this.clock.sleep(ms, this.#woken);
    this.#wake = () => {};
  }
}
