import { ByteQueue, byteQueueFields } from '../devices/kit/byte-queue.js';
import type { Uart16550 } from '../devices/uart16550.js';
import type { Scheduler } from '../machine/scheduler.js';
import type { InputPorts, MmioDevice, TypedBytes } from '../ports/device.js';
import { defineState, type StateOf } from '../state/layout.js';

/** Input that has entered the machine and waits until the UART has room for it. */
export const CONSOLE_QUEUE_STATE = defineState('console-queue', byteQueueFields(4096));

type Typing = InputPorts['console'];

/** A UART and what was typed at it: behind each access that may have made room, waiting bytes go on. */
export class SerialConsole implements MmioDevice, Typing, TypedBytes {
  readonly access: Uart16550['access'];
  readonly width: Uart16550['width'];
  readonly #typed: ByteQueue;
  #mayGoOn = false;
  #tellTyped: () => void = () => {};

  constructor(
    readonly uart: Uart16550,
    queue: StateOf<typeof CONSOLE_QUEUE_STATE>,
    private readonly scheduler: Scheduler,
  ) {
    this.access = uart.access;
    this.width = uart.width;
    this.#typed = new ByteQueue(queue);
  }

  get room(): number {
    return this.#typed.room;
  }

  type(bytes: Uint8Array): void {
    this.#typed.enqueue(bytes);
    this.#tellTyped();
    this.#handOver();
  }

  tellOfTyped(listener: () => void): void {
    this.#tellTyped = listener;
  }

  /** What the UART has received is older than what waits for it. */
  take(): number {
    const received = this.uart.takeReceived();
    if (received >= 0) {
      this.#accessed();
      return received;
    }
    if (this.#typed.empty) return -1;
    const { first } = this.#typed;
    this.#typed.drop();
    return first;
  }

  read(offset: number, size: number): number {
    const value = this.uart.read(offset, size);
    this.#accessed();
    return value;
  }

  write(offset: number, size: number, value: number): void {
    this.uart.write(offset, size, value);
    this.#accessed();
  }

  peek(offset: number, size: number): number {
    return this.uart.peek(offset, size);
  }

  onTimer(index: number): void {
    this.uart.onTimer(index);
  }

  atBoundary(): void {
    if (!this.#mayGoOn) return;
    this.#mayGoOn = false;
    this.#handOver();
  }

  afterRestore(): void {
    this.#mayGoOn = false;
  }

  #accessed(): void {
    if (this.#typed.empty) return;
    this.#mayGoOn = true;
    this.scheduler.lookSoon();
  }

  /** As much as the UART takes. */
  #handOver(): void {
    while (!this.#typed.empty && this.uart.receive(this.#typed.first)) this.#typed.drop();
  }
}
