/**
 * How going back works. The machine only runs forward, and always in the same way: what happens in it depends on
 * its state and on the inputs that enter, at boundaries between two steps, and the history holds these. So any moment
 * can be had again: restore a snapshot before it, run forward, apply the recorded inputs, stop exactly there.
 *
 * `Navigator` (history/) does that. A `Moment` says where: branch, steps taken, inputs entered, and idle time skipped
 * behind them. Snapshots are taken on the way; between two of them lies an interval. A step back goes to one
 * step before the present. Continuing back cannot know where the last hit is: each interval is run forward once, newest
 * first, in a pass that collects the hits and stops at none; the last of them is where to land (search/). Questions
 * are passes, too. None meets a breakpoint that is not its own, because each hands its points to the machine.
 *
 * At the end of a live history the host's inputs enter, and are written down (live/). A change in the past begins a
 * branch; what really happened stays. What the guest prints again on the way is shown once (output/).
 */

import { buildMachine } from '../boards/build-machine.js';
import type { Machine } from '../machine/machine.js';
import type { ResetCause, ShutdownCause } from '../ports/input-event.js';
import { describeEvent } from '../ports/input-event.js';
import { describeEnd } from '../replay/end-kinds.js';
import { type ByteSink, type Checkpoint, type StopCause, startIcount } from '../replay/recording.js';
import { MachineDigest } from '../snapshot/digest.js';
import type { BreakpointOptions, Condition } from './condition.js';
import { DebugPoints } from './debug-points.js';
import {
  type BranchOps,
  type DebugStop,
  type DebugTarget,
  type HartStatus,
  type HistoryPart,
  type InputOps,
  type MemoryPiece,
  type MemoryRegion,
  type MomentName,
  type Resume,
  type SemihostingOutput,
  type SnapshotStatus,
  type TargetDescription,
  TargetError,
  type TimelineStatus,
  type WatchAccess,
} from './debug-target.js';
import { BranchKeeper } from './history/branch-keeper.js';
import { History } from './history/history.js';
import { writeHistory } from './history/history-file.js';
import { beginAt, boundaryOf } from './history/moments.js';
import { Navigator } from './history/navigator.js';
import { Changes } from './live/changes.js';
import { HostInput } from './live/host-input.js';
import type { HostPorts } from './live/host-ports.js';
import { InputGestures } from './live/input-gestures.js';
import { LiveDriver } from './live/live-driver.js';
import { Pace } from './live/pace.js';
import { Recorder, refuseBlocked, takeCheckpoint } from './live/recorder.js';
import type { MachineSource } from './machine-source.js';
import { GuestOutput } from './output/guest-output.js';
import { RestCheck } from './rest-check.js';
import { RunControl } from './run-control.js';
import { Questions } from './search/questions.js';
import type { SearchPool } from './search/search-pool.js';
import { SymbolNames } from './symbol-names.js';
import type { EndOfRun, RunToEndLimits, TimelineOptions } from './timeline-options.js';
import { runToEnd } from './undebugged-run.js';
import { type Verified, verifyRecording } from './verification.js';
import { Whereabouts } from './whereabouts.js';

const CLOSED: StopCause = { kind: 'stopped', reason: 'session closed' };

/** A machine with its history: what a debugger, a test or a command works with. */
export class Timeline implements DebugTarget {
  readonly machine: Machine;
  readonly navigator: Navigator;
  readonly description: TargetDescription;
  #digest: MachineDigest | undefined;
  #recordingName: string | undefined;
  #endedBy: StopCause = CLOSED;
  readonly #pace: Pace;
  readonly #input: HostInput;
  readonly #live: LiveDriver;
  readonly #points: DebugPoints;
  readonly #control: RunControl;
  readonly #output: GuestOutput;
  readonly #branches: BranchKeeper;
  readonly #changes: Changes;
  readonly branches: BranchOps;
  readonly input: InputOps;
  readonly questions: Questions;
  readonly symbols: SymbolNames;
  readonly whereabouts: Whereabouts;
  readonly searchPool: SearchPool | undefined;
  readonly #restCheck: RestCheck | undefined;

  constructor(
    readonly source: MachineSource,
    readonly host: HostPorts,
    options: TimelineOptions,
  ) {
    const { config, images, recording, start, build = buildMachine } = source;
    this.#output = new GuestOutput(host, () => this.navigator, 'main');
    this.machine = build(config, images, this.#output, { jit: options.jit ?? true });
    if (start !== undefined) beginAt(this.machine, start);
    const history = recording === undefined ? History.live(startIcount(source)) : History.of(recording);
    this.#pace = new Pace(host.clock);
    this.searchPool = options.searchPool;
    this.navigator = new Navigator(this.machine, history, this.#pace, options.budget);
    if (start?.snapshot !== undefined) this.navigator.takeSnapshot(start.snapshot);
    this.#input = new HostInput(this.navigator, host, recording === undefined);
    this.#live = new LiveDriver(
      this.navigator,
      this.#input.live,
      host.clock,
      options.idleClock,
      options.trapLoopCheck ?? true,
    );
    this.#points = new DebugPoints(this.machine);
    this.symbols = new SymbolNames(source.symbols ?? [], host.say);
    this.whereabouts = new Whereabouts(this.machine, this.symbols);
    this.#control = new RunControl(
      this.navigator,
      this.#live,
      this.#points,
      this.#output,
      this.whereabouts,
      options.searchPool,
    );
    this.description = this.machine.debug.description;
    this.questions = new Questions(this.navigator, this.#output);
    this.#branches = new BranchKeeper(this.navigator, this.#output, events => this.#input.giveBack(events));
    this.#changes = new Changes(this.machine, this.#branches, this.#live, this.#input, this.#output);
    this.input = new InputGestures(config.inputs ?? [], event => this.#changes.request(event), host.say);
    if (options.checked) this.#restCheck = new RestCheck(this.navigator, () => this.#branches.all);
    this.branches = {
      list: () => this.#branches.list(),
      drop: name => this.#branches.drop(name),
      switchTo: async name => {
        const branch = this.#branches.switchTo(name);
        await this.seek(branch.history.end);
      },
    };
  }

  /** The course of events the machine is on. */
  get history(): History {
    return this.navigator.history;
  }

  // Where and what.

  status(): TimelineStatus {
    return {
      mode: this.history.mode,
      icount: this.machine.icount,
      begin: this.history.begin,
      end: this.history.end,
      beginsAt: this.source.start?.snapshot,
      virtualNs: this.machine.virtualNs,
      recording: this.#recordingName ?? this.source.recording?.file?.name,
      recordedEnd: this.history.recordedAs && describeEnd(this.history.recordedAs),
      powerOff: this.machine.poweredOff ? { code: this.machine.exitCode } : undefined,
    };
  }

  harts(): readonly HartStatus[] {
    return this.machine.contexts().map(({ hart }) => ({ hart, text: this.machine.debug.describe(hart) }));
  }

  readRegister(hart: number, register: number): Uint8Array | undefined {
    return this.machine.debug.readRegister(hart, register);
  }

  readMemory(hart: number, address: bigint, length: number): Uint8Array {
    return this.machine.debug.readMemory(hart, address, length);
  }

  memoryPieces(hart: number, address: bigint, length: bigint): Iterable<MemoryPiece> {
    return this.machine.debug.pieces(hart, address, length);
  }

  memoryMap(): readonly MemoryRegion[] {
    return this.machine.debug.memoryMap().map(({ name, kind, base, bytes }) => ({
      name,
      kind,
      start: BigInt(base),
      length: BigInt(bytes),
    }));
  }

  events(last = this.eventCount): readonly { readonly icount: number; readonly text: string }[] {
    const shown = this.history.log.slice(Math.max(0, this.eventCount - last));
    return shown.map(({ icount, event }) => ({ icount, text: describeEvent(event) }));
  }

  get eventCount(): number {
    return this.history.log.length;
  }

  // Changes: input events at the live end.

  registerRefusal(hart: number, register: number, bytes: Uint8Array): string | undefined {
    return this.#changes.registerRefusal(hart, register, bytes);
  }

  writeRegister(hart: number, register: number, bytes: Uint8Array): void {
    this.#changes.writeRegister(hart, register, bytes);
  }

  writeMemory(hart: number, address: bigint, bytes: Uint8Array): void {
    this.#changes.writeMemory(hart, address, bytes);
  }

  reset(cause: ResetCause = 'monitor'): void {
    this.#changes.reset(cause);
  }

  typeConsole(bytes: Uint8Array, port = 0): void {
    this.#changes.typeConsole(bytes, port);
  }

  takeNotices(): readonly string[] {
    return this.#branches.takeNotices();
  }

  /** Asks a live machine to power off at the next boundary. */
  requestShutdown(cause: ShutdownCause): void {
    if (this.history.mode === 'live') this.#input.request({ kind: 'shutdown', cause });
    else this.interrupt();
  }

  // Breakpoints and watchpoints.

  insertBreakpoint(address: bigint, options?: BreakpointOptions): void {
    this.#points.insertBreakpoint(address, options);
  }

  removeBreakpoint(address: bigint): void {
    this.#points.removeBreakpoint(address);
  }

  insertWatchpoint(access: WatchAccess, address: bigint, length: number, condition?: Condition): void {
    this.#points.insertWatchpoint(access, address, length, condition);
  }

  removeWatchpoint(access: WatchAccess, address: bigint, length: number): void {
    this.#points.removeWatchpoint(access, address, length);
  }

  clearBreakpoints(): void {
    this.#points.clear();
  }

  stopAtIcount(icount: number | undefined): void {
    this.#control.stopOnceAt(icount);
  }

  get stepOverInterrupts(): boolean {
    return this.#control.hiding.enabled;
  }

  set stepOverInterrupts(enabled: boolean) {
    this.#control.hiding.enabled = enabled;
  }

  // Moving.

  async resume(request: Resume, tell: (line: string) => void = () => {}): Promise<DebugStop> {
    this.#pace.begin();
    this.#branches.beforeMove(address => this.#points.hasBreakpoint(address));
    for (const notice of this.#branches.takeNotices()) tell(notice);
    try {
      const stop = await this.#control.resume(request, tell);
      const { begin } = this.history;
      if (stop.kind === 'history' && stop.edge === 'begin' && begin > 0)
        tell(`the history begins at icount ${begin}`);
      this.#restCheck?.check();
      return stop;
    } finally {
      this.#output.reached();
    }
  }

  interrupt(): void {
    this.#pace.interrupt();
    this.#input.live.wake();
  }

  /** As `interrupt`, for good: a recording of the session says that it ended by this. The first cause stays. */
  endBy(cause: StopCause): void {
    if (this.#endedBy === CLOSED) this.#endedBy = cause;
    this.interrupt();
  }

  async seek(target: MomentName): Promise<void> {
    const moment = boundaryOf(this.navigator, target);
    this.#branches.beforeLeaving();
    this.#pace.begin();
    if ((await this.#control.seek(moment)) === 'interrupted') throw new TargetError('interrupted');
    this.#output.reached();
    this.#restCheck?.check();
  }

  snapshots(): readonly SnapshotStatus[] {
    return this.navigator.branch.snapshots.status();
  }

  saveSnapshot(name: string): void {
    if (this.navigator.branch.named(name) !== undefined)
      throw new TargetError(`there is a snapshot ${name} already: delete it first`);
    this.#branches.beforeLeaving();
    this.navigator.takeSnapshot(name);
  }

  deleteSnapshot(name: string): void {
    const { snapshots } = this.navigator.branch;
    if (!snapshots.forgetName(name)) throw new TargetError(`there is no snapshot ${name}`);
  }

  attach(): void {
    this.navigator.visited = true;
    this.navigator.takeSnapshot();
  }

  get semihosting(): SemihostingOutput | undefined {
    return this.source.config.semihosting === undefined ? undefined : this.#output.semihosting;
  }

  detach(): void {
    this.#points.clear();
    this.#output.semihosting.hear(undefined);
    this.#control.stopAt = undefined;
    this.stepOverInterrupts = false;
  }

  // Without a debugger.

  /**
   * Records from here on; only at the very beginning of a live history. Throws InputError when a device cannot be
   * replayed.
   */
  record(sink: ByteSink, name = 'recording'): void {
    const { mode, begin, end, log } = this.history;
    if (mode !== 'live' || end > begin || log.length > 0)
      throw new Error('a recording starts with the history');
    refuseBlocked(this.machine);
    this.#recordingName = name;
    this.#live.record(new Recorder(this.machine, this.#digests(), this.host.clock, sink, this.source));
  }

  /** Runs until the guest ends or a limit is reached. */
  runToEnd(limits: RunToEndLimits): Promise<EndOfRun> {
    this.#pace.begin();
    const runs = { control: this.#control, live: this.#live, whereabouts: this.whereabouts };
    return this.navigator.straightOn(() => runToEnd(runs, limits)).finally(() => this.#restCheck?.check());
  }

  /** Replays the recording, all of it or up to a boundary: see verifyRecording. */
  async verify(until: MomentName = 'end'): Promise<Verified> {
    const { recording } = this.source;
    if (recording === undefined) throw new Error('only a recording can be verified');
    const last = boundaryOf(this.navigator, until).icount;
    await this.seek('start');
    return this.navigator.straightOn(() =>
      verifyRecording(this.navigator, recording, () => this.checkpoint(), this.#output, last),
    );
  }

  /** Writes the present branch, or a part of it, as a recording; the machine stays where it is. */
  saveHistory(path: string, part?: HistoryPart): Promise<void> {
    return writeHistory(this, path, part);
  }

  /** The end mark is written; the console's output is complete. The machine cannot move any more. */
  close(): void {
    this.#output.flush();
    const { main } = this.#branches;
    if (this.navigator.branch === main && this.navigator.atEnd) this.#live.stopRecording(this.#endedBy);
    else this.#live.stopRecordingAt(main.history, this.#endedBy);
    this.searchPool?.close();
    this.navigator.store.close();
  }

  /** The present boundary as a recording's checkpoint shows it. */
  checkpoint(): Checkpoint {
    return takeCheckpoint(this.machine, this.#digests());
  }

  /** One for the whole session: it knows the pages that have not changed since it last looked. */
  #digests(): MachineDigest {
    this.#digest ??= new MachineDigest(this.machine.memory, this.machine.plan);
    return this.#digest;
  }
}
