import { InputError } from '../state/input-error.js';
import type { Condition } from '../timeline/condition.js';
import {
  type DebugStop,
  type HistoryPart,
  type InputOps,
  type MomentName,
  type Resume,
  type SnapshotStatus,
  TargetError,
  type WatchAccess,
} from '../timeline/debug-target.js';
import type { Answer, FoundInterrupt, FoundStep, FoundWrite } from '../timeline/search/question-ops.js';
import type { Timeline } from '../timeline/timeline.js';
import type { MemoryConsole } from './memory-console.js';
import { ScriptConditions, type When } from './script-conditions.js';

/** An address, or the name of a symbol of the firmware. */
export type Place = bigint | number | string;

/**
 * A machine to script: it runs forward and backward, and its state can be read at any moment.
 * Close it when done, or declare it with `await using`.
 */
export class DebugSession {
  readonly #registers: ReadonlyMap<string, number>;
  readonly #closers: (() => void)[];
  readonly #breaks = new Map<bigint, Condition | undefined>();
  readonly #conditions = new ScriptConditions();

  /** @internal Made by `boot`, `openRecording` and `continueRecording`. */
  constructor(
    private readonly timeline: Timeline,
    readonly console: MemoryConsole,
    /** Of the virtio console, where the machine has one. */
    readonly virtioConsole: MemoryConsole,
    closers: (() => void)[],
  ) {
    this.#registers = new Map(
      timeline.description.features.flatMap(f => f.registers.map(r => [r.name, r.number] as const)),
    );
    this.#closers = closers;
    timeline.attach();
  }

  /** Steps since reset: the present moment. */
  get icount(): number {
    return this.timeline.status().icount;
  }

  /** First and last moment that can be visited; the last one moves as a live machine runs on. */
  get history(): { readonly begin: number; readonly end: number } {
    const { begin, end } = this.timeline.status();
    return { begin, end };
  }

  /** The guest's exit code once it has powered off at the present moment. */
  get exitCode(): number | undefined {
    return this.timeline.status().powerOff?.code;
  }

  /**
   * Runs forward to the next breakpoint or watchpoint, or to the end of what can happen. At a watchpoint the
   * machine stands before the access. What is at the present place does not stop it again.
   */
  continue(): Promise<DebugStop> {
    return this.#resume({ kind: 'continue', direction: 'forward', points: 'elsewhere' });
  }

  /**
   * Runs backward to the previous breakpoint or watchpoint, or to the beginning. At a watchpoint the access is
   * undone: the same place that `continue` stops at.
   */
  reverseContinue(): Promise<DebugStop> {
    return this.#resume({ kind: 'continue', direction: 'backward', points: 'elsewhere' });
  }

  /** Takes `count` steps forward, of one hart or of whichever is next, past breakpoints and watchpoints. */
  step(count = 1, hart?: number): Promise<DebugStop> {
    return this.#steps('forward', count, hart);
  }

  /** Undoes `count` steps. */
  reverseStep(count = 1, hart?: number): Promise<DebugStop> {
    return this.#steps('backward', count, hart);
  }

  /** Runs forward to a place, once, besides what already stops it. */
  async runUntil(place: Place): Promise<DebugStop> {
    const address = this.address(place);
    this.#idle.insertBreakpoint(address);
    try {
      return await this.continue();
    } finally {
      if (this.#breaks.has(address)) this.#insertBreak(address);
      else this.#idle.removeBreakpoint(address);
    }
  }

  /** Goes to an icount of the history, to one of its ends, or to a named snapshot. Throws TargetError outside it. */
  seek(moment: MomentName): Promise<void> {
    return this.#idle.seek(moment);
  }

  /** Names the present moment, for `seek({ snapshot })` and `saveHistory`. Throws TargetError for a name twice. */
  saveSnapshot(name: string): void {
    this.#idle.saveSnapshot(name);
  }

  /** Forgets a name. Throws TargetError when there is no such one. */
  deleteSnapshot(name: string): void {
    this.#idle.deleteSnapshot(name);
  }

  /** Snapshots, named ones and those that are kept for going back, oldest first. */
  get snapshots(): readonly SnapshotStatus[] {
    return this.timeline.snapshots();
  }

  /**
   * Writes the history as a recording, or a part of it: from a moment, whose whole state the file then holds, to
   * another. The machine stays where it is. Throws TargetError for a moment outside the history, InputError for a
   * file that cannot be written.
   */
  saveHistory(path: string, part: HistoryPart = {}): Promise<void> {
    return this.#idle.saveHistory(path, part);
  }

  /** Stops before the instruction at a place; with `when`, only where it is true just before it. */
  break(place: Place, options: { when?: When } = {}): void {
    const address = this.address(place);
    this.#breaks.set(address, this.#conditions.of(options.when));
    this.#insertBreak(address);
  }

  removeBreak(place: Place): void {
    const address = this.address(place);
    this.#breaks.delete(address);
    this.#idle.removeBreakpoint(address);
  }

  /**
   * Watches a variable, or `length` bytes at an address; with `when`, only accesses count before which it is
   * true. Returns a function that ends it.
   */
  watch(place: Place, options: { length?: number; access?: WatchAccess; when?: When } = {}): () => void {
    const address = this.address(place);
    const length = options.length ?? (typeof place === 'string' ? this.#symbol(place).size : 0);
    if (length < 1) throw new InputError(`how many bytes to watch at ${place}? give a length`);
    const access = options.access ?? 'write';
    this.#idle.insertWatchpoint(access, address, length, this.#conditions.of(options.when));
    return () => this.#idle.removeWatchpoint(access, address, length);
  }

  /** Contents of a register by GDB's name: `a0`, `sp`, `pc`, `mcause`, `icount`... */
  register(name: string, hart = 0): bigint {
    const number = this.#registers.get(name) ?? this.#registers.get(ALIASES[name] ?? '');
    const bytes = number === undefined ? undefined : this.timeline.readRegister(hart, number);
    if (bytes === undefined) throw new InputError(`there is no register ${name}`);
    return toBigInt(bytes);
  }

  get pc(): bigint {
    return this.register('pc');
  }

  /** Changes a register at the live end; an input event, recorded and reversible. Throws TargetError in the past. */
  setRegister(name: string, value: bigint, hart = 0): void {
    const number = this.#registers.get(name) ?? this.#registers.get(ALIASES[name] ?? '');
    if (number === undefined) throw new InputError(`there is no register ${name}`);
    this.#idle.writeRegister(hart, number, fromBigInt(value, 8));
  }

  /** Bytes as the hart sees them. Throws InputError when not all of them are mapped. */
  memory(place: Place, length: number, hart = 0): Uint8Array {
    const address = this.address(place);
    const bytes = this.timeline.readMemory(hart, address, length);
    if (bytes.length < length)
      throw new InputError(`no memory at 0x${(address + BigInt(bytes.length)).toString(16)}`);
    return bytes;
  }

  /** An unsigned little-endian integer: a variable by name and size, or `length` bytes. */
  value(place: Place, length?: number): bigint {
    return toBigInt(this.memory(place, length ?? (typeof place === 'string' ? this.#symbol(place).size : 4)));
  }

  /** Changes memory at the live end, as `setRegister`. */
  setMemory(place: Place, bytes: Uint8Array, hart = 0): void {
    this.#idle.writeMemory(hart, this.address(place), bytes);
  }

  address(place: Place): bigint {
    return typeof place === 'string' ? this.#symbol(place).address : BigInt(place);
  }

  /** `name + offset` of the function or variable at an address, or its hex digits. */
  describe(address: bigint): string {
    return this.timeline.symbols.describe(address) ?? `0x${address.toString(16)}`;
  }

  /** The last write before the present to a variable, or to `length` bytes. */
  async lastWrite(place: Place, length = this.#sizeOf(place)): Promise<FoundWrite | undefined> {
    return answered(await this.#idle.questions.lastWrite(this.address(place), length))[0];
  }

  /** Every write in the history to a variable, or to `length` bytes, oldest first. */
  async writes(place: Place, length = this.#sizeOf(place)): Promise<readonly FoundWrite[]> {
    return answered(await this.#idle.questions.writes(this.address(place), length));
  }

  /** The first time in the history that a function, or the instruction at an address, runs. */
  async firstExecution(place: Place): Promise<FoundStep | undefined> {
    return answered(await this.#idle.questions.firstExecution(this.address(place)))[0];
  }

  /** Every interrupt that was taken, oldest first. */
  async interrupts(): Promise<readonly FoundInterrupt[]> {
    return answered(await this.#idle.questions.interrupts());
  }

  /** The step that printed the end of the last occurrence of a text before the present. */
  async whoPrinted(text: string): Promise<FoundStep | undefined> {
    return answered(await this.#idle.questions.whoPrinted(text))[0];
  }

  /** The timeline itself, for what this interface does not cover. */
  get target(): Timeline {
    return this.timeline;
  }

  /** Keyboard, mouse and tablet, where the machine has them. */
  get input(): InputOps {
    return this.timeline.input;
  }

  /** Ends a `continue` under way. */
  interrupt(): void {
    this.timeline.interrupt();
  }

  close(): void {
    for (const close of this.#closers.splice(0)) close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** The timeline, for what cannot be done in the middle of a run. */
  get #idle(): Timeline {
    this.#conditions.refuseInside();
    return this.timeline;
  }

  #resume(request: Resume): Promise<DebugStop> {
    return this.#conditions.watched(this.#idle.resume(request));
  }

  #insertBreak(address: bigint): void {
    this.#idle.insertBreakpoint(address, { condition: this.#breaks.get(address) });
  }

  async #steps(
    direction: 'forward' | 'backward',
    count: number,
    hart: number | undefined,
  ): Promise<DebugStop> {
    let stop: DebugStop = { kind: 'step', hart: hart ?? 0 };
    for (let i = 0; i < count; i++) {
      stop = await this.#resume({ kind: 'step', direction, hart, points: 'elsewhere' });
      if (stop.kind !== 'step') break;
    }
    return stop;
  }

  #sizeOf(place: Place): number {
    return typeof place === 'string' ? Math.max(1, this.#symbol(place).size) : 1;
  }

  #symbol(name: string): { readonly address: bigint; readonly size: number } {
    const symbol = this.timeline.symbols.find(name);
    if (symbol === undefined) throw new InputError(`there is no symbol ${name}`);
    return symbol;
  }
}

const ALIASES: Readonly<Record<string, string>> = { s0: 'fp', x0: 'zero', x1: 'ra', x2: 'sp' };

const toBigInt = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);

const fromBigInt = (value: bigint, length: number) =>
  Uint8Array.from({ length }, (_, i) => Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 0xffn));

/** What was found, all of it. Throws TargetError when the question was stopped. */
function answered<T>({ found, interrupted }: Answer<T>): readonly T[] {
  if (interrupted !== undefined) throw new TargetError('interrupted');
  return found;
}
