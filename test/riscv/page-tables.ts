import { expect } from 'vitest';
import { TLB_INDEX_MASK, TLB_INDEX_SHIFT, TLB_TABLE, TLB_VALUE } from '../../src/engine/engine-layout.js';
import { ACCESS, type Access } from '../../src/riscv/privileged.js';
import { Bench, ISA32, ISA64, MODE } from './bench.js';

const PAGE = 4096;
/** Pages that hold tables or data, as the entries in them say. */
export const PAGES = 8;
const FIRST = 0x8010_0000;
export const pageAt = (page: number) => FIRST + page * PAGE;
export const PTE = { V: 1, R: 2, W: 4, X: 8, U: 16, A: 64, D: 128 } as const;
const { V, R, W, A, D } = PTE;
/** Bits of sstatus that change what a translation allows. */
export const STATUS = { sum: 1 << 18, mxr: 1 << 19 } as const;
const [SATP, SSTATUS] = [0x180, 0x100];

/** A hart in S mode whose page tables a test changes while the TLB is warm. */
export class Tables {
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

  /** Whether the TLB knows an access; if so, it must say of it what the page tables say. */
  compare(va: number, access: Access): boolean {
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
    if (i32[at] !== (low & -PAGE) || i32[at + 1] !== high) return false;
    const tables = board.memory.plan.ram + FIRST - 0x8000_0000;
    const before = board.memory.u8.slice(tables, tables + PAGES * PAGE);
    const physical = hart.mmu.translate(low, high, 4, access);
    const value = i32[at + TLB_VALUE / 4];
    const host = board.bus.hostAddress(physical, 4, false);
    if (access === ACCESS.execute) expect(board.decode.guestPageOf(value)).toBe(board.memory.pageOf(host));
    else expect((value + low) | 0).toBe(host);
    const after = board.memory.u8.subarray(tables, tables + PAGES * PAGE);
    expect(Buffer.compare(before, after), 'the walk sets no bit that was not set').toBe(0);
    return true;
  }

  #csr(number: number, value: bigint): void {
    const { csrs } = this.bench.hart;
    const { privilege } = this.bench.hart.state;
    this.bench.hart.state.privilege = 3;
    csrs.execute(number, 0, false, true, Number(value & 0xffff_ffffn), Number((value >> 32n) & 0xffff_ffffn));
    this.bench.hart.state.privilege = privilege;
  }
}
