import { VIRTIO_BLOCK_STATE, VirtioBlock } from '../../src/devices/virtio/block.js';
import type { VirtioVersion } from '../../src/devices/virtio/mmio-registers.js';
import type { VirtioMmio } from '../../src/devices/virtio/mmio-transport.js';
import type { BlockPort, DmaPort, IrqLine } from '../../src/ports/device.js';
import { type Instance, instantiate } from './rig.js';

export const RAM_BASE = 0x8000_0000;

/** RAM of a rig, as a device reaches it. */
export class RigMemory implements DmaPort {
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {}

  readable(address: number, length: number): Uint8Array | undefined {
    const at = address - RAM_BASE;
    return at >= 0 && at + length <= this.bytes.length ? this.bytes.subarray(at, at + length) : undefined;
  }

  writable(address: number, length: number): Uint8Array | undefined {
    return this.readable(address, length);
  }
}

/** A disk that is a piece of memory. */
export class RigDisk implements BlockPort {
  readonly sectors: number;
  readonly mostChangedBytes: number;
  constructor(readonly bytes: Uint8Array<ArrayBuffer>) {
    this.sectors = bytes.length / 512;
    this.mostChangedBytes = bytes.length;
  }

  read(offset: number, to: Uint8Array): void {
    to.set(this.bytes.subarray(offset, offset + to.length));
  }

  write(offset: number, from: Uint8Array): boolean {
    this.bytes.set(from, offset);
    return true;
  }

  zero(offset: number, length: number): boolean {
    this.bytes.fill(0, offset, offset + length);
    return true;
  }
}

export interface BlockRig extends Instance<VirtioMmio> {
  readonly memory: RigMemory;
  readonly disk: RigDisk;
}

export function blockRig(
  version: VirtioVersion,
  memory: Uint8Array<ArrayBuffer>,
  disk: Uint8Array<ArrayBuffer>,
  irq?: IrqLine,
): BlockRig {
  const ram = new RigMemory(memory);
  const storage = new RigDisk(disk);
  const instance = instantiate(VIRTIO_BLOCK_STATE, (state, rig) => {
    const block = new VirtioBlock(state, version, {
      irq: irq ?? rig.line('irq'),
      dma: ram,
      disk: storage,
      completion: 'timed',
      clock: rig.clock,
      timer: rig.timer(0),
    });
    return block.transport;
  });
  return { ...instance, memory: ram, disk: storage };
}

/** Bytes that are all different from their neighbours, sector from sector. */
export const pattern = (length: number, seed = 1): Uint8Array<ArrayBuffer> =>
  Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 9) * 13 + seed) & 0xff);
