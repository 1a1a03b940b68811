/** Options of virtio devices: each gives a device of the machine, what is behind it on the host, and its place. */
import type { ConfigOptions } from '../assembly/session.js';
import { attached, option, repeatable } from './option-spec.js';
import { giving } from './own-option.js';
import {
  parseDisk,
  parseInputs,
  parseNet,
  parsePlace,
  parseSound,
  parseVirtioConsole,
  SERIAL_HELP,
} from './values.js';

/** The slots of devices that were given one, by their names in the machine. */
const placed = (
  ...devices: readonly (readonly [name: string, slot: number | undefined])[]
): ConfigOptions => ({
  slots: Object.fromEntries(
    devices.flatMap(([name, slot]): [string, number][] => (slot === undefined ? [] : [[name, slot]])),
  ),
});

export const DEVICE_OPTIONS = {
  disk: giving(
    repeatable(
      '--disk <file[,format=F][,slot=N]>',
      "disk image, raw or qcow2, never written: the guest's writes stay in the machine; up to 8 of them. A comma in a file's name is written twice. slot=N, of this and other virtio devices, is QEMU's bus=virtio-mmio-bus.N",
      parseDisk,
    ),
    // Their sizes are known when the images are.
    disks => placed(...disks.map(({ slot }, disk) => [`disk${disk}`, slot] as const)),
  ),
  net: giving(
    option(
      '--net <kind[,slot=N]>',
      'network device: user[,hostfwd=tcp:[HOST]:PORT-:PORT...] behind the host, with restrict=on not reaching it, socket:listen=HOST:PORT or socket:connect=HOST:PORT to another machine, none',
      parseNet,
      'none',
    ),
    ({ kind, slot }) => ({ network: kind !== 'none', ...placed(['network0', slot]) }),
  ),
  rng: giving(
    attached('--rng [slot=N]', 'virtio entropy device; a slot is given as --rng=slot=N', parsePlace),
    place => ({
      rng: true,
      ...placed(['rng', place.slot]),
    }),
  ),
  virtioConsole: giving(
    option(
      '--virtio-console <where[,slot=N]>',
      `virtio console, hvc0 of Linux: ${SERIAL_HELP}`,
      parseVirtioConsole,
      'none',
    ),
    ({ slot }) => ({ virtioConsole: true, ...placed(['console1', slot]) }),
  ),
  input: giving(
    option(
      '--input <kinds>',
      'input devices: keyboard, mouse, tablet, with commas between, each with ,slot=N behind it if need be',
      parseInputs,
      'none',
    ),
    inputs => ({
      inputs: inputs.map(({ kind }) => kind),
      ...placed(...inputs.map(({ slot }, number) => [`input${number}`, slot] as const)),
    }),
  ),
  sound: giving(
    option(
      '--sound <where[,slot=N]>',
      'sound device: plays to null or wav:FILE; captures silence, or with ,in=FILE what a WAV file holds',
      parseSound,
      'none',
    ),
    ({ input, slot }) => ({ sound: input === undefined ? 'playback' : 'duplex', ...placed(['sound', slot]) }),
  ),
} as const;
