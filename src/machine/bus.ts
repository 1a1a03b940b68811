import type { GuestMemory } from '../memory/guest-memory.js';
import type { SystemBus } from '../memory/system-bus.js';
import type { MmioDevice } from '../ports/device.js';
import type { Scheduler } from './scheduler.js';

/** A device's window: the bytes that answer. */
interface Window {
  readonly base: number;
  readonly end: number;
  readonly device: MmioDevice;
}

/** The physical address space: RAM, the boot ROM and device windows; nothing answers elsewhere. */
export class Bus implements SystemBus {
  low = 0;
  high = 0;
  readonly #windows: Window[] = [];

  constructor(
    readonly memory: GuestMemory,
    readonly ramBase: number,
    readonly romBase: number,
    readonly scheduler: Scheduler,
  ) {}

  attach(base: number, bytes: number, device: MmioDevice): void {
    this.#windows.push({ base, end: base + bytes, device });
  }

  hostAddress(address: number, size: number, write: boolean): number {
    const { plan } = this.memory;
    const inRam = address - this.ramBase;
    if (inRam >= 0 && inRam + size <= plan.ramBytes) return plan.ram + inRam;
    const inRom = address - this.romBase;
    if (!write && inRom >= 0 && inRom + size <= plan.romBytes) return plan.rom + inRom;
    return 0;
  }

  readDevice(address: number, size: number): boolean {
    return this.#read(address, size, false);
  }

  /** As `readDevice`, without side effects. */
  peekDevice(address: number, size: number): boolean {
    return this.#read(address, size, true);
  }

  acceptsWrite(address: number, size: number): boolean {
    return this.#find(address, size) !== undefined;
  }

  writeDevice(address: number, size: number, low: number, high: number): boolean {
    const window = this.#find(address, size);
    if (window === undefined) return false;
    const { device, base } = window;
    const offset = address - base;
    if (size <= device.width) {
      device.write(offset, size, size === 4 ? low : low & (2 ** (8 * size) - 1));
    } else {
      for (let at = 0; at < size; at += device.width) {
        const word = at < 4 ? low : high;
        const part = device.width === 4 ? word : (word >>> ((at & 3) * 8)) & (2 ** (8 * device.width) - 1);
        device.write(offset + at, device.width, part >>> 0);
      }
    }
    this.scheduler.deviceAccessed();
    return true;
  }

  #read(address: number, size: number, quiet: boolean): boolean {
    const window = this.#find(address, size);
    if (window === undefined) return false;
    const { device, base } = window;
    const offset = address - base;
    this.low = 0;
    this.high = 0;
    const step = Math.min(size, device.width);
    for (let at = 0; at < size; at += step) {
      const part = quiet ? device.peek(offset + at, step) : device.read(offset + at, step);
      if (at < 4) this.low = (this.low | (part << (at * 8))) >>> 0;
      else this.high = (this.high | (part << ((at - 4) * 8))) >>> 0;
    }
    if (!quiet) this.scheduler.deviceAccessed();
    return true;
  }

  #find(address: number, size: number): Window | undefined {
    if (address % size !== 0) return undefined;
    for (const window of this.#windows) {
      if (address < window.base || address + size > window.end) continue;
      const { min, max } = window.device.access;
      return size >= min && size <= max ? window : undefined;
    }
    return undefined;
  }
}
