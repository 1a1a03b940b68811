import type { BuildMachine, VirtMachine } from '../../src/boards/build-machine.js';
import type { DeviceRow } from '../../src/boards/device-row.js';
import { VirtBoard } from '../../src/boards/virt/virt-board.js';
import { virtDevices } from '../../src/boards/virt/virt-devices.js';
import { Machine } from '../../src/machine/machine.js';

/** A machine whose parts a test looks at: those of the `virt` board. */
export function virt(machine: Machine): VirtMachine {
  if (!(machine.board instanceof VirtBoard)) throw new Error('this is no virt board');
  return machine as VirtMachine;
}

/** The `virt` board with these devices besides. */
export const buildWith =
  (...rows: DeviceRow[]): BuildMachine =>
  (config, images, outputs, engine) =>
    new Machine(
      config,
      images,
      ports =>
        new VirtBoard(config, images, { ...ports, outputs }, engine, [...virtDevices(config), ...rows]),
    );
