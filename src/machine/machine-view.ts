import type { TouchedPages } from '../engine/touched-pages.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { InputEvent } from '../ports/input-event.js';
import type { StatePlan } from '../state/layout.js';
import type { Board, BoardInputs } from './board.js';
import type { DebugHit } from './debug-hit.js';
import type { HartContext, TrapText } from './hart.js';
import { NO_POINTS, type PointSet } from './point-set.js';
import type { TakenTrap, TrapLoop } from './trap-loop.js';

/** The widest register is 64 bits. */
const MOST_REGISTER_BYTES = 8;

/** What those above a machine see of its board, and what they have it look for; the machine itself runs. */
export abstract class MachineView<B extends Board> {
  abstract readonly board: B;
  #armed = NO_POINTS;

  /** Boundaries passed: the number of steps since the machine was built. Right also in the middle of a run. */
  get icount(): number {
    return this.board.time.icount;
  }

  /** Virtual time that was skipped since the last step or event, in ns: the guest sleeps, and time has moved. */
  get idleNs(): number {
    return this.board.time.idleNs;
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
    return inputs.entropyWanted > 0 || inputs.soundWanted !== undefined || inputs.semihostingWanted;
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

  /** What the last run looked out for. */
  get armed(): PointSet {
    return this.#armed;
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

  /** What a trap of a hart was, and where its handler stands. */
  describeTrap(hart: number, trap: Readonly<TakenTrap>): TrapText {
    return this.board.harts[hart].describeTrap(trap);
  }

  /** A hart that looks as if it traps for ever, long before it is sure. */
  get suspectedTrapLoop(): TrapLoop | undefined {
    for (const { trapLoops } of this.board.harts) {
      const loop = trapLoops.suspect(this.icount);
      if (loop !== undefined) return loop;
    }
    return undefined;
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

  /** From here on these points count, and no others. */
  protected arm(points: PointSet): void {
    const before = this.#armed;
    if (points === before) return;
    this.#armed = points;
    const { board } = this;
    const { breakpoints, watchpoints, observed } = points;
    // What the points before were touched by concerns nobody now.
    board.foreignWrites.takeHit();
    if (breakpoints !== before.breakpoints) board.engine.setBreakpoints(breakpoints);
    if (watchpoints === before.watchpoints && observed === before.observed) return;
    board.watches.set(watchpoints, observed);
    board.engine.setWatchpoints(watchpoints, observed);
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
