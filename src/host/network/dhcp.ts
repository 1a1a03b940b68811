/** The DHCP server of the user-mode network (RFC 2131, RFC 2132): one lease, always the same. */
import { viewOf } from './ipv4.js';
import { ADDRESS } from './user-addresses.js';

export const DHCP_PORT = { server: 67, client: 68 } as const;

const FIXED_BYTES = 236;
const COOKIE = 0x6382_5363;
const OP = { request: 1, reply: 2 } as const;
const MESSAGE = { discover: 1, offer: 2, request: 3, ack: 5, nak: 6, inform: 8 } as const;
const OPTION = {
  pad: 0,
  mask: 1,
  router: 3,
  dns: 6,
  requestedAddress: 50,
  leaseTime: 51,
  messageType: 53,
  server: 54,
  end: 255,
} as const;
const LEASE_SECONDS = 86_400;
const FIELD = {
  xid: 4,
  flags: 10,
  clientAddress: 12,
  yourAddress: 16,
  serverAddress: 20,
  hardware: 28,
} as const;

/** The server's answer, or undefined when there is none. `restricted`: no router and no name server is named. */
export function answerDhcp(request: Uint8Array, restricted = false): Uint8Array | undefined {
  if (request.length < FIXED_BYTES + 4 || request[0] !== OP.request) return undefined;
  const view = viewOf(request);
  if (view.getUint32(FIXED_BYTES) !== COOKIE) return undefined;
  const options = readOptions(request.subarray(FIXED_BYTES + 4));
  const server = addressIn(options.get(OPTION.server));
  if (server !== undefined && server !== ADDRESS.gateway) return undefined;
  const clientAddress = view.getUint32(FIELD.clientAddress);
  switch (options.get(OPTION.messageType)?.[0]) {
    case MESSAGE.discover:
      return reply(request, MESSAGE.offer, ADDRESS.guest, restricted);
    case MESSAGE.request: {
      const wanted = addressIn(options.get(OPTION.requestedAddress)) ?? clientAddress;
      return wanted === ADDRESS.guest
        ? reply(request, MESSAGE.ack, ADDRESS.guest, restricted)
        : reply(request, MESSAGE.nak, 0, restricted);
    }
    case MESSAGE.inform:
      return reply(request, MESSAGE.ack, 0, restricted);
    default:
      return undefined;
  }
}

function reply(request: Uint8Array, type: number, address: number, restricted: boolean): Uint8Array {
  const options = [OPTION.messageType, 1, type, ...addressOption(OPTION.server, ADDRESS.gateway)];
  if (type !== MESSAGE.nak) {
    options.push(...addressOption(OPTION.mask, ADDRESS.mask));
    if (!restricted) {
      options.push(
        ...addressOption(OPTION.router, ADDRESS.gateway),
        ...addressOption(OPTION.dns, ADDRESS.dns),
      );
    }
    if (address !== 0) options.push(...addressOption(OPTION.leaseTime, LEASE_SECONDS));
  }
  options.push(OPTION.end);
  // Some clients take no message below the size of BOOTP's.
  const bytes = new Uint8Array(Math.max(300, FIXED_BYTES + 4 + options.length));
  const view = viewOf(bytes);
  bytes.set(request.subarray(0, FIELD.clientAddress));
  bytes[0] = OP.reply;
  bytes[3] = 0;
  bytes.set(request.subarray(FIELD.clientAddress, FIELD.yourAddress), FIELD.clientAddress);
  view.setUint32(FIELD.yourAddress, address);
  view.setUint32(FIELD.serverAddress, ADDRESS.gateway);
  bytes.set(request.subarray(FIELD.hardware, FIELD.hardware + 16), FIELD.hardware);
  view.setUint32(FIXED_BYTES, COOKIE);
  bytes.set(options, FIXED_BYTES + 4);
  return bytes;
}

const addressOption = (option: number, address: number): number[] => [
  option,
  4,
  address >>> 24,
  (address >>> 16) & 255,
  (address >>> 8) & 255,
  address & 255,
];

const addressIn = (value: Uint8Array | undefined): number | undefined =>
  value?.length === 4 ? viewOf(value).getUint32(0) : undefined;

function readOptions(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== OPTION.end; ) {
    if (bytes[at] === OPTION.pad) {
      at++;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    options.set(bytes[at], bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}
