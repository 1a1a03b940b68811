/** How the hart left generated code. */
export const EXIT = {
  /** The budget is used up. */
  budget: 0,
  /** The instruction traps; taking it is a step. */
  trap: 1,
  /** The instruction is done and the hart's mode or pc changed. */
  retired: 2,
  /** A debugger's breakpoint or watchpoint: the instruction has not run. */
  stopped: 3,
} as const;
