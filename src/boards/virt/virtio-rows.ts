import { VIRTIO_BLOCK_STATE, VirtioBlock } from '../../devices/virtio/block.js';
import { VIRTIO_CONSOLE_STATE, VirtioConsole } from '../../devices/virtio/console.js';
import { EmptyVirtioSlot } from '../../devices/virtio/empty-slot.js';
import { VIRTIO_INPUT_STATE, VirtioInput } from '../../devices/virtio/input.js';
import { VIRTIO_SLOT_BYTES } from '../../devices/virtio/mmio-transport.js';
import { VIRTIO_NETWORK_STATE, VirtioNetwork } from '../../devices/virtio/network.js';
import { VIRTIO_RNG_STATE, VirtioRng } from '../../devices/virtio/rng.js';
import { VIRTIO_SOUND_STATE, VirtioSound } from '../../devices/virtio/sound.js';
import type { InputDeviceKind, MachineConfig } from '../../ports/config.js';
import { VIRTIO_SLOTS } from '../../ports/settings.js';
import { InputError } from '../../state/input-error.js';
import { type DeviceRow, deviceRow } from '../device-row.js';
import { strings } from '../device-tree.js';
import { backingBytes, Disk } from '../disk.js';
import { VIRT_IRQ, virtioSlot, windowOf } from './memory-map.js';

export type VirtioConfig = Pick<
  MachineConfig,
  'virtio' | 'disks' | 'diskAsync' | 'network' | 'rng' | 'virtioConsole' | 'inputs' | 'sound' | 'slots'
>;

/** The virtio devices that a configuration names, in their order. */
const virtioDevices = (config: VirtioConfig): readonly DeviceRow[] => [
  ...config.disks.map((sectors, number) => disk(config, sectors, number)),
  ...(config.network ? [network(config)] : []),
  ...(config.rng ? [rng(config)] : []),
  ...(config.virtioConsole ? [hypervisorConsole(config)] : []),
  ...(config.inputs ?? []).map(input),
  ...(config.sound === undefined ? [] : [sound(config.sound === 'duplex')]),
];

/**
 * All slots of virtio, the devices first. As in QEMU, a device that no slot was given for takes the highest one that is
 * free. Throws InputError for slots that cannot be.
 */
export function virtioRows(config: VirtioConfig): readonly DeviceRow[] {
  const devices = virtioDevices(config);
  const taken = takenSlots(
    config.slots ?? {},
    devices.map(({ name }) => name),
  );
  const free = Array.from({ length: VIRTIO_SLOTS }, (_, number) => VIRTIO_SLOTS - 1 - number).filter(
    slot => !taken.has(slot),
  );
  const slotOf = ({ name }: DeviceRow) => config.slots?.[name] ?? free.shift()!;
  return [
    ...devices.map(row => inSlot(slotOf(row), row)),
    ...free.map(slot => inSlot(slot, emptySlot(config))),
  ];
}

/** The slots that were given, and whose each is. */
function takenSlots(
  slots: Readonly<Record<string, number>>,
  devices: readonly string[],
): ReadonlyMap<number, string> {
  if (devices.length > VIRTIO_SLOTS)
    throw new InputError(
      `${devices.length} virtio devices are wanted, disks included: there is room for ${VIRTIO_SLOTS}`,
    );
  const taken = new Map<number, string>();
  for (const [device, slot] of Object.entries(slots)) {
    if (!devices.includes(device))
      throw new InputError(`slot ${slot} is for ${device}, which this machine does not have`);
    const other = taken.get(slot);
    if (other !== undefined)
      throw new InputError(`${other} and ${device} cannot both stand in slot ${slot} of virtio`);
    taken.set(slot, device);
  }
  return taken;
}

const inSlot = (slot: number, row: DeviceRow): DeviceRow => ({
  ...row,
  window: {
    name: row.name,
    ...virtioSlot(slot),
    decoded: VIRTIO_SLOT_BYTES,
    bank: windowOf('virtio'),
  },
  interrupt: VIRT_IRQ.virtio + slot,
  node: { kind: 'virtio_mmio', properties: () => ({ compatible: strings('virtio,mmio') }) },
});

const emptySlot = ({ virtio }: VirtioConfig): DeviceRow =>
  deviceRow({
    name: 'empty virtio slot',
    state: {},
    build: () => ({ registers: new EmptyVirtioSlot(virtio) }),
  });

function disk({ virtio, diskAsync }: VirtioConfig, sectors: number, number: number): DeviceRow {
  const name = `disk${number}`;
  return deviceRow({
    name,
    state: { [name]: VIRTIO_BLOCK_STATE },
    timers: 1,
    backingBytes: backingBytes(sectors),
    build({ timers: [timer], images, memory, backing, ...ports }, { [name]: state }) {
      const contents = images.filter(image => image.disk === number);
      const device = new VirtioBlock(state, virtio, {
        ...ports,
        timer,
        disk: new Disk(sectors, contents, memory, backing),
        completion: diskAsync ? 'host' : 'timed',
      });
      return { registers: device.transport, inputs: { block: device } };
    },
  });
}

const network = ({ virtio }: VirtioConfig): DeviceRow =>
  deviceRow({
    name: 'network0',
    state: { network0: VIRTIO_NETWORK_STATE },
    timers: 1,
    build({ timers: [timer], outputs, ...ports }, state) {
      const device = new VirtioNetwork(state.network0, virtio, { ...ports, timer, output: outputs.network });
      return { registers: device.transport, inputs: { network: device } };
    },
  });

const rng = ({ virtio }: VirtioConfig): DeviceRow =>
  deviceRow({
    name: 'rng',
    state: { rng: VIRTIO_RNG_STATE },
    timers: 1,
    build({ timers: [timer], service, ...ports }, state) {
      const device = new VirtioRng(state.rng, virtio, { ...ports, timer, entropy: service('entropy') });
      return { registers: device.transport };
    },
  });

const hypervisorConsole = ({ virtio }: VirtioConfig): DeviceRow =>
  deviceRow({
    name: 'console1',
    state: { console1: VIRTIO_CONSOLE_STATE },
    build({ outputs, ...ports }, state) {
      const output = outputs.virtioConsole ?? DROPPED;
      const device = new VirtioConsole(state.console1, virtio, { ...ports, output });
      return { registers: device.transport, inputs: { console: device } };
    },
  });

function input(kind: InputDeviceKind, number: number): DeviceRow {
  const name = `input${number}`;
  return deviceRow({
    name,
    state: { [name]: VIRTIO_INPUT_STATE },
    build(ports, { [name]: state }) {
      const device = new VirtioInput(kind, state, ports);
      return { registers: device.transport, inputs: { input: device } };
    },
  });
}

const sound = (captures: boolean): DeviceRow =>
  deviceRow({
    name: 'sound',
    state: { sound: VIRTIO_SOUND_STATE },
    timers: 2,
    build({ outputs, ...ports }, state) {
      const device = new VirtioSound(state.sound, { ...ports, output: outputs.sound, captures });
      return { registers: device.transport, inputs: captures ? { 'audio-in': device } : {} };
    },
  });

const DROPPED = { write() {} };
