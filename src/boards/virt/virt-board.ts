import { Clint, clintState } from '../../devices/clint.js';
import { GoldfishRtc, goldfishRtcState } from '../../devices/goldfish-rtc.js';
import { Plic, plicState } from '../../devices/plic.js';
import { TestFinisher } from '../../devices/test-finisher.js';
import { UART_STATE, Uart16550 } from '../../devices/uart16550.js';
import { EmptyVirtioSlot } from '../../devices/virtio/empty-slot.js';
import { VIRTIO_SLOT_BYTES } from '../../devices/virtio/mmio-transport.js';
import type { BreakpointSet } from '../../engine/breakpoint-set.js';
import { DecodeCache } from '../../engine/decode-cache.js';
import { Engine, type EngineOptions } from '../../engine/engine.js';
import { REGION_ENTRIES, REGION_ENTRY_SHIFT, REGION_FUNCTIONS } from '../../engine/engine-layout.js';
import { SELECTOR_TABLE_BYTES } from '../../engine/jit/selector-tables.js';
import { TouchedPages } from '../../engine/touched-pages.js';
import { WatchList } from '../../engine/watch-list.js';
import {
  type Board,
  type BoardInputs,
  type BoardPorts,
  type DeviceEvent,
  MACHINE_STATE,
  type MachineState,
  type MemoryWindow,
} from '../../machine/board.js';
import { Bus } from '../../machine/bus.js';
import { ForeignWrites } from '../../machine/foreign-writes.js';
import type { Scheduler } from '../../machine/scheduler.js';
import { timeState, VirtualTime } from '../../machine/virtual-time.js';
import { GuestMemory } from '../../memory/guest-memory.js';
import { planMemory } from '../../memory/memory-plan.js';
import type { BootImage, MachineConfig } from '../../ports/config.js';
import type { DmaPort, IrqLine, MachineOutputs, MmioDevice } from '../../ports/device.js';
import { behaviourOf, type MachineBehaviour } from '../../ports/revisions.js';
import { RiscvHart } from '../../riscv/hart.js';
import { HART_STATE } from '../../riscv/hart-state.js';
import { RiscvInstructionSet } from '../../riscv/isa/instruction-set.js';
import { TLB_BYTES_PER_HART } from '../../riscv/mmu.js';
import { INTERRUPT, parseIsa } from '../../riscv/privileged.js';
import { NO_HART, Reservations, reservationState } from '../../riscv/reservations.js';
import { type Component, StatePlan } from '../../state/layout.js';
import { CONSOLE_QUEUE_STATE, ConsoleQueue } from '../console-queue.js';
import { Entropy, entropyState } from '../entropy.js';
import { eventRefusal } from './event-refusal.js';
import { RAM_BASE, VIRT_IRQ, VIRT_MAP, VIRTIO_SLOTS, virtioSlot } from './memory-map.js';
import { VirtInputs } from './virt-inputs.js';
import { VirtioDevices } from './virtio-devices.js';

/** Predecoded pages kept at a time: 4 MiB of code. */
const DECODE_PAGES = 1024;

const DEFAULT_ENGINE: EngineOptions = { jit: true };

export interface VirtPorts extends BoardPorts {
  readonly outputs: MachineOutputs;
}

/** Numbers of the timers behind those of the CLINT, which has one for each hart; virtio devices have the last ones. */
const TIMER_AFTER_HARTS = { uart: 0, rtc: 1, firstVirtio: 2 } as const;

/** The `virt` board. */
export class VirtBoard implements Board {
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
  readonly breakpoints: BreakpointSet;
  readonly scheduler: Scheduler;
  readonly touched = new TouchedPages();
  readonly foreignWrites = new ForeignWrites(this);
  readonly machineState: MachineState;
  readonly inputs: BoardInputs;
  readonly memoryMap: readonly MemoryWindow[];
  readonly ramBase = RAM_BASE;
  readonly resetAddress = VIRT_MAP.bootRom.base;
  #consoleWaits = false;
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
    ports: VirtPorts,
    options: EngineOptions = DEFAULT_ENGINE,
  ) {
    this.behaviour = behaviourOf(config);
    this.scheduler = ports.scheduler;
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
    this.time = new VirtualTime(timeLayout.bind(buffer, at(time)), config.icountShift, this.scheduler);
    this.entropy = new Entropy(entropyLayout.bind(buffer, at(entropy)), config.entropy ?? 'seed');
    this.entropy.onWant = () => {
      this.scheduler.lookSoon();
      this.scheduler.endRun();
    };
    this.entropy.onFed = () => this.virtio.rng?.fed();
    this.bus = new Bus(this.memory, RAM_BASE, VIRT_MAP.bootRom.base, this.scheduler);

    this.decode = new DecodeCache(this.memory, isa);
    this.engine = new Engine(this.decode, RAM_BASE, options);
    this.breakpoints = this.engine.breakpoints;
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
            engine: this.engine,
            decode: this.decode,
            scheduler: this.scheduler,
            watches: this.watches,
            breakpoints: this.breakpoints,
            touched: this.touched,
            hooks: ports.hooks,
            writesCsrsExactly: this.behaviour.debuggerCsrWrite === 'exact',
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

    const line = (hart: number, interrupt: number): IrqLine => ({
      set: level => {
        const { state } = this.harts[hart];
        const bit = 1 << interrupt;
        const lines = level ? state.lines | bit : state.lines & ~bit;
        if (lines >>> 0 === state.lines) return;
        state.lines = lines >>> 0;
        this.scheduler.lookSoon();
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
    this.bus.attach(uart0.base, uart0.decoded, this.#pumped(this.uart));
    this.bus.attach(VIRT_MAP.rtc.base, VIRT_MAP.rtc.decoded, this.rtc);
    for (let slot = 0; slot < VIRTIO_SLOTS; slot++) {
      const device = this.virtio.inSlot(slot) ?? new EmptyVirtioSlot(config.virtio);
      this.bus.attach(virtioSlot(slot).base, VIRTIO_SLOT_BYTES, device);
    }
    this.memoryMap = memoryMapOf(config);
    this.inputs = new VirtInputs(this.console, this.entropy, this.virtio);
  }

  refusal(event: DeviceEvent): string | undefined {
    return eventRefusal(this, event);
  }

  enter(event: DeviceEvent): void {
    if (event.kind === 'entropy') {
      this.entropy.feed(event.bytes);
      return;
    }
    if (event.kind !== 'console' || event.port !== 0) {
      this.virtio.enter(event);
      return;
    }
    this.console.enqueue(event.bytes);
    this.console.pump();
  }

  /** The 16550, behind whose accesses typed bytes that wait may go on. */
  #pumped(uart: Uart16550): MmioDevice {
    const look = () => {
      if (this.console.empty) return;
      this.#consoleWaits = true;
      this.scheduler.lookSoon();
    };
    return {
      access: uart.access,
      width: uart.width,
      peek: (offset, size) => uart.peek(offset, size),
      read: (offset, size) => {
        const value = uart.read(offset, size);
        look();
        return value;
      },
      write: (offset, size, value) => {
        uart.write(offset, size, value);
        look();
      },
    };
  }

  atBoundary(): void {
    if (!this.#consoleWaits) return;
    this.#consoleWaits = false;
    this.console.pump();
  }

  writerIs(hart: number | undefined): void {
    this.reservations?.run(hart ?? NO_HART);
  }

  afterRun(): void {
    this.reservations?.settle();
  }

  settle(): void {
    this.clint.settle();
  }

  afterRestore(): void {
    this.reservations?.afterRestore();
    this.#consoleWaits = false;
  }

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
}

function memoryMapOf({ ramBytes }: MachineConfig): readonly MemoryWindow[] {
  const windows = Object.entries(VIRT_MAP).map(([name, region]) => ({
    name,
    kind: name === 'bootRom' ? ('rom' as const) : ('mmio' as const),
    base: region.base,
    bytes: 'decoded' in region ? region.decoded : region.bytes,
  }));
  return [...windows, { name: 'ram', kind: 'ram', base: RAM_BASE, bytes: ramBytes }];
}
