/** The toy board's two devices. */
import { ByteQueue, byteQueueFields } from '../../src/devices/kit/byte-queue.js';
import type {
  IrqLine,
  MmioDevice,
  OutputPort,
  PowerPort,
  TimerPort,
  VirtualClock,
} from '../../src/ports/device.js';
import { count, defineState, type StateOf, u8, u32 } from '../../src/state/layout.js';

const WORDS = { access: { min: 4, max: 4 }, width: 4 } as const;

export const TOY_CONSOLE_STATE = defineState('toy-console', { ...byteQueueFields(64), listens: u8() });
export const CONSOLE_REGISTER = { data: 0, waiting: 4, listens: 8, power: 12 } as const;
/** What `data` reads as when nothing was typed. */
export const NOTHING_TYPED = 0xffff_ffff;
/** What is written to `power` to start over; anything else ends the machine with that code. */
export const RESET_CODE = 0x100;

/**
 * A console that can be read and written, with an interrupt when something was typed. It turns the machine off, too.
 */
export class ToyConsole implements MmioDevice {
  readonly access = WORDS.access;
  readonly width = WORDS.width;
  readonly typed: ByteQueue;

  constructor(
    readonly state: StateOf<typeof TOY_CONSOLE_STATE>,
    readonly irq: IrqLine,
    readonly output: OutputPort,
    readonly power: PowerPort,
  ) {
    this.typed = new ByteQueue(this.state);
  }

  enter(bytes: Uint8Array): void {
    this.typed.enqueue(bytes);
    this.#settle();
  }

  read(offset: number): number {
    const value = this.peek(offset);
    if (offset === CONSOLE_REGISTER.data && !this.typed.empty) {
      this.typed.drop();
      this.#settle();
    }
    return value;
  }

  peek(offset: number): number {
    if (offset === CONSOLE_REGISTER.waiting) return this.state.count;
    if (offset === CONSOLE_REGISTER.listens) return this.state.listens;
    return offset !== CONSOLE_REGISTER.data || this.typed.empty ? NOTHING_TYPED : this.typed.first;
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === CONSOLE_REGISTER.data && value < 0x100) this.output.write(value);
    else if (offset === CONSOLE_REGISTER.listens) this.state.listens = value & 1;
    else if (offset === CONSOLE_REGISTER.power && value === RESET_CODE) this.power.reset();
    else if (offset === CONSOLE_REGISTER.power) this.power.powerOff(value & 0xff);
    this.#settle();
  }

  #settle(): void {
    this.irq.set(this.state.listens !== 0 && !this.typed.empty);
  }
}

export const TOY_TIMER_STATE = defineState('toy-timer', {
  periodNs: count(),
  due: u8(),
  deaf: u8(),
  fired: u32(),
});
export const TIMER_REGISTER = { now: 0, period: 4, acknowledge: 8, deaf: 12 } as const;

/** A timer that interrupts again and again, or comes due once where nobody wants to hear of it; period 0 stops it. */
export class ToyTimer implements MmioDevice {
  readonly access = WORDS.access;
  readonly width = WORDS.width;

  constructor(
    readonly state: StateOf<typeof TOY_TIMER_STATE>,
    readonly irq: IrqLine,
    readonly clock: VirtualClock,
    readonly timer: TimerPort,
  ) {}

  read(offset: number): number {
    return this.peek(offset);
  }

  peek(offset: number): number {
    if (offset === TIMER_REGISTER.now) return this.clock.nowNs() % 2 ** 32;
    if (offset === TIMER_REGISTER.period) return this.state.periodNs;
    return this.state.due;
  }

  write(offset: number, _size: number, value: number): void {
    if (offset === TIMER_REGISTER.period) {
      this.state.periodNs = value;
      this.#arm();
    } else if (offset === TIMER_REGISTER.deaf) {
      this.state.deaf = 1;
    } else if (offset === TIMER_REGISTER.acknowledge) {
      this.state.due = 0;
      this.irq.set(false);
    }
  }

  onTimer(): void {
    this.state.due = 1;
    this.state.fired++;
    if (this.state.deaf !== 0) return;
    this.irq.set(true);
    this.#arm();
  }

  #arm(): void {
    const { periodNs } = this.state;
    this.timer.arm(periodNs === 0 ? Number.POSITIVE_INFINITY : this.clock.nowNs() + periodNs);
  }
}
