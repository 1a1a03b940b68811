import type { Session } from '../../src/api/session.js';
import type { Machine, MachineStop, RunOptions } from '../../src/machine/machine.js';

/** A machine that is broken: whenever it comes to a boundary, something changes there. */
export function breakAt(session: Session, icount: number, fault: (machine: Machine) => void): Session {
  const { machine } = session;
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
