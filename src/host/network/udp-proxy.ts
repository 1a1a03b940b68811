import { createSocket, type Socket } from 'node:dgram';
import { InputError } from '../../state/input-error.js';
import { systemErrorText } from '../system-error.js';
import { type Datagram, formatAddress, parseAddress } from './ipv4.js';
import type { HostForward } from './tcp-proxy.js';
import { buildUdp, type UdpDatagram } from './udp.js';
import { toGuest, toHost } from './user-addresses.js';

/** A port of the guest that is silent for so long loses its socket. */
const IDLE_MS = 240_000;
const MOST_SOCKETS = 256;
/** Bytes, and what each packet costs beside them, that wait for the host's network; packets beyond are lost. */
const MOST_WAITING_BYTES = 2 ** 20;
const PACKET_BYTES = 256;
/** Peers of a forwarded port that a restricted guest may answer. */
const MOST_PEERS = 64;

interface Association {
  readonly socket: Socket;
  /** Undefined for a forwarded port, which stays. */
  readonly timer: NodeJS.Timeout | undefined;
  /** Who sent to a forwarded port, as `address:port`, the oldest first. */
  readonly peers: Set<string>;
}

/** UDP of the guest: each of its ports has a socket of the host, which any peer may answer. */
export class UdpProxy {
  readonly #associations = new Map<string, Association>();
  #waitingBytes = 0;

  /** `restricted`: the guest only answers who sent to a forwarded port. */
  constructor(
    readonly send: (datagram: Datagram) => void,
    readonly restricted = false,
  ) {}

  receive({ source, sourcePort, destination, destinationPort, payload }: UdpDatagram): void {
    const host = toHost(destination);
    if (host === undefined || destinationPort === 0) return;
    const key = keyOf(source, sourcePort);
    const known = this.#associations.get(key);
    if (this.restricted && known?.peers.has(keyOf(destination, destinationPort)) !== true) return;
    const association = known ?? this.#open(key, source, sourcePort);
    if (association === undefined) return;
    association.timer?.refresh();
    const cost = payload.length + PACKET_BYTES;
    if (this.#waitingBytes + cost > MOST_WAITING_BYTES) return;
    this.#waitingBytes += cost;
    association.socket.send(payload.slice(), destinationPort, formatAddress(host), () => {
      this.#waitingBytes -= cost;
    });
  }

  /** Binds a port of the host. Rejects with InputError when that is not possible. */
  async forward(rule: HostForward): Promise<void> {
    const socket = this.#socketTo(rule.guest, rule.guestPort);
    const association = { socket, timer: undefined, peers: new Set<string>() };
    this.#associations.set(keyOf(rule.guest, rule.guestPort), association);
    await new Promise<void>((resolve, reject) => {
      socket.once('listening', resolve);
      socket.once('error', error => {
        const where = `udp:${rule.host}:${rule.port}`;
        reject(new InputError(`cannot forward ${where} to the guest: ${systemErrorText(error)}`));
      });
      socket.bind(rule.port, rule.host);
    });
  }

  close(): void {
    for (const key of [...this.#associations.keys()]) this.#drop(key);
  }

  /** Undefined when all that there is room for are forwarded ports. */
  #open(key: string, guest: number, guestPort: number): Association | undefined {
    if (this.#associations.size >= MOST_SOCKETS) {
      const oldest = [...this.#associations].find(([, { timer }]) => timer !== undefined);
      if (oldest === undefined) return undefined;
      this.#drop(oldest[0]);
    }
    const socket = this.#socketTo(guest, guestPort);
    const timer = setTimeout(() => this.#drop(key), IDLE_MS);
    timer.unref();
    const association = { socket, timer, peers: new Set<string>() };
    this.#associations.set(key, association);
    return association;
  }

  #socketTo(guest: number, guestPort: number): Socket {
    const socket = createSocket('udp4');
    // What cannot be sent or received is lost, as on any network.
    socket.on('error', () => {});
    socket.on('message', (bytes, { address, port }) => {
      const source = parseAddress(address);
      if (source === undefined) return;
      const association = this.#associations.get(keyOf(guest, guestPort));
      association?.timer?.refresh();
      if (association?.timer === undefined) remember(association?.peers, keyOf(toGuest(source), port));
      this.send(
        buildUdp({
          source: toGuest(source),
          sourcePort: port,
          destination: guest,
          destinationPort: guestPort,
          payload: new Uint8Array(bytes),
        }),
      );
    });
    return socket;
  }

  #drop(key: string): void {
    const association = this.#associations.get(key);
    this.#associations.delete(key);
    clearTimeout(association?.timer);
    association?.socket.close();
  }
}

function remember(peers: Set<string> | undefined, peer: string): void {
  if (peers === undefined) return;
  peers.delete(peer);
  for (const oldest of peers) {
    if (peers.size < MOST_PEERS) break;
    peers.delete(oldest);
  }
  peers.add(peer);
}

const keyOf = (guest: number, port: number) => `${guest}:${port}`;
