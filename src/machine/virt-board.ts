import { Clint, clintState } from '../devices/clint.js';
import { GoldfishRtc, goldfishRtcState } from '../devices/goldfish-rtc.js';
import { Plic, plicState } from '../devices/plic.js';
import { TestFinisher } from '../devices/test-finisher.js';
import { UART_STATE, Uart16550 } from '../devices/uart16550.js';
import { EmptyVirtioSlot } from '../devices/virtio/empty-slot.js';
import { VIRTIO_SLOT_BYTES } from '../devices/virtio/mmio-transport.js';
import { BreakpointSet } from '../engine/breakpoint-set.js';
import { DecodeCache } from '../engine/decode-cache.js';
import { Engine, type EngineOptions } from '../engine/engine.js';
import { REGION_ENTRIES, REGION_ENTRY_SHIFT, REGION_FUNCTIONS } from '../engine/engine-layout.js';
import { SELECTOR_TABLE_BYTES } from '../engine/jit/selector-tables.js';
import { TouchedPages } from '../engine/touched-pages.js';
import { WatchList } from '../engine/watch-list.js';
import { GuestMemory, PAGE_FLAG } from '../memory/guest-memory.js';
import { planMemory } from '../memory/memory-plan.js';
import type { DebugHooks } from '../riscv/executing-hart.js';
import { RiscvHart } from '../riscv/hart.js';
import { HART_STATE } from '../riscv/hart-state.js';
import { RiscvInstructionSet } from '../riscv/isa/instruction-set.js';
import { TLB_BYTES_PER_HART } from '../riscv/mmu.js';
import { INTERRUPT, parseIsa } from '../riscv/privileged.js';
import { Reservations, reservationState } from '../riscv/reservations.js';
import { type Component, defineState, StatePlan, u8, u32 } from '../state/layout.js';
import { Bus } from './bus.js';
import { CONSOLE_QUEUE_STATE, ConsoleQueue } from './console-queue.js';
import { Entropy, entropyState } from './entropy.js';
import { ForeignWrites } from './foreign-writes.js';
import { RAM_BASE, VIRT_IRQ, VIRT_MAP, VIRTIO_SLOTS, virtioSlot } from './memory-map.js';
import type { BootImage, DmaPort, IrqLine, MachineConfig, MachineOutputs, PowerPort } from './ports.js';
import { behaviourOf, type MachineBehaviour } from './revisions.js';
import { type DeviceEvent, VirtioDevices } from './virtio-devices.js';
import { timeState, VirtualTime } from './virtual-time.js';

/** What the machine itself remembers: whose turn it is, and how it ended. */
export const MACHINE_STATE = defineState('machine', {
  currentHart: u8(),
  quantumLeft: u32(),
  poweredOff: u8(),
  exitCode: u8(),
  /** The guest asked for a reset, which happens at the next boundary. */
  resetRequested: u8(),
});

/** Predecoded pages kept at a time: 4 MiB of code. */
const DECODE_PAGES = 1024;

const DEFAULT_ENGINE: EngineOptions = { jit: true };

export interface BoardPorts {
  readonly hooks: DebugHooks;
  readonly power: PowerPort;
  readonly outputs: MachineOutputs;
  /** Something changed that the machine has to look at before the next step. */
  readonly onAttention: () => void;
}

/** Numbers of the timers behind those of the CLINT, which has one for each hart; virtio devices have the last ones. */
const TIMER_AFTER_HARTS = { uart: 0, rtc: 1, firstVirtio: 2 } as const;

/** The `virt` board: every part of the machine, wired. It decides nothing about when things run. */
export class VirtBoard {
  readonly behaviour: MachineBehaviour;
  readonly plan = new StatePlan();
  readonly memory: GuestMemory;
  readonly bus: Bus;
  readonly time: VirtualTime;
  readonly harts: readonly RiscvHart[];
  /** Undefined: an SC goes by the value alone, as it did before revision 2. */
  readonly reservations: Reservations | undefined;
  readonly decode: DecodeCache;
  readonly engine: Engine;
  readonly watches = new WatchList();
  readonly breakpoints = new BreakpointSet();
  readonly touched = new TouchedPages();
  readonly foreignWrites = new ForeignWrites(this);
  readonly machineState: ReturnType<typeof MACHINE_STATE.bind>;
  readonly clint: Clint;
  readonly plic: Plic;
  readonly uart: Uart16550;
  readonly console: ConsoleQueue;
  readonly rtc: GoldfishRtc;
  readonly virtio: VirtioDevices;
  readonly entropy: Entropy;

  constructor(
    readonly config: MachineConfig,
    images: readonly BootImage[],
    ports: BoardPorts,
    options: EngineOptions = DEFAULT_ENGINE,
  ) {
    this.behaviour = behaviourOf(config);
    const { plan } = this;
    const machine = plan.add('machine', MACHINE_STATE);
    const timerOf = (own: number) => config.harts + own;
    const hartParts = Array.from({ length: config.harts }, (_, i) => plan.add(`hart${i}`, HART_STATE));
    const clintLayout = clintState(config.harts);
    const clint = plan.add('clint', clintLayout);
    const plicLayout = plicState(2 * config.harts);
    const plic = plan.add('plic', plicLayout);
    const uart = plan.add('uart0', UART_STATE);
    const consoleQueue = plan.add('console0', CONSOLE_QUEUE_STATE);
    const rtcLayout = goldfishRtcState(config.rtcSeconds);
    const rtc = plan.add('rtc', rtcLayout);
    const entropyLayout = entropyState(config.entropySeed);
    const entropy = plan.add('entropy', entropyLayout);
    this.virtio = new VirtioDevices(config, images, plan);
    const timeLayout = timeState(timerOf(TIMER_AFTER_HARTS.firstVirtio + this.virtio.timers));
    const time = plan.add('time', timeLayout);
    const reservationLayout = reservationState(config.harts);
    const reservations =
      this.behaviour.reservation === 'writes' ? plan.add('reservations', reservationLayout) : undefined;

    const hartConfig = parseIsa(config.isa);
    const isa = new RiscvInstructionSet(hartConfig);
    const memoryPlan = planMemory({
      stateBytes: plan.byteLength,
      tlbBytes: config.harts * TLB_BYTES_PER_HART,
      decodePages: DECODE_PAGES,
      regionEntryBytes: REGION_ENTRIES << REGION_ENTRY_SHIFT,
      regionNoteBytes: REGION_FUNCTIONS,
      selectorTableBytes: SELECTOR_TABLE_BYTES,
      isaTableBytes: isa.table?.bytes ?? 0,
      ramBytes: config.ramBytes,
      romBytes: Math.ceil(VIRT_MAP.bootRom.bytes / 4096) * 4096,
      backingBytes: this.virtio.backingBytes,
    });
    this.memory = new GuestMemory(memoryPlan);
    const { buffer } = this.memory.memory;
    const at = (component: Component) => memoryPlan.state + component.offset;
    plan.reset(buffer, memoryPlan.state);

    this.machineState = MACHINE_STATE.bind(buffer, at(machine));
    this.time = new VirtualTime(timeLayout.bind(buffer, at(time)), config.icountShift);
    this.time.onArm = ports.onAttention;
    this.entropy = new Entropy(entropyLayout.bind(buffer, at(entropy)), config.entropy ?? 'seed');
    this.entropy.onWant = () => {
      ports.onAttention();
      this.running?.requestBoundary();
    };
    this.entropy.onFed = () => this.virtio.rng?.fed();
    this.bus = new Bus(this.memory, VIRT_MAP.bootRom.base);

    this.decode = new DecodeCache(this.memory, isa);
    this.engine = new Engine(this.decode, RAM_BASE, options);
    this.harts = hartParts.map(
      (component, id) =>
        new RiscvHart(
          id,
          hartConfig,
          HART_STATE.bind(buffer, at(component)),
          at(component),
          memoryPlan.tlb + id * TLB_BYTES_PER_HART,
          {
            memory: this.memory,
            bus: this.bus,
            decode: this.decode,
            watches: this.watches,
            breakpoints: this.breakpoints,
            touched: this.touched,
            hooks: ports.hooks,
            systemOperations: this.engine.systemOperations,
            hotCode: this.engine.regions,
            randomHalf: () => this.entropy.half(),
            readTime: out => out.set(this.clint.timeLow(), this.clint.timeHigh()),
          },
        ),
    );
    this.reservations =
      reservations &&
      new Reservations(
        reservationLayout.bind(buffer, at(reservations)),
        this.harts.map(hart => hart.state),
        this.memory,
      );
    this.decode.onEvict = () => {
      for (const hart of this.harts) hart.mmu.flushFetch();
    };
    this.memory.observer = {
      codeWritten: (host, length) => this.decode.invalidate(host, length),
      pageTableWritten: (page, host, length) => {
        let fetched = false;
        for (const hart of this.harts) if (hart.mmu.pageTableChanges(host, length)) fetched = true;
        // The next fetch may need the new entry, though it is on the page that is already looked up.
        if (fetched) this.running?.requestBoundary();
        // To a marked page, writes are slow: it may be a table no more. The next walk by way of it marks it again.
        if (!this.harts.some(hart => hart.mmu.dependsOn(page)))
          this.memory.flags[page] &= ~PAGE_FLAG.pageTable;
      },
      reservedWritten: (host, length) => this.reservations?.written(host, length),
    };

    const line = (hart: number, interrupt: number): IrqLine => ({
      set: level => {
        const { state } = this.harts[hart];
        const bit = 1 << interrupt;
        const lines = level ? state.lines | bit : state.lines & ~bit;
        if (lines >>> 0 === state.lines) return;
        state.lines = lines >>> 0;
        ports.onAttention();
      },
    });
    const hartIds = this.harts.map(hart => hart.id);
    this.clint = new Clint(
      clintLayout.bind(buffer, at(clint)),
      this.time,
      hartIds.map(id => ({
        msip: line(id, INTERRUPT.machineSoftware),
        mtip: line(id, INTERRUPT.machineTimer),
        timer: this.time.timer(id),
      })),
    );
    this.plic = new Plic(
      plicLayout.bind(buffer, at(plic)),
      hartIds.flatMap(id => [line(id, INTERRUPT.machineExternal), line(id, INTERRUPT.supervisorExternal)]),
      this.behaviour.interruptPending,
    );
    this.uart = new Uart16550(UART_STATE.bind(buffer, at(uart)), {
      irq: this.plic.input(VIRT_IRQ.uart0),
      output: ports.outputs.serial,
      clock: this.time,
      timer: this.time.timer(timerOf(TIMER_AFTER_HARTS.uart)),
    });
    this.console = new ConsoleQueue(CONSOLE_QUEUE_STATE.bind(buffer, at(consoleQueue)), this.uart);
    this.rtc = new GoldfishRtc(rtcLayout.bind(buffer, at(rtc)), {
      irq: this.plic.input(VIRT_IRQ.rtc),
      clock: this.time,
      timer: this.time.timer(timerOf(TIMER_AFTER_HARTS.rtc)),
    });
    this.virtio.build(
      {
        buffer,
        at,
        memory: this.memory,
        dma: this.#dma,
        clock: this.time,
        entropy: this.entropy,
        outputs: ports.outputs,
        irq: slot => this.plic.input(VIRT_IRQ.virtio + slot),
        timer: index => this.time.timer(timerOf(TIMER_AFTER_HARTS.firstVirtio + index)),
      },
      memoryPlan.backing,
    );

    const { test, clint: clintWindow, plic: plicWindow, uart0 } = VIRT_MAP;
    this.bus.attach(test.base, test.bytes, new TestFinisher(ports.power));
    this.bus.attach(clintWindow.base, clintWindow.decoded, this.clint);
    this.bus.attach(plicWindow.base, plicWindow.bytes, this.plic);
    this.bus.attach(uart0.base, uart0.decoded, this.uart);
    this.bus.attach(VIRT_MAP.rtc.base, VIRT_MAP.rtc.decoded, this.rtc);
    for (let slot = 0; slot < VIRTIO_SLOTS; slot++) {
      const device = this.virtio.inSlot(slot) ?? new EmptyVirtioSlot(config.virtio);
      this.bus.attach(virtioSlot(slot).base, VIRTIO_SLOT_BYTES, device);
    }
    this.engine.connect(() => this.running!);
    if (this.engine.regions !== undefined) this.engine.regions.breakpoints = this.breakpoints;
    for (const hart of this.harts) hart.attach(this.engine.run);
  }

  /** The hart whose generated code is running; the host functions act for it. */
  running: RiscvHart | undefined;

  /** Input for a device enters. */
  enter(event: DeviceEvent): void {
    if (event.kind !== 'console' || event.port !== 0) {
      this.virtio.enter(event);
      return;
    }
    this.console.enqueue(event.bytes);
    this.console.pump();
  }

  /** How many bytes a console can still take. */
  consoleRoom(port: number): number {
    return (port === 0 ? this.console.room : this.virtio.console?.room) ?? 0;
  }

  /** A timer of the board came due. */
  fireTimer(index: number): void {
    const own = index - this.harts.length;
    if (own < 0) this.clint.onTimer(index);
    else if (own === TIMER_AFTER_HARTS.uart) this.uart.onTimer(0);
    else if (own === TIMER_AFTER_HARTS.rtc) this.rtc.onTimer();
    else this.virtio.fireTimer(own - TIMER_AFTER_HARTS.firstVirtio);
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

  flushTranslations(): void {
    for (const hart of this.harts) hart.mmu.flush();
  }
}
