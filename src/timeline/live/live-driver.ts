import type { Machine, MachineStop } from '../../machine/machine.js';
import type { RunOptions } from '../../machine/run-types.js';
import type { HostClock } from '../../ports/host.js';
import type { InputEvent } from '../../ports/input-event.js';
import type { StopCause } from '../../replay/recording.js';
import type { History } from '../history/history.js';
import type { Navigator } from '../history/navigator.js';
import type { Pass } from '../history/replayer.js';
import type { LiveInput } from './live-input.js';
import type { Recorder } from './recorder.js';

const NS_PER_MS = 1e6;
/** What was recorded before a sleep reaches the file when the sleep lasts longer. */
const SHORT_SLEEP_MS = 100;

/** Where idle time comes from: `virtual` skips it, `realtime` lets the host's time pass. */
export type IdleClock = 'virtual' | 'realtime';

/**
 * Carries a live machine past the end of its history: lets host input in at boundaries, records it, and
 * waits when every hart sleeps.
 */
export class LiveDriver {
  #writer: Recorder | undefined;

  constructor(
    readonly navigator: Navigator,
    readonly input: LiveInput,
    readonly clock: HostClock,
    readonly idleClock: IdleClock,
    /** Whether a hart that traps for ever ends a run. Only here: what is replayed has happened. */
    readonly heedsTrapLoops: boolean,
  ) {}

  get #machine(): Machine {
    return this.navigator.machine;
  }

  get #history(): History {
    return this.navigator.history;
  }

  /** From here on it writes what happens on the branch it was begun on: the first. */
  record(recorder: Recorder): void {
    this.#writer = recorder;
  }

  /** The one there is, whatever branch the machine is on. */
  get recorder(): Recorder | undefined {
    return this.#writer;
  }

  get #recorder(): Recorder | undefined {
    return this.navigator.branch.parent === undefined ? this.recorder : undefined;
  }

  /** Lets an event enter now, at the live end, and records it. What it writes is told to the pass under way. */
  enter(event: InputEvent, pass: Pass = {}): void {
    const { navigator } = this;
    // Idle time that was skipped since the last step has to be said, or the replay would not skip it.
    if (event.kind !== 'warp') this.settle();
    const logged = { icount: this.#machine.icount, event };
    this.#history.log.append(logged);
    this.#recorder?.event(logged);
    navigator.take(event, pass);
    this.#noteProgress();
  }

  /** As `enter`, of a machine that is halted: perhaps for long, so it reaches the recording's file at once. */
  change(event: InputEvent): void {
    this.enter(event);
    this.#recorder?.flush();
  }

  /** The machine rests: what has happened so far reaches the recording's file. See Recorder.rest. */
  rest(): number {
    return this.#recorder?.rest(this.#history.end) ?? Number.POSITIVE_INFINITY;
  }

  /** Makes the present a moment of the history: after idle time passed without a step. */
  settle(): void {
    if (this.navigator.warped) this.enter({ kind: 'warp', ns: this.#machine.virtualNs });
  }

  /**
   * Runs on to the boundary `until` at most. Comes back after it, at a debugger's stop, at the guest's end, or when
   * nothing can happen without the host.
   */
  slice(until: number, pass: Pass): MachineStop {
    const { navigator, input } = this;
    const machine = this.#machine;
    while (!machine.poweredOff) {
      const event = input.next();
      if (event === undefined) break;
      this.enter(event, pass);
    }
    const idle = this.idleClock === 'realtime' ? 'return' : 'jump';
    const options = { ...pass, idle, heedsWants: true, heedsTrapLoops: this.heedsTrapLoops } as const;
    const limit = Math.min(until, navigator.due());
    const early = this.#recorder?.due ? this.#checkpointOnTheWay(limit, options) : undefined;
    const stop = early ?? machine.run(limit, options);
    navigator.atDue();
    this.#noteProgress();
    if (stop.kind === 'power-off') {
      this.#history.powerOff = { code: stop.code };
      this.#recorder?.end({ kind: 'power-off', icount: machine.icount, code: stop.code }, true);
    }
    return stop;
  }

  /**
   * A checkpoint is void once an input enters at its icount, and where the machine waits for one it is sure to be: it
   * is taken in the middle of the guest's work, after one step. Returns what ended the run there, if anything did.
   */
  #checkpointOnTheWay(limit: number, options: RunOptions): MachineStop | undefined {
    const machine = this.#machine;
    const from = machine.icount;
    const stop = machine.run(Math.min(limit, from + 1), options);
    if (stop.kind !== 'limit') return stop;
    if (machine.icount > from && !machine.asleep && !machine.wants) this.#recorder?.checkpoint();
    return undefined;
  }

  /**
   * Every hart sleeps: waits for host input, or for the time of the next timer to come. `limitMs` bounds the
   * wait. Interrupted or not, the time that passed has entered the history where it matters.
   */
  async sleep(deadlineNs: number, limitMs: number, interrupted: () => boolean): Promise<void> {
    const machine = this.#machine;
    const { input } = this;
    let quiet = false;
    const startNs = machine.virtualNs;
    const startMs = this.clock.nowMs();
    const realtime = this.idleClock === 'realtime';
    const wholeMs = realtime ? (deadlineNs - startNs) / NS_PER_MS : Number.POSITIVE_INFINITY;
    for (;;) {
      const passedMs = this.clock.nowMs() - startMs;
      if (passedMs >= wholeMs) {
        machine.skipIdle();
        return;
      }
      if (input.pending || interrupted()) break;
      if (passedMs >= limitMs) break;
      // It may be long, and a recorder that is killed meanwhile shall have lost nothing.
      let restMs = Number.POSITIVE_INFINITY;
      if (passedMs >= SHORT_SLEEP_MS) {
        if (!quiet && this.#recorder?.due) {
          this.settle();
          this.#recorder.checkpoint();
        }
        quiet = true;
        restMs = this.rest();
      }
      const left = Math.min(wholeMs, limitMs) - passedMs;
      await input.wait(Math.min(left, quiet ? restMs : SHORT_SLEEP_MS - passedMs));
    }
    if (!realtime) return;
    const ns = Math.floor(startNs + (this.clock.nowMs() - startMs) * NS_PER_MS);
    if (ns > startNs) this.enter({ kind: 'warp', ns: Math.min(ns, deadlineNs - 1) });
  }

  /** The recording ends here although the guest would go on. */
  stopRecording(cause: StopCause): void {
    if (this.#history.powerOff !== undefined) return;
    this.settle();
    this.recorder?.end({ ...cause, icount: this.#machine.icount }, true);
  }

  /** The recording ends where a history that the machine has left behind ends. */
  stopRecordingAt(history: History, cause: StopCause): void {
    this.recorder?.end(history.endBy(cause), false);
  }

  #noteProgress(): void {
    this.#history.end = Math.max(this.#history.end, this.#machine.icount);
  }
}
