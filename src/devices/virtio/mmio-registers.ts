/** Registers of virtio-mmio (virtio 1.2, section 4.2.2; the legacy ones, section 4.2.4). */
export const REGISTER = {
  magic: 0x00,
  version: 0x04,
  deviceId: 0x08,
  vendorId: 0x0c,
  deviceFeatures: 0x10,
  deviceFeaturesSelect: 0x14,
  driverFeatures: 0x20,
  driverFeaturesSelect: 0x24,
  guestPageSize: 0x28,
  queueSelect: 0x30,
  queueSizeMax: 0x34,
  queueSize: 0x38,
  queueAlign: 0x3c,
  queuePage: 0x40,
  queueReady: 0x44,
  queueNotify: 0x50,
  interruptStatus: 0x60,
  interruptAck: 0x64,
  status: 0x70,
  queueDescLow: 0x80,
  queueDescHigh: 0x84,
  queueAvailLow: 0x90,
  queueAvailHigh: 0x94,
  queueUsedLow: 0xa0,
  queueUsedHigh: 0xa4,
  sharedMemoryLengthLow: 0xb0,
  sharedMemoryLengthHigh: 0xb4,
  configGeneration: 0xfc,
  config: 0x100,
} as const;

export const MAGIC = 0x7472_6976;
export const VENDOR_QEMU = 0x554d_4551;
export const VERSION = { legacy: 1, modern: 2 } as const;

export type VirtioVersion = keyof typeof VERSION;
