import { TIMEBASE_FREQUENCY } from '../../devices/clint.js';
import { BLOCK_BYTES } from '../../riscv/block-access.js';
import { isOfFirstCpu } from '../../riscv/cpu-models.js';
import { describedExtensions, deviceTreeIsa, parseIsa } from '../../riscv/isa-text.js';
import type { DeviceNode, DeviceRow } from '../device-row.js';
import { cells, cells64, node, strings, type TreeNode } from '../device-tree.js';
import { seedBytes } from '../seed-bytes.js';
import { RAM_BASE } from './memory-map.js';
import { type BoardConfig, virtDevices } from './virt-devices.js';

export interface VirtTreeOptions extends BoardConfig {
  /** Physical addresses of an initial RAM disk: first byte, and first byte after it. */
  readonly initrd?: { readonly start: number; readonly end: number };
}

/** The largest of the translation modes that a hart has. */
function mmuMode({ xlen, extensions }: ReturnType<typeof parseIsa>): string | undefined {
  if (!extensions.has('s')) return undefined;
  if (xlen === 32) return 'sv32';
  return extensions.has('sv57') ? 'sv57' : 'sv48';
}
const RNG_SEED_BYTES = 32;
const RNG_SEED_STREAM = 0;

/** A device that the tree describes. */
interface Described extends DeviceRow {
  readonly node: DeviceNode;
  readonly place: NonNullable<DeviceNode['place']>;
}

/** The tree of the board with these devices: QEMU 7.2's `virt`, less the devices that are not there. */
export function virtTree(
  options: VirtTreeOptions,
  rows: readonly DeviceRow[] = virtDevices(options),
): TreeNode {
  const { harts } = options;
  const hartNumbers = Array.from({ length: harts }, (_, hart) => hart);
  // QEMU hands out phandles from the last hart to the first, and so for devices.
  const cpu = (hart: number) => 2 * (harts - 1 - hart) + 1;
  const perHart = (...interrupts: number[]) =>
    cells(...hartNumbers.flatMap(hart => interrupts.flatMap(interrupt => [cpu(hart) + 1, interrupt])));
  const devices = describedIn(rows);
  const referred = devices.filter(row => row.node.referred !== undefined).reverse();
  const phandleOf = (row: Described) => 2 * harts + 1 + referred.indexOf(row);
  const besideBus = referred.flatMap(row => row.node.referred!.besideBus(phandleOf(row)));
  const controller = referred.find(row => row.node.interruptController === true);

  return node('', { '#address-cells': cells(2), '#size-cells': cells(2), ...named }, [
    chosen(options, devices),
    ...besideBus,
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
      devices.map(row => {
        const { interrupt } = row;
        return node(unitName(row), {
          ...(referred.includes(row) ? { phandle: cells(phandleOf(row)) } : {}),
          ...(interrupt === undefined || controller === undefined
            ? {}
            : { interrupts: cells(interrupt), 'interrupt-parent': cells(phandleOf(controller)) }),
          ...row.node.properties(perHart),
          reg: cells64(...row.place.ranges.flatMap(({ base, bytes }) => [base, bytes])),
        });
      }),
    ),
  ]);
}

/** Those of the platform stand last; parts of one bank from the highest down, whatever stands in each. */
function describedIn(rows: readonly DeviceRow[]): readonly Described[] {
  const all = rows.flatMap((row): Described[] => {
    const { node: described, window } = row;
    const place = described?.place ?? (window && { base: window.base, ranges: [window] });
    return described === undefined || place === undefined ? [] : [{ ...row, node: described, place }];
  });
  const parts = all.filter(inBank).sort((a, b) => a.place.base - b.place.base);
  const described = all.map(row => (inBank(row) ? parts.pop()! : row));
  const platform = described.filter(row => row.node.platform === true);
  return [...described.filter(row => !platform.includes(row)), ...platform];
}

const inBank = ({ window }: Described) => window?.bank !== undefined;

const named = { compatible: strings('riscv-virtio'), model: strings('riscv-virtio,qemu') };

const unitName = ({ node: { kind }, place }: Described) => `${kind}@${place.base.toString(16)}`;

function chosen({ append, entropySeed, initrd }: VirtTreeOptions, devices: readonly Described[]): TreeNode {
  const stdout = devices.find(row => row.node.stdout === true);
  return node('chosen', {
    ...(stdout ? { 'stdout-path': strings(`/soc/${unitName(stdout)}`) } : {}),
    'rng-seed': { bytes: seedBytes(entropySeed, RNG_SEED_STREAM, RNG_SEED_BYTES) },
    ...(append === '' ? {} : { bootargs: strings(append) }),
    ...(initrd ? { 'linux,initrd-start': cells(initrd.start), 'linux,initrd-end': cells(initrd.end) } : {}),
  });
}

/** What took the place of `riscv,isa` in the bindings. */
function isaProperties(isa: string) {
  const { xlen, extensions } = parseIsa(isa);
  const blocks = (['zicbom', 'zicbop', 'zicboz'] as const).filter(name => extensions.has(name));
  return {
    'riscv,isa-base': strings(`rv${xlen}i`),
    'riscv,isa-extensions': strings(...describedExtensions(isa)),
    ...Object.fromEntries(blocks.map(name => [`riscv,${name.slice(2)}-block-size`, cells(BLOCK_BYTES)])),
  };
}

function cpuNode(hart: number, phandle: number, { isa }: VirtTreeOptions): TreeNode {
  const mmu = mmuMode(parseIsa(isa));
  return node(
    `cpu@${hart}`,
    {
      phandle: cells(phandle),
      device_type: strings('cpu'),
      reg: cells(hart),
      status: strings('okay'),
      compatible: strings('riscv'),
      'riscv,isa': strings(deviceTreeIsa(isa)),
      ...(isOfFirstCpu(isa) ? {} : isaProperties(isa)),
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
