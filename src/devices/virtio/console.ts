import type { OutputPort } from '../../ports/device.js';
import { ByteQueue, byteQueueFields } from '../kit/byte-queue.js';
import type { VirtioVersion } from './mmio-registers.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { offeredFeatures } from './queue.js';
import { requireAtMost } from './scatter.js';

const QUEUE = { receive: 0, transmit: 1 } as const;
const QUEUE_SIZES = [128, 128];
const EMERGENCY_WRITE = 1 << 2;
/** Columns, rows and number of ports are read; the last word is written. */
const CONFIG_BYTES = 12;
const PORTS_AT = 4;
const EMERGENCY_AT = 8;
/** Of one request; Linux writes 32 KiB at a time. */
const MOST_OUTPUT_BYTES = 2 ** 18;

export const VIRTIO_CONSOLE_STATE = virtioState('virtio-console', QUEUE_SIZES, byteQueueFields(4096));

export type VirtioConsoleState = ReturnType<(typeof VIRTIO_CONSOLE_STATE)['bind']>;

export interface VirtioConsolePorts extends TransportPorts {
  readonly output: OutputPort;
}

/** Console device with one port (virtio 1.2, section 5.3); Linux calls it hvc0. Output leaves it at once. */
export class VirtioConsole implements VirtioFunction {
  readonly deviceId = 3;
  readonly queueSizes = QUEUE_SIZES;
  readonly features = offeredFeatures(EMERGENCY_WRITE);
  readonly configBytes = CONFIG_BYTES;
  readonly transport: VirtioMmio;
  readonly #typed: ByteQueue;

  constructor(
    state: VirtioConsoleState,
    version: VirtioVersion,
    private readonly ports: VirtioConsolePorts,
  ) {
    this.transport = new VirtioMmio(this, state, version, ports);
    this.#typed = new ByteQueue(state);
  }

  /** How many bytes can still be typed. */
  get room(): number {
    return this.#typed.room;
  }

  /** What was typed waits here until the driver has buffers for it. */
  type(bytes: Uint8Array): void {
    this.#typed.enqueue(bytes);
    this.#receive();
  }

  readConfig(offset: number): number {
    return offset === PORTS_AT ? 1 : 0;
  }

  writeConfig(offset: number, value: number): void {
    if (offset === EMERGENCY_AT) this.ports.output.write(value);
  }

  notified(queue: number): void {
    if (queue === QUEUE.receive) this.#receive();
    else this.#transmit();
  }

  #receive(): void {
    if (!this.transport.driven || this.#typed.empty) return;
    this.transport.guarded(() => {
      const queue = this.transport.queues[QUEUE.receive];
      if (!queue.ready) return;
      let filled = false;
      while (!this.#typed.empty) {
        const chain = queue.pop();
        if (chain === undefined) break;
        let written = 0;
        for (const part of chain.in) written += this.#typed.take(part);
        queue.push(chain.head, written);
        filled = true;
      }
      if (filled) this.transport.interruptForQueue(QUEUE.receive);
    });
  }

  #transmit(): void {
    this.transport.guarded(() => {
      const sent = this.transport.queues[QUEUE.transmit].serveAll(({ out }) => {
        requireAtMost(MOST_OUTPUT_BYTES, out);
        for (const part of out) for (const byte of part) this.ports.output.write(byte);
        return 0;
      });
      if (sent) this.transport.interruptForQueue(QUEUE.transmit);
    });
  }
}
