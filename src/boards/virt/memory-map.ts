import { VIRTIO_SLOTS } from '../../ports/settings.js';
import type { DeviceWindow, Region } from '../device-row.js';

/** QEMU's `virt` map, of what this board has: the bus, the device tree and the documents take it from here. */
export const VIRT_MAP = {
  bootRom: { base: 0x1000, bytes: 0xf000 },
  test: { base: 0x10_0000, bytes: 0x1000 },
  rtc: { base: 0x10_1000, bytes: 0x1000, decoded: 0x24 },
  clint: { base: 0x200_0000, bytes: 0x1_0000, decoded: 0xc000 },
  aclintSswi: { base: 0x2f0_0000, bytes: 0x4000 },
  plic: { base: 0xc00_0000, bytes: 0x60_0000 },
  uart0: { base: 0x1000_0000, bytes: 0x100, decoded: 8 },
  virtio: { base: 0x1000_1000, bytes: 0x8000 },
} as const satisfies Record<string, Region>;

export const windowOf = (name: keyof typeof VIRT_MAP): DeviceWindow => ({ name, ...VIRT_MAP[name] });

/** Where RAM starts; it is as long as the configuration says. */
export const RAM_BASE = 0x8000_0000;

/** The window of virtio is cut into slots, each for one device. */
export const virtioSlot = (slot: number): Region => ({
  base: VIRT_MAP.virtio.base + (slot * VIRT_MAP.virtio.bytes) / VIRTIO_SLOTS,
  bytes: VIRT_MAP.virtio.bytes / VIRTIO_SLOTS,
});

/** PLIC source numbers; slots of virtio take the following ones, too. */
export const VIRT_IRQ = { virtio: 1, uart0: 10, rtc: 11 } as const;
