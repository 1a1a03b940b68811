/** Environment and privileged instructions: privileged spec 3.3 and 4.2. */

import type { ExecutingHart } from './executing-hart.js';
import { EXTENSION_OPERATIONS } from './extension-operations.js';
import { EXIT } from './hart-exit.js';
import { WAITING } from './hart-state.js';
import { MISALIGNED_TARGET } from './isa/alignment.js';
import { jumpTarget } from './jump-target.js';
import { CAUSE, MPP_SHIFT, MSTATUS, PRIVILEGE } from './privileged.js';
import { PUSH_POP_OPERATIONS } from './push-pop-operations.js';
import { isSemihostingCall } from './riscv-caller.js';
import { yieldReservation } from './traps.js';

type Operation = (hart: ExecutingHart) => number;

const OPERATIONS: Readonly<Record<string, Operation>> = {
  ecall: hart => hart.trap(CAUSE.ecallFromUser + hart.state.privilege, 0, 0),
  ebreak: hart => {
    const { semihosting } = hart.env;
    if (semihosting === undefined || !isSemihostingCall(hart)) return hart.trap(CAUSE.breakpoint, 0, 0);
    semihosting.call(hart.id);
    return 1;
  },
  mret: hart => {
    const { state } = hart;
    if (state.privilege !== PRIVILEGE.machine) return hart.illegal();
    const status = state.mstatus[0];
    const previous = (status & MSTATUS.mpp) >>> MPP_SHIFT;
    const mie = (status & MSTATUS.mpie) !== 0 ? MSTATUS.mie : 0;
    let next = (status & ~(MSTATUS.mie | MSTATUS.mpp)) | mie | MSTATUS.mpie;
    if (previous !== PRIVILEGE.machine) next &= ~MSTATUS.mprv;
    return returnTo(hart, next, previous, state.mepc);
  },
  sret: hart => {
    const { state } = hart;
    const status = state.mstatus[0];
    const trapped = state.privilege === PRIVILEGE.supervisor && (status & MSTATUS.tsr) !== 0;
    if (state.privilege < PRIVILEGE.supervisor || trapped) return hart.illegal();
    const previous = (status & MSTATUS.spp) !== 0 ? PRIVILEGE.supervisor : PRIVILEGE.user;
    const sie = (status & MSTATUS.spie) !== 0 ? MSTATUS.sie : 0;
    const next = (status & ~(MSTATUS.sie | MSTATUS.spp | MSTATUS.mprv)) | sie | MSTATUS.spie;
    return returnTo(hart, next, previous, state.sepc);
  },
  [MISALIGNED_TARGET]: hart => {
    const [low, high] = jumpTarget(hart.state, hart.instructionBits(), hart.config.xlen);
    return hart.trap(CAUSE.fetchMisaligned, low, high);
  },
  wfi: hart => {
    const { privilege, mstatus } = hart.state;
    const supervised = hart.config.extensions.has('s');
    const trapped = privilege < PRIVILEGE.machine && (mstatus[0] & MSTATUS.tw) !== 0;
    if (trapped || (privilege === PRIVILEGE.user && supervised)) return hart.illegal();
    hart.trapLoops.progress();
    if (!hart.wakes) hart.state.waiting = WAITING.interrupt;
    hart.yield();
    return 1;
  },
  'sfence.vma': hart => {
    const { privilege } = hart.state;
    if (privilege < PRIVILEGE.supervisor || hart.inSupervisorTrapVirtualMemory) return hart.illegal();
    // What the TLB holds is never out of date: see Mmu.
    return 1;
  },
  // Svinval: the same, and TVM does not forbid it.
  'sfence.inval': hart => (hart.state.privilege < PRIVILEGE.supervisor ? hart.illegal() : 1),
  ...EXTENSION_OPERATIONS,
  ...PUSH_POP_OPERATIONS,
};

function returnTo(hart: ExecutingHart, status: number, privilege: number, pc: Uint32Array): 0 {
  const { state } = hart;
  state.mstatus[0] = status;
  state.privilege = privilege;
  yieldReservation(state);
  state.pc[0] = pc[0];
  state.pc[1] = pc[1];
  hart.trapLoops.returned(pc[0], pc[1]);
  hart.exit = EXIT.retired;
  return 0;
}

/** The operations by the numbers that generated code uses. */
export class SystemOperations {
  readonly #byNumber: readonly Operation[];

  constructor(
    readonly hart: ExecutingHart,
    names: readonly string[],
  ) {
    this.#byNumber = names.map(name => {
      const operation = OPERATIONS[name];
      if (operation === undefined) throw new Error(`no system operation ${name}`);
      return operation;
    });
  }

  execute(operation: number): number {
    return this.#byNumber[operation](this.hart);
  }
}
