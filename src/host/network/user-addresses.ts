/** The network that a guest sees, with QEMU's addresses: 10.0.2.0/24. */
export const ADDRESS = {
  network: 0x0a00_0200,
  mask: 0xffff_ff00,
  gateway: 0x0a00_0202,
  dns: 0x0a00_0203,
  guest: 0x0a00_020f,
} as const;

const LOOPBACK = 0x7f00_0001;

const isLoopback = (address: number) => address >>> 24 === 127;
const isInside = (address: number) => (address & ADDRESS.mask) >>> 0 === ADDRESS.network;

/** Whether the user-mode network itself stands at this address. */
export const isOwn = (address: number) => address === ADDRESS.gateway || address === ADDRESS.dns;

/** The card of one of the network's own addresses, as QEMU makes it. */
export const macOf = (address: number): Uint8Array =>
  Uint8Array.of(0x52, 0x55, address >>> 24, (address >>> 16) & 255, (address >>> 8) & 255, address & 255);

/** Where the host finds what the guest calls so: the gateway is the host's loopback. Undefined: nowhere. */
export function toHost(address: number): number | undefined {
  if (address === ADDRESS.gateway) return LOOPBACK;
  const first = address >>> 24;
  if (isInside(address) || isLoopback(address) || first === 0 || first >= 224) return undefined;
  return address;
}

/** What the guest calls a host address. */
export const toGuest = (address: number) => (isLoopback(address) ? ADDRESS.gateway : address);
