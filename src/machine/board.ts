import type { BreakpointSet } from '../engine/breakpoint-set.js';
import type { DecodeCache } from '../engine/decode-cache.js';
import type { Engine } from '../engine/engine.js';
import type { TouchedPages } from '../engine/touched-pages.js';
import type { WatchList } from '../engine/watch-list.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { PowerPort, SoundFormat } from '../ports/device.js';
import type { InputEvent } from '../ports/input-event.js';
import type { WatchKind } from '../ports/points.js';
import type { SemihostingCallRequest } from '../ports/semihosting-host.js';
import type { StoreAccess } from '../ports/write-watch.js';
import type { StatePlan } from '../state/layout.js';
import { defineState, u8, u32 } from '../state/layout.js';
import type { Bus } from './bus.js';
import type { ForeignWrites } from './foreign-writes.js';
import type { Hart } from './hart.js';
import type { Scheduler } from './scheduler.js';
import type { VirtualTime } from './virtual-time.js';

/** What the machine itself remembers: whose turn it is, and how it ended. */
export const MACHINE_STATE = defineState('machine', {
  currentHart: u8(),
  quantumLeft: u32(),
  poweredOff: u8(),
  exitCode: u8(),
  /** The guest asked for a reset, which happens at the next boundary. */
  resetRequested: u8(),
});

export type MachineState = ReturnType<typeof MACHINE_STATE.bind>;

/** Events that are input for a device. */
export type DeviceEvent = Extract<
  InputEvent,
  { kind: 'console' | 'network' | 'input' | 'audio-in' | 'block' | 'entropy' | 'semihosting' }
>;

/** What a debugger wants to hear from a hart. True: leave before the instruction. */
export interface DebugHooks {
  breakpointReached(hart: number, low: number, high: number): boolean;
  watchTouched(hart: number, kind: WatchKind, low: number, high: number): boolean;
  /** Work was done for the debugger; one hit is 1. */
  charge(work: number): void;
  storeObserved(hart: number, store: StoreAccess): void;
  tableUpdated(address: number, length: number): void;
}

/** What a board is given by the machine that it is part of. */
export interface BoardPorts {
  readonly hooks: DebugHooks;
  readonly power: PowerPort;
  readonly scheduler: Scheduler;
}

/** A request to a disk that the host is to complete. */
export interface DiskRequest {
  readonly disk: number;
  readonly request: number;
  readonly offset: number;
  readonly length: number;
}

/** What devices wait for from the host, and what they have room for. */
export interface BoardInputs {
  /** Bytes that a console can still take. */
  consoleRoom(port: number): number;
  /** Random bytes that are wanted. */
  readonly entropyWanted: number;
  /** Bytes of a packet that the network device can take. */
  readonly networkRoom: number;
  /** Samples that are to be captured. */
  readonly soundWanted: { readonly bytes: number; readonly format: SoundFormat } | undefined;
  /** Requests to disks in flight, those whose completion is the host's to say. */
  diskRequests(): DiskRequest[];
  /** Whether a request waits for the host: then idle time does not pass by itself. */
  readonly diskAwaitsHost: boolean;
  /** Whether a call by semihosting waits for the host's files, and the first that does. */
  readonly semihostingWanted: boolean;
  semihostingRequest(): SemihostingCallRequest;
}

export interface MemoryWindow {
  readonly name: string;
  readonly kind: 'ram' | 'rom' | 'mmio';
  readonly base: number;
  readonly bytes: number;
}

/** All parts of a machine, wired. It decides nothing about when things run. */
export interface Board {
  readonly plan: StatePlan;
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly scheduler: Scheduler;
  readonly time: VirtualTime;
  readonly harts: readonly Hart[];
  readonly machineState: MachineState;
  readonly decode: DecodeCache;
  readonly engine: Engine;
  readonly watches: WatchList;
  readonly breakpoints: BreakpointSet;
  readonly touched: TouchedPages;
  readonly foreignWrites: ForeignWrites;
  readonly inputs: BoardInputs;
  /** Why what happens here cannot be recorded: one reason for each device that cannot be replayed. */
  readonly replayBlockers: readonly string[];
  /** Every part of the physical address space that answers. */
  readonly memoryMap: readonly MemoryWindow[];
  /** Physical address of the first byte of RAM. */
  readonly ramBase: number;
  /** Where harts begin. */
  readonly resetAddress: number;

  /** Input for a device enters. */
  enter(event: DeviceEvent): void;
  /** Why an input cannot have been given to its devices in their present state. */
  refusal(event: DeviceEvent): string | undefined;
  /** A timer came due. */
  fireTimer(index: number): void;
  /** A boundary is reached: what devices put off until then happens. */
  atBoundary(): void;
  /** From now on it is this hart that writes memory; undefined: no hart. */
  writerIs(hart: number | undefined): void;
  /** Takes over what generated code has noted, behind a run. */
  afterRun(): void;
  /** What is wired follows the declared state, after a reset of it. */
  settle(): void;
  /** What is derived follows the declared state and memory, which were replaced. */
  afterRestore(): void;
}
