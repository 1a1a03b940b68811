import type { VirtualTime } from '../../machine/virtual-time.js';
import type { MachineConfig } from '../../ports/config.js';
import { LONGEST_PACKET } from '../../ports/device.js';
import type { InputEvent } from '../../ports/input-event.js';
import type { VirtioDevices } from './virtio-devices.js';

/** What of a board it depends on. */
interface AskedBoard {
  readonly config: MachineConfig;
  readonly virtio: VirtioDevices;
  readonly time: VirtualTime;
}

/** The widest register is 64 bits. */
const MOST_REGISTER_BYTES = 8;

/**
 * Why an input cannot have been given to this machine in its present state, or undefined. A live machine asks its devices
 * before it lets an input enter, so a log that holds such a one is of another machine, or made up.
 */
export function eventRefusal(board: AskedBoard, event: InputEvent): string | undefined {
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
    case 'write-register':
      if (event.hart >= config.harts) return `there is no hart ${event.hart}`;
      return event.bytes.length > MOST_REGISTER_BYTES ? 'no register is so wide' : undefined;
    case 'write-memory':
      return event.hart >= config.harts ? `there is no hart ${event.hart}` : undefined;
    case 'warp':
      return event.ns < board.time.nowNs() ? `it is ${board.time.nowNs()} ns already` : undefined;
    case 'shutdown':
    case 'reset':
      return undefined;
  }
}
