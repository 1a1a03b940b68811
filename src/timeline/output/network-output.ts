import type { PacketPort } from '../../ports/device.js';
import type { Navigator } from '../history/navigator.js';
import { SentOnce } from './sent-once.js';

/** Packets of the guest on their way to the host, each once. */
export class NetworkOutput implements PacketPort {
  readonly #once: SentOnce;

  constructor(
    navigator: () => Navigator,
    readonly forward: (packet: Uint8Array) => void,
  ) {
    this.#once = new SentOnce(navigator);
  }

  send(packet: Uint8Array, ordinal: number): void {
    if (this.#once.isNew(ordinal)) this.forward(packet);
  }
}
