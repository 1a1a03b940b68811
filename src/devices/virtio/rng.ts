import type { EntropyPort, TimerPort, VirtualClock } from '../../ports/device.js';
import { u8 } from '../../state/layout.js';
import type { VirtioVersion } from './mmio-registers.js';
import { type TransportPorts, type VirtioFunction, VirtioMmio, virtioState } from './mmio-transport.js';
import { offeredFeatures } from './queue.js';

const QUEUE_SIZES = [8];
/** From a driver's notification to its bytes: virtual time of a quick source. */
const REQUEST_NS = 10_000;
/** A request may be given less than it has room for (virtio 1.2, section 5.4.6). */
const MOST_REQUEST_BYTES = 2 ** 16;

export const VIRTIO_RNG_STATE = virtioState('virtio-rng', QUEUE_SIZES, {
  /** Requests wait for the timer. */
  busy: u8(),
});

export type VirtioRngState = ReturnType<(typeof VIRTIO_RNG_STATE)['bind']>;

export interface VirtioRngPorts extends TransportPorts {
  readonly entropy: EntropyPort;
  readonly clock: VirtualClock;
  readonly timer: TimerPort;
}

/** Entropy device (virtio 1.2, section 5.4), as QEMU 7.2's. A request gets at least one byte. */
export class VirtioRng implements VirtioFunction {
  readonly deviceId = 4;
  readonly queueSizes = QUEUE_SIZES;
  readonly features = offeredFeatures(0);
  readonly configBytes = 0;
  readonly transport: VirtioMmio;

  constructor(
    private readonly state: VirtioRngState,
    version: VirtioVersion,
    private readonly ports: VirtioRngPorts,
  ) {
    this.transport = new VirtioMmio(this, state, version, ports);
    ports.entropy.tellOfFresh(this);
  }

  readConfig(): number {
    return 0;
  }

  writeConfig(): void {}

  notified(): void {
    this.#arm();
  }

  onTimer(): void {
    this.state.busy = 0;
    this.#serve();
  }

  /** There may be bytes for those who wait. */
  fed(): void {
    if (this.transport.driven) this.#arm();
  }

  reset(): void {
    this.state.busy = 0;
    this.ports.timer.arm(Number.POSITIVE_INFINITY);
  }

  #arm(): void {
    if (this.state.busy !== 0) return;
    this.state.busy = 1;
    this.ports.timer.arm(this.ports.clock.nowNs() + REQUEST_NS);
  }

  #serve(): void {
    if (!this.transport.driven) return;
    this.transport.guarded(() => {
      const [queue] = this.transport.queues;
      let served = false;
      for (let left = queue.waiting; left > 0 && this.ports.entropy.ready(); left--) {
        const chain = queue.pop();
        if (chain === undefined) break;
        let written = 0;
        for (const part of chain.in) {
          written += this.ports.entropy.draw(part.subarray(0, MOST_REQUEST_BYTES - written));
        }
        queue.push(chain.head, written);
        served = true;
      }
      if (served) this.transport.interruptForQueue(0);
    });
  }
}
