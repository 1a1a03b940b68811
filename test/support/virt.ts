import type { VirtMachine } from '../../src/boards/build-machine.js';
import { VirtBoard } from '../../src/boards/virt/virt-board.js';
import type { Machine } from '../../src/machine/machine.js';

/** A machine whose parts a test looks at: those of the `virt` board. */
export function virt(machine: Machine): VirtMachine {
  if (!(machine.board instanceof VirtBoard)) throw new Error('this is no virt board');
  return machine as VirtMachine;
}
