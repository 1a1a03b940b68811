import type { IrqLine, MmioDevice, TimeCounter, TimerPort, VirtualClock } from '../ports/device.js';
import { defineState, u64, u64s, words } from '../state/layout.js';
import { setTimer } from './compare-timers.js';

const TWO32 = 0x1_0000_0000;
/** 10 MHz: the period of mtime. */
export const NS_PER_TICK = 100;
/** Ticks a second, for the device tree. */
export const TIMEBASE_FREQUENCY = 1e9 / NS_PER_TICK;

const MTIMECMP = 0x4000;
const MTIME = 0xbff8;

export const clintState = (harts: number) =>
  defineState('clint', {
    msip: words(harts),
    mtimecmp: u64s(harts),
    /** Added to the clock's ticks to give mtime, modulo 2^64: what a guest's writes to mtime left. */
    timeOffset: u64(),
  });

export type ClintState = ReturnType<ReturnType<typeof clintState>['bind']>;

/** What the CLINT drives for one hart. */
export interface ClintHart {
  readonly msip: IrqLine;
  readonly mtip: IrqLine;
  /** Its `onTimer` index is the hart's number. */
  readonly timer: TimerPort;
}

/**
 * Core-local interruptor: software interrupts and timers of all harts, laid out as SiFive's CLINT.
 * MTIP follows mtime >= mtimecmp at the first nanosecond at which it holds.
 */
export class Clint implements MmioDevice, TimeCounter {
  readonly access = { min: 4, max: 8 } as const;
  readonly width = 4;
  #toldOfWrites: () => void = () => {};

  constructor(
    private readonly state: ClintState,
    private readonly clock: VirtualClock,
    private readonly harts: readonly ClintHart[],
  ) {}

  /** Drives all lines and timers as the state says; needed once, after a reset. */
  settle(): void {
    for (let hart = 0; hart < this.harts.length; hart++) {
      this.harts[hart].msip.set(this.state.msip[hart] !== 0);
      this.#updateTimer(hart);
    }
  }

  /** Low word of mtime at `ticks` of the clock, unsigned. */
  #timeLow(ticks: number): number {
    return (ticks + this.state.timeOffset[0]) >>> 0;
  }

  #timeHigh(ticks: number): number {
    const low = (ticks % TWO32) + this.state.timeOffset[0];
    const carry = low >= TWO32 ? 1 : 0;
    return (Math.floor(ticks / TWO32) + this.state.timeOffset[1] + carry) >>> 0;
  }

  #ticks(): number {
    return Math.floor(this.clock.nowNs() / NS_PER_TICK);
  }

  /** mtime's low and high word: what the `time` and `timeh` CSRs show. */
  timeLow(): number {
    return this.#timeLow(this.#ticks());
  }

  timeHigh(): number {
    return this.#timeHigh(this.#ticks());
  }

  deadlineOf(low: number, high: number): number {
    const ticks = this.#ticks();
    // Inexact only far above 2^53, where the deadline is never.
    const wait = (high - this.#timeHigh(ticks)) * TWO32 + low - this.#timeLow(ticks);
    const deadline = (ticks + wait) * NS_PER_TICK;
    return deadline <= Number.MAX_SAFE_INTEGER ? deadline : Number.POSITIVE_INFINITY;
  }

  tellOfWrites(listener: () => void): void {
    this.#toldOfWrites = listener;
  }

  read(offset: number, _size: number): number {
    return this.peek(offset, 4);
  }

  peek(offset: number, _size: number): number {
    const { msip, mtimecmp } = this.state;
    if (offset === MTIME) return this.timeLow();
    if (offset === MTIME + 4) return this.timeHigh();
    if (offset % 4 !== 0) return 0;
    const compare = (offset - MTIMECMP) / 4;
    if (compare >= 0) return compare < mtimecmp.length ? mtimecmp[compare] : 0;
    return offset / 4 < msip.length ? msip[offset / 4] : 0;
  }

  write(offset: number, _size: number, value: number): void {
    const { msip, mtimecmp } = this.state;
    if (offset === MTIME || offset === MTIME + 4) {
      this.#writeTime(offset, value >>> 0);
      return;
    }
    if (offset % 4 !== 0) return;
    const compare = (offset - MTIMECMP) / 4;
    if (compare >= 0) {
      if (compare >= mtimecmp.length) return;
      mtimecmp[compare] = value;
      this.#updateTimer(compare >> 1);
    } else if (offset / 4 < msip.length) {
      const hart = offset / 4;
      msip[hart] = value & 1;
      this.harts[hart].msip.set(msip[hart] !== 0);
    }
  }

  onTimer(hart: number): void {
    this.#updateTimer(hart);
  }

  #writeTime(offset: number, value: number): void {
    const ticks = this.#ticks();
    const low = offset === MTIME ? value : this.#timeLow(ticks);
    const high = offset === MTIME ? this.#timeHigh(ticks) : value;
    const ticksLow = ticks % TWO32;
    const borrow = low < ticksLow ? 1 : 0;
    this.state.timeOffset[0] = low - ticksLow;
    this.state.timeOffset[1] = high - Math.floor(ticks / TWO32) - borrow;
    for (let hart = 0; hart < this.harts.length; hart++) this.#updateTimer(hart);
    this.#toldOfWrites();
  }

  #updateTimer(hart: number): void {
    const { mtip, timer } = this.harts[hart];
    const { mtimecmp } = this.state;
    setTimer(mtip, timer, this.deadlineOf(mtimecmp[hart * 2], mtimecmp[hart * 2 + 1]), this.clock);
  }
}
