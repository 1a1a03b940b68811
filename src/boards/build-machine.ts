import type { EngineOptions } from '../engine/engine.js';
import { Machine } from '../machine/machine.js';
import type { BootImage, MachineConfig } from '../ports/config.js';
import type { MachineOutputs } from '../ports/device.js';
import { VirtBoard } from './virt/virt-board.js';

/** Makes a machine that has taken no step yet. Throws InputError when the images do not fit it. */
export type BuildMachine = (
  config: MachineConfig,
  images: readonly BootImage[],
  outputs: MachineOutputs,
  engine?: EngineOptions,
) => Machine;

export type VirtMachine = Machine<VirtBoard>;

/** A machine of the board that its configuration names. */
export const buildMachine = (
  config: MachineConfig,
  images: readonly BootImage[],
  outputs: MachineOutputs,
  engine?: EngineOptions,
): VirtMachine =>
  new Machine(config, images, ports => new VirtBoard(config, images, { ...ports, outputs }, engine));
