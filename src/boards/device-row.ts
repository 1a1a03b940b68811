/**
 * A device of a board, said once: from its row come state, window, lines, timers, inputs and the guest's description.
 */
import type { CompareTimers } from '../devices/compare-timers.js';
import type { Scheduler } from '../machine/scheduler.js';
import type { SemihostingCaller } from '../machine/semihosting-caller.js';
import type { GuestMemory } from '../memory/guest-memory.js';
import type { BootImage } from '../ports/config.js';
import type {
  Device,
  DmaPort,
  EntropyPort,
  InputPorts,
  IrqLine,
  MachineOutputs,
  MmioDevice,
  PowerPort,
  TimeCounter,
  TimerPort,
  TypedBytes,
  VirtualClock,
} from '../ports/device.js';
import type { Layout, StateOf } from '../state/layout.js';
import type { TreeNode, TreeValue } from './device-tree.js';

/** A part of the physical address space. */
export interface Region {
  readonly base: number;
  /** Bytes the device tree announces. */
  readonly bytes: number;
  /** Bytes that answer; an access beyond them is an access fault. Equal to `bytes` when absent. */
  readonly decoded?: number;
}

export interface DeviceWindow extends Region {
  /** What the debugger's map of memory calls it. */
  readonly name: string;
  /** It is a part of this one, which the map shows as a whole. */
  readonly bank?: DeviceWindow;
}

/** What a device's node in the device tree says beside its registers and its interrupt. */
export interface DeviceNode {
  readonly kind: string;
  /** `perHart`: for each hart, its interrupt controller and each of these interrupts. */
  readonly properties: (perHart: (...interrupts: number[]) => TreeValue) => Record<string, TreeValue>;
  /** Other nodes refer to it; `besideBus`: those of them that stand beside the bus. */
  readonly referred?: { readonly besideBus: (phandle: number) => readonly TreeNode[] };
  /** The node that interrupts of other nodes go to. */
  readonly interruptController?: true;
  /** What the tree says instead of the row's window: the node's address, and its register ranges. */
  readonly place?: { readonly base: number; readonly ranges: readonly Region[] };
  /** A part of the platform itself: stands behind the other devices. */
  readonly platform?: true;
  /** Where the system's own messages go. */
  readonly stdout?: true;
}

/** What some devices are for others, and for harts: each is there for the rows behind. */
export interface Services {
  /** Input lines of the interrupt controller, by source. */
  readonly interrupts: (source: number) => IrqLine;
  readonly counter: TimeCounter;
  /** Of harts that have timers for their supervisors. */
  readonly supervisorTimers: CompareTimers;
  /** `half`: 16 random bits, or -1 when the host has to be asked first. */
  readonly entropy: EntropyPort & { half(): number };
  /** The console on which the machine is typed at. */
  readonly typed: TypedBytes;
  /** Calls of harts by semihosting. */
  readonly semihosting: { connect(callers: readonly SemihostingCaller[]): void; call(hart: number): void };
}

/** What a board has for all of its devices. */
export interface DeviceSurroundings {
  readonly memory: GuestMemory;
  readonly dma: DmaPort;
  readonly clock: VirtualClock;
  readonly scheduler: Scheduler;
  readonly power: PowerPort;
  readonly outputs: MachineOutputs;
  /** What the machine was built with; disks find their contents here. */
  readonly images: readonly BootImage[];
  readonly harts: number;
  /** An interrupt line of a hart. */
  readonly line: (hart: number, interrupt: number) => IrqLine;
  /** Makes an interrupt pending that the hart's software clears. */
  readonly pend: (hart: number, interrupt: number) => void;
}

/** What one device is wired to. */
export interface DevicePorts extends DeviceSurroundings {
  /** The row's own interrupt. */
  readonly irq: IrqLine;
  readonly timers: readonly TimerPort[];
  /** Host address of its own guest memory that no hart reaches. */
  readonly backing: number;
  /** Throws when no row before this one is such a service. */
  service<S extends keyof Services>(name: S): Services[S];
}

/** A device as it was built. */
export interface BuiltDevice {
  /** What answers in the row's window. */
  readonly registers?: MmioDevice;
  /** Whom the board tells of timers, resets and boundaries; absent: the registers. */
  readonly device?: Device;
  /** Where its input enters. Devices that take the same kind are numbered in the order of their rows. */
  readonly inputs?: Partial<InputPorts>;
  readonly services?: Partial<Services>;
}

type Layouts = Readonly<Record<string, Layout>>;

export interface DeviceRow<L extends Layouts = Layouts> {
  readonly name: string;
  /** Its declared state: components in order, by name. */
  readonly state: L;
  readonly window?: DeviceWindow;
  /** The window is memory that is only read; nothing is built for it. */
  readonly rom?: true;
  /** Source at the interrupt controller. */
  readonly interrupt?: number;
  /** How many it has. Of timers that are due at once, those of earlier rows fire first. */
  readonly timers?: number;
  /** Guest memory that no hart reaches. */
  readonly backingBytes?: number;
  readonly node?: DeviceNode;
  build?(ports: DevicePorts, state: { readonly [K in keyof L]: StateOf<L[K]> }): BuiltDevice;
}

/** A row whose `build` is handed its state by the names of its components. */
export const deviceRow = <const L extends Layouts>(row: DeviceRow<L>): DeviceRow => row;
