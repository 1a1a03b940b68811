import type { MmioDevice } from '../../ports/device.js';
import { MAGIC, REGISTER, VENDOR_QEMU, VERSION, type VirtioVersion } from './mmio-registers.js';

/** A slot without a device: drivers see device number 0 and leave it alone. */
export class EmptyVirtioSlot implements MmioDevice {
  readonly access = { min: 1, max: 8 } as const;
  readonly width = 4;

  constructor(readonly version: VirtioVersion) {}

  read(offset: number): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === REGISTER.magic) return MAGIC;
    if (offset === REGISTER.version) return VERSION[this.version];
    return offset === REGISTER.vendorId ? VENDOR_QEMU : 0;
  }

  write(): void {}
}
