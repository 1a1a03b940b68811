/**
 * Ethernet and IPv4 (RFC 894, RFC 791): just what the user-mode network speaks. Addresses are unsigned 32-bit
 * numbers.
 */

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;
const ETHERNET_BYTES = 14;
export const BROADCAST_MAC = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
export const BROADCAST_ADDRESS = 0xffff_ffff;

const MTU = 1500;
const HEADER_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;
const TIME_TO_LIVE = 64;

/** TCP payload of a full frame, without options. */
export const FULL_SEGMENT = MTU - HEADER_BYTES - 20;

export interface Frame {
  readonly to: Uint8Array;
  readonly from: Uint8Array;
  readonly type: number;
  readonly payload: Uint8Array;
}

export interface Datagram {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

/** A datagram, or a fragment of one: `offset` in bytes, and whether there is `more` behind it. */
export interface Ipv4Packet extends Datagram {
  readonly identification: number;
  readonly offset: number;
  readonly more: boolean;
}

export const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function parseFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < ETHERNET_BYTES) return undefined;
  return {
    to: bytes.subarray(0, 6),
    from: bytes.subarray(6, 12),
    type: viewOf(bytes).getUint16(12),
    payload: bytes.subarray(ETHERNET_BYTES),
  };
}

export function buildFrame({ to, from, type, payload }: Frame): Uint8Array {
  const bytes = new Uint8Array(ETHERNET_BYTES + payload.length);
  bytes.set(to);
  bytes.set(from, 6);
  viewOf(bytes).setUint16(12, type);
  bytes.set(payload, ETHERNET_BYTES);
  return bytes;
}

/** Undefined for what is damaged. */
export function parseIpv4(bytes: Uint8Array): Ipv4Packet | undefined {
  if (bytes.length < HEADER_BYTES || bytes[0] >> 4 !== 4) return undefined;
  const view = viewOf(bytes);
  const headerBytes = (bytes[0] & 15) * 4;
  const length = view.getUint16(2);
  if (headerBytes < HEADER_BYTES || length < headerBytes || length > bytes.length) return undefined;
  if (checksum(bytes.subarray(0, headerBytes)) !== 0) return undefined;
  const fragment = view.getUint16(6);
  return {
    source: view.getUint32(12),
    destination: view.getUint32(16),
    protocol: bytes[9],
    payload: bytes.subarray(headerBytes, length),
    identification: view.getUint16(4),
    offset: (fragment & FRAGMENT_OFFSET) * 8,
    more: (fragment & MORE_FRAGMENTS) !== 0,
  };
}

/** One packet, or as many fragments as it takes. */
export function buildIpv4(datagram: Datagram, identification: number): Uint8Array[] {
  const { source, destination, protocol, payload } = datagram;
  const most = MTU - HEADER_BYTES;
  const packets: Uint8Array[] = [];
  for (let offset = 0; offset === 0 || offset < payload.length; offset += most) {
    const part = payload.subarray(offset, offset + most);
    const bytes = new Uint8Array(HEADER_BYTES + part.length);
    const view = viewOf(bytes);
    bytes[0] = 0x45;
    view.setUint16(2, bytes.length);
    view.setUint16(4, identification & 0xffff);
    view.setUint16(6, (offset + part.length < payload.length ? MORE_FRAGMENTS : 0) | (offset / 8));
    bytes[8] = TIME_TO_LIVE;
    bytes[9] = protocol;
    view.setUint32(12, source);
    view.setUint32(16, destination);
    view.setUint16(10, checksum(bytes.subarray(0, HEADER_BYTES)));
    bytes.set(part, HEADER_BYTES);
    packets.push(bytes);
  }
  return packets;
}

/** The Internet checksum (RFC 1071): 0 over bytes that contain a right one. */
export function checksum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += (bytes[i] << 8) | bytes[i + 1];
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1] << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** Checksum of TCP or UDP, with the pseudo header (RFC 793, section 3.1). */
export function transportChecksum(datagram: Datagram): number {
  const { source, destination, protocol, payload } = datagram;
  const pseudo = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
  return checksum(payload, pseudo + protocol + payload.length);
}

/** `10.0.2.15` as a number, or undefined. */
export function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(part => (/^\d{1,3}$/.test(part) ? Number(part) : 256));
  if (parts.length !== 4 || parts.some(part => part > 255)) return undefined;
  return parts.reduce((address, part) => address * 256 + part, 0);
}

export const formatAddress = (address: number): string =>
  [address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255].join('.');
