/**
 * What a guest sees of the machine changes only with its revision, `MachineConfig.machineRevision`: a recording keeps
 * that of the machine it was made on, and replays as it did then. Each behaviour that has ever changed is a row here.
 */

/** The revision of machines that are made now. */
export const MACHINE_REVISION = 2;

/** Behaviours that differ between revisions. */
export interface MachineBehaviour {
  /**
   * What makes an SC fail: only that the word has another value than the LR read (`value`), or also that another hart
   * has written to the reservation set since, the same value or not (`writes`).
   */
  readonly reservation: 'value' | 'writes';
  /**
   * When an interrupt becomes pending at the PLIC: while its line is high and it is not being handled (`level`), or
   * when its device raises the line, high already or not (`raise`), which is what QEMU's does.
   */
  readonly interruptPending: 'level' | 'raise';
  /**
   * What a debugger's write of a CSR is: an instruction's (`executed`), or a write that no step belongs to (`exact`).
   */
  readonly debuggerCsrWrite: 'executed' | 'exact';
}

/** The first revision with each behaviour, newest first. */
const SINCE: { readonly [B in keyof MachineBehaviour]: readonly (readonly [number, MachineBehaviour[B]])[] } =
  {
    reservation: [
      [2, 'writes'],
      [1, 'value'],
    ],
    interruptPending: [
      [2, 'raise'],
      [1, 'level'],
    ],
    debuggerCsrWrite: [
      [2, 'exact'],
      [1, 'executed'],
    ],
  };

/** How the machine of a revision behaves. */
export const behaviourOf = ({ machineRevision }: { readonly machineRevision: number }): MachineBehaviour => ({
  reservation: at(machineRevision, SINCE.reservation),
  interruptPending: at(machineRevision, SINCE.interruptPending),
  debuggerCsrWrite: at(machineRevision, SINCE.debuggerCsrWrite),
});

function at<T>(revision: number, rows: readonly (readonly [number, T])[]): T {
  const row = rows.find(([first]) => first <= revision);
  if (row === undefined) throw new RangeError(`no machine has revision ${revision}`);
  return row[1];
}
