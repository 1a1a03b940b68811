import type { PacketPort } from '../machine/ports.js';
import type { Branch } from './branch.js';
import type { Player } from './player.js';

/** The last packet that left for the host, on one branch. */
interface LastSent {
  readonly ns: number;
  readonly ordinal: number;
}

/**
 * Packets of the guest on their way to the host. What the guest sends again while history is replayed was sent
 * before, and is dropped.
 */
export class NetworkOutput implements PacketPort {
  readonly #lastSent = new WeakMap<Branch, LastSent>();

  constructor(
    readonly player: () => Player,
    readonly forward: (packet: Uint8Array) => void,
  ) {}

  send(packet: Uint8Array, ordinal: number): void {
    const { branch, machine } = this.player();
    const ns = machine.virtualNs;
    if (branch.parent !== undefined && machine.icount < branch.forkedAt) return;
    const last = this.#lastSent.get(branch);
    if (last !== undefined && (ns < last.ns || (ns === last.ns && ordinal <= last.ordinal))) return;
    this.#lastSent.set(branch, { ns, ordinal });
    this.forward(packet);
  }
}
