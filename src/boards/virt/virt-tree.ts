import { TIMEBASE_FREQUENCY } from '../../devices/clint.js';
import { PLIC_SOURCES } from '../../devices/plic.js';
import type { MachineConfig } from '../../ports/config.js';
import { deviceTreeIsa, parseIsa } from '../../riscv/privileged.js';
import { cells, cells64, node, strings, type TreeNode, type TreeValue } from '../device-tree.js';
import { seedBytes } from '../seed-bytes.js';
import { RAM_BASE, type Region, VIRT_IRQ, VIRT_MAP, VIRTIO_SLOTS, virtioSlot } from './memory-map.js';

export interface VirtTreeOptions
  extends Pick<MachineConfig, 'isa' | 'harts' | 'ramBytes' | 'append' | 'entropySeed'> {
  /** Physical addresses of an initial RAM disk: first byte, and first byte after it. */
  readonly initrd?: { readonly start: number; readonly end: number };
}

const UART_CLOCK_HZ = 3_686_400;
/** Of the translation modes that harts with S-mode have. */
const LARGEST_MMU_MODE = { 32: 'sv32', 64: 'sv48' } as const;
const RNG_SEED_BYTES = 32;
const RNG_SEED_STREAM = 0;

/** Interrupt numbers at a hart's own interrupt controller (privileged specification, mcause). */
const M_SOFTWARE = 3;
const M_TIMER = 7;
const S_EXTERNAL = 9;
const M_EXTERNAL = 11;

/** The tree of the board as it is: QEMU 7.2's `virt`, less the devices that are not there. */
export function virtTree(options: VirtTreeOptions): TreeNode {
  const { harts } = options;
  // QEMU hands out phandles from the last hart to the first.
  const cpu = (hart: number) => 2 * (harts - 1 - hart) + 1;
  const cpuInterrupts = (hart: number) => cpu(hart) + 1;
  const plic = 2 * harts + 1;
  const test = plic + 1;
  const perHart = (...interrupts: number[]) =>
    cells(
      ...Array.from({ length: harts }, (_, hart) => interrupts.flatMap(i => [cpuInterrupts(hart), i])).flat(),
    );
  const hartNumbers = Array.from({ length: harts }, (_, hart) => hart);

  return node('', { '#address-cells': cells(2), '#size-cells': cells(2), ...named }, [
    chosen(options),
    syscon('poweroff', 'syscon-poweroff', test, 0x5555),
    syscon('reboot', 'syscon-reboot', test, 0x7777),
    node(`memory@${RAM_BASE.toString(16)}`, {
      device_type: strings('memory'),
      reg: cells64(RAM_BASE, options.ramBytes),
    }),
    node(
      'cpus',
      {
        '#address-cells': cells(1),
        '#size-cells': cells(0),
        'timebase-frequency': cells(TIMEBASE_FREQUENCY),
      },
      [
        ...hartNumbers.map(hart => cpuNode(hart, cpu(hart), options)),
        node('cpu-map', {}, [
          node(
            'cluster0',
            {},
            hartNumbers.map(hart => node(`core${hart}`, { cpu: cells(cpu(hart)) })),
          ),
        ]),
      ],
    ),
    node(
      'soc',
      {
        '#address-cells': cells(2),
        '#size-cells': cells(2),
        compatible: strings('simple-bus'),
        ranges: true,
      },
      [
        device('rtc', VIRT_MAP.rtc, {
          interrupts: cells(VIRT_IRQ.rtc),
          'interrupt-parent': cells(plic),
          compatible: strings('google,goldfish-rtc'),
        }),
        ...Array.from({ length: VIRTIO_SLOTS }, (_, slot) =>
          device('virtio_mmio', virtioSlot(slot), {
            interrupts: cells(VIRT_IRQ.virtio + slot),
            'interrupt-parent': cells(plic),
            compatible: strings('virtio,mmio'),
          }),
        ).reverse(),
        device('test', VIRT_MAP.test, {
          phandle: cells(test),
          compatible: strings('sifive,test1', 'sifive,test0', 'syscon'),
        }),
        device('clint', VIRT_MAP.clint, {
          'interrupts-extended': perHart(M_SOFTWARE, M_TIMER),
          compatible: strings('sifive,clint0', 'riscv,clint0'),
        }),
        device('plic', VIRT_MAP.plic, {
          phandle: cells(plic),
          'riscv,ndev': cells(PLIC_SOURCES),
          'interrupts-extended': perHart(M_EXTERNAL, S_EXTERNAL),
          'interrupt-controller': true,
          compatible: strings('sifive,plic-1.0.0', 'riscv,plic0'),
          '#address-cells': cells(0),
          '#interrupt-cells': cells(1),
        }),
        device('serial', VIRT_MAP.uart0, {
          interrupts: cells(VIRT_IRQ.uart0),
          'interrupt-parent': cells(plic),
          'clock-frequency': cells(UART_CLOCK_HZ),
          compatible: strings('ns16550a'),
        }),
      ],
    ),
  ]);
}

const named = { compatible: strings('riscv-virtio'), model: strings('riscv-virtio,qemu') };

function device(kind: string, region: Region, properties: Record<string, TreeValue>): TreeNode {
  return node(unitName(kind, region), { ...properties, reg: cells64(region.base, region.bytes) });
}

function unitName(kind: string, region: Region): string {
  return `${kind}@${region.base.toString(16)}`;
}

function syscon(name: string, compatible: string, regmap: number, value: number): TreeNode {
  return node(name, {
    value: cells(value),
    offset: cells(0),
    regmap: cells(regmap),
    compatible: strings(compatible),
  });
}

function chosen({ append, entropySeed, initrd }: VirtTreeOptions): TreeNode {
  return node('chosen', {
    'stdout-path': strings(`/soc/${unitName('serial', VIRT_MAP.uart0)}`),
    'rng-seed': { bytes: seedBytes(entropySeed, RNG_SEED_STREAM, RNG_SEED_BYTES) },
    ...(append === '' ? {} : { bootargs: strings(append) }),
    ...(initrd ? { 'linux,initrd-start': cells(initrd.start), 'linux,initrd-end': cells(initrd.end) } : {}),
  });
}

function cpuNode(hart: number, phandle: number, { isa }: VirtTreeOptions): TreeNode {
  const { xlen, extensions } = parseIsa(isa);
  const mmu = extensions.has('s') ? LARGEST_MMU_MODE[xlen] : undefined;
  return node(
    `cpu@${hart.toString(16)}`,
    {
      phandle: cells(phandle),
      device_type: strings('cpu'),
      reg: cells(hart),
      status: strings('okay'),
      compatible: strings('riscv'),
      'riscv,isa': strings(deviceTreeIsa(isa)),
      ...(mmu ? { 'mmu-type': strings(`riscv,${mmu}`) } : {}),
    },
    [
      node('interrupt-controller', {
        '#interrupt-cells': cells(1),
        'interrupt-controller': true,
        compatible: strings('riscv,cpu-intc'),
        phandle: cells(phandle + 1),
      }),
    ],
  );
}
