import { VIRTIO_BLOCK_STATE, VirtioBlock, type VirtioBlockState } from '../../devices/virtio/block.js';
import {
  VIRTIO_CONSOLE_STATE,
  VirtioConsole,
  type VirtioConsoleState,
} from '../../devices/virtio/console.js';
import { VIRTIO_INPUT_STATE, VirtioInput, type VirtioInputState } from '../../devices/virtio/input.js';
import type { TransportPorts, VirtioMmio } from '../../devices/virtio/mmio-transport.js';
import {
  VIRTIO_NETWORK_STATE,
  VirtioNetwork,
  type VirtioNetworkState,
} from '../../devices/virtio/network.js';
import { VIRTIO_RNG_STATE, VirtioRng, type VirtioRngState } from '../../devices/virtio/rng.js';
import { VIRTIO_SOUND_STATE, VirtioSound, type VirtioSoundState } from '../../devices/virtio/sound.js';
import type { GuestMemory } from '../../memory/guest-memory.js';
import type { BootImage, MachineConfig } from '../../ports/config.js';
import type {
  DmaPort,
  EntropyPort,
  IrqLine,
  MachineOutputs,
  TimerPort,
  VirtualClock,
} from '../../ports/device.js';
import type { InputEvent } from '../../ports/input-event.js';
import type { Bound, Component, Fields, Layout, StatePlan } from '../../state/layout.js';
import { backingBytes, Disk } from '../disk.js';
import { VIRTIO_SLOTS } from './memory-map.js';

/** Events that are input for a device. */
export type DeviceEvent = Extract<
  InputEvent,
  { kind: 'console' | 'network' | 'input' | 'audio-in' | 'block' }
>;

/** What the board has for all of its virtio devices. */
export interface VirtioSurroundings {
  readonly buffer: ArrayBufferLike;
  /** Byte in `buffer` where a component stands. */
  readonly at: (component: Component) => number;
  readonly memory: GuestMemory;
  readonly dma: DmaPort;
  readonly clock: VirtualClock;
  readonly entropy: EntropyPort;
  readonly outputs: MachineOutputs;
  /** Line of the device in a slot. */
  readonly irq: (slot: number) => IrqLine;
  /** Timer of this number among those of virtio devices. */
  readonly timer: (index: number) => TimerPort;
}

/** What belongs to one device alone. */
interface OwnPorts {
  readonly transport: TransportPorts;
  /** One of its own timers. */
  readonly timer: (index: number) => TimerPort;
  /** Where its backing memory begins. */
  readonly backing: number;
}

type Place = Omit<VirtioSurroundings, 'irq' | 'timer'> & OwnPorts;

interface Needs {
  readonly timers?: number;
  readonly backingBytes?: number;
}

interface Row {
  readonly needs: Needs;
  readonly build: (surroundings: VirtioSurroundings, own: OwnPorts) => VirtioMmio;
}

/**
 * The virtio devices that a configuration names. As in QEMU, the first one takes the highest slot. Their state is
 * reserved at once; they are built when there is memory.
 */
export class VirtioDevices {
  /** Devices in order, the one in the highest slot first. */
  readonly transports: VirtioMmio[] = [];
  rng: VirtioRng | undefined;
  console: VirtioConsole | undefined;
  readonly inputs: VirtioInput[] = [];
  sound: VirtioSound | undefined;
  readonly disks: VirtioBlock[] = [];
  network: VirtioNetwork | undefined;
  backingBytes = 0;
  readonly #plan: StatePlan;
  readonly #rows: Row[] = [];
  /** For each timer of a virtio device, which device's it is, and its number there. */
  readonly #timers: { readonly device: number; readonly index: number }[] = [];

  constructor(
    readonly config: MachineConfig,
    images: readonly BootImage[],
    plan: StatePlan,
  ) {
    this.#plan = plan;
    config.disks.forEach((sectors, number) => {
      const contents = images.filter(image => image.disk === number);
      const needs = { timers: 1, backingBytes: backingBytes(sectors) };
      this.#add(`disk${number}`, VIRTIO_BLOCK_STATE, needs, (state: VirtioBlockState, place) => {
        this.disks[number] = new VirtioBlock(state, config.virtio, {
          ...place.transport,
          disk: new Disk(sectors, contents, place.memory, place.backing),
          completion: config.diskAsync ? 'host' : 'timed',
          clock: place.clock,
          timer: place.timer(0),
        });
        return this.disks[number].transport;
      });
    });
    if (config.network) {
      this.#add('network0', VIRTIO_NETWORK_STATE, { timers: 1 }, (state: VirtioNetworkState, place) => {
        this.network = new VirtioNetwork(state, config.virtio, {
          ...place.transport,
          output: place.outputs.network,
          clock: place.clock,
          timer: place.timer(0),
        });
        return this.network.transport;
      });
    }
    if (config.rng) {
      this.#add('rng', VIRTIO_RNG_STATE, { timers: 1 }, (state: VirtioRngState, place) => {
        const { transport, entropy, clock } = place;
        this.rng = new VirtioRng(state, config.virtio, {
          ...transport,
          entropy,
          clock,
          timer: place.timer(0),
        });
        return this.rng.transport;
      });
    }
    if (config.virtioConsole) {
      this.#add('console1', VIRTIO_CONSOLE_STATE, {}, (state: VirtioConsoleState, place) => {
        const output = place.outputs.virtioConsole ?? DROPPED;
        this.console = new VirtioConsole(state, config.virtio, { ...place.transport, output });
        return this.console.transport;
      });
    }
    config.inputs?.forEach((kind, number) => {
      this.#add(`input${number}`, VIRTIO_INPUT_STATE, {}, (state: VirtioInputState, place) => {
        this.inputs[number] = new VirtioInput(kind, state, place.transport);
        return this.inputs[number].transport;
      });
    });
    if (config.sound !== undefined) {
      this.#add('sound', VIRTIO_SOUND_STATE, { timers: 2 }, (state: VirtioSoundState, place) => {
        this.sound = new VirtioSound(state, {
          ...place.transport,
          output: place.outputs.sound,
          captures: config.sound === 'duplex',
          clock: place.clock,
          timers: [place.timer(0), place.timer(1)],
        });
        return this.sound.transport;
      });
    }
  }

  get timers(): number {
    return this.#timers.length;
  }

  /** To be called once. `backing`: first byte of `backingBytes` bytes of guest memory that no hart reaches. */
  build(surroundings: VirtioSurroundings, backing: number): void {
    let base = backing;
    let firstTimer = 0;
    for (const [device, { needs, build }] of this.#rows.entries()) {
      const timerBase = firstTimer;
      const transport = { irq: surroundings.irq(slotOf(device)), dma: surroundings.dma };
      const timer = (index: number) => surroundings.timer(timerBase + index);
      this.transports.push(build(surroundings, { transport, timer, backing: base }));
      base += needs.backingBytes ?? 0;
      firstTimer += needs.timers ?? 0;
    }
  }

  /** The device in a slot, if there is one. */
  inSlot(slot: number): VirtioMmio | undefined {
    return this.transports[VIRTIO_SLOTS - 1 - slot];
  }

  /** Input for a device enters; for one that is not there, it is lost. */
  enter(event: DeviceEvent): void {
    switch (event.kind) {
      case 'console':
        this.console?.type(event.bytes);
        break;
      case 'network':
        this.network?.receive(event.bytes);
        break;
      case 'input':
        this.inputs[event.device]?.send(event.type, event.code, event.value);
        break;
      case 'audio-in':
        this.sound?.capture(event.bytes);
        break;
      case 'block':
        this.disks[event.disk]?.complete(event.request);
        break;
    }
  }

  fireTimer(timer: number): void {
    const { device, index } = this.#timers[timer];
    this.transports[device].onTimer(index);
  }

  #add<F extends Fields>(
    name: string,
    layout: Layout<F>,
    needs: Needs,
    build: (state: Bound<F>, place: Place) => VirtioMmio,
  ): void {
    const component = this.#plan.add(name, layout);
    const device = this.#rows.length;
    for (let index = 0; index < (needs.timers ?? 0); index++) this.#timers.push({ device, index });
    this.backingBytes += needs.backingBytes ?? 0;
    this.#rows.push({
      needs,
      build: (surroundings, own) => {
        const state = layout.bind(surroundings.buffer, surroundings.at(component));
        return build(state, { ...surroundings, ...own });
      },
    });
  }
}

const DROPPED = { write() {} };

const slotOf = (device: number) => VIRTIO_SLOTS - 1 - device;
