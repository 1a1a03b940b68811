import type { NetworkBackend } from '../../ports/host.js';
import { answerDhcp, DHCP_PORT } from './dhcp.js';
import { answerDns, DNS_PORT } from './dns-server.js';
import {
  BROADCAST_ADDRESS,
  BROADCAST_MAC,
  buildFrame,
  buildIpv4,
  checksum,
  type Datagram,
  ETHERTYPE,
  type Frame,
  PROTOCOL,
  parseFrame,
  parseIpv4,
  viewOf,
} from './ipv4.js';
import { Neighbours } from './neighbours.js';
import { Reassembly } from './reassembly.js';
import { type HostForward, TcpProxy } from './tcp-proxy.js';
import { buildUdp, parseUdp, type UdpDatagram } from './udp.js';
import { UdpProxy } from './udp-proxy.js';
import { ADDRESS, isOwn, macOf } from './user-addresses.js';

const ARP_BYTES = 28;
const ARP = { request: 1, reply: 2 } as const;
const ECHO = { reply: 0, request: 8 } as const;
/** Names looked up at a time; queries beyond are lost, and asked again. */
const MOST_LOOKUPS = 32;

/** A user-mode network, and the host ports that lead into it. */
export interface UserNetwork extends NetworkBackend {
  /** Host ports listened on, of the TCP rules in order. */
  readonly tcpPorts: readonly number[];
}

/**
 * A network of one guest behind the host's sockets, as QEMU's `-netdev user`: ARP, DHCP, DNS, ICMP echo of its own
 * addresses, UDP and TCP to anywhere the host reaches, with the gateway standing for the host's loopback.
 * `restricted`, as QEMU's `restrict=on`: the guest reaches neither the host nor anything beyond, forwarded ports
 * still lead in. Rejects with InputError when a port cannot be forwarded.
 */
export async function openUserNetwork(
  forwards: readonly HostForward[],
  { restricted = false } = {},
): Promise<UserNetwork> {
  const network = new UserStack(restricted);
  try {
    for (const rule of forwards) await network.forward(rule);
  } catch (error) {
    network.close();
    throw error;
  }
  return network;
}

class UserStack implements UserNetwork {
  readonly #tcp: TcpProxy;
  readonly #udp: UdpProxy;
  readonly #fragments = new Reassembly();
  readonly #neighbours = new Neighbours();
  #lookups = 0;
  #listener: (packet: Uint8Array) => void = () => {};
  #identification = 0;
  #closed = false;

  constructor(readonly restricted: boolean) {
    this.#tcp = new TcpProxy(datagram => this.#sendDatagram(datagram), restricted);
    this.#udp = new UdpProxy(datagram => this.#sendDatagram(datagram), restricted);
  }

  forward(rule: HostForward): Promise<void> {
    return rule.protocol === 'tcp' ? this.#tcp.forward(rule) : this.#udp.forward(rule);
  }

  get tcpPorts(): readonly number[] {
    return this.#tcp.ports;
  }

  onReceive(listener: (packet: Uint8Array) => void): void {
    this.#listener = listener;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#listener = () => {};
    this.#tcp.close();
    this.#udp.close();
  }

  send(packet: Uint8Array): void {
    const frame = parseFrame(packet);
    if (frame === undefined || this.#closed) return;
    if (frame.type === ETHERTYPE.arp) this.#receiveArp(frame);
    else if (frame.type === ETHERTYPE.ipv4) this.#receiveIpv4(frame);
  }

  /** RFC 826. */
  #receiveArp({ payload }: Frame): void {
    if (payload.length < ARP_BYTES) return;
    const view = viewOf(payload);
    if (view.getUint16(0) !== 1 || view.getUint16(2) !== ETHERTYPE.ipv4) return;
    const card = payload.slice(8, 14);
    const from = view.getUint32(14);
    const wanted = view.getUint32(24);
    this.#learn(from, card);
    if (view.getUint16(6) === ARP.request && isOwn(wanted)) this.#sendArp(ARP.reply, wanted, from, card);
  }

  #receiveIpv4({ payload, from }: Frame): void {
    const packet = parseIpv4(payload);
    const datagram = packet && this.#fragments.take(packet);
    if (datagram === undefined) return;
    this.#learn(datagram.source, from.slice());
    switch (datagram.protocol) {
      case PROTOCOL.icmp:
        this.#receiveEcho(datagram);
        break;
      case PROTOCOL.udp: {
        const udp = parseUdp(datagram);
        if (udp !== undefined) this.#receiveUdp(udp, from);
        break;
      }
      case PROTOCOL.tcp:
        this.#tcp.receive(datagram);
        break;
    }
  }

  /** Our own addresses answer; sending echo requests for the guest would take privileges. */
  #receiveEcho({ source, destination, protocol, payload }: Datagram): void {
    if (!isOwn(destination) || payload.length < 8 || payload[0] !== ECHO.request) return;
    if (checksum(payload) !== 0) return;
    const reply = payload.slice();
    reply[0] = ECHO.reply;
    viewOf(reply).setUint16(2, 0);
    viewOf(reply).setUint16(2, checksum(reply));
    this.#sendDatagram({ source: destination, destination: source, protocol, payload: reply });
  }

  #receiveUdp(udp: UdpDatagram, card: Uint8Array): void {
    const forUs = udp.destination === BROADCAST_ADDRESS || isOwn(udp.destination);
    if (udp.destinationPort === DHCP_PORT.server && forUs) {
      const answer = answerDhcp(udp.payload, this.restricted);
      if (answer !== undefined) this.#sendLease(answer, card);
    } else if (udp.destinationPort === DNS_PORT && udp.destination === ADDRESS.dns) {
      this.#lookUp(udp);
    } else {
      this.#udp.receive(udp);
    }
  }

  #lookUp(udp: UdpDatagram): void {
    if (this.restricted || this.#lookups === MOST_LOOKUPS) return;
    this.#lookups++;
    void answerDns(udp.payload.slice()).then(answer => {
      this.#lookups--;
      if (answer !== undefined) this.#sendDatagram(buildUdp(reversed(udp, answer)));
    });
  }

  /** The client has no address yet: it is reached by its card alone. */
  #sendLease(payload: Uint8Array, card: Uint8Array): void {
    const datagram = buildUdp({
      source: ADDRESS.gateway,
      sourcePort: DHCP_PORT.server,
      destination: BROADCAST_ADDRESS,
      destinationPort: DHCP_PORT.client,
      payload,
    });
    this.#sendTo(card, datagram);
  }

  #learn(address: number, card: Uint8Array): void {
    if (address === 0 || isOwn(address)) return;
    for (const datagram of this.#neighbours.learn(address, card)) this.#sendTo(card, datagram);
  }

  #sendDatagram(datagram: Datagram): void {
    const { destination } = datagram;
    const card = this.#neighbours.cardOf(destination);
    if (card !== undefined) {
      this.#sendTo(card, datagram);
      return;
    }
    this.#neighbours.wait(datagram);
    this.#sendArp(ARP.request, ADDRESS.gateway, destination, BROADCAST_MAC);
  }

  #sendTo(card: Uint8Array, datagram: Datagram): void {
    // What comes from beyond the network comes from its gateway's card.
    const from = macOf(isOwn(datagram.source) ? datagram.source : ADDRESS.gateway);
    for (const payload of buildIpv4(datagram, ++this.#identification)) {
      this.#listener(buildFrame({ to: card, from, type: ETHERTYPE.ipv4, payload }));
    }
  }

  #sendArp(operation: number, own: number, other: number, to: Uint8Array): void {
    const payload = new Uint8Array(ARP_BYTES);
    const view = viewOf(payload);
    view.setUint16(0, 1);
    view.setUint16(2, ETHERTYPE.ipv4);
    payload.set([6, 4], 4);
    view.setUint16(6, operation);
    payload.set(macOf(own), 8);
    view.setUint32(14, own);
    if (operation === ARP.reply) payload.set(to, 18);
    view.setUint32(24, other);
    this.#listener(buildFrame({ to, from: macOf(own), type: ETHERTYPE.arp, payload }));
  }
}

const reversed = (udp: UdpDatagram, payload: Uint8Array): UdpDatagram => ({
  source: udp.destination,
  sourcePort: udp.destinationPort,
  destination: udp.source,
  destinationPort: udp.sourcePort,
  payload,
});
