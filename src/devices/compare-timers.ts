import type { Device, IrqLine, TimeCounter, TimerPort, VirtualClock } from '../ports/device.js';

/** The line follows whether the deadline is reached; until then the timer is armed. */
export function setTimer(line: IrqLine, timer: TimerPort, deadlineNs: number, clock: VirtualClock): void {
  const reached = deadlineNs <= clock.nowNs();
  line.set(reached);
  timer.arm(reached ? Number.POSITIVE_INFINITY : deadlineNs);
}

/** What drives one hart's interrupt. */
interface CompareWires {
  readonly line: IrqLine;
  readonly timer: TimerPort;
}

/** Timers of harts that keep the value which time is compared with themselves. */
export class CompareTimers implements Device {
  constructor(
    private readonly harts: readonly CompareWires[],
    private readonly counter: TimeCounter,
    private readonly clock: VirtualClock,
  ) {}

  /** The interrupt is pending from when the time registers show this value on. */
  set(hart: number, low: number, high: number): void {
    const { line, timer } = this.harts[hart];
    setTimer(line, timer, this.counter.deadlineOf(low, high), this.clock);
  }

  /** It is not pending, whatever the time. */
  stop(hart: number): void {
    const { line, timer } = this.harts[hart];
    line.set(false);
    timer.arm(Number.POSITIVE_INFINITY);
  }

  onTimer(hart: number): void {
    this.harts[hart].line.set(true);
  }
}
