/** A board of its own: one kind of hart, RAM, a console and a timer. No file of src/ knows of it. */
import type { BuildMachine } from '../../src/boards/build-machine.js';
import type { BreakpointSet } from '../../src/engine/breakpoint-set.js';
import { DecodeCache } from '../../src/engine/decode-cache.js';
import { Engine, type EngineOptions } from '../../src/engine/engine.js';
import { REGION_ENTRIES, REGION_ENTRY_SHIFT, REGION_FUNCTIONS } from '../../src/engine/engine-layout.js';
import { SELECTOR_TABLE_BYTES } from '../../src/engine/jit/selector-tables.js';
import { TouchedPages } from '../../src/engine/touched-pages.js';
import { WatchList } from '../../src/engine/watch-list.js';
import {
  type Board,
  type BoardInputs,
  type BoardPorts,
  type DeviceEvent,
  MACHINE_STATE,
  type MachineState,
  type MemoryWindow,
} from '../../src/machine/board.js';
import { Bus } from '../../src/machine/bus.js';
import { ForeignWrites } from '../../src/machine/foreign-writes.js';
import { Machine } from '../../src/machine/machine.js';
import type { Scheduler } from '../../src/machine/scheduler.js';
import { timeState, VirtualTime } from '../../src/machine/virtual-time.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { planMemory } from '../../src/memory/memory-plan.js';
import { type MachineConfig, newSettings } from '../../src/ports/config.js';
import type { IrqLine, MachineOutputs } from '../../src/ports/device.js';
import { type Component, StatePlan } from '../../src/state/layout.js';
import { TOY_CONSOLE_STATE, TOY_TIMER_STATE, ToyConsole, ToyTimer } from './toy-devices.js';
import { TOY_TLB_BYTES, TOY_VECTORS, ToyHart } from './toy-hart.js';
import { TOY_SET } from './toy-isa.js';
import { TOY_STATE } from './toy-state.js';

export const TOY_MAP = {
  ram: TOY_VECTORS,
  console: 0xa5a5_0000,
  timer: 0xa5a5_1000,
} as const;
/** Where harts begin: behind the vectors. */
export const TOY_RESET = TOY_MAP.ram + 0x20;
const WINDOW_BYTES = 0x10;
/** Where no ROM is. */
const NO_ROM = 0xffff_f000;
const LINE = { timer: 1, console: 2 } as const;
const TIMERS = 1;

export const toyConfig = (changes: Partial<MachineConfig> = {}): MachineConfig =>
  newSettings({
    board: 'toy',
    machineRevision: 1,
    xlen: 32,
    isa: 'toy',
    ramBytes: 1 << 20,
    quantum: 400,
    entry: TOY_MAP.ram,
    rtcSeconds: 0,
    ...changes,
  });

export class ToyBoard implements Board {
  readonly plan = new StatePlan();
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly time: VirtualTime;
  readonly harts: readonly ToyHart[];
  readonly decode: DecodeCache;
  readonly engine: Engine;
  readonly watches = new WatchList();
  readonly breakpoints: BreakpointSet;
  readonly scheduler: Scheduler;
  readonly touched = new TouchedPages();
  readonly foreignWrites = new ForeignWrites(this);
  readonly machineState: MachineState;
  readonly inputs: BoardInputs;
  readonly replayBlockers = [];
  readonly memoryMap: readonly MemoryWindow[];
  readonly ramBase = TOY_MAP.ram;
  readonly resetAddress = TOY_RESET;
  readonly console: ToyConsole;
  readonly timer: ToyTimer;

  constructor(
    readonly config: MachineConfig,
    ports: BoardPorts & { readonly outputs: MachineOutputs },
    options: EngineOptions,
  ) {
    const { plan } = this;
    this.scheduler = ports.scheduler;
    const timeLayout = timeState(TIMERS);
    const parts = {
      machine: plan.add('machine', MACHINE_STATE),
      harts: Array.from({ length: config.harts }, (_, id) => plan.add(`hart${id}`, TOY_STATE)),
      console: plan.add('console', TOY_CONSOLE_STATE),
      timer: plan.add('timer', TOY_TIMER_STATE),
      time: plan.add('time', timeLayout),
    };
    const memoryPlan = planMemory({
      stateBytes: plan.byteLength,
      tlbBytes: config.harts * TOY_TLB_BYTES,
      decodePages: 16,
      regionEntryBytes: REGION_ENTRIES << REGION_ENTRY_SHIFT,
      regionNoteBytes: REGION_FUNCTIONS,
      selectorTableBytes: SELECTOR_TABLE_BYTES,
      isaTableBytes: 0,
      ramBytes: config.ramBytes,
      romBytes: 0,
      backingBytes: 0,
    });
    this.memory = new GuestMemory(memoryPlan);
    const { buffer } = this.memory.memory;
    const at = ({ offset }: Component) => memoryPlan.state + offset;
    plan.reset(buffer, memoryPlan.state);
    this.machineState = MACHINE_STATE.bind(buffer, at(parts.machine));
    this.time = new VirtualTime(timeLayout.bind(buffer, at(parts.time)), config.icountShift, this.scheduler);
    this.bus = new Bus(this.memory, TOY_MAP.ram, NO_ROM, this.scheduler);
    this.decode = new DecodeCache(this.memory, TOY_SET);
    this.engine = new Engine(this.decode, TOY_MAP.ram, options);
    this.breakpoints = this.engine.breakpoints;
    this.harts = parts.harts.map(
      (part, id) =>
        new ToyHart(id, TOY_STATE.bind(buffer, at(part)), at(part), memoryPlan.tlb + id * TOY_TLB_BYTES, {
          ...this,
          hooks: ports.hooks,
        }),
    );
    /** Each goes to every hart. */
    const line = (bit: number): IrqLine => ({
      set: level => {
        for (const { state } of this.harts) state.lines = level ? state.lines | bit : state.lines & ~bit;
        this.scheduler.lookSoon();
      },
    });
    this.console = new ToyConsole(
      TOY_CONSOLE_STATE.bind(buffer, at(parts.console)),
      line(LINE.console),
      ports.outputs.serial,
      ports.power,
    );
    this.timer = new ToyTimer(
      TOY_TIMER_STATE.bind(buffer, at(parts.timer)),
      line(LINE.timer),
      this.time,
      this.time.timer(0),
    );
    this.bus.attach(TOY_MAP.console, WINDOW_BYTES, this.console);
    this.bus.attach(TOY_MAP.timer, WINDOW_BYTES, this.timer);
    this.memoryMap = [
      { name: 'ram', kind: 'ram', base: TOY_MAP.ram, bytes: config.ramBytes },
      { name: 'console', kind: 'mmio', base: TOY_MAP.console, bytes: WINDOW_BYTES },
      { name: 'timer', kind: 'mmio', base: TOY_MAP.timer, bytes: WINDOW_BYTES },
    ];
    this.inputs = {
      consoleRoom: port => (port === 0 ? this.console.typed.room : 0),
      entropyWanted: 0,
      networkRoom: 0,
      soundWanted: undefined,
      diskRequests: () => [],
      diskAwaitsHost: false,
      semihostingWanted: false,
      semihostingRequest: () => ({ hart: 0, call: 0 }),
    };
  }

  enter(event: DeviceEvent): void {
    if (event.kind === 'console') this.console.enter(event.bytes);
  }

  refusal(event: DeviceEvent): string | undefined {
    return event.kind === 'console' && event.port === 0 ? undefined : `this board takes no ${event.kind}`;
  }

  fireTimer(): void {
    this.timer.onTimer();
  }

  atBoundary(): void {}
  writerIs(): void {}
  afterRun(): void {}
  settle(): void {}
  afterRestore(): void {}
}

export type ToyMachine = Machine<ToyBoard>;

/** The toy machine, as whatever builds a machine is given it. */
export const buildToy = (
  ...[config, images, outputs, engine = { jit: true, hotAfter: 16 }]: Parameters<BuildMachine>
): ToyMachine =>
  new Machine(
    config,
    images,
    ports => new ToyBoard(config, { ...ports, outputs }, { hotAfter: 16, ...engine }),
  );
