/**
 * Physical memory as a hart or a device sees it. Addresses are physical, below 2^53.
 * The machine implements it; harts are handed it.
 */
export interface SystemBus {
  /** Host address of `size` bytes of RAM (or ROM, when only read), or 0 when they are not memory. */
  hostAddress(address: number, size: number, write: boolean): number;
  /** Reads a device: the value is in `low` and `high`. False: nothing answers, an access fault. */
  readDevice(address: number, size: number): boolean;
  writeDevice(address: number, size: number, low: number, high: number): boolean;
  /** Whether `writeDevice` would find a device that takes this size. */
  acceptsWrite(address: number, size: number): boolean;
  low: number;
  high: number;
}
