/** Taking traps: privileged spec 3.1.6 to 3.1.9 and 3.1.15. */
import { NO_INTERRUPT } from '../machine/hart.js';
import { TrapLoopWatch } from '../machine/trap-loop.js';
import type { HartState } from './hart-state.js';
import { CAUSE, type HartConfig, INTERRUPT, MPP_SHIFT, MSTATUS, PRIVILEGE } from './privileged.js';
import { REGISTER_NUMBER } from './registers.js';

/** Order in which simultaneous interrupts are taken (3.1.9): external, software, timer; machine first. */
const INTERRUPT_ORDER = [
  INTERRUPT.machineExternal,
  INTERRUPT.machineSoftware,
  INTERRUPT.machineTimer,
  INTERRUPT.supervisorExternal,
  INTERRUPT.supervisorSoftware,
  INTERRUPT.supervisorTimer,
] as const;

/** Traps and returns end a reservation, as in QEMU: one context must not use that of another. */
export function yieldReservation(state: HartState): void {
  state.reservedAddress.fill(0xffffffff);
}

const STACK = 2 * REGISTER_NUMBER.sp;
const isCall = (cause: number): boolean =>
  cause >= CAUSE.ecallFromUser && cause <= CAUSE.ecallFromUser + PRIVILEGE.machine;

export class TrapUnit {
  readonly loops: TrapLoopWatch;
  #cause = 0;
  #low = 0;
  #high = 0;

  constructor(
    hart: number,
    readonly config: HartConfig,
    readonly state: HartState,
  ) {
    this.loops = new TrapLoopWatch(hart);
  }

  /** mip: what devices drive and what software set. */
  get pending(): number {
    return this.state.lines | this.state.softwarePending;
  }

  /** The interrupt to take now, or NO_INTERRUPT. */
  interrupt(): number {
    const { mie, mideleg, mstatus, privilege } = this.state;
    const candidates = this.pending & mie[0];
    if (candidates === 0) return NO_INTERRUPT;
    const machineEnabled = privilege < PRIVILEGE.machine || (mstatus[0] & MSTATUS.mie) !== 0;
    const supervisorEnabled =
      privilege < PRIVILEGE.supervisor ||
      (privilege === PRIVILEGE.supervisor && (mstatus[0] & MSTATUS.sie) !== 0);
    let enabled = machineEnabled ? candidates & ~mideleg[0] : 0;
    if (enabled === 0 && supervisorEnabled) enabled = candidates & mideleg[0];
    for (const number of INTERRUPT_ORDER) if ((enabled & (1 << number)) !== 0) return number;
    return NO_INTERRUPT;
  }

  /** Notes the exception that the instruction at pc ends in. */
  raise(cause: number, low: number, high: number): void {
    this.#cause = cause;
    this.#low = low;
    this.#high = high;
  }

  /** `icount`: the boundary before the step that ends so. True when a loop of traps was found. */
  enterException(icount: number): boolean {
    const { state } = this;
    const trap = this.loops.present;
    trap.icount = icount;
    trap.cause = this.#cause;
    trap.pcLow = state.pc[0];
    trap.pcHigh = state.pc[1];
    trap.valueLow = this.#low;
    trap.valueHigh = this.#high;
    trap.stack = state.x[STACK];
    this.#enter(this.#cause, false, this.#low, this.#high);
    trap.handlerLow = state.pc[0];
    trap.handlerHigh = state.pc[1];
    trap.handlerMode = state.privilege;
    return this.loops.entered(!isCall(this.#cause));
  }

  enterInterrupt(cause: number): void {
    this.loops.progress();
    this.#enter(cause, true, 0, 0);
  }

  #enter(cause: number, interrupt: boolean, tvalLow: number, tvalHigh: number): void {
    const { state } = this;
    yieldReservation(state);
    const delegation = interrupt ? state.mideleg[0] : state.medeleg[0];
    const toSupervisor = state.privilege <= PRIVILEGE.supervisor && ((delegation >>> cause) & 1) === 1;
    const [epc, causeRegister, tval, tvec] = toSupervisor
      ? [state.sepc, state.scause, state.stval, state.stvec]
      : [state.mepc, state.mcause, state.mtval, state.mtvec];
    epc[0] = state.pc[0];
    epc[1] = state.pc[1];
    const wide = this.config.xlen === 64;
    const interruptBit = interrupt ? 2 ** 31 : 0;
    causeRegister[0] = wide ? cause : cause + interruptBit;
    causeRegister[1] = wide ? interruptBit : 0;
    tval[0] = tvalLow;
    tval[1] = wide ? tvalHigh : 0;
    const status = state.mstatus[0];
    if (toSupervisor) {
      const spie = (status & MSTATUS.sie) !== 0 ? MSTATUS.spie : 0;
      const spp = state.privilege === PRIVILEGE.supervisor ? MSTATUS.spp : 0;
      state.mstatus[0] = (status & ~(MSTATUS.sie | MSTATUS.spie | MSTATUS.spp)) | spie | spp;
      state.privilege = PRIVILEGE.supervisor;
    } else {
      const mpie = (status & MSTATUS.mie) !== 0 ? MSTATUS.mpie : 0;
      const mpp = state.privilege << MPP_SHIFT;
      state.mstatus[0] = (status & ~(MSTATUS.mie | MSTATUS.mpie | MSTATUS.mpp)) | mpie | mpp;
      state.privilege = PRIVILEGE.machine;
    }
    const vectored = interrupt && (tvec[0] & 1) === 1;
    const base = (tvec[0] & ~3) >>> 0;
    const target = base + (vectored ? 4 * cause : 0);
    state.pc[0] = target;
    state.pc[1] = wide && target >= 2 ** 32 ? tvec[1] + 1 : tvec[1];
    state.trapEntries++;
  }
}
