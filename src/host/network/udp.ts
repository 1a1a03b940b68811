import { type Datagram, PROTOCOL, transportChecksum, viewOf } from './ipv4.js';

const UDP_HEADER_BYTES = 8;

/** UDP (RFC 768), with its addresses. */
export interface UdpDatagram {
  readonly source: number;
  readonly sourcePort: number;
  readonly destination: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** Undefined for what is damaged. */
export function parseUdp(datagram: Datagram): UdpDatagram | undefined {
  const { payload, source, destination } = datagram;
  if (payload.length < UDP_HEADER_BYTES) return undefined;
  const view = viewOf(payload);
  const length = view.getUint16(4);
  if (length < UDP_HEADER_BYTES || length > payload.length) return undefined;
  const whole = payload.subarray(0, length);
  if (view.getUint16(6) !== 0 && transportChecksum({ ...datagram, payload: whole }) !== 0) return undefined;
  return {
    source,
    sourcePort: view.getUint16(0),
    destination,
    destinationPort: view.getUint16(2),
    payload: whole.subarray(UDP_HEADER_BYTES),
  };
}

export function buildUdp(udp: UdpDatagram): Datagram {
  const { source, destination } = udp;
  const payload = new Uint8Array(UDP_HEADER_BYTES + udp.payload.length);
  const view = viewOf(payload);
  view.setUint16(0, udp.sourcePort);
  view.setUint16(2, udp.destinationPort);
  view.setUint16(4, payload.length);
  payload.set(udp.payload, UDP_HEADER_BYTES);
  const datagram = { source, destination, protocol: PROTOCOL.udp, payload };
  view.setUint16(6, transportChecksum(datagram) || 0xffff);
  return datagram;
}
