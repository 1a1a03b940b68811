/** The device that CONTRIBUTING.md adds to a board, word for word. */
import { type DeviceRow, deviceRow } from '../../src/boards/device-row.js';
import { strings } from '../../src/boards/device-tree.js';
import type { IrqLine, MmioDevice, TimerPort, VirtualClock } from '../../src/ports/device.js';
import { count, defineState, type StateOf } from '../../src/state/layout.js';

export const COUNTDOWN_STATE = defineState('countdown', { endNs: count() });

interface CountdownPorts {
  readonly irq: IrqLine;
  readonly clock: VirtualClock;
  readonly timer: TimerPort;
}

/** Raises its line so many microseconds after that number was written; a read lowers it and tells how many are left. */
export class Countdown implements MmioDevice {
  readonly access = { min: 4, max: 4 } as const;
  readonly width = 4;

  constructor(
    private readonly state: StateOf<typeof COUNTDOWN_STATE>,
    private readonly ports: CountdownPorts,
  ) {}

  write(_offset: number, _size: number, value: number): void {
    this.state.endNs = this.ports.clock.nowNs() + value * 1000;
    this.ports.timer.arm(this.state.endNs);
  }

  read(): number {
    this.ports.irq.set(false);
    return this.peek();
  }

  peek(): number {
    return Math.max(0, Math.ceil((this.state.endNs - this.ports.clock.nowNs()) / 1000));
  }

  onTimer(): void {
    this.ports.irq.set(true);
  }
}

export const countdown = (): DeviceRow =>
  deviceRow({
    name: 'countdown',
    state: { countdown: COUNTDOWN_STATE },
    window: { name: 'countdown', base: 0x3000_0000, bytes: 0x1000, decoded: 4 },
    interrupt: 12,
    timers: 1,
    node: { kind: 'countdown', properties: () => ({ compatible: strings('example,countdown') }) },
    build: ({ irq, clock, timers: [timer] }, state) => ({
      registers: new Countdown(state.countdown, { irq, clock, timer }),
    }),
  });
