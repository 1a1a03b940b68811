import type { Session } from '../../src/assembly/session.js';
import type { VirtMachine } from '../../src/boards/build-machine.js';
import type { MachineStop, RunOptions } from '../../src/machine/machine.js';
import { virt } from './virt.js';

/** A machine that is broken: whenever it comes to a boundary, something changes there. */
export function breakAt(session: Session, icount: number, fault: (machine: VirtMachine) => void): Session {
  const machine = virt(session.machine);
  const run = machine.run.bind(machine);
  machine.run = (until: number, options: RunOptions): MachineStop => {
    if (machine.icount >= icount || until < icount) return run(until, options);
    const stop = run(icount, options);
    if (stop.kind !== 'limit' || machine.icount !== icount) return stop;
    fault(machine);
    return run(until, options);
  };
  return session;
}
