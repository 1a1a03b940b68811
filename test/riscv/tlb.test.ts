import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TLB_INDEX_MASK, TLB_INDEX_SHIFT, TLB_TABLE, TLB_VALUE } from '../../src/engine/engine-layout.js';
import { ACCESS, type Access } from '../../src/riscv/privileged.js';
import { Bench, ISA32, ISA64, MODE } from './bench.js';

const PAGE = 4096;
/** Pages that hold tables or data, as the entries in them say. */
const PAGES = 8;
const FIRST = 0x8010_0000;
const pageAt = (page: number) => FIRST + page * PAGE;
const [V, R, W, X, U, A, D] = [1, 2, 4, 8, 16, 64, 128];
const LEAVES = [R | X | A, R | W | X | A | D, R | W | A | D, R | A, R | W | X | U | A | D, R | X | U | A];
const [SUM, MXR] = [1 << 18, 1 << 19];
const [SATP, SSTATUS] = [0x180, 0x100];

const index = fc.integer({ min: 0, max: 2 });
const page = fc.integer({ min: 0, max: PAGES - 1 });
const entry = fc.oneof(
  fc.record({ page, flags: fc.constantFrom(V, V, V, 0) }),
  fc.record({ page, flags: fc.constantFrom(...LEAVES).map(flags => flags | V) }),
);
const access = fc.constantFrom(ACCESS.read, ACCESS.write, ACCESS.execute);
const action = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('map' as const), table: page, index, entry }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('clear' as const), table: page }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('satp' as const), root: index }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sum' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mxr' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mode' as const), user: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('access' as const), path: fc.tuple(index, index, index), access }),
  },
);

class Tables {
  readonly bench: Bench;
  readonly #indexBits: number;
  readonly #levels: number;

  constructor(readonly xlen: 32 | 64) {
    this.bench = new Bench(xlen === 64 ? ISA64 : ISA32);
    this.#indexBits = xlen === 64 ? 9 : 10;
    this.#levels = xlen === 64 ? 3 : 2;
    // At first each page is a table whose entries point to the next one.
    for (let table = 0; table < PAGES; table++)
      for (let index = 0; index < 3; index++)
        this.map(table, index, (table + 1 + index) % PAGES, index === 2 ? V | R | W | A | D : V);
    this.root(0);
    this.bench.set({ priv: MODE.supervisor });
  }

  map(table: number, index: number, page: number, flags: number): void {
    const bytes = this.xlen === 64 ? 8 : 4;
    const pte = (BigInt(pageAt(page) / PAGE) << 10n) | BigInt(flags);
    this.bench.poke(pageAt(table) + index * bytes, bytes, pte);
  }

  root(page: number): void {
    this.#csr(SATP, (this.xlen === 64 ? 8n << 60n : 1n << 31n) | BigInt(pageAt(page) / PAGE));
  }

  status(bit: number, on: boolean): void {
    const old = this.bench.get('mstatus');
    this.#csr(SSTATUS, on ? old | BigInt(bit) : old & ~BigInt(bit));
  }

  address(path: readonly number[]): number {
    return path
      .slice(0, this.#levels)
      .reduce((va, index, level) => va + index * 2 ** (12 + (this.#levels - 1 - level) * this.#indexBits), 0);
  }

  /** As generated code would, when the TLB does not know. */
  access(va: number, access: Access): void {
    const { hart } = this.bench;
    [hart.state.pc[0], hart.state.pc[1]] = [va, 0];
    const [low, high] = [va % 2 ** 32, Math.floor(va / 2 ** 32)];
    if (access === ACCESS.read) hart.load(4, low, high);
    else if (access === ACCESS.write) hart.store(4, low, high);
    else {
      hart.state.pc[0] = low;
      hart.state.pc[1] = high;
      hart.fetch();
    }
  }

  /** What the TLB says of an access, and what the page tables do. */
  compare(va: number, access: Access): void {
    const { hart, board } = this.bench;
    const [low, high] = [va % 2 ** 32, Math.floor(va / 2 ** 32)];
    const bank = access === ACCESS.execute ? hart.mmu.fetchBank : hart.mmu.dataBank;
    const table = {
      [ACCESS.read]: TLB_TABLE.load,
      [ACCESS.write]: TLB_TABLE.store,
      [ACCESS.execute]: TLB_TABLE.fetch,
    };
    const at = (bank + table[access] + ((low >>> TLB_INDEX_SHIFT) & TLB_INDEX_MASK)) >> 2;
    const { i32 } = board.memory;
    if (i32[at] !== (low & -PAGE) || i32[at + 1] !== high) return;
    const ram = board.memory.u8.slice(board.memory.plan.ram + FIRST - 0x8000_0000).subarray(0, PAGES * PAGE);
    const physical = hart.mmu.translate(low, high, 4, access);
    const value = i32[at + TLB_VALUE / 4];
    const host = board.bus.hostAddress(physical, 4, false);
    if (access === ACCESS.execute) expect(board.decode.guestPageOf(value)).toBe(board.memory.pageOf(host));
    else expect((value + low) | 0).toBe(host);
    const after = board.memory.u8
      .slice(board.memory.plan.ram + FIRST - 0x8000_0000)
      .subarray(0, PAGES * PAGE);
    expect(Buffer.compare(ram, after), 'the walk sets no bit that was not set').toBe(0);
  }

  #csr(number: number, value: bigint): void {
    const { csrs } = this.bench.hart;
    const { privilege } = this.bench.hart.state;
    this.bench.hart.state.privilege = 3;
    csrs.execute(number, 0, false, true, Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
    this.bench.hart.state.privilege = privilege;
  }
}

const PATHS = [0, 1, 2].flatMap(a => [0, 1, 2].flatMap(b => [0, 1, 2].map(c => [a, b, c] as const)));

describe.each([64, 32] as const)('RV%i', xlen => {
  test('what a TLB holds is what the page tables say, whatever is written to them and whichever is in force', () => {
    fc.assert(
      fc.property(fc.array(action, { minLength: 20, maxLength: 120 }), actions => {
        const tables = new Tables(xlen);
        for (const one of actions) {
          if (one.do === 'map') tables.map(one.table, one.index, one.entry.page, one.entry.flags);
          else if (one.do === 'clear') tables.bench.write(pageAt(one.table), new Uint8Array(PAGE));
          else if (one.do === 'satp') tables.root(one.root);
          else if (one.do === 'sum') tables.status(SUM, one.on);
          else if (one.do === 'mxr') tables.status(MXR, one.on);
          else if (one.do === 'mode') tables.bench.hart.state.privilege = one.user ? 0 : 1;
          else tables.access(tables.address(one.path), one.access);
          for (const path of PATHS) {
            for (const kind of [ACCESS.read, ACCESS.write, ACCESS.execute]) {
              tables.compare(tables.address(path), kind);
            }
          }
        }
      }),
      { numRuns: 120 },
    );
  });
});
