import type { MachineConfig } from '../ports/config.js';
import { InputError } from '../state/input-error.js';
import type { StatePlan } from '../state/layout.js';
import { virtDevices } from './virt/virt-devices.js';
import { planVirt } from './virt/virt-plan.js';

/** Throws InputError for a board that is not here. */
export function checkBoard({ board }: MachineConfig): void {
  if (board !== 'virt') throw new InputError(`this backstub has no board ${board}`);
}

/**
 * The declared state of the machine that a configuration names; nothing is built. Throws InputError as `checkBoard`.
 */
export function planOf(config: MachineConfig): StatePlan {
  checkBoard(config);
  return planVirt(config, virtDevices(config)).plan;
}
