import type { BoardInputs, DeviceEvent, DiskRequest } from '../machine/board.js';
import { type InputPorts, LONGEST_PACKET, type SoundFormat } from '../ports/device.js';
import type { SemihostingCallRequest } from '../ports/semihosting-host.js';

/** Where the input of a board's devices enters: each kind of port in the order of the devices' rows. */
export class DeviceInputs implements BoardInputs {
  readonly #consoles: InputPorts['console'][] = [];
  readonly #networks: InputPorts['network'][] = [];
  readonly #inputs: InputPorts['input'][] = [];
  readonly #sounds: InputPorts['audio-in'][] = [];
  readonly #disks: InputPorts['block'][] = [];
  readonly #entropy: InputPorts['entropy'][] = [];
  readonly #semihosting: InputPorts['semihosting'][] = [];

  constructor(ports: readonly Partial<InputPorts>[]) {
    for (const port of ports) {
      if (port.console) this.#consoles.push(port.console);
      if (port.network) this.#networks.push(port.network);
      if (port.input) this.#inputs.push(port.input);
      if (port['audio-in']) this.#sounds.push(port['audio-in']);
      if (port.block) this.#disks.push(port.block);
      if (port.entropy) this.#entropy.push(port.entropy);
      if (port.semihosting) this.#semihosting.push(port.semihosting);
    }
  }

  consoleRoom(port: number): number {
    return this.#consoles[port]?.room ?? 0;
  }

  get entropyWanted(): number {
    return this.#entropy[0]?.wanted ?? 0;
  }

  get networkRoom(): number {
    return this.#networks[0]?.room ?? 0;
  }

  get soundWanted(): { readonly bytes: number; readonly format: SoundFormat } | undefined {
    return this.#sounds[0]?.wanted;
  }

  diskRequests(): DiskRequest[] {
    const requests: DiskRequest[] = [];
    for (const [disk, device] of this.#disks.entries()) {
      for (const request of device.inFlight) requests.push({ disk, request, ...device.extentOf(request) });
    }
    return requests;
  }

  get diskAwaitsHost(): boolean {
    return this.#disks.some(disk => disk.awaitsHost);
  }

  get semihostingWanted(): boolean {
    return this.#semihosting[0]?.wanted ?? false;
  }

  semihostingRequest(): SemihostingCallRequest {
    return this.#semihosting[0].request();
  }

  /** Input enters; for a device that is not there, it is lost. */
  enter(event: DeviceEvent): void {
    switch (event.kind) {
      case 'console':
        this.#consoles[event.port]?.type(event.bytes);
        break;
      case 'network':
        this.#networks[event.port]?.receive(event.bytes);
        break;
      case 'input':
        this.#inputs[event.device]?.send(event.type, event.code, event.value);
        break;
      case 'audio-in':
        this.#sounds[0]?.capture(event.bytes);
        break;
      case 'block':
        this.#disks[event.disk]?.complete(event.request);
        break;
      case 'entropy':
        this.#entropy[0]?.feed(event.bytes);
        break;
      case 'semihosting':
        this.#semihosting[0]?.answer(event);
        break;
    }
  }

  /**
   * Why an input cannot have been given to these devices in their present state, or undefined. A live machine asks its
   * devices before it lets an input enter, so a log that holds such a one is of another machine, or made up.
   */
  refusal(event: DeviceEvent): string | undefined {
    switch (event.kind) {
      case 'console':
        return event.port in this.#consoles ? undefined : `there is no console ${event.port}`;
      case 'network':
        if (!(event.port in this.#networks)) return `there is no network device ${event.port}`;
        return event.bytes.length > LONGEST_PACKET ? 'the packet is too long' : undefined;
      case 'input':
        return event.device in this.#inputs ? undefined : `there is no input device ${event.device}`;
      case 'audio-in':
        return this.#sounds.length > 0 ? undefined : 'there is no sound device that captures';
      case 'block':
        if (!(event.disk in this.#disks)) return `there is no disk ${event.disk}`;
        return this.#disks[event.disk].inFlight.includes(event.request)
          ? undefined
          : `disk ${event.disk} has no request ${event.request}`;
      case 'entropy':
        return this.#entropy.length > 0 ? undefined : 'its randomness comes from a seed';
      case 'semihosting':
        return this.#semihosting.length > 0
          ? this.#semihosting[0].refusal(event)
          : 'it answers no calls by semihosting';
    }
  }
}
