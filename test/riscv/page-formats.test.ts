/** Sv57, Svnapot, Svpbmt and Svinval. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { virtTree } from '../../src/boards/virt/virt-tree.js';
import { newSettings } from '../../src/ports/config.js';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import { assemble, CSR_OPS, LOADS, NOP } from '../lockstep/encode.js';
import type { LockstepHart } from '../lockstep/lockstep.js';
import { QemuHart } from '../lockstep/qemu-hart.js';
import { Random } from '../lockstep/random.js';
import { qemuAvailable } from '../support/qemu.js';
import { Bench, CODE, DATA, HANDLER, ISA64 } from './bench.js';

const { csrrw, csrrs } = CSR_OPS;
const PAGE = 4096;
const ROOT = 0x8010_0000;
const TABLES = 5;
const SFENCE = 0x12000073;
const SINVAL = 0x16000073;
const SFENCE_W_INVAL = 0x18000073;
const SFENCE_INVAL_IR = 0x18100073;
const SATP = 0x180;
/** MPRV, and S mode as the one before. */
const LENT = 0x2_0800n;
const PBMTE = 1n << 62n;
const N = 1n << 63n;
const [SV39, SV48, SV57] = [8n, 9n, 10n];
const OPEN = 0xcfn;

describe('what CPUs have', () => {
  test.each([
    ['rv64', 'sv57', false],
    ['max', 'sv57', true],
    ['rv64gc', 'sv48', false],
    ['rv64,sv57=off', 'sv48', false],
    ['rv32', 'sv32', false],
  ])('%s: %s, Svinval %s', (text, mmu, svinval) => {
    const { isa, xlen } = cpuOf(text, undefined);
    const bench = new Bench(isa);
    const mode = 10n << BigInt(xlen - 4);
    if (xlen === 64) {
      bench.set({ satp: mode });
      expect(bench.get('satp')).toBe(mmu === 'sv57' ? mode : 0n);
      bench.set({ satp: 0 });
    }
    const cpus = virtTree(newSettings({ xlen, isa })).children.find(({ name }) => name === 'cpus');
    expect(JSON.stringify(cpus)).toContain(`"riscv,${mmu}"`);
    for (const instruction of [SINVAL, SFENCE_W_INVAL, SFENCE_INVAL_IR]) {
      expect(bench.trapOf('machine', instruction)?.cause).toBe(svinval ? undefined : 2n);
      expect(bench.trapOf('user', instruction)?.cause).toBe(2n);
    }
    bench.set({ mstatus: 1 << 20 });
    if (!svinval) return;
    expect(
      [SINVAL, SFENCE_W_INVAL, SFENCE_INVAL_IR].map(one => bench.trapOf('supervisor', one)?.cause),
    ).toEqual([2n, undefined, undefined]);
  });
});

/** One load in S mode through tables of this depth, the leaf at a level. */
function outcome(
  isa: string,
  mode: bigint,
  leaf: bigint,
  level: number,
  address: number,
  menvcfg = 0n,
): bigint | undefined {
  const bench = new Bench(isa);
  const levels = Number(mode) - 5;
  for (let at = levels - 1; at > level; at--)
    bench.poke(
      ROOT + (levels - 1 - at) * PAGE,
      8,
      (BigInt((ROOT + (levels - at) * PAGE) / PAGE) << 10n) | 1n,
    );
  const index = level === 0 ? Math.floor(address / PAGE) % 512 : 0;
  bench.poke(ROOT + (levels - 1 - level) * PAGE + index * 8, 8, leaf);
  for (let at = 0; at < 16; at++) bench.poke(DATA + at * PAGE, 4, 0x1000 + at);
  bench.load(CODE, csrrw(0, 0x300, 5), LOADS.lw(7, 6, 0));
  bench.set({ satp: (mode << 60n) | BigInt(ROOT / PAGE), x5: LENT, x6: address, pc: CODE });
  if (menvcfg !== 0n) bench.set({ menvcfg });
  bench.step(2);
  return bench.get('pc') === BigInt(HANDLER) ? undefined : bench.get('x7');
}

const leafAt = (physical: number, bits = 0n) => (BigInt(physical / PAGE) << 10n) | OPEN | bits;
const MAX = cpuOf('max', 64).isa;

test('a page of 64 KiB is found by each of its entries', () => {
  const leaf = leafAt(DATA + 8 * PAGE, N);
  for (const page of [0, 1, 9, 15])
    expect(outcome(MAX, SV39, leaf, 0, page * PAGE)).toBe(BigInt(0x1000 + page));
  expect(outcome(`${ISA64}_sv57`, SV39, leaf, 0, 0)).toBeUndefined();
  // Other sizes are reserved, and so is N in larger leaves.
  expect(outcome(MAX, SV39, leafAt(DATA + 4 * PAGE, N), 0, 0)).toBeUndefined();
  expect(outcome(MAX, SV39, leafAt(0x8000_0000, N), 2, 0)).toBeUndefined();
});

test('types of memory are for harts that have them enabled', () => {
  for (const type of [1n, 2n, 3n]) {
    const leaf = leafAt(DATA, type << 61n);
    expect(outcome(MAX, SV48, leaf, 0, 0)).toBeUndefined();
    expect(outcome(MAX, SV48, leaf, 0, 0, PBMTE)).toBe(type === 3n ? undefined : 0x1000n);
    expect(outcome(`${ISA64}_sv57`, SV48, leaf, 0, 0, PBMTE)).toBeUndefined();
  }
});

const missing = qemuAvailable();

describe.skipIf(missing)(`page tables on QEMU and here${missing ? ` (skipped: ${missing})` : ''}`, () => {
  let qemu: QemuHart;
  beforeAll(async () => {
    qemu = await QemuHart.start({ xlen: 64, cpu: 'rv64,svnapot=on,svpbmt=on,svinval=on' });
  });
  afterAll(async () => {
    await qemu[Symbol.asyncDispose]();
  });

  async function trace(hart: LockstepHart): Promise<string[]> {
    const random = new Random(57);
    const seen: string[] = [];
    const execute = async (instruction: number, x5: bigint, x6 = 0n) => {
      await hart.enterMachineMode();
      await hart.loadProgram(assemble([instruction, NOP]), CODE);
      await hart.setRegister('pc', BigInt(CODE));
      await hart.setRegister(5, x5);
      await hart.setRegister(6, x6);
      await hart.step();
    };
    const poke = async (address: number, value: bigint) =>
      hart.loadProgram(new Uint8Array(new BigUint64Array([value]).buffer), address);
    await execute(csrrw(0, 0x305, 5), BigInt(HANDLER));
    await execute(csrrw(0, 0x3b0, 5), (1n << 54n) - 1n);
    await execute(csrrw(0, 0x3a0, 5), 0x1fn);
    for (let at = 0; at < 16; at++) await poke(DATA + at * PAGE, BigInt(0x1000 + at));
    for (let i = 0; i < 150; i++) {
      const mode = random.pick([SV39, SV48, SV57, SV57]);
      const levels = Number(mode) - 5;
      const level = random.pick([0, 0, 0, 1, levels - 1]);
      const address = random.below(16) * PAGE + 4 * random.below(2);
      // QEMU 7.2 lets bits pass that are reserved: 60 to 54 beside Svnapot, memory types without PBMTE.
      const typed = random.chance(50);
      const tops = typed ? [0x200, 0x200, 0x80, 0x100, 0x280] : [0x200];
      const top = random.chance(60) ? 0n : BigInt(random.pick(tops));
      for (let table = 0; table < TABLES; table++) {
        const next = (BigInt((ROOT + (table + 1) * PAGE) / PAGE) << 10n) | 1n;
        const above = random.chance(5) ? next | (top << 54n) : next;
        await poke(ROOT + table * PAGE, above);
      }
      const page = level === 0 ? DATA / PAGE + random.pick([8, 8, 8, 0, 4]) : random.pick([0x80000, 0x80010]);
      const index = level === 0 ? Math.floor(address / PAGE) : 0;
      await poke(ROOT + (levels - 1 - level) * PAGE + index * 8, (BigInt(page) << 10n) | OPEN | (top << 54n));
      await execute(csrrw(0, 0x30a, 5), typed ? PBMTE : 0n);
      await execute(csrrw(0, SATP, 5), (mode << 60n) | BigInt(ROOT / PAGE));
      await execute(random.pick([SFENCE, SINVAL]), 0n);
      await execute(csrrs(0, 0x300, 5), LENT);
      const high = random.chance(10) ? 1n << BigInt(random.pick([38, 39, 47, 48, 56, 57])) : 0n;
      await execute(LOADS.lw(7, 6, 0), 0n, BigInt(address) | high);
      const { pc, x } = await hart.registers();
      const [cause, tval] = await hart.csrs(['mcause', 'mtval']);
      seen.push([mode, level, top, pc, x[7], cause, tval].map(one => BigInt(one!).toString(16)).join(' '));
      await execute(csrrw(0, 0x300, 5), 0n);
    }
    return seen;
  }

  test('agree on what each entry means', { timeout: 60_000 }, async () => {
    expect(await trace(new EmulatorHart(`${cpuOf('rv64', 64).isa}_svinval_svnapot_svpbmt`))).toEqual(
      await trace(qemu),
    );
  });
});
