import type { BreakpointSet } from '../engine/breakpoint-set.js';
import type { DecodeCache } from '../engine/decode-cache.js';
import type { HotCode } from '../engine/engine-layout.js';
import type { TouchedPages } from '../engine/touched-pages.js';
import type { WatchKind, WatchList } from '../engine/watch-list.js';
import type { StoreAccess } from '../engine/write-watch.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { SystemBus } from '../memory/system-bus.js';
import type { CsrFile } from './csr-file.js';
import type { HartState } from './hart-state.js';
import type { Mmu } from './mmu.js';
import type { HartConfig } from './privileged.js';

/** What a debugger wants to hear from a hart. True: leave before the instruction. */
export interface DebugHooks {
  breakpointReached(hart: ExecutingHart, low: number, high: number): boolean;
  watchTouched(hart: ExecutingHart, kind: WatchKind, low: number, high: number): boolean;
  /** A store that is observed is about to be made. */
  storeObserved(hart: ExecutingHart, store: StoreAccess): void;
  /** Work that is done for a debugger only; a hit is 1. */
  charge(work: number): void;
  /** The A and D bits of a page-table entry are about to be written. */
  tableUpdated(physical: number, length: number): void;
}

/** What a hart needs from the machine it is part of. */
export interface HartEnvironment {
  readonly memory: GuestMemory;
  readonly bus: SystemBus;
  readonly decode: DecodeCache;
  readonly watches: WatchList;
  readonly breakpoints: BreakpointSet;
  readonly touched: TouchedPages;
  readonly hooks: DebugHooks;
  readonly systemOperations: readonly string[];
  /** Compiles what runs often; undefined: nothing is compiled. */
  readonly hotCode: HotCode | undefined;
  readTime(out: CsrFile): void;
  /** 16 random bits, or -1 when there are none yet. */
  randomHalf(): number;
}

/** A hart as its parts see it. */
export interface ExecutingHart {
  readonly id: number;
  readonly config: HartConfig;
  readonly state: HartState;
  readonly env: HartEnvironment;
  readonly mmu: Mmu;
  /** Why the run ends here; a value of `EXIT`. */
  exit: number;
  /** Whether an interrupt is pending and enabled by itself: what ends a wfi. */
  readonly wakes: boolean;
  readonly inSupervisorTrapVirtualMemory: boolean;
  /** Makes the current instruction end in an exception. */
  trap(cause: number, low: number, high: number): 0;
  illegal(): number;
  /** Leaves before the current instruction, for the debugger. */
  stop(): 0;
  /** The instruction under way is the last before another hart gets its turn. */
  yield(): void;
}
