/** One virtual address in two address spaces, and one memory behind two addresses: who wrote, and what. */
import { describe, expect, it } from 'vitest';
import { boot, type DebugSession } from '../../src/api/index.js';

const RAM = 0x8000_0000n;
const CODE = RAM + 0x30_0000n;
const ROOTS = [RAM + 0x31_0000n, RAM + 0x32_0000n];
const TABLE = RAM + 0x33_0000n;
const VIRTUAL = 0x4000_0000n;
/** Of the first space all of RAM is there, of the second what lies 2 MiB further. */
const MEMORY = [RAM, RAM + 0x20_0000n];
const LEAF = 0xcfn;

const bytesOf = (value: bigint, length: number) =>
  Uint8Array.from({ length }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
const entry = (physical: bigint, flags: bigint) => bytesOf((physical >> 2n) | flags, 8);

/** In S mode; each step stores a1 to where a0 points. */
function inSupervisorMode(): DebugSession {
  const session = boot('fixtures/rv64/ticks.elf', { ramBytes: 4 * 2 ** 20 });
  const store = 0x00b5_2023n;
  for (let i = 0n; i < 16n; i++) session.setMemory(CODE + 4n * i, bytesOf(store, 4));
  for (const root of ROOTS) session.setMemory(root + 16n, entry(RAM, LEAF));
  session.setMemory(ROOTS[0] + 8n, entry(RAM, LEAF));
  session.setMemory(ROOTS[1] + 8n, entry(TABLE, 1n));
  session.setMemory(TABLE, entry(MEMORY[1], LEAF));
  session.setRegister('pmpaddr0', 2n ** 54n - 1n);
  session.setRegister('pmpcfg0', 0x1fn);
  session.setRegister('pc', CODE);
  session.setRegister('priv', 1n);
  return session;
}

async function store(session: DebugSession, space: 0 | 1, address: bigint, value: bigint): Promise<number> {
  session.setRegister('satp', (8n << 60n) | (ROOTS[space] >> 12n));
  session.setRegister('a0', address);
  session.setRegister('a1', value);
  const at = session.icount;
  await session.step();
  return at;
}

const word = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);

describe('a write is told', () => {
  it('with the bytes of its own address space, and of which it is', async () => {
    using session = inSupervisorMode();
    const place = VIRTUAL + 0x1000n;
    const steps: number[] = [];
    for (const i of [1n, 2n, 3n]) {
      steps.push(await store(session, 0, place, i), await store(session, 1, place, i << 8n));
    }
    const rows = await session.writes(place, 4);
    expect(rows.map(one => [one.icount, word(one.old), word(one.new), one.elsewhere])).toEqual([
      [steps[0], 0, 1, Number(MEMORY[0] + 0x1000n)],
      [steps[1], 0, 0x100, undefined],
      [steps[2], 1, 2, Number(MEMORY[0] + 0x1000n)],
      [steps[3], 0x100, 0x200, undefined],
      [steps[4], 2, 3, Number(MEMORY[0] + 0x1000n)],
      [steps[5], 0x200, 0x300, undefined],
    ]);
    // Of the memory that is there now, the last writer.
    session.setRegister('satp', (8n << 60n) | (ROOTS[0] >> 12n));
    const last = await session.lastWrite(place, 4);
    expect([last?.icount, word(last!.new)]).toEqual([steps[4], 3]);
  });

  it('through whatever address it went, also when that page is written all the time and over its end', async () => {
    using session = inSupervisorMode();
    const far = 0x1ffen;
    await store(session, 0, VIRTUAL + 0x1f00n, 5n);
    const at = await store(session, 0, VIRTUAL + far, 0x11223344n);
    await store(session, 0, VIRTUAL + 0x1f00n, 6n);
    const last = await session.lastWrite(RAM + far, 4);
    expect(last).toMatchObject({ icount: at, by: 'instruction', through: VIRTUAL + far, pc: CODE + 4n });
    expect([word(last!.old), word(last!.new)]).toEqual([0, 0x11223344]);
    const stores = (await session.writes(RAM + 0x1f00n, 4)).filter(({ by }) => by !== 'load');
    expect(stores.map(one => [one.through, word(one.new)])).toEqual([
      [VIRTUAL + 0x1f00n, 5],
      [VIRTUAL + 0x1f00n, 6],
    ]);
  });

  it('of a page walk that sets A and D', async () => {
    using session = inSupervisorMode();
    const leaf = entry(MEMORY[1], 0x0fn);
    session.setMemory(TABLE, leaf);
    const at = await store(session, 1, VIRTUAL, 1n);
    const last = await session.lastWrite(TABLE, 8);
    expect([last?.by, last?.icount, word(last!.new) - word(last!.old)]).toEqual(['page-walk', at, 0xc0]);
  });
});

describe('a question that is stopped', () => {
  it('has what it found, says what it searched, and leaves the machine where it was', async () => {
    using session = boot('fixtures/rv64/ticks.elf', { snapshotInterval: 20_000 });
    await session.continue();
    const { icount, target } = session;
    const asked = target.questions.interrupts();
    target.interrupt();
    const { interrupted, end } = await asked;
    expect(interrupted?.at(-1)).toMatchObject({ to: end });
    expect(session.icount).toBe(icount);
    expect((await target.questions.interrupts()).interrupted).toBeUndefined();
  });

  it('a place that is written in every step is answered from its end', async () => {
    using session = inSupervisorMode();
    // A store and a jump back to it.
    session.setMemory(CODE + 4n, bytesOf(0xffdf_f06fn, 4));
    await store(session, 0, RAM + 0x100n, 1n);
    await session.target.runToEnd({ maxIcount: 2_000_000 });
    const { found } = await session.target.questions.writes(RAM + 0x100n, 4, { limit: 20 });
    expect(found).toHaveLength(20);
    expect(found.at(-1)!.icount).toBeGreaterThanOrEqual(session.icount - 2);
    expect(found.every((one, i) => i === 0 || one.icount === found[i - 1].icount + 2)).toBe(true);
  });
});
