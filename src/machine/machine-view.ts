import type { CodePoint } from '../engine/breakpoint-set.js';
import type { TouchedPages } from '../engine/touched-pages.js';
import type { WatchRange } from '../engine/watch-list.js';
import type { WriteWatch } from '../engine/write-watch.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { InputEvent } from '../ports/input-event.js';
import type { StatePlan } from '../state/layout.js';
import type { Board, BoardInputs } from './board.js';
import type { DebugHit } from './debug-hit.js';
import type { HartContext } from './hart.js';

/** The widest register is 64 bits. */
const MOST_REGISTER_BYTES = 8;

/** What those above a machine see of its board, and what they have it look for; the machine itself runs. */
export abstract class MachineView<B extends Board> {
  abstract readonly board: B;

  /** Boundaries passed: the number of steps since the machine was built. Right also in the middle of a run. */
  get icount(): number {
    return this.board.time.icount;
  }

  get virtualNs(): number {
    return this.board.time.nowNs();
  }

  get poweredOff(): boolean {
    return this.board.machineState.poweredOff !== 0;
  }

  get exitCode(): number {
    return this.board.machineState.exitCode;
  }

  /** What devices wait for from the host, and what they have room for. */
  get inputs(): BoardInputs {
    return this.board.inputs;
  }

  /** Whether the guest waits for something that the host is to send. */
  get wants(): boolean {
    const { inputs } = this.board;
    return inputs.entropyWanted > 0 || inputs.soundWanted !== undefined;
  }

  /** Whether the host is at work for the guest: then idle time does not pass by itself. */
  get awaitsHost(): boolean {
    return this.board.inputs.diskAwaitsHost;
  }

  /** Guest memory, what the declared state is, and why what happens here cannot be recorded. */
  get memory(): GuestMemory {
    return this.board.memory;
  }

  get plan(): StatePlan {
    return this.board.plan;
  }

  /** Width of an address, in bits. */
  get addressBits(): 32 | 64 {
    return this.board.harts[0].addressBits;
  }

  /** Physical address of the first byte of RAM. */
  get ramBase(): number {
    return this.board.ramBase;
  }

  /** Length in bytes of the instruction that starts with this halfword. */
  instructionLength(halfword: number): number {
    return this.board.decode.isa.lengthOf(halfword);
  }

  /** A watched range was written by no store since this was last asked. */
  takeForeignHit(): DebugHit | undefined {
    return this.board.foreignWrites.takeHit();
  }

  /** What is armed: for checks. */
  get armed(): readonly { readonly low: number; readonly high: number; readonly length?: number }[] {
    return [...this.board.breakpoints.points, ...this.board.watches.ranges];
  }

  get replayBlockers(): readonly string[] {
    return this.board.replayBlockers;
  }

  /** Places of the harts, by number. */
  contexts(): HartContext[] {
    return this.board.harts.map(hart => hart.context());
  }

  standsIn(context: HartContext): boolean {
    return this.board.harts[context.hart].standsIn(context);
  }

  /**
   * Why an input cannot have been given to this machine in its present state, or undefined: a log that holds such a one
   * is of another machine, or made up.
   */
  refusal(event: InputEvent): string | undefined {
    const { harts } = this.board;
    switch (event.kind) {
      case 'write-register':
        if (event.hart >= harts.length) return `there is no hart ${event.hart}`;
        return event.bytes.length > MOST_REGISTER_BYTES ? 'no register is so wide' : undefined;
      case 'write-memory':
        return event.hart >= harts.length ? `there is no hart ${event.hart}` : undefined;
      case 'warp':
        return event.ns < this.virtualNs ? `it is ${this.virtualNs} ns already` : undefined;
      case 'shutdown':
      case 'reset':
        return undefined;
      default:
        return this.board.refusal(event);
    }
  }

  /** At most one point at an address. */
  setBreakpoints(points: readonly CodePoint[]): void {
    this.board.engine.setBreakpoints(points);
  }

  setWatchpoints(ranges: readonly WatchRange[], observed?: WriteWatch): void {
    const { board } = this;
    board.watches.set(ranges, observed);
    board.engine.setWatchpoints(ranges, observed);
    // What those before were touched by concerns nobody now.
    board.foreignWrites.takeHit();
    for (const hart of board.harts) hart.flush();
  }

  /** From here on the pages that are touched are noted anew. */
  startNoting(): void {
    this.board.touched.restart();
    this.board.memory.startNoting();
    this.board.engine.regions?.startNoting();
    for (const hart of this.board.harts) hart.flush();
  }

  /** Virtual pages fetched from and written to since `startNoting`, and perhaps a few more. */
  get touched(): TouchedPages {
    this.board.engine.regions?.noteEntered(this.board.touched.executed);
    this.board.engine.regions?.noteWritten(this.board.touched.written);
    return this.board.touched;
  }
}
