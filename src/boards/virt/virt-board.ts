import type { BreakpointSet } from '../../engine/breakpoint-set.js';
import { DecodeCache } from '../../engine/decode-cache.js';
import { Engine, type EngineOptions } from '../../engine/engine.js';
import { REGION_ENTRIES, REGION_ENTRY_SHIFT, REGION_FUNCTIONS } from '../../engine/engine-layout.js';
import { SELECTOR_TABLE_BYTES } from '../../engine/jit/selector-tables.js';
import { TouchedPages } from '../../engine/touched-pages.js';
import { WatchList } from '../../engine/watch-list.js';
import type {
  Board,
  BoardInputs,
  BoardPorts,
  DebugHooks,
  DeviceEvent,
  MachineState,
  MemoryWindow,
} from '../../machine/board.js';
import { Bus } from '../../machine/bus.js';
import { ForeignWrites } from '../../machine/foreign-writes.js';
import type { Scheduler } from '../../machine/scheduler.js';
import { VirtualTime } from '../../machine/virtual-time.js';
import { GuestMemory } from '../../memory/guest-memory.js';
import { PAGE_BYTES, planMemory } from '../../memory/memory-plan.js';
import type { BootImage, MachineConfig } from '../../ports/config.js';
import type { DmaPort, IrqLine, MachineOutputs } from '../../ports/device.js';
import { behaviourOf, type MachineBehaviour } from '../../ports/revisions.js';
import type { HartEnvironment } from '../../riscv/executing-hart.js';
import { bindExtensionStates } from '../../riscv/extension-state.js';
import type { HartState } from '../../riscv/hart-state.js';
import { RiscvInstructionSet } from '../../riscv/isa/riscv-instructions.js';
import { TLB_BYTES_PER_HART } from '../../riscv/mmu.js';
import { NO_HART, Reservations } from '../../riscv/reservations.js';
import { RiscvSemihostingCaller } from '../../riscv/riscv-caller.js';
import { RiscvHart } from '../../riscv/riscv-hart.js';
import type { Component, Layout, StateOf, StatePlan } from '../../state/layout.js';
import { BoardDevices } from '../board-devices.js';
import type { DeviceRow } from '../device-row.js';
import { RAM_BASE, VIRT_MAP } from './memory-map.js';
import { virtDevices } from './virt-devices.js';
import { planVirt } from './virt-plan.js';

/** Predecoded pages kept at a time: 4 MiB of code. */
const DECODE_PAGES = 1024;

const DEFAULT_ENGINE: EngineOptions = { jit: true };

export interface VirtPorts extends BoardPorts {
  readonly outputs: MachineOutputs;
}

/** The `virt` board. */
export class VirtBoard implements Board {
  readonly behaviour: MachineBehaviour;
  readonly plan: StatePlan;
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly time: VirtualTime;
  readonly harts: readonly RiscvHart[];
  /** Undefined: an SC goes by the value alone, as it did before revision 2. */
  readonly reservations: Reservations | undefined;
  readonly decode: DecodeCache;
  readonly engine: Engine;
  readonly watches = new WatchList();
  readonly breakpoints: BreakpointSet;
  readonly scheduler: Scheduler;
  readonly touched = new TouchedPages();
  readonly foreignWrites = new ForeignWrites(this);
  readonly machineState: MachineState;
  readonly memoryMap: readonly MemoryWindow[];
  readonly ramBase = RAM_BASE;
  readonly resetAddress = VIRT_MAP.bootRom.base;
  readonly devices: BoardDevices;

  constructor(
    readonly config: MachineConfig,
    images: readonly BootImage[],
    ports: VirtPorts,
    options: EngineOptions = DEFAULT_ENGINE,
    rows: readonly DeviceRow[] = virtDevices(config),
  ) {
    this.behaviour = behaviourOf(config);
    this.scheduler = ports.scheduler;
    const parts = planVirt(config, rows);
    this.plan = parts.plan;
    const isa = new RiscvInstructionSet(parts.hart);
    const memoryPlan = planMemory({
      stateBytes: parts.plan.byteLength,
      tlbBytes: config.harts * TLB_BYTES_PER_HART,
      decodePages: DECODE_PAGES,
      regionEntryBytes: REGION_ENTRIES << REGION_ENTRY_SHIFT,
      regionNoteBytes: REGION_FUNCTIONS,
      selectorTableBytes: SELECTOR_TABLE_BYTES,
      isaTableBytes: isa.table?.bytes ?? 0,
      ramBytes: config.ramBytes,
      romBytes: Math.ceil(VIRT_MAP.bootRom.bytes / PAGE_BYTES) * PAGE_BYTES,
      backingBytes: parts.devices.backingBytes,
    });
    this.memory = new GuestMemory(memoryPlan);
    const { buffer } = this.memory.memory;
    const at = (component: Component) => memoryPlan.state + component.offset;
    const bind = <L extends Layout>(component: Component<L>) =>
      component.layout.bind(buffer, at(component)) as StateOf<L>;
    parts.plan.reset(buffer, memoryPlan.state);

    this.machineState = bind(parts.machine);
    this.time = new VirtualTime(bind(parts.time), config.icountShift, this.scheduler);
    this.bus = new Bus(this.memory, RAM_BASE, VIRT_MAP.bootRom.base, this.scheduler);
    this.decode = new DecodeCache(this.memory, isa);
    this.engine = new Engine(this.decode, RAM_BASE, options);
    this.breakpoints = this.engine.breakpoints;
    const hartStates = parts.harts.map(bind);
    this.reservations =
      parts.reservations && new Reservations(bind(parts.reservations), hartStates, this.memory);
    this.devices = new BoardDevices(parts.devices, bind, memoryPlan.backing, this.bus, this.time, {
      memory: this.memory,
      dma: this.#dma,
      clock: this.time,
      scheduler: this.scheduler,
      power: ports.power,
      outputs: ports.outputs,
      images,
      harts: config.harts,
      line: (hart, interrupt) => this.#line(hartStates[hart], interrupt),
      pend: (hart, interrupt) => {
        hartStates[hart].softwarePending |= 1 << interrupt;
        this.scheduler.lookSoon();
      },
    });
    const env = this.#hartEnvironment(ports.hooks);
    this.harts = parts.harts.map(
      (component, id) =>
        new RiscvHart(
          id,
          parts.hart,
          hartStates[id],
          bindExtensionStates(parts.extensions[id], bind),
          at(component),
          memoryPlan.tlb + id * TLB_BYTES_PER_HART,
          env,
        ),
    );
    this.devices.service('counter').tellOfWrites(() => {
      for (const hart of this.harts) hart.supervisorTimer?.update();
    });
    env.semihosting?.connect(this.harts.map(hart => new RiscvSemihostingCaller(hart)));
    this.memoryMap = memoryMapOf(config, rows);
  }

  #hartEnvironment(hooks: DebugHooks) {
    const counter = this.devices.service('counter');
    const entropy = this.devices.service('entropy');
    return {
      memory: this.memory,
      bus: this.bus,
      engine: this.engine,
      decode: this.decode,
      scheduler: this.scheduler,
      watches: this.watches,
      breakpoints: this.breakpoints,
      touched: this.touched,
      hooks,
      writesCsrsExactly: this.behaviour.debuggerCsrWrite === 'exact',
      semihosting: this.devices.services.semihosting,
      supervisorTimers: this.devices.services.supervisorTimers,
      icount: () => this.time.icount,
      randomHalf: () => entropy.half(),
      readTime: out => out.set(counter.timeLow(), counter.timeHigh()),
    } satisfies HartEnvironment;
  }

  get inputs(): BoardInputs {
    return this.devices.inputs;
  }

  get replayBlockers(): readonly string[] {
    return this.devices.replayBlockers;
  }

  refusal(event: DeviceEvent): string | undefined {
    return this.devices.inputs.refusal(event);
  }

  enter(event: DeviceEvent): void {
    this.devices.inputs.enter(event);
  }

  atBoundary(): void {
    this.devices.atBoundary();
  }

  writerIs(hart: number | undefined): void {
    this.reservations?.run(hart ?? NO_HART);
  }

  afterRun(): void {
    this.reservations?.settle();
  }

  settle(): void {
    this.devices.settle();
  }

  afterRestore(): void {
    this.reservations?.afterRestore();
    this.devices.afterRestore();
  }

  fireTimer(index: number): void {
    this.devices.fireTimer(index);
  }

  #line(state: HartState, interrupt: number): IrqLine {
    const bit = 1 << interrupt;
    return {
      set: level => {
        const lines = level ? state.lines | bit : state.lines & ~bit;
        if (lines >>> 0 === state.lines) return;
        state.lines = lines >>> 0;
        this.scheduler.lookSoon();
      },
    };
  }

  readonly #dma: DmaPort = {
    readable: (address, length) => this.#memoryAt(address, length, false),
    writable: (address, length) => this.#memoryAt(address, length, true),
  };

  #memoryAt(address: number, length: number, write: boolean): Uint8Array | undefined {
    const host = this.bus.hostAddress(address, length, write);
    if (host === 0) return undefined;
    if (write && length > 0) {
      this.foreignWrites.note(address, length, 'device');
      this.reservations?.writtenByDevice(host, length);
      this.memory.beforeWrite(host, length);
    }
    return this.memory.u8.subarray(host, host + length);
  }
}

/** In order of address, RAM last; windows that are parts of one are shown as that one. */
function memoryMapOf({ ramBytes }: MachineConfig, rows: readonly DeviceRow[]): readonly MemoryWindow[] {
  const shown = new Map<number, MemoryWindow>();
  for (const { window, rom } of rows) {
    if (window === undefined) continue;
    const { name, base, bytes, decoded } = window.bank ?? window;
    shown.set(base, { name, kind: rom ? 'rom' : 'mmio', base, bytes: decoded ?? bytes });
  }
  const windows = [...shown.values()].sort((a, b) => a.base - b.base);
  return [...windows, { name: 'ram', kind: 'ram', base: RAM_BASE, bytes: ramBytes }];
}
