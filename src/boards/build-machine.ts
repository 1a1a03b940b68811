import type { EngineOptions } from '../engine/engine.js';
import { Machine } from '../machine/machine.js';
import type { BootImage, MachineConfig } from '../ports/config.js';
import type { MachineOutputs } from '../ports/device.js';
import { checkBoard } from './state-plan.js';
import { VirtBoard } from './virt/virt-board.js';

/** Makes a machine that has taken no step yet. Throws InputError when the images do not fit it. */
export type BuildMachine = (
  config: MachineConfig,
  images: readonly BootImage[],
  outputs: MachineOutputs,
  engine?: EngineOptions,
) => Machine;

export type VirtMachine = Machine<VirtBoard>;

/** A machine of the board that its configuration names: each is a line here. */
export const buildMachine = (
  config: MachineConfig,
  images: readonly BootImage[],
  outputs: MachineOutputs,
  engine?: EngineOptions,
): VirtMachine => {
  checkBoard(config);
  return new Machine(config, images, ports => new VirtBoard(config, images, { ...ports, outputs }, engine));
};
