/** QEMU's `-device`, by name. */
import { escaped, type QemuLine, type QemuValue, refuse } from './qemu-line.js';

type Carry = (line: QemuLine, device: QemuValue) => void;

const place = (line: QemuLine, device: QemuValue, flag: string): void => {
  const slot = line.slot(device);
  line.add(slot === '' ? flag : `${flag}=${slot.slice(1)}`);
};

const input =
  (kind: string): Carry =>
  (line, device) =>
    line.inputs.push(`${kind}${line.slot(device)}`);

/** A device's name, and how it is carried. What all have that changes nothing for the guest is left out before. */
const QEMU_DEVICES: Readonly<Record<string, Carry>> = {
  'virtio-blk-device'(line, device) {
    const id = device.take('drive') ?? refuse('-device virtio-blk-device', 'it names no drive=');
    device.drop('serial', 'discard', 'write-cache');
    const slot = line.slot(device);
    line.later.push(() => {
      const { file, format } =
        line.drives.get(id) ?? refuse(`drive=${id}`, 'no -drive has that id, with if=none');
      line.add('--disk', `${escaped(file)}${format === undefined ? '' : `,format=${format}`}${slot}`);
    });
  },
  'virtio-net-device'(line, device) {
    const id = device.take('netdev') ?? refuse('-device virtio-net-device', 'it names no netdev=');
    const mac = device.take('mac');
    if (mac !== undefined && mac !== '52:54:00:12:34:56') refuse(`mac=${mac}`);
    const slot = line.slot(device);
    line.later.push(() => {
      const network = line.networks.get(id) ?? refuse(`netdev=${id}`, 'no -netdev has that id');
      line.add('--net', `${network}${slot}`);
    });
  },
  'virtio-rng-device'(line, device) {
    device.drop('rng');
    place(line, device, '--rng');
  },
  'virtio-keyboard-device': input('keyboard'),
  'virtio-mouse-device': input('mouse'),
  'virtio-tablet-device': input('tablet'),
  'virtio-sound-device'(line, device) {
    device.drop('audiodev');
    line.add('--sound', `null${line.slot(device)}`);
  },
  'virtio-serial-device'(line, device) {
    const slot = line.slot(device);
    line.later.push(() =>
      line.add('--virtio-console', `${escaped(line.channels.get('virtconsole') ?? 'null')}${slot}`),
    );
  },
  virtconsole(line, device) {
    const id = device.take('chardev') ?? refuse('-device virtconsole', 'it names no chardev=');
    line.channels.set(
      'virtconsole',
      line.channels.get(id) ?? refuse(`chardev=${id}`, 'no -chardev before it has that id'),
    );
  },
  loader(line, device) {
    const file = device.take('file') ?? refuse('-device loader', 'only files are loaded');
    const address = device.take('addr');
    const raw = device.take('force-raw') ?? 'off';
    line.add('--load', address === undefined && raw === 'off' ? file : `${file}@${address ?? '0'}`);
  },
};

export function carryDevice(line: QemuLine, device: QemuValue): void {
  const carry = Object.hasOwn(QEMU_DEVICES, device.first) ? QEMU_DEVICES[device.first] : undefined;
  if (carry === undefined)
    refuse(
      `-device ${device.first}`,
      /^virtio-.*-pci$|^virtio-[a-z]+$/.test(device.first)
        ? 'there is no PCI bus here; give its -device form of virtio-mmio'
        : `carried are ${Object.keys(QEMU_DEVICES).join(', ')}`,
    );
  device.drop('id');
  carry(line, device);
  device.refuseRest();
}
