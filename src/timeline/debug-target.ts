/**
 * What a debugger can ask of a machine with a history. The stub speaks only to this interface.
 * Addresses are bigint (unsigned): this is the edge, not a hot path.
 */

import type { Writer } from '../machine/machine.js';
import type { BreakpointOptions, Condition } from './condition.js';
import type { QuestionOps } from './search/question-ops.js';

export type Direction = 'forward' | 'backward';

/**
 * What the points at the present place do. `protocol`, when absent: GDB takes care to pass them; forwards they
 * stop at once, and backwards a watched access is reported before it is undone. `elsewhere`: they were reported
 * and do not count again, and a watched access is reported in both directions with the machine before it.
 */
export type PresentPoints = 'protocol' | 'elsewhere';

export type Resume =
  | { readonly kind: 'continue'; readonly direction: Direction; readonly points?: PresentPoints }
  /** One step of `hart`; of whichever hart is next when undefined. */
  | {
      readonly kind: 'step';
      readonly direction: Direction;
      readonly hart: number | undefined;
      /** Refused unless this one step is `hart`'s: no other hart may move. */
      readonly alone?: boolean;
      readonly points?: PresentPoints;
    }
  /** Forward steps of `hart` until its pc leaves [start, end): GDB's `vCont;r`. */
  | { readonly kind: 'range-step'; readonly hart: number; readonly start: bigint; readonly end: bigint };

/** Holding single harts is no function of the machine's state, so a replay could not follow it. */
export const HARTS_MOVE_TOGETHER = 'all harts move together: set scheduler-locking off';

export type WatchAccess = 'write' | 'read' | 'access';

/** Why a resume ended. `hart` is the one that caused it and that the debugger should select. */
export type DebugStop =
  | { readonly kind: 'step'; readonly hart: number }
  | { readonly kind: 'breakpoint'; readonly hart: number; readonly address: bigint }
  /** Forwards the access has not happened yet; backwards it is not yet undone. */
  | {
      readonly kind: 'watchpoint';
      readonly hart: number;
      readonly access: WatchAccess;
      readonly address: bigint;
      /** Who wrote there, when it was no instruction of a hart: the machine stands behind the write. */
      readonly by?: Writer;
    }
  | { readonly kind: 'interrupt'; readonly hart: number }
  /** The hart traps for ever, as was told in words; once a loop. */
  | { readonly kind: 'trap-loop'; readonly hart: number; readonly text: string }
  /** The icount of `stopAtIcount`. */
  | { readonly kind: 'moment'; readonly hart: number; readonly icount: number }
  /**
   * No history further in this direction. `powerOff` tells that the guest ended there; `recordedEnd`, in words, why
   * else the recording that is replayed goes no further.
   */
  | {
      readonly kind: 'history';
      readonly edge: 'begin' | 'end';
      readonly hart: number;
      readonly powerOff?: { readonly code: number };
      readonly recordedEnd?: string;
    };

export interface RegisterDescription {
  readonly name: string;
  /** Number in `p`/`P`, in the order of `g`. */
  readonly number: number;
  /** Width in bits: 32 or 64. */
  readonly bits: number;
  /** GDB type: `int`, `code_ptr`, `data_ptr`, `ieee_double`... */
  readonly type: string;
  /** GDB group: `general`, `float`, `time`, or one of the instruction set's own. */
  readonly group: string;
  /** LLDB's `generic`: `pc`, `sp`, `arg1`... */
  readonly role?: string;
  /** Its number in debug information. */
  readonly dwarf?: number;
  /** A debugger's call of a guest's function leaves it as the function does: it is not put back. */
  readonly outlivesCalls?: true;
}

/** One `<feature>` of target.xml, e.g. `org.backstub.time`. */
export interface RegisterFeature {
  readonly name: string;
  readonly registers: readonly RegisterDescription[];
}

/** The machine's registers as it describes itself; the stub knows no instruction set. */
export interface TargetDescription {
  /** GDB's name of the architecture. */
  readonly architecture: string;
  readonly features: readonly RegisterFeature[];
  /** How many registers, counted from number 0, belong to a `g` packet. */
  readonly generalCount: number;
  /** Numbers of those that are sent along with each stop. */
  readonly expedited: readonly number[];
  /** Number of the program counter. */
  readonly pc: number;
}

export interface HartStatus {
  readonly hart: number;
  /** e.g. `CPU#0 machine mode` or `CPU#1 waiting for interrupt`. */
  readonly text: string;
}

export interface MemoryRegion {
  readonly start: bigint;
  readonly length: bigint;
  readonly kind: 'ram' | 'rom' | 'mmio';
  readonly name: string;
}

/** A part of memory; `bytes` hold until the machine moves, and are left out where all of them are zero. */
export interface MemoryPiece {
  readonly length: number;
  readonly bytes: Uint8Array | undefined;
}

/** How a moment is named: by an icount, after all of its events; as an end of the history; by a snapshot. */
export type MomentName = number | 'start' | 'end' | { readonly snapshot: string };

/** A part of a history; without an end it is the history's. */
export interface HistoryPart {
  readonly from?: MomentName | undefined;
  readonly to?: MomentName | undefined;
}

export interface TimelineStatus {
  /** `live`: running on past the end records; `replay`: the history is all there is. */
  readonly mode: 'live' | 'replay';
  readonly icount: number;
  /** First and last icount of the history. */
  readonly begin: number;
  readonly end: number;
  /** Name of the snapshot that the history begins with, where it does not begin with the machine. */
  readonly beginsAt?: string | undefined;
  readonly virtualNs: number;
  readonly recording: string | undefined;
  /** How the recording ends that is replayed, in words. */
  readonly recordedEnd?: string | undefined;
  readonly powerOff: { readonly code: number } | undefined;
}

export interface SnapshotStatus {
  readonly name: string | undefined;
  readonly icount: number;
  readonly pages: number;
  /** Bytes that the snapshot before it does not hold: in memory, and in the snapshot file. */
  readonly bytes: number;
  readonly diskBytes: number;
}

/** One course of events: `main` is what really happened. */
export interface BranchStatus {
  readonly name: string;
  readonly parent: string | undefined;
  /** Boundary at which it left its parent. */
  readonly forkedAt: number;
  readonly end: number;
  readonly current: boolean;
}

/** Branches: what a change in the past begins. */
export interface BranchOps {
  list(): readonly BranchStatus[];
  /** Goes to the end of another branch. Throws TargetError. */
  switchTo(name: string): Promise<void>;
  /** Forgets a branch that the machine is not on. Throws TargetError. */
  drop(name: string): void;
}

export type MouseButton = 'left' | 'middle' | 'right';

/**
 * Input devices of a live machine. What is sent enters when the machine runs on. Throw TargetError when there is no
 * such device or key, and in the past.
 */
export interface InputOps {
  /** Presses keys in order and releases them in reverse: QEMU's names with hyphens between, `ctrl-alt-delete`. */
  sendKey(keys: string): void;
  pressKey(key: string, down: boolean): void;
  /** Distances in the mouse's own units; the wheel's in notches. */
  moveMouse(dx: number, dy: number, wheel?: number): void;
  /** Place on the tablet: each 0 to 32767. */
  moveTablet(x: number, y: number): void;
  /** Buttons that are down: the sum of 1 left, 2 middle, 4 right. */
  setButtons(buttons: number): void;
}

/** What calls by semihosting print: it is on the console of the guest, and one who listens has it, too. */
export interface SemihostingOutput {
  readonly heard: boolean;
  hear(listener: ((text: string) => void) | undefined): void;
}

/** The firmware's symbols. */
export interface SymbolOps {
  /** Whether there are any. */
  readonly known: boolean;
  /** What the user can do to make some known. */
  readonly advice: string;
  find(name: string): { readonly address: bigint; readonly size: number } | undefined;
  /** `name` or `name+offset`. */
  describe(address: bigint): string | undefined;
}

/** A request that cannot be met as things stand; the message is shown to the user. */
export class TargetError extends Error {
  override readonly name: string = 'TargetError';
}

/** A replay does something its recording did not: it was made by another machine, or is damaged. */
export class ReplayMismatch extends TargetError {
  override readonly name = 'ReplayMismatch';

  constructor(
    message: string,
    /** When the recording was being verified: the last checkpoint that agreed, and where the difference shows. */
    readonly interval?: { readonly from: number; readonly to: number },
  ) {
    super(message);
  }
}

export interface DebugTarget {
  readonly description: TargetDescription;

  harts(): readonly HartStatus[];

  /** Register contents, little-endian, or undefined when it cannot be read in this state. */
  readRegister(hart: number, register: number): Uint8Array | undefined;
  /** Why a register cannot take these bytes; undefined when it can. */
  registerRefusal(hart: number, register: number, bytes: Uint8Array): string | undefined;
  /** Throws TargetError when it would not hold these bytes afterwards; then nothing was written. */
  writeRegister(hart: number, register: number, bytes: Uint8Array): void;
  /**
   * Memory as `hart` sees it, without side effects on devices. Returns the readable prefix, which may be
   * empty: unmapped addresses end it.
   */
  readMemory(hart: number, address: bigint, length: number): Uint8Array;
  /** As `readMemory`, without a copy and of any length: pieces in order, which end where `readMemory` would. */
  memoryPieces(hart: number, address: bigint, length: bigint): Iterable<MemoryPiece>;
  /** Throws TargetError when refused or unmapped; then nothing was written. */
  writeMemory(hart: number, address: bigint, bytes: Uint8Array): void;
  memoryMap(): readonly MemoryRegion[];

  /** Breakpoints and watchpoints are a set, kept by the timeline and never by the machine's state. */
  insertBreakpoint(address: bigint, options?: BreakpointOptions): void;
  removeBreakpoint(address: bigint): void;
  insertWatchpoint(access: WatchAccess, address: bigint, length: number, condition?: Condition): void;
  removeWatchpoint(access: WatchAccess, address: bigint, length: number): void;
  clearBreakpoints(): void;

  /**
   * Running forwards ends once at this icount; undefined: no longer. Throws TargetError when it is not ahead.
   */
  stopAtIcount(icount: number | undefined): void;
  /** Whether a step of a hart, in either direction, hides the interrupt handlers it runs into. Off at first. */
  stepOverInterrupts: boolean;

  /** Runs until something stops it. Only one resume at a time. `tell` hears lines for the user meanwhile. */
  resume(request: Resume, tell?: (line: string) => void): Promise<DebugStop>;
  /** Ends the resume under way with an `interrupt` stop; without one it has no effect. */
  interrupt(): void;

  /**
   * Lines that the user should read, each once. To be asked for where the user has a say, as after a monitor command:
   * never while a debugger prepares a call.
   */
  takeNotices(): readonly string[];

  status(): TimelineStatus;
  /** Moves to an icount (after all its events), a named snapshot, or an end. Throws TargetError. */
  seek(target: MomentName): Promise<void>;
  snapshots(): readonly SnapshotStatus[];
  saveSnapshot(name: string): void;
  deleteSnapshot(name: string): void;
  /** Logged inputs as text, newest last. */
  events(last?: number): readonly { readonly icount: number; readonly text: string }[];
  /** How many there are; as many as `events` gives when absent. */
  readonly eventCount?: number;
  /** Board reset as an input event at the live end. Throws TargetError in the past or in a recording. */
  reset(): void;
  /** Console input typed through the debugger. Throws as `reset` does. */
  typeConsole(bytes: Uint8Array): void;
  readonly input?: InputOps;
  readonly branches?: BranchOps;
  readonly questions?: QuestionOps;
  readonly symbols?: SymbolOps;
  /** Absent: the machine answers no such calls. */
  readonly semihosting?: SemihostingOutput | undefined;
  /** Writes the history of the present branch, or a part of it, as a recording. Throws TargetError or InputError. */
  saveHistory?(path: string, part?: HistoryPart): Promise<void>;
  /** Called when a debugger connects: takes the overlay snapshot. */
  attach(): void;
  /** Called when it is gone: breakpoints are dropped, the machine halts, the history stays. */
  detach(): void;
}
