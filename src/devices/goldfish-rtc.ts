import type { IrqLine, MmioDevice, TimerPort, VirtualClock } from '../ports/device.js';
import { defineState, u8, u32, u64 } from '../state/layout.js';

const TIME_LOW = 0x00;
const TIME_HIGH = 0x04;
const ALARM_LOW = 0x08;
const ALARM_HIGH = 0x0c;
const IRQ_ENABLED = 0x10;
const CLEAR_ALARM = 0x14;
const ALARM_STATUS = 0x18;
const CLEAR_INTERRUPT = 0x1c;

const TWO32 = 2 ** 32;
const NS_PER_SECOND = 1e9;

/** Seconds as nanoseconds in two words, modulo 2^64. */
function nanoseconds(seconds: number): readonly [low: number, high: number] {
  const lower = (seconds % TWO32) * (NS_PER_SECOND % 2 ** 16);
  const upper = (seconds % TWO32) * Math.floor(NS_PER_SECOND / 2 ** 16);
  const sum = lower + (upper % 2 ** 16) * 2 ** 16;
  const beyond = Math.floor(seconds / TWO32) * NS_PER_SECOND;
  return [sum % TWO32, (Math.floor(upper / 2 ** 16) + Math.floor(sum / TWO32) + beyond) % TWO32];
}

/** `startSeconds`: what the clock shows at virtual time zero, in seconds since 1970. */
export const goldfishRtcState = (startSeconds: number) =>
  defineState('goldfish-rtc', {
    /** Added to virtual time, modulo 2^64: nanoseconds since 1970. */
    offset: u64(...nanoseconds(startSeconds)),
    alarm: u64(),
    /** High word of the time, latched when the low word is read. */
    timeHigh: u32(),
    alarmRunning: u8(),
    irqPending: u8(),
    irqEnabled: u8(),
  });

export type GoldfishRtcState = ReturnType<ReturnType<typeof goldfishRtcState>['bind']>;

export interface GoldfishRtcPorts {
  readonly irq: IrqLine;
  readonly clock: VirtualClock;
  /** The alarm; the device ignores its `onTimer` index. */
  readonly timer: TimerPort;
}

/** Google's Goldfish real-time clock, as QEMU's: nanoseconds since 1970, and one alarm. */
export class GoldfishRtc implements MmioDevice {
  readonly access = { min: 4, max: 4 } as const;
  readonly width = 4;

  constructor(
    private readonly state: GoldfishRtcState,
    private readonly ports: GoldfishRtcPorts,
  ) {}

  read(offset: number, _size: number): number {
    const value = this.peek(offset, 4);
    if (offset === TIME_LOW) this.state.timeHigh = this.#time()[1];
    return value;
  }

  peek(offset: number, _size: number): number {
    const { state } = this;
    switch (offset) {
      case TIME_LOW:
        return this.#time()[0];
      case TIME_HIGH:
        return state.timeHigh;
      case ALARM_LOW:
        return state.alarm[0];
      case ALARM_HIGH:
        return state.alarm[1];
      case IRQ_ENABLED:
        return state.irqEnabled;
      case ALARM_STATUS:
        return state.alarmRunning;
      default:
        return 0;
    }
  }

  write(offset: number, _size: number, value: number): void {
    const { state } = this;
    switch (offset) {
      case TIME_LOW:
        this.#setTime(value >>> 0, this.#time()[1]);
        break;
      case TIME_HIGH:
        this.#setTime(this.#time()[0], value >>> 0);
        break;
      case ALARM_LOW:
        state.alarm[0] = value;
        this.#setAlarm();
        break;
      case ALARM_HIGH:
        state.alarm[1] = value;
        break;
      case IRQ_ENABLED:
        state.irqEnabled = value & 1;
        this.#updateIrq();
        break;
      case CLEAR_ALARM:
        this.ports.timer.arm(Number.POSITIVE_INFINITY);
        state.alarmRunning = 0;
        break;
      case CLEAR_INTERRUPT:
        state.irqPending = 0;
        this.#updateIrq();
        break;
    }
  }

  onTimer(): void {
    this.state.alarmRunning = 0;
    this.state.irqPending = 1;
    this.#updateIrq();
  }

  /** Nanoseconds since 1970, as two words. */
  #time(): readonly [low: number, high: number] {
    const now = this.ports.clock.nowNs();
    const low = (now % TWO32) + this.state.offset[0];
    const high = Math.floor(now / TWO32) + this.state.offset[1] + (low >= TWO32 ? 1 : 0);
    return [low % TWO32, high % TWO32];
  }

  #setTime(low: number, high: number): void {
    const now = this.ports.clock.nowNs();
    const nowLow = now % TWO32;
    this.state.offset[0] = low - nowLow;
    this.state.offset[1] = high - Math.floor(now / TWO32) - (low < nowLow ? 1 : 0);
  }

  /** An alarm in the past rings at once. As in QEMU it keeps its deadline when the time is set later. */
  #setAlarm(): void {
    const { state, ports } = this;
    const [low, high] = this.#time();
    // Inexact only far above 2^53, where the deadline is never.
    const wait = (state.alarm[1] - high) * TWO32 + (state.alarm[0] - low);
    state.alarmRunning = wait > 0 ? 1 : 0;
    if (wait <= 0) {
      ports.timer.arm(Number.POSITIVE_INFINITY);
      state.irqPending = 1;
      this.#updateIrq();
      return;
    }
    const deadline = ports.clock.nowNs() + wait;
    ports.timer.arm(deadline <= Number.MAX_SAFE_INTEGER ? deadline : Number.POSITIVE_INFINITY);
  }

  #updateIrq(): void {
    this.ports.irq.set((this.state.irqPending & this.state.irqEnabled) !== 0);
  }
}
