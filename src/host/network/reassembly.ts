import type { Datagram, Ipv4Packet } from './ipv4.js';

/** Datagrams of which parts are missing; the oldest is given up when there are more. */
const MOST_PENDING = 16;
const LONGEST_PAYLOAD = 65_535 - 20;
/** Bytes kept of one datagram, parts that came twice included. */
const MOST_BYTES = 2 * LONGEST_PAYLOAD;
/** Parts of one datagram: as many as the smallest packets (68 bytes) need. */
const MOST_PARTS = 1400;

interface Pending {
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[];
  /** Bytes in all parts. */
  bytes: number;
  /** Length of the whole, once its last part has come. */
  length: number | undefined;
}

/** Puts datagrams together that were sent in fragments (RFC 791, section 3.2). */
export class Reassembly {
  readonly #pending = new Map<string, Pending>();

  /** The whole datagram, if this packet is one or completes one. */
  take(packet: Ipv4Packet): Datagram | undefined {
    const { offset, more, payload } = packet;
    if (offset === 0 && !more) return packet;
    const end = offset + payload.length;
    if (end > LONGEST_PAYLOAD || (more && payload.length % 8 !== 0) || payload.length === 0) return undefined;
    const key = `${packet.source} ${packet.destination} ${packet.protocol} ${packet.identification}`;
    const pending = this.#pending.get(key) ?? this.#begin(key);
    // The bytes are the caller's, until it takes the next packet.
    pending.parts.push({ offset, bytes: payload.slice() });
    pending.bytes += payload.length;
    if (!more) pending.length = end;
    const whole = joined(pending);
    const tooMuch = pending.bytes > MOST_BYTES || pending.parts.length > MOST_PARTS;
    if (whole !== undefined || tooMuch) this.#pending.delete(key);
    if (whole === undefined) return undefined;
    const { source, destination, protocol } = packet;
    return { source, destination, protocol, payload: whole };
  }

  #begin(key: string): Pending {
    for (const oldest of this.#pending.keys()) {
      if (this.#pending.size < MOST_PENDING) break;
      this.#pending.delete(oldest);
    }
    const pending: Pending = { parts: [], bytes: 0, length: undefined };
    this.#pending.set(key, pending);
    return pending;
  }
}

/** Undefined while bytes are missing. Where parts overlap, the later one counts. */
function joined({ parts, length }: Pending): Uint8Array | undefined {
  if (length === undefined) return undefined;
  let known = 0;
  for (const { offset, bytes } of parts.toSorted((a, b) => a.offset - b.offset)) {
    if (offset > known) return undefined;
    known = Math.max(known, offset + bytes.length);
  }
  if (known !== length) return undefined;
  const whole = new Uint8Array(length);
  for (const { offset, bytes } of parts) whole.set(bytes, offset);
  return whole;
}
