/**
 * What recordings of before rely on: which components a configuration has, how each is declared and where it stands,
 * the device tree's bytes, and what the debugger is told of memory. Taken from the board as released; the one CPU that
 * could not be had then, without supervisor mode, has the tree of CPUs since.
 */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { buildMachine } from '../../src/boards/build-machine.js';
import { planBoot } from '../../src/boards/virt/boot-flow.js';
import { type MachineConfig, newSettings } from '../../src/ports/config.js';
import { stateLayouts } from '../../src/replay/state-layouts.js';
import { FIRST_CPUS } from '../../src/riscv/cpu-models.js';

const PLAIN: MachineConfig = newSettings({
  board: 'virt',
  machineRevision: 2,
  xlen: 64,
  isa: FIRST_CPUS.rv64gc.isa,
  harts: 1,
  ramBytes: 16 * 2 ** 20,
  icountShift: 0,
  quantum: 1000,
  entropySeed: 5,
  append: '',
  entry: 0x8000_0000,
  rtcSeconds: 1_700_000_000,
  virtio: 'legacy',
  disks: [],
  network: false,
});

const EVERYTHING: MachineConfig = {
  ...PLAIN,
  harts: 3,
  virtio: 'modern',
  append: 'console=ttyS0',
  entropy: 'host',
  disks: [64, 2048],
  network: true,
  rng: true,
  virtioConsole: true,
  inputs: ['keyboard', 'tablet'],
  sound: 'duplex',
  diskAsync: true,
};

const CONFIGURATIONS: Readonly<Record<string, MachineConfig>> = {
  plain: PLAIN,
  'RV32 without supervisor mode': { ...PLAIN, xlen: 32, isa: 'rv32imac_zicsr_zifencei' },
  'eight harts': { ...PLAIN, harts: 8, ramBytes: 64 * 2 ** 20 },
  'of revision 1': { ...PLAIN, machineRevision: 1, harts: 2 },
  everything: EVERYTHING,
  'one kind each': { ...PLAIN, disks: [8], network: true },
  'rng and sound': { ...PLAIN, rng: true, sound: 'playback', inputs: ['mouse'] },
  'eight disks': { ...PLAIN, disks: Array(8).fill(16) },
  'a console of virtio': { ...PLAIN, virtioConsole: true, harts: 2, virtio: 'modern' },
};

const short = (data: string | Uint8Array) => createHash('sha256').update(data).digest('hex').slice(0, 16);

function picture(config: MachineConfig): Record<string, unknown> {
  const kernel = { name: 'kernel', bytes: Uint8Array.of(0x6f, 0, 0, 0) };
  const images = new Map(planBoot({ kernel }, config).images.map(({ name, bytes }) => [name, bytes]));
  const machine = buildMachine(config, [], { serial: { write() {} } });
  const { components, byteLength } = machine.plan;
  const places = components.map(({ name, offset }) => `${name}@${offset}`);
  return {
    components: components.map(({ name }) => name).join(' '),
    bytes: byteLength,
    places: short(places.join()),
    layouts: short(JSON.stringify(stateLayouts(machine.plan))),
    reset: short(machine.memory.stateBytes.slice()),
    tree: short(images.get('device tree')!),
    rom: short(images.get('boot ROM')!),
    map: short(JSON.stringify(machine.debug.memoryMap())),
  };
}

/** Hashes are the first 64 bits of SHA-256. */
const EXPECTED: Readonly<Record<string, object>> = {
  plain: {
    bytes: 5864,
    components: 'machine hart0 clint plic uart0 console0 rtc entropy time reservations',
    layouts: '96caa7e2db9122c3',
    map: '20bc6e3cd2d6261c',
    places: '18e1e27d7f2ce7d5',
    reset: '5c1fbc7c70be5be7',
    rom: '2e324494c36e9e30',
    tree: '55b6df49586f7a9f',
  },
  'RV32 without supervisor mode': {
    bytes: 5864,
    components: 'machine hart0 clint plic uart0 console0 rtc entropy time reservations',
    layouts: '96caa7e2db9122c3',
    map: '20bc6e3cd2d6261c',
    places: '18e1e27d7f2ce7d5',
    reset: '5c1fbc7c70be5be7',
    rom: 'e3768a2ddeffddc8',
    tree: 'ba22b139f7c9fbf2',
  },
  'eight harts': {
    bytes: 12472,
    components:
      'machine hart0 hart1 hart2 hart3 hart4 hart5 hart6 hart7 clint plic uart0 console0 rtc entropy time reservations',
    layouts: '5e2d9654154bc3b8',
    map: 'f6268a0fe06a63b8',
    places: '3a9553f924ea7af9',
    reset: '7073e805c5825551',
    rom: '74348f0f95624c5a',
    tree: '26d0b11cc542aaa3',
  },
  'of revision 1': {
    bytes: 6792,
    components: 'machine hart0 hart1 clint plic uart0 console0 rtc entropy time',
    layouts: '3160af8c902928ac',
    map: '20bc6e3cd2d6261c',
    places: '415e850e8e748b8a',
    reset: '4bb8fb51fcbe87aa',
    rom: '2e324494c36e9e30',
    tree: '203f370e16b57607',
  },
  everything: {
    bytes: 100376,
    components:
      'machine hart0 hart1 hart2 clint plic uart0 console0 rtc entropy disk0 disk1 network0 rng console1 input0 input1 sound time reservations',
    layouts: '8c3436d278263caf',
    map: '20bc6e3cd2d6261c',
    places: 'b6e381b7035cf708',
    reset: '1233c48ce0347198',
    rom: '2e324494c36e9e30',
    tree: '29852d515f2e5f1a',
  },
  'one kind each': {
    bytes: 74280,
    components: 'machine hart0 clint plic uart0 console0 rtc entropy disk0 network0 time reservations',
    layouts: 'aab7d4f1d0dfcea5',
    map: '20bc6e3cd2d6261c',
    places: '57df7cb960a459f4',
    reset: 'a9cbc2f0045769fb',
    rom: '2e324494c36e9e30',
    tree: '55b6df49586f7a9f',
  },
  'rng and sound': {
    bytes: 23424,
    components: 'machine hart0 clint plic uart0 console0 rtc entropy rng input0 sound time reservations',
    layouts: '794f083c6376626a',
    map: '20bc6e3cd2d6261c',
    places: '67773454ee7ad28a',
    reset: '3e08fc33320929ff',
    rom: '2e324494c36e9e30',
    tree: '55b6df49586f7a9f',
  },
  'eight disks': {
    bytes: 19240,
    components:
      'machine hart0 clint plic uart0 console0 rtc entropy disk0 disk1 disk2 disk3 disk4 disk5 disk6 disk7 time reservations',
    layouts: '17b92f193fbfdff3',
    map: '20bc6e3cd2d6261c',
    places: 'f5b14db2c901bb46',
    reset: 'f90f4d202f5c7c98',
    rom: '2e324494c36e9e30',
    tree: '55b6df49586f7a9f',
  },
  'a console of virtio': {
    bytes: 11088,
    components: 'machine hart0 hart1 clint plic uart0 console0 rtc entropy console1 time reservations',
    layouts: '5c4c352653c45bc4',
    map: '20bc6e3cd2d6261c',
    places: 'deb11aab5f1968d2',
    reset: '2474b026dd91e48c',
    rom: '2e324494c36e9e30',
    tree: '203f370e16b57607',
  },
};

test.each(Object.entries(CONFIGURATIONS))('a machine that is %s', (name, config) => {
  expect(picture(config)).toEqual(EXPECTED[name]);
});
