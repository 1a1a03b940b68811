import type { IrqLine, MmioDevice, OutputPort, TimerPort, VirtualClock } from '../../src/ports/device.js';
import type { Bound, Fields, Layout } from '../../src/state/layout.js';

/** What a board keeps for one device: its state bytes, line levels, deadlines and the clock. */
export class Rig {
  nowNs = 0;
  readonly levels = new Map<string, boolean>();
  readonly deadlines: number[] = [];
  readonly sent: number[] = [];
  readonly clock: VirtualClock = { nowNs: () => this.nowNs };
  readonly output: OutputPort = { write: byte => this.sent.push(byte) };

  line(name: string): IrqLine {
    if (!this.levels.has(name)) this.levels.set(name, false);
    return { set: level => this.levels.set(name, level) };
  }

  timer(index: number): TimerPort {
    this.deadlines[index] ??= Number.POSITIVE_INFINITY;
    return {
      arm: deadline => {
        this.deadlines[index] = deadline;
      },
    };
  }

  /** Lets time pass, firing timers exactly at their deadlines. */
  advance(ns: number, device: MmioDevice): void {
    const end = this.nowNs + ns;
    for (;;) {
      const next = Math.min(...this.deadlines);
      if (next > end) break;
      this.nowNs = Math.max(this.nowNs, next);
      const index = this.deadlines.indexOf(next);
      this.deadlines[index] = Number.POSITIVE_INFINITY;
      device.onTimer?.(index);
    }
    this.nowNs = end;
  }

  /** What belongs to the board at this moment, for a second machine built from a snapshot. */
  restoreFrom(other: Rig): void {
    this.nowNs = other.nowNs;
    for (const [name, level] of other.levels) this.levels.set(name, level);
    for (const [index, deadline] of other.deadlines.entries()) this.deadlines[index] = deadline;
  }
}

export interface Instance<D extends MmioDevice> {
  readonly rig: Rig;
  readonly device: D;
  readonly bytes: Uint8Array;
}

/** A device over state of its own, at its reset values. */
export function instantiate<F extends Fields, D extends MmioDevice>(
  layout: Layout<F>,
  build: (state: Bound<F>, rig: Rig) => D,
): Instance<D> {
  const bytes = new Uint8Array(layout.byteLength);
  layout.reset(bytes.buffer, 0);
  const rig = new Rig();
  return { rig, device: build(layout.bind(bytes.buffer, 0), rig), bytes };
}
