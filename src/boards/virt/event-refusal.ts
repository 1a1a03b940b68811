import type { DeviceEvent } from '../../machine/board.js';
import type { MachineConfig } from '../../ports/config.js';
import { LONGEST_PACKET } from '../../ports/device.js';
import type { VirtioDevices } from './virtio-devices.js';

/** What of a board it depends on. */
interface AskedBoard {
  readonly config: MachineConfig;
  readonly virtio: VirtioDevices;
}

/**
 * Why an input cannot have been given to this machine in its present state, or undefined. A live machine asks its devices
 * before it lets an input enter, so a log that holds such a one is of another machine, or made up.
 */
export function eventRefusal(board: AskedBoard, event: DeviceEvent): string | undefined {
  const { config, virtio } = board;
  switch (event.kind) {
    case 'console':
      if (event.port === 0) return undefined;
      return event.port === 1 && config.virtioConsole ? undefined : `there is no console ${event.port}`;
    case 'network':
      if (virtio.network === undefined || event.port !== 0) return `there is no network device ${event.port}`;
      return event.bytes.length > LONGEST_PACKET ? 'the packet is too long' : undefined;
    case 'input':
      return virtio.inputs[event.device] === undefined
        ? `there is no input device ${event.device}`
        : undefined;
    case 'audio-in':
      return config.sound === 'duplex' ? undefined : 'there is no sound device that captures';
    case 'block':
      if (virtio.disks[event.disk] === undefined) return `there is no disk ${event.disk}`;
      return virtio.disks[event.disk].inFlight.includes(event.request)
        ? undefined
        : `disk ${event.disk} has no request ${event.request}`;
    case 'entropy':
      return config.entropy === 'host' ? undefined : 'its randomness comes from a seed';
  }
}
