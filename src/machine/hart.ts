/** One hart as the machine sees it: what differs between instruction sets is behind this. */
import type { TakenTrap, TrapLoopWatch } from './trap-loop.js';

/** Of `Hart.pendingInterrupt`: none is to be taken now. */
export const NO_INTERRUPT = -1;

/** A row of the description that debuggers are given. */
export interface RegisterRow {
  readonly name: string;
  readonly number: number;
  readonly bits: number;
  readonly type: string;
  readonly group: string;
  /** What the calling convention uses it for, where a debugger has to know (LLDB's `generic`). */
  readonly role?: string;
  /** Number in DWARF; none: not named there. */
  readonly dwarf?: number;
  /** A debugger's call of a guest's function leaves it as the function does: it is not put back. */
  readonly outlivesCalls?: true;
}

export interface RegisterFeatureRows {
  readonly name: string;
  readonly registers: readonly RegisterRow[];
}

/** Where a hart is in its program: what an interrupt interrupts. Words are unsigned. */
export interface HartContext {
  readonly hart: number;
  readonly pcLow: number;
  readonly pcHigh: number;
  readonly spLow: number;
  readonly spHigh: number;
  /** What else tells apart places with the same pc and stack: a privilege, an execution mode. */
  readonly mode: number;
}

/** A hart's memory, read without changing anything. */
export interface CodeReader {
  /** Reads 1, 2, 4 or 8 bytes, little-endian, at a virtual address of two words; false when unmapped. */
  readMemory(low: number, high: number, bytes: number): boolean;
  /** What was read last, as two unsigned words, zero-extended. */
  readonly low: number;
  readonly high: number;
}

/** A value that was read, as two unsigned words, zero-extended; and its width in bytes. */
export interface RegisterValue {
  low: number;
  high: number;
  width: number;
}

/** What an instruction set says of its registers; numbers are those of the description. */
export interface RegisterDescription {
  /** GDB's name of the architecture. */
  readonly architecture: string;
  readonly features: readonly RegisterFeatureRows[];
  /** Registers 0 to this number, which is not one of them, make up a `g` packet. */
  readonly generalCount: number;
  /** What a debugger wants to know at each stop. */
  readonly expedited: readonly number[];
  readonly pc: number;
  readonly stack: number;
  /** Holds where a function returns to. */
  readonly link: number;
  /** What a debugger saves before it calls a function of the guest, and what it may write besides. */
  readonly savedForCalls: readonly number[];
  readonly touchedByCalls: ReadonlySet<number>;
}

/** A hart's registers, for a debugger. */
export interface HartRegisters {
  readonly description: RegisterDescription;
  /** Reads without changing anything; false for a number that is no register. */
  read(register: number, to: RegisterValue): boolean;
  /** Why a register would not hold these bytes after a write; undefined when it would. */
  refusal(register: number, bytes: Uint8Array): string | undefined;
  /** False for what is no register or cannot be written. */
  write(register: number, bytes: Uint8Array): boolean;
}

/** An illegal instruction that another CPU would have. */
export interface LackingInstruction {
  /** Of the instruction, or of the register that it names. */
  readonly name: string;
  /** Of what brings it, as it is written: `Zicond`. */
  readonly extension: string;
  /** The CPU that has it by itself; undefined: none, it has to be asked for. */
  readonly model: string | undefined;
}

/** A trap in words. */
export interface TrapText {
  /** e.g. `illegal instruction 0xffffffff`. */
  readonly what: string;
  /** Where its handler stands, e.g. `its vector is 0`. */
  readonly handler: string;
  /** What another CPU would have, where that is the reason. */
  readonly lacking?: LackingInstruction | undefined;
}

export interface Hart {
  readonly id: number;
  /** Width of an address. */
  readonly addressBits: 32 | 64;
  readonly registers: HartRegisters;

  /** Waits for an interrupt: it takes no step. */
  readonly asleep: boolean;
  /** Whether what it waits for is there. */
  readonly wakes: boolean;
  wake(): void;
  /** Runs at most `budget` steps (at least 1, below 2^31) and returns how many were taken. */
  run(budget: number): number;
  /** Steps already taken in the `run` under way. */
  readonly stepsThisRun: number;
  /** The instruction under way is the last of this run. */
  requestBoundary(): void;
  /** The last run ended before an instruction, for the debugger. */
  readonly stopped: boolean;
  /** The last step of a run yields: the next hart goes on, as behind a whole quantum. */
  yields: boolean;

  /** The interrupt to take now, or NO_INTERRUPT. */
  pendingInterrupt(): number;
  /** Enters an interrupt: one step. */
  enterInterrupt(interrupt: number): void;

  /** Looks for traps that never end. */
  readonly trapLoops: TrapLoopWatch;
  /** What a trap was. */
  describeTrap(trap: Readonly<TakenTrap>): TrapText;

  /** Stands before the first instruction, at this address. */
  reset(pc: number): void;
  /** Derived state follows the declared one after it was replaced. */
  afterRestore(): void;
  /** Drops every translation that is cached. */
  flush(): void;
  /** Whether virtual addresses may be others than physical ones. */
  readonly translates: boolean;
  /** Physical address as a debugger sees it: no protection, no side effects; negative when unmapped. */
  peek(low: number, high: number): number;

  context(): HartContext;
  /** Whether the hart is there now. */
  standsIn(context: HartContext): boolean;
  /** Whether the instruction at pc, which is read through `memory`, ends a trap handler. */
  endsHandler(memory: CodeReader): boolean;
  /** What it is doing, for thread lists, e.g. `waiting for interrupt`. */
  describe(): string;
  /** Throws BrokenInvariant when what is derived does not agree with what it was derived from. */
  check(): void;
}
