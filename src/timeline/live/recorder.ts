import type { Machine } from '../../machine/machine.js';
import type { HostClock } from '../../ports/host.js';
import type { LoggedEvent } from '../../ports/input-event.js';
import type { ByteSink, Checkpoint, RecordingEnd, RecordingHeader } from '../../replay/recording.js';
import { LogWriter } from '../../replay/recording-writer.js';
import { stateLayouts } from '../../replay/state-layouts.js';
import type { MachineDigest } from '../../snapshot/digest.js';
import { InputError } from '../../state/input-error.js';

/** Host time between checkpoints, at least. */
const CHECKPOINT_MS = 500;
/** Host time between progress marks, at least. */
const PROGRESS_MS = 1000;

/** Throws InputError naming each device that cannot be replayed. */
export function refuseBlocked(machine: Machine): void {
  const blockers = machine.replayBlockers;
  if (blockers.length > 0) throw new InputError(`this machine cannot be recorded: ${blockers.join('; ')}`);
}

/** A machine's digests as a checkpoint of the present boundary. */
export function takeCheckpoint(machine: Machine, digest: MachineDigest): Checkpoint {
  return {
    icount: machine.icount,
    digests: digest.compute(),
    state: machine.memory.stateBytes.slice(),
  };
}

/** Writes a live machine's history to a file as it happens, with checkpoints. */
export class Recorder {
  readonly #log: LogWriter;
  #checkpointDueMs: number;
  #progressDueMs: number;
  #lastCheckpoint = -1;
  #ended = false;

  constructor(
    readonly machine: Machine,
    readonly digest: MachineDigest,
    readonly clock: HostClock,
    readonly sink: ByteSink,
    { config, images, writtenBy, start }: RecordingHeader,
  ) {
    const layouts = stateLayouts(machine.plan);
    this.#log = new LogWriter(sink, {
      ...{ config, images, writtenBy, layouts },
      ...(start === undefined ? {} : { start }),
    });
    this.#progressDueMs = clock.nowMs();
    this.#checkpointDueMs = this.#progressDueMs + CHECKPOINT_MS;
    this.#checkpoint();
    sink.publish();
  }

  event(logged: LoggedEvent): void {
    this.#log.event(logged);
    // A checkpoint of the same icount, if there is one, has become void.
    this.#lastCheckpoint = -1;
  }

  /** What was recorded so far reaches the file. */
  flush(): void {
    if (!this.#ended) this.#log.flush();
  }

  /**
   * The machine rests, perhaps for long, and all is recorded up to `icount`: a progress mark says so, at most one a
   * second. Returns the ms after which to call again, for what the file does not say yet; Infinity when it says all.
   */
  rest(icount: number): number {
    this.flush();
    if (this.#ended || icount <= this.#log.icount) return Number.POSITIVE_INFINITY;
    const nowMs = this.clock.nowMs();
    if (nowMs < this.#progressDueMs) return this.#progressDueMs - nowMs;
    this.#log.progress(icount);
    this.sink.sync();
    this.#progressDueMs = nowMs + PROGRESS_MS;
    return Number.POSITIVE_INFINITY;
  }

  /** Size of the recording so far, without what is not flushed yet. */
  get bytesWritten(): number {
    return this.#log.bytesWritten;
  }

  /** Whether it is time for a checkpoint. */
  get due(): boolean {
    return !this.#ended && this.clock.nowMs() >= this.#checkpointDueMs;
  }

  /** To be called when `due`, at a boundary whose events are all written and where no idle time was skipped. */
  checkpoint(): void {
    this.#checkpoint();
    this.#checkpointDueMs = this.clock.nowMs() + CHECKPOINT_MS;
  }

  /** Writes the end mark; `here`: the machine stands at that end, so a last checkpoint can be taken. */
  end(how: RecordingEnd, here: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    if (here) this.#checkpoint();
    this.#log.end(how);
    this.sink.sync();
  }

  #checkpoint(): void {
    if (this.machine.icount === this.#lastCheckpoint) {
      this.#log.flush();
      return;
    }
    this.#lastCheckpoint = this.machine.icount;
    this.#log.checkpoint(takeCheckpoint(this.machine, this.digest));
    this.sink.sync();
  }
}
