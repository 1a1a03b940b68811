import { AclintSswi } from '../../devices/aclint-sswi.js';
import { Clint, clintState } from '../../devices/clint.js';
import { CompareTimers } from '../../devices/compare-timers.js';
import { GoldfishRtc, goldfishRtcState } from '../../devices/goldfish-rtc.js';
import { PLIC_SOURCES, Plic, plicState } from '../../devices/plic.js';
import { TestFinisher } from '../../devices/test-finisher.js';
import { UART_STATE, Uart16550 } from '../../devices/uart16550.js';
import type { MachineConfig } from '../../ports/config.js';
import { behaviourOf } from '../../ports/revisions.js';
import { parseIsa } from '../../riscv/isa-text.js';
import { INTERRUPT } from '../../riscv/privileged.js';
import { type DeviceNode, type DeviceRow, deviceRow } from '../device-row.js';
import { cells, node, strings } from '../device-tree.js';
import { Entropy, entropyState } from '../entropy.js';
import { CONSOLE_QUEUE_STATE, SerialConsole } from '../serial-console.js';
import { VIRT_IRQ, VIRT_MAP, windowOf } from './memory-map.js';
import { semihostingRows } from './semihosting-row.js';
import { virtioRows } from './virtio-rows.js';

const UART_CLOCK_HZ = 3_686_400;

/** What a machine is that boots no kernel yet: all but where it starts. */
export type BoardConfig = Omit<MachineConfig, 'entry'>;

/**
 * The devices of the `virt` board. Their order is that of their state and of timers that are due at once: recordings
 * depend on it, so new ones come last.
 */
export const virtDevices = (config: BoardConfig): readonly DeviceRow[] => [
  deviceRow({ name: 'boot ROM', state: {}, window: windowOf('bootRom'), rom: true }),
  testFinisher(),
  ...(config.aclint === true ? [supervisorSoftware(), MTIMER_ROW] : []),
  clint(config),
  plic(config),
  serial(),
  rtc(config),
  entropy(config),
  ...virtioRows(config),
  ...semihostingRows(config),
  ...supervisorTimers(config),
];

const testFinisher = (): DeviceRow =>
  deviceRow({
    name: 'test finisher',
    state: {},
    window: windowOf('test'),
    node: {
      kind: 'test',
      platform: true,
      properties: () => ({ compatible: strings('sifive,test1', 'sifive,test0', 'syscon') }),
      referred: {
        besideBus: phandle => [
          syscon('poweroff', 'syscon-poweroff', phandle, 0x5555),
          syscon('reboot', 'syscon-reboot', phandle, 0x7777),
        ],
      },
    },
    build: ({ power }) => ({ registers: new TestFinisher(power) }),
  });

const syscon = (name: string, compatible: string, regmap: number, value: number) =>
  node(name, {
    value: cells(value),
    offset: cells(0),
    regmap: cells(regmap),
    compatible: strings(compatible),
  });

const CLINT_NODE: DeviceNode = {
  kind: 'clint',
  platform: true,
  properties: perHart => ({
    'interrupts-extended': perHart(INTERRUPT.machineSoftware, INTERRUPT.machineTimer),
    compatible: strings('sifive,clint0', 'riscv,clint0'),
  }),
};

/** ACLINT specification 1.0: the CLINT's registers are those of MSWI and MTIMER, at the same addresses. */
const { base: CLINT_BASE } = VIRT_MAP.clint;

const softwareNode = (kind: string, interrupt: number, place: DeviceNode['place']): DeviceNode => ({
  kind,
  platform: true,
  ...(place === undefined ? {} : { place }),
  properties: perHart => ({
    '#interrupt-cells': cells(0),
    'interrupt-controller': true,
    'interrupts-extended': perHart(interrupt),
    compatible: strings(`riscv,aclint-${kind}`),
  }),
});

const MSWI_NODE = softwareNode('mswi', INTERRUPT.machineSoftware, {
  base: CLINT_BASE,
  ranges: [{ base: CLINT_BASE, bytes: 0x4000 }],
});

const MTIMER_ROW = deviceRow({
  name: 'mtimer',
  state: {},
  node: {
    kind: 'mtimer',
    platform: true,
    place: {
      base: CLINT_BASE + 0x4000,
      ranges: [
        { base: CLINT_BASE + 0xbff8, bytes: 0x4008 },
        { base: CLINT_BASE + 0x4000, bytes: 0x7ff8 },
      ],
    },
    properties: perHart => ({
      'interrupts-extended': perHart(INTERRUPT.machineTimer),
      compatible: strings('riscv,aclint-mtimer'),
    }),
  },
});

const supervisorSoftware = (): DeviceRow =>
  deviceRow({
    name: 'supervisor software interrupts',
    state: {},
    window: windowOf('aclintSswi'),
    node: softwareNode('sswi', INTERRUPT.supervisorSoftware, undefined),
    build: ({ pend, harts }) => ({
      registers: new AclintSswi(harts, hart => pend(hart, INTERRUPT.supervisorSoftware)),
    }),
  });

const clint = ({ harts, aclint }: BoardConfig): DeviceRow =>
  deviceRow({
    name: 'clint',
    state: { clint: clintState(harts) },
    window: windowOf('clint'),
    timers: harts,
    node: aclint === true ? MSWI_NODE : CLINT_NODE,
    build({ line, clock, timers }, state) {
      const wires = timers.map((timer, hart) => ({
        msip: line(hart, INTERRUPT.machineSoftware),
        mtip: line(hart, INTERRUPT.machineTimer),
        timer,
      }));
      const registers = new Clint(state.clint, clock, wires);
      return { registers, services: { counter: registers } };
    },
  });

const plic = (config: BoardConfig): DeviceRow =>
  deviceRow({
    name: 'plic',
    state: { plic: plicState(2 * config.harts) },
    window: windowOf('plic'),
    node: {
      kind: 'plic',
      platform: true,
      interruptController: true,
      properties: perHart => ({
        'riscv,ndev': cells(PLIC_SOURCES),
        'interrupts-extended': perHart(INTERRUPT.machineExternal, INTERRUPT.supervisorExternal),
        'interrupt-controller': true,
        compatible: strings('sifive,plic-1.0.0', 'riscv,plic0'),
        '#address-cells': cells(0),
        '#interrupt-cells': cells(1),
      }),
      referred: { besideBus: () => [] },
    },
    build({ line, harts }, state) {
      const contexts = Array.from({ length: harts }, (_, hart) => [
        line(hart, INTERRUPT.machineExternal),
        line(hart, INTERRUPT.supervisorExternal),
      ]).flat();
      const registers = new Plic(state.plic, contexts, behaviourOf(config).interruptPending);
      return { registers, services: { interrupts: source => registers.input(source) } };
    },
  });

const serial = (): DeviceRow =>
  deviceRow({
    name: 'serial console',
    state: { uart0: UART_STATE, console0: CONSOLE_QUEUE_STATE },
    window: windowOf('uart0'),
    interrupt: VIRT_IRQ.uart0,
    timers: 1,
    node: {
      kind: 'serial',
      platform: true,
      stdout: true,
      properties: () => ({
        'clock-frequency': cells(UART_CLOCK_HZ),
        compatible: strings('ns16550a'),
      }),
    },
    build({ irq, outputs, clock, timers: [timer], scheduler }, state) {
      const uart = new Uart16550(state.uart0, { irq, output: outputs.serial, clock, timer });
      const registers = new SerialConsole(uart, state.console0, scheduler);
      return { registers, inputs: { console: registers }, services: { typed: registers } };
    },
  });

const rtc = ({ rtcSeconds }: BoardConfig): DeviceRow =>
  deviceRow({
    name: 'rtc',
    state: { rtc: goldfishRtcState(rtcSeconds) },
    window: windowOf('rtc'),
    interrupt: VIRT_IRQ.rtc,
    timers: 1,
    node: { kind: 'rtc', properties: () => ({ compatible: strings('google,goldfish-rtc') }) },
    build: ({ irq, clock, timers: [timer] }, state) => ({
      registers: new GoldfishRtc(state.rtc, { irq, clock, timer }),
    }),
  });

/** Everything random; it stands on no bus. */
const entropy = (config: BoardConfig): DeviceRow =>
  deviceRow({
    name: 'entropy',
    state: { entropy: entropyState(config.entropySeed) },
    build({ scheduler }, state) {
      const entropy = new Entropy(state.entropy, config.entropy ?? 'seed', scheduler);
      return { services: { entropy }, inputs: entropy.source === 'host' ? { entropy } : {} };
    },
  });

/** Those of Sstc stand in the harts, which keep what time is compared with. */
const supervisorTimers = ({ harts, isa }: BoardConfig): readonly DeviceRow[] => {
  if (!parseIsa(isa).extensions.has('sstc')) return [];
  const row = deviceRow({
    name: 'supervisor timers',
    state: {},
    timers: harts,
    build({ line, clock, timers, service }) {
      const wires = timers.map((timer, hart) => ({ line: line(hart, INTERRUPT.supervisorTimer), timer }));
      const device = new CompareTimers(wires, service('counter'), clock);
      return { device, services: { supervisorTimers: device } };
    },
  });
  return [row];
};
