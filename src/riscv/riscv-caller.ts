/** Calls by semihosting: "RISC-V Semihosting", binary interface. */
import type { SemihostingCaller, Word64 } from '../machine/semihosting-caller.js';
import type { ExecutingHart } from './executing-hart.js';
import { WAITING } from './hart-state.js';
import { PRIVILEGE } from './privileged.js';

/** `slli x0, x0, 0x1f`, `ebreak` and `srai x0, x0, 7`, none of them compressed, say that the ebreak is a call. */
const SEQUENCE = [0x01f0_1013, 0x0010_0073, 0x4070_5013] as const;
/** As they stand in a program. */
export const SEMIHOSTING_CODE = new Uint8Array(Uint32Array.from(SEQUENCE).buffer);
const BEFORE = 4;
/** a0 and a1, as indexes of words. */
const RESULT = 20;
const PARAMETER = 22;

/** Whether the ebreak at pc is a call. User mode makes none, as on QEMU: it is for firmware and kernels. */
export function isSemihostingCall(hart: ExecutingHart): boolean {
  const { pc, privilege } = hart.state;
  if (privilege === PRIVILEGE.user) return false;
  const wide = hart.config.xlen === 64;
  return SEQUENCE.every((word, index) => {
    const low = pc[0] - BEFORE + 4 * index;
    const carry = wide ? Math.floor(low / 2 ** 32) : 0;
    const high = (pc[1] + carry) >>> 0;
    return halfAt(hart, low >>> 0, high) === (word & 0xffff) && nextHalf(hart, low, high) === word >>> 16;
  });
}

/** The instructions may lie over the end of a page, at any halfword. */
function nextHalf(hart: ExecutingHart, low: number, high: number): number {
  const next = (low + 2) >>> 0;
  return halfAt(hart, next, next < 2 && hart.config.xlen === 64 ? (high + 1) >>> 0 : high);
}

function halfAt({ mmu, env: { bus, memory } }: ExecutingHart, low: number, high: number): number {
  const physical = mmu.peek(low, high);
  const host = physical < 0 ? 0 : bus.hostAddress(physical, 2, false);
  return host === 0 ? -1 : memory.u8[host] | (memory.u8[host + 1] << 8);
}

/** A hart as the callee sees it. */
export class RiscvSemihostingCaller implements SemihostingCaller {
  constructor(private readonly hart: ExecutingHart) {}

  get wordBytes(): 4 | 8 {
    return this.hart.config.xlen === 64 ? 8 : 4;
  }

  get operation(): number {
    return this.hart.state.x[RESULT];
  }

  get parameter(): Word64 {
    const { x } = this.hart.state;
    return { low: x[PARAMETER], high: x[PARAMETER + 1] };
  }

  physical(low: number, high: number): number {
    return this.hart.mmu.peek(low, high);
  }

  wait(): void {
    this.hart.state.waiting = WAITING.semihosting;
    this.hart.yield();
  }

  finish({ low, high }: Word64): void {
    const { state, config } = this.hart;
    state.x[RESULT] = low;
    state.x[RESULT + 1] = config.xlen === 64 ? high : 0;
    state.waiting = WAITING.nothing;
  }
}
