import type { BootImage, MachineConfig } from '../ports/config.js';
import type { InputEvent } from '../ports/input-event.js';
import type { WatchKind } from '../ports/points.js';
import type { Board, BoardPorts } from './board.js';
import { loadImages } from './boot-images.js';
import { DebugAccess } from './debug-access.js';
import type { DebugHit } from './debug-hit.js';
import { type Hart, NO_INTERRUPT } from './hart.js';
import { MachineView } from './machine-view.js';
import { NO_POINTS } from './point-set.js';
import type { MachineStop, RunOptions, TakenInterrupt } from './run-types.js';
import { Scheduler } from './scheduler.js';

export type { DebugHit, ObservedWrite, WriteObserver, Writer } from './debug-hit.js';
export { NO_POINTS, type PointSet } from './point-set.js';
export type { MachineStop, RunOptions } from './run-types.js';

const LIMIT: MachineStop = { kind: 'limit' };
/** V8 does not replace a function that is running by its optimised code: generated code is left now and then. */
const LONGEST_RUN = 2 ** 21;
/** What of the host's time a run may take for the debugger, counted as hits: a few milliseconds. */
const MOST_WORK = 2_000;
/** Jumps of an idle machine before it looks at the host again. */
const MOST_IDLE_JUMPS = 100_000;

/**
 * A whole deterministic machine. It only runs forward, from boundary to boundary,
 * and what happens in it depends on its state and on the events applied to it, on nothing else.
 */
export class Machine<B extends Board = Board> extends MachineView<B> {
  readonly board: B;
  readonly debug: DebugAccess;
  /** Boundary before each hart's last step since the machine was built or restored; -1: none yet. */
  readonly lastStepOf: Float64Array;
  /** Each hart's last interrupt since the machine was built or restored: the step that entered it, and from where. */
  readonly interrupted: (TakenInterrupt | undefined)[] = [];
  #firing = false;
  readonly #scheduler = new Scheduler();
  #hit: DebugHit | undefined;
  #work = 0;
  #options: RunOptions = {};

  constructor(
    readonly config: MachineConfig,
    readonly images: readonly BootImage[],
    build: (ports: BoardPorts) => B,
  ) {
    super();
    this.board = build({
      power: {
        powerOff: code => this.#powerOff(code),
        reset: () => {
          this.board.machineState.resetRequested = 1;
          this.#scheduler.lookSoon();
        },
      },
      hooks: {
        breakpointReached: (hart, low, high) => this.#reached('breakpoint', hart, undefined, low, high),
        watchTouched: (hart, kind, low, high) => this.#reached('watchpoint', hart, kind, low, high),
        charge: work => this.charge(work),
        storeObserved: (hart, store) => {
          this.charge(1);
          this.board.foreignWrites.storeObserved(hart, store);
        },
        tableUpdated: (address, length) => this.board.foreignWrites.tableUpdated(address, length),
      },
      scheduler: this.#scheduler,
    });
    this.debug = new DebugAccess(this.board);
    this.lastStepOf = new Float64Array(config.harts).fill(-1);
    const { board } = this;
    board.machineState.quantumLeft = config.quantum;
    loadImages(board, this.images);
    board.settle();
    this.#scheduler.looked();
  }

  /** Timers are firing: the end of what has brought the machine to `icount`. */
  get firesTimers(): boolean {
    return this.#firing;
  }

  /** Whether no hart would take a step now unless time jumps. */
  get asleep(): boolean {
    return this.board.harts.every(hart => hart.asleep && !hart.wakes);
  }

  /** The hart that takes the next step; of the sleeping ones, the one whose turn it was. */
  get nextHart(): number {
    if (!this.poweredOff) this.#chooseHart();
    return this.board.machineState.currentHart;
  }

  /**
   * Runs until the boundary `until` (an icount) or until something else ends the run.
   * Never passes `until`; where it was called before leaves no trace in the state. Comes back early, as at a limit,
   * when what it does for the debugger takes long.
   */
  run(until: number, options: RunOptions): MachineStop {
    const { board } = this;
    const { time, machineState } = board;
    this.#listen(options);
    const heedsTrapLoops = options.heedsTrapLoops === true;
    for (const { trapLoops } of board.harts) trapLoops.heeded = heedsTrapLoops;
    this.#work = 0;
    let idleJumps = 0;
    for (;;) {
      if (machineState.poweredOff !== 0) return { kind: 'power-off', code: machineState.exitCode };
      const hart = this.#chooseHart();
      options.writes?.after();
      const written = board.foreignWrites.takeHit();
      if (written !== undefined) return { kind: 'hit', hit: written };
      if (time.icount >= until || this.#work >= MOST_WORK || (options.heedsWants === true && this.wants))
        return LIMIT;
      if (hart === undefined) {
        const deadlineNs = time.nextDeadline();
        const waits = options.idle === 'return' || (options.heedsWants === true && this.awaitsHost);
        if (deadlineNs === Number.POSITIVE_INFINITY || waits) {
          return { kind: 'idle', deadlineNs };
        }
        this.skipIdle();
        if (++idleJumps > MOST_IDLE_JUMPS) return LIMIT;
        continue;
      }
      if (hart.id === options.beforeHart) return LIMIT;
      idleJumps = 0;
      const interrupt = hart.pendingInterrupt();
      if (interrupt !== NO_INTERRUPT) {
        this.interrupted[hart.id] = { icount: time.icount, context: hart.context() };
        options.onInterrupt?.(hart.id, interrupt);
        hart.enterInterrupt(interrupt);
        this.#finishSteps(hart, 1);
        continue;
      }
      this.#finishSteps(hart, this.#runHart(hart, until));
      const loop = heedsTrapLoops ? hart.trapLoops.take() : undefined;
      if (loop !== undefined) {
        this.#chooseHart();
        return { kind: 'trap-loop', loop };
      }
      if (hart.stopped && this.#hit !== undefined) {
        const hit = this.#hit;
        this.#hit = undefined;
        // Wherever a run ends at a boundary, the state is the same.
        this.#chooseHart();
        return { kind: 'hit', hit };
      }
    }
  }

  /** Lets idle time pass up to the next timer, which fires. */
  skipIdle(): void {
    const { time } = this.board;
    const deadlineNs = time.nextDeadline();
    if (deadlineNs === Number.POSITIVE_INFINITY) return;
    time.warpTo(deadlineNs);
    this.#fireDueTimers();
  }

  /** Counts work that was done for the debugger in the middle of a run; one hit is 1. */
  charge(work: number): void {
    this.#work += work;
    if (this.#work >= MOST_WORK) this.#scheduler.endRun();
  }

  /** Lets one input event enter at the present boundary. What it writes counts as in a run with these options. */
  apply(event: InputEvent, options: RunOptions = {}): void {
    this.#listen(options);
    for (const { trapLoops } of this.board.harts) trapLoops.progress();
    this.#enter(event);
    this.board.time.idleFor(0);
    options.writes?.after();
  }

  /** What happens from here on is told to these options, and nothing else is looked out for. */
  #listen(options: RunOptions): void {
    this.arm(options.points ?? NO_POINTS);
    this.#options = options;
    this.board.foreignWrites.listen(options);
  }

  #enter(event: InputEvent): void {
    const { board } = this;
    switch (event.kind) {
      case 'shutdown':
        this.#powerOff(0);
        break;
      case 'reset':
        this.#reset();
        break;
      case 'warp':
        this.#warp(event.ns);
        break;
      case 'write-register':
        this.debug.writeRegister(event.hart, event.register, event.bytes);
        break;
      case 'write-memory':
        // It is no hart that writes: any reservation of these bytes ends.
        board.writerIs(undefined);
        this.debug.writeMemory(event.hart, BigInt(`0x${event.address}`), event.bytes);
        break;
      default:
        board.enter(event);
    }
    this.#fireDueTimers();
    // As at the end of a run: whose turn it is, and who wakes, does not depend on whether one ends here.
    if (!this.poweredOff) this.#chooseHart();
  }

  /**
   * Everything derived from the declared state and guest memory is to follow them: they were replaced. `idleNs`:
   * virtual time that was skipped there since the last step or event.
   */
  afterRestore(idleNs = 0): void {
    this.#deriveAgain();
    this.lastStepOf.fill(-1);
    this.interrupted.length = 0;
    this.board.time.idleFor(idleNs);
    this.board.foreignWrites.takeHit();
  }

  #deriveAgain(): void {
    for (const hart of this.board.harts) {
      hart.trapLoops.progress();
      hart.afterRestore();
    }
    this.board.afterRestore();
    this.#scheduler.looked();
  }

  #runHart(hart: Hart, until: number): number {
    const { board } = this;
    const { time, machineState } = board;
    let budget = Math.min(until - time.icount, LONGEST_RUN);
    if (board.harts.length > 1) budget = Math.min(budget, machineState.quantumLeft);
    const deadline = time.nextDeadline();
    if (deadline !== Number.POSITIVE_INFINITY) budget = Math.min(budget, time.stepsUntil(deadline));
    this.#scheduler.started(hart);
    board.writerIs(hart.id);
    const steps = hart.run(budget);
    board.afterRun();
    this.#scheduler.ended();
    return steps;
  }

  /** What a boundary brings: time, then timers, then what devices and harts asked for during the step. */
  #finishSteps(hart: Hart, steps: number): void {
    const { board } = this;
    board.time.state.icount += steps;
    if (steps > 0) {
      this.lastStepOf[hart.id] = board.time.state.icount - 1;
      board.time.idleFor(0);
    }
    if (board.harts.length > 1)
      board.machineState.quantumLeft = hart.yields ? 0 : board.machineState.quantumLeft - steps;
    hart.yields = false;
    this.#fireDueTimers();
    board.atBoundary();
    this.#scheduler.looked();
    if (board.machineState.resetRequested !== 0) this.#reset();
  }

  #fireDueTimers(): void {
    const { time } = this.board;
    if (time.nextDeadline() > time.nowNs()) return;
    this.#firing = true;
    for (let due = time.takeDue(); due >= 0; due = time.takeDue()) this.board.fireTimer(due);
    this.#firing = false;
  }

  /** Idle time that ended at `ns`: timers on the way there fire at their own deadlines. */
  #warp(ns: number): void {
    const { time } = this.board;
    for (let next = time.nextDeadline(); next <= ns; next = time.nextDeadline()) {
      time.warpTo(next);
      this.#fireDueTimers();
    }
    time.warpTo(ns);
  }

  /** Round-robin: the hart whose turn it is, or undefined when all sleep. */
  #chooseHart(): Hart | undefined {
    const { harts, machineState } = this.board;
    for (const hart of harts) if (hart.asleep && hart.wakes) hart.wake();
    const current = harts[machineState.currentHart];
    if (harts.length === 1) return !current.asleep ? current : undefined;
    if (machineState.quantumLeft > 0 && !current.asleep) return current;
    for (let i = 1; i <= harts.length; i++) {
      const id = (machineState.currentHart + i) % harts.length;
      if (harts[id].asleep) continue;
      machineState.currentHart = id;
      machineState.quantumLeft = this.config.quantum;
      return harts[id];
    }
    return undefined;
  }

  #reached(
    kind: DebugHit['kind'],
    hart: number,
    access: WatchKind | undefined,
    low: number,
    high: number,
  ): boolean {
    const { icount } = this.board.time;
    this.charge(1);
    const hit: DebugHit = { kind, icount, hart, access, low, high };
    if (this.#options.collect !== undefined) {
      this.#options.collect(hit);
      return false;
    }
    this.#hit = hit;
    return true;
  }

  #powerOff(code: number): void {
    this.board.machineState.poweredOff = 1;
    this.board.machineState.exitCode = code;
    this.#scheduler.lookSoon();
  }

  /** As QEMU's system reset: harts and devices start over, firmware is loaded again, other RAM and time stay. */
  #reset(): void {
    const { board } = this;
    const { plan, memory, time } = board;
    const { icount, warpNs } = time.state;
    plan.reset(memory.memory.buffer, memory.plan.state);
    time.state.icount = icount;
    time.state.warpNs = warpNs;
    board.machineState.quantumLeft = this.config.quantum;
    loadImages(board, this.images, 'reset');
    this.#deriveAgain();
    board.settle();
  }
}
