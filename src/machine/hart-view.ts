import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { RiscvHart } from '../riscv/hart.js';
import { PRIVILEGE } from '../riscv/privileged.js';
import { REGISTER_NUMBER } from '../riscv/registers.js';
import type { VirtBoard } from './virt-board.js';

/** A hart's registers and memory as numbers, for what is evaluated at each hit. Reading changes nothing. */
export interface HartView {
  readonly hart: number;
  /** What was read last, as two unsigned words, zero-extended. */
  readonly low: number;
  readonly high: number;
  /** What evaluating has cost, to be added to; a hit is 1, and about a microsecond. */
  work: number;
  /** Reads a register by its number in the target's description; false when it cannot be read. */
  readRegister(register: number): boolean;
  /** Reads 1, 2, 4 or 8 bytes, little-endian, at a virtual address of two words; false when unmapped. */
  readMemory(low: number, high: number, bytes: number): boolean;
}

/** Where a hart is in its program: what an interrupt interrupts. Words are unsigned. */
export interface HartContext {
  readonly hart: number;
  readonly pcLow: number;
  readonly pcHigh: number;
  readonly spLow: number;
  readonly spHigh: number;
  readonly privilege: number;
}

/** Reads of the machine itself: right also in the middle of a run, between two instructions. */
export class HartReader implements HartView {
  readonly hart: number;
  low = 0;
  high = 0;
  work = 0;
  /** Width in bytes of the register read last. */
  width = 0;

  constructor(
    readonly board: VirtBoard,
    readonly source: RiscvHart,
  ) {
    this.hart = source.id;
  }

  readRegister(register: number): boolean {
    const { state, config } = this.source;
    const width = config.xlen / 8;
    if (register >= 0 && register < REGISTER_NUMBER.pc) {
      return this.#give(state.x[2 * register], state.x[2 * register + 1], width);
    }
    if (register === REGISTER_NUMBER.pc) return this.#give(state.pc[0], state.pc[1], width);
    if (register === REGISTER_NUMBER.privilege) return this.#give(state.privilege, 0, width);
    if (register === REGISTER_NUMBER.icount) {
      const { icount } = this.board.time;
      return this.#give(icount % 2 ** 32, Math.floor(icount / 2 ** 32), 8);
    }
    if (register >= REGISTER_NUMBER.f0 && register < REGISTER_NUMBER.firstCsr) {
      if (!config.extensions.has('f')) return false;
      const index = 2 * (register - REGISTER_NUMBER.f0);
      return this.#give(state.f[index], state.f[index + 1], config.extensions.has('d') ? 8 : 4);
    }
    const { csrs } = this.source;
    const csr = csrs.table[register - REGISTER_NUMBER.firstCsr];
    if (csr === undefined) return false;
    csrs.peek(csr);
    return this.#give(csrs.low, csrs.high, csr.number <= 3 ? 4 : width);
  }

  readMemory(low: number, high: number, bytes: number): boolean {
    const inPage = PAGE_BYTES - (low % PAGE_BYTES);
    if (bytes <= inPage) {
      const physical = this.source.mmu.peek(low, high);
      if (physical < 0) return false;
      const host = this.board.bus.hostAddress(physical, bytes, false);
      if (host === 0) return this.#peekDevice(physical, bytes);
      const { u8 } = this.board.memory;
      const first = Math.min(bytes, 4);
      let value = 0;
      for (let at = 0; at < first; at++) value |= u8[host + at] << (8 * at);
      this.low = value >>> 0;
      value = 0;
      for (let at = 4; at < bytes; at++) value |= u8[host + at] << (8 * (at - 4));
      this.high = value >>> 0;
      return true;
    }
    let [wordLow, wordHigh] = [0, 0];
    for (let at = 0; at < bytes; at++) {
      const next = low + at;
      const carried = next >= 2 ** 32 && this.source.config.xlen === 64 ? (high + 1) >>> 0 : high;
      if (!this.readMemory(next >>> 0, carried, 1)) return false;
      if (at < 4) wordLow |= this.low << (8 * at);
      else wordHigh |= this.low << (8 * (at - 4));
    }
    this.low = wordLow >>> 0;
    this.high = wordHigh >>> 0;
    return true;
  }

  context(): HartContext {
    const { pc, x, privilege } = this.source.state;
    const sp = 2 * REGISTER_NUMBER.sp;
    const [pcLow, pcHigh] = pc;
    return { hart: this.hart, pcLow, pcHigh, spLow: x[sp], spHigh: x[sp + 1], privilege };
  }

  /** Whether the hart is there now. */
  standsIn(context: HartContext): boolean {
    const { pc, x, privilege } = this.source.state;
    const sp = 2 * REGISTER_NUMBER.sp;
    return (
      context.hart === this.hart &&
      context.pcLow === pc[0] &&
      context.pcHigh === pc[1] &&
      context.spLow === x[sp] &&
      context.spHigh === x[sp + 1] &&
      context.privilege === privilege
    );
  }

  /** Whether the hart stands at the instruction that ends a trap handler. */
  get returnsFromTrap(): boolean {
    const { state } = this.source;
    if (state.privilege === PRIVILEGE.user) return false;
    const [low, high] = state.pc;
    return this.readMemory(low, high, 4) && TRAP_RETURNS.has(this.low);
  }

  #give(low: number, high: number, width: number): boolean {
    this.low = low;
    this.high = high;
    this.width = width;
    return true;
  }

  /** As a debugger sees devices: a register wider than what is asked for is read whole and cut. */
  #peekDevice(physical: number, bytes: number): boolean {
    const { bus } = this.board;
    if (!bus.peekDevice(physical, bytes)) {
      if (bytes > 2 || !bus.peekDevice(physical, 4)) return false;
    }
    this.low = bytes < 4 ? bus.low & (2 ** (8 * bytes) - 1) : bus.low;
    this.high = bytes < 8 ? 0 : bus.high;
    return true;
  }
}

/** mret and sret (privileged spec 3.3.2). */
const TRAP_RETURNS: ReadonlySet<number> = new Set([0x30200073, 0x10200073]);
