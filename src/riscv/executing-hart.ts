import type { BreakpointSet } from '../engine/breakpoint-set.js';
import type { DecodeCache } from '../engine/decode-cache.js';
import type { Engine } from '../engine/engine.js';
import type { TouchedPages } from '../engine/touched-pages.js';
import type { WatchList } from '../engine/watch-list.js';
import type { DebugHooks } from '../machine/board.js';
import type { Scheduler } from '../machine/scheduler.js';
import type { TrapLoopWatch } from '../machine/trap-loop.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { SystemBus } from '../memory/system-bus.js';
import type { CsrFile } from './csr-file.js';
import type { HartState } from './hart-state.js';
import type { Mmu } from './mmu.js';
import type { HartConfig } from './privileged.js';
import type { SupervisorTimersPort } from './supervisor-timer.js';
import type { TriggerUnit } from './triggers.js';

/** What a hart needs from the machine it is part of. */
export interface HartEnvironment {
  readonly memory: GuestMemory;
  readonly bus: SystemBus;
  readonly engine: Engine;
  readonly decode: DecodeCache;
  readonly scheduler: Scheduler;
  readonly watches: WatchList;
  readonly breakpoints: BreakpointSet;
  readonly touched: TouchedPages;
  readonly hooks: DebugHooks;
  /** A debugger's write of a CSR is a write and no instruction's (machine revision 2). */
  readonly writesCsrsExactly: boolean;
  /** Of harts with Sstc. */
  readonly supervisorTimers?: SupervisorTimersPort | undefined;
  /** The boundary before the step under way. */
  icount(): number;
  readTime(out: CsrFile): void;
  /** Absent: an ebreak is a breakpoint, whatever stands beside it. */
  readonly semihosting: { call(hart: number): void } | undefined;
  /** 16 random bits, or -1 when there are none yet. */
  randomHalf(): number;
}

/** Accesses of more than eight bytes: 1, or 0 where the instruction ends in a trap or a stop. */
export interface LongAccesses {
  /** Zeros the cache block that holds this address. */
  zero(low: number, high: number): number;
  /** Whether that block may be managed, which readable and writable ones may. */
  manage(low: number, high: number): number;
  /** Puts what stands at an address into `found`, and `swapped` there where that is `expected`. */
  compareAndSwap(
    low: number,
    high: number,
    expected: Uint32Array,
    swapped: Uint32Array,
    found: Uint32Array,
  ): number;
  /** Words that stand behind each other, over two pages perhaps. */
  loadList(low: number, high: number, words: Uint32Array): number;
  storeList(low: number, high: number, words: Uint32Array): number;
}

/** A hart as its parts see it. */
export interface ExecutingHart {
  readonly id: number;
  readonly config: HartConfig;
  readonly state: HartState;
  readonly env: HartEnvironment;
  readonly mmu: Mmu;
  readonly blocks: LongAccesses;
  readonly triggers: TriggerUnit | undefined;
  /** Why the run ends here; a value of `EXIT`. */
  exit: number;
  /** Whether an interrupt is pending and enabled by itself: what ends a wfi. */
  readonly wakes: boolean;
  readonly inSupervisorTrapVirtualMemory: boolean;
  readonly trapLoops: TrapLoopWatch;
  /** Makes the current instruction end in an exception. */
  trap(cause: number, low: number, high: number): 0;
  illegal(): number;
  /** The instruction at pc. */
  instructionBits(): number;
  /** Leaves before the current instruction, for the debugger. */
  stop(): 0;
  /** The instruction under way is the last before another hart gets its turn. */
  yield(): void;
}
