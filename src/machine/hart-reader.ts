import { PAGE_BYTES } from '../memory/memory-plan.js';
import type { Board } from './board.js';
import type { CodeReader, Hart, RegisterFeatureRows, RegisterValue } from './hart.js';

/** A hart's registers and memory as numbers, for what is evaluated at each hit. Reading changes nothing. */
export interface HartView extends CodeReader {
  readonly hart: number;
  /** What evaluating has cost, to be added to; a hit is 1, and about a microsecond. */
  work: number;
  /** Reads a register by its number in the target's description; false when it cannot be read. */
  readRegister(register: number): boolean;
}

/** The machine's own register, beside those of its harts. */
export const ICOUNT_REGISTER = 4200;
export const TIME_FEATURE: RegisterFeatureRows = {
  name: 'org.backstub.time',
  registers: [
    { name: 'icount', number: ICOUNT_REGISTER, bits: 64, type: 'int', group: 'time', outlivesCalls: true },
  ],
};

/** Reads of the machine itself: right also in the middle of a run, between two instructions. */
export class HartReader implements HartView, RegisterValue {
  readonly hart: number;
  low = 0;
  high = 0;
  work = 0;
  /** Width in bytes of the register read last. */
  width = 0;

  constructor(
    readonly board: Board,
    readonly source: Hart,
  ) {
    this.hart = source.id;
  }

  readRegister(register: number): boolean {
    if (register !== ICOUNT_REGISTER) return this.source.registers.read(register, this);
    const { icount } = this.board.time;
    this.low = icount % 2 ** 32;
    this.high = Math.floor(icount / 2 ** 32);
    this.width = 8;
    return true;
  }

  /** Whether the hart stands at the instruction that ends a trap handler. */
  get returnsFromTrap(): boolean {
    return this.source.endsHandler(this);
  }

  readMemory(low: number, high: number, bytes: number): boolean {
    const inPage = PAGE_BYTES - (low % PAGE_BYTES);
    if (bytes <= inPage) {
      const physical = this.source.peek(low, high);
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
      const carried = next >= 2 ** 32 && this.source.addressBits === 64 ? (high + 1) >>> 0 : high;
      if (!this.readMemory(next >>> 0, carried, 1)) return false;
      if (at < 4) wordLow |= this.low << (8 * at);
      else wordHigh |= this.low << (8 * (at - 4));
    }
    this.low = wordLow >>> 0;
    this.high = wordHigh >>> 0;
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
