import type { BoardInputs, DiskRequest } from '../../machine/board.js';
import type { SoundFormat } from '../../ports/device.js';
import type { ConsoleQueue } from '../console-queue.js';
import type { Entropy } from '../entropy.js';
import type { VirtioDevices } from './virtio-devices.js';

/** What the devices of the `virt` board want from the host. */
export class VirtInputs implements BoardInputs {
  constructor(
    readonly console: ConsoleQueue,
    readonly entropy: Entropy,
    readonly virtio: VirtioDevices,
  ) {}

  consoleRoom(port: number): number {
    return (port === 0 ? this.console.room : this.virtio.console?.room) ?? 0;
  }

  get entropyWanted(): number {
    return this.entropy.wanted;
  }

  get networkRoom(): number {
    return this.virtio.network?.room ?? 0;
  }

  get soundWanted(): { readonly bytes: number; readonly format: SoundFormat } | undefined {
    return this.virtio.sound?.wanted;
  }

  diskRequests(): DiskRequest[] {
    const requests: DiskRequest[] = [];
    for (const [disk, device] of this.virtio.disks.entries()) {
      for (const request of device.inFlight) requests.push({ disk, request, ...device.extentOf(request) });
    }
    return requests;
  }

  get diskAwaitsHost(): boolean {
    return this.virtio.disks.some(disk => disk.awaitsHost);
  }
}
