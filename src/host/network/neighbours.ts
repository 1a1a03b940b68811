import type { Datagram } from './ipv4.js';

/** Addresses whose cards are known; a guest that pretends to have more makes the oldest forgotten. */
const MOST_CARDS = 64;
/** Addresses that are asked for, and packets that wait for each. */
const MOST_ASKED = 16;
const MOST_WAITING = 16;

/** Which card has which address (RFC 826), and what waits for an answer. Bounded, whatever a guest says. */
export class Neighbours {
  /** The oldest first. */
  readonly #cards = new Map<number, Uint8Array>();
  readonly #waiting = new Map<number, Datagram[]>();

  get size(): number {
    return this.#cards.size + this.#waiting.size;
  }

  cardOf(address: number): Uint8Array | undefined {
    return this.#cards.get(address);
  }

  /** Returns the packets that waited for it. */
  learn(address: number, card: Uint8Array): readonly Datagram[] {
    this.#cards.delete(address);
    makeRoom(this.#cards, MOST_CARDS);
    this.#cards.set(address, card);
    const waiting = this.#waiting.get(address) ?? [];
    this.#waiting.delete(address);
    return waiting;
  }

  /** Keeps a packet until its destination's card is known; one too many is lost. */
  wait(datagram: Datagram): void {
    const { destination } = datagram;
    let waiting = this.#waiting.get(destination);
    if (waiting === undefined) {
      makeRoom(this.#waiting, MOST_ASKED);
      waiting = [];
      this.#waiting.set(destination, waiting);
    }
    if (waiting.length < MOST_WAITING) waiting.push(datagram);
  }
}

function makeRoom<T>(map: Map<number, T>, most: number): void {
  for (const oldest of map.keys()) {
    if (map.size < most) return;
    map.delete(oldest);
  }
}
