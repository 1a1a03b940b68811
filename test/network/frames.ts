import {
  BROADCAST_MAC,
  buildFrame,
  buildIpv4,
  checksum,
  ETHERTYPE,
  PROTOCOL,
  viewOf,
} from '../../src/host/network/ipv4.js';

export const GUEST_CARD = Uint8Array.of(0x52, 0x54, 0x00, 0x12, 0x34, 0x56);

export interface Sender {
  readonly card: Uint8Array;
  readonly address: number;
}

export function arpRequest(from: Sender, wanted: number): Uint8Array {
  const payload = new Uint8Array(28);
  const view = viewOf(payload);
  payload.set([0, 1, 8, 0, 6, 4, 0, 1]);
  payload.set(from.card, 8);
  view.setUint32(14, from.address);
  view.setUint32(24, wanted);
  return buildFrame({ to: BROADCAST_MAC, from: from.card, type: ETHERTYPE.arp, payload });
}

export function ipv4Frame(
  from: Sender,
  to: Uint8Array,
  destination: number,
  protocol: number,
  payload: Uint8Array,
): Uint8Array {
  const [packet] = buildIpv4({ source: from.address, destination, protocol, payload }, 1);
  return buildFrame({ to, from: from.card, type: ETHERTYPE.ipv4, payload: packet });
}

export function echoRequest(
  from: Sender,
  destination: number,
  sequence: number,
  data: Uint8Array,
  to = GUEST_CARD,
): Uint8Array {
  const message = new Uint8Array(8 + data.length);
  message[0] = 8;
  viewOf(message).setUint16(6, sequence);
  message.set(data, 8);
  viewOf(message).setUint16(2, checksum(message));
  return ipv4Frame(from, to, destination, PROTOCOL.icmp, message);
}
