/** Who wrote this: every kind of writer, with the bytes of its own write; against single steps, with points armed. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { boot } from '../../src/api/index.js';
import { buildMachine } from '../../src/boards/build-machine.js';
import { parseElf } from '../../src/images/elf.js';
import { readSymbols } from '../../src/images/symbols.js';
import { RISCV_ELF } from '../../src/riscv/elf-machine.js';
import type { FoundWrite } from '../../src/timeline/search/question-ops.js';
import type { Timeline } from '../../src/timeline/timeline.js';
import { bootFixture } from '../support/sessions.js';

const word = (bytes: Uint8Array) => bytes.reduceRight((sum, byte) => sum * 256 + byte, 0);
const brief = ({ by, icount, old, new: now }: FoundWrite) => [by, icount, word(old), word(now)];
const RAM = 0x8000_0000n;
/** Memory that no fixture uses. */
const FREE = RAM + 0x30_0000n;

describe('the last write', () => {
  it('is the debugger, where it wrote, also at the beginning, twice at a boundary, and around a snapshot', async () => {
    using session = boot('fixtures/rv64/ticks.elf', { ramBytes: 4 * 2 ** 20 });
    session.setMemory(FREE, Uint8Array.of(1, 0, 0, 0));
    session.saveSnapshot('between');
    session.setMemory(FREE, Uint8Array.of(2, 0, 0, 0));
    expect(brief((await session.lastWrite(FREE, 4))!)).toEqual(['debugger', 0, 1, 2]);
    await session.step(50);
    session.setMemory(FREE, Uint8Array.of(3, 0, 0, 0));
    session.saveSnapshot('after three');
    session.setMemory(FREE, Uint8Array.of(4, 0, 0, 0));
    const expected = [
      ['debugger', 0, 0, 1],
      ['debugger', 0, 1, 2],
      ['debugger', 50, 2, 3],
      ['debugger', 50, 3, 4],
    ];
    expect((await session.writes(FREE, 4)).map(brief)).toEqual(expected);
    await session.step(50);
    expect((await session.writes(FREE, 4)).map(brief)).toEqual(expected);
    expect(brief((await session.lastWrite(FREE, 4))!)).toEqual(['debugger', 50, 3, 4]);
    await session.seek(49);
    expect(brief((await session.lastWrite(FREE, 4))!)).toEqual(['debugger', 0, 1, 2]);
    expect(session.icount).toBe(49);
  });

  it('is a reset, and before all others what was loaded', async () => {
    using session = boot('fixtures/rv64/ticks.elf', { ramBytes: 4 * 2 ** 20 });
    const [loaded] = await session.writes(RAM, 4);
    expect([loaded.by, loaded.image, loaded.icount]).toEqual(['load', 'fixtures/rv64/ticks.elf', 0]);
    expect(word(loaded.new)).toBe(Number(session.value(RAM, 4)));
    await session.step(10);
    session.setMemory(RAM, Uint8Array.of(9, 9, 9, 9));
    session.target.reset();
    await session.step(10);
    const rows = await session.writes(RAM, 4);
    expect(rows.map(({ by }) => by)).toEqual(['load', 'debugger', 'reset']);
    expect(word(rows[2].old)).toBe(0x09090909);
    expect(rows[2].new).toEqual(loaded.new);
  });

  it('of memory that nobody wrote is none', async () => {
    using session = boot('fixtures/rv64/ticks.elf', { ramBytes: 4 * 2 ** 20 });
    await session.step(1000);
    expect(await session.lastWrite(FREE, 60_000)).toBeUndefined();
    await expect(session.lastWrite(FREE, 2 ** 40)).rejects.toThrow(/cannot be asked about/);
    await expect(session.lastWrite(2n ** 64n - 1n, 2)).rejects.toThrow(/beyond 64-bit addresses/);
  });
});

describe('a watchpoint going backwards', () => {
  it('stops behind the boundary where the debugger wrote, and says who', async () => {
    using session = boot('fixtures/rv64/ticks.elf', { ramBytes: 4 * 2 ** 20 });
    await session.step(60);
    const { target } = session;
    target.insertWatchpoint('write', FREE, 4);
    // What a search without the write found must not be remembered as what is there with it.
    await target.resume({ kind: 'continue', direction: 'backward' });
    await session.seek('end');
    session.setMemory(FREE, Uint8Array.of(7));
    await target.resume({ kind: 'step', direction: 'forward', hart: undefined });
    const lines: string[] = [];
    const stop = await target.resume({ kind: 'continue', direction: 'backward' }, line => lines.push(line));
    expect(stop).toMatchObject({ kind: 'watchpoint', address: FREE, by: 'debugger' });
    expect(session.icount).toBe(60);
    expect(lines.join()).toContain('the debugger at icount 60');
  });
});

describe.each([1, 3])('questions about a kernel with paging and %i harts, against single steps', harts => {
  it('are answered as by brute force, whatever is armed', async () => {
    const STEPS = 150_000;
    const name = 'fixtures/rv64/kernel.elf';
    const { session, console } = bootFixture(name, {
      config: { harts, icountShift: 6, ramBytes: 4 * 2 ** 20 },
      snapshotIntervalSteps: 4_321,
      disks: [{ name: 'disk', sectors: 64, extents: [] }],
    });
    session.attach();
    const symbols = readSymbols(parseElf(name, readFileSync(name), RISCV_ELF));
    const symbol = (wanted: string) => symbols.find(one => one.name === wanted)!.address;
    for (const at of [STEPS / 5, STEPS / 3, STEPS / 2]) {
      await session.runToEnd({ maxIcount: at });
      console.type(`line ${at}\r`);
    }
    await session.runToEnd({ maxIcount: STEPS });
    const address = symbol('switches');
    session.insertBreakpoint(symbol('switch_context'));
    session.insertWatchpoint('access', address, 4);
    await session.resume({ kind: 'continue', direction: 'backward' });
    const rows = (await session.questions.writes(address, 4)).found.filter(({ by }) => by !== 'load');
    const interrupts = (await session.questions.interrupts()).found;
    const first = (await session.questions.firstExecution(symbol('switch_context'))).found[0];
    const trace = singleSteps(session, STEPS, Number(address), symbol('switch_context'));
    const { changes } = trace;
    expect(first.icount).toBe(trace.first);
    expect(interrupts.map(({ icount, hart, cause }) => [icount, hart, cause])).toEqual(trace.interrupts);
    expect(changes.length).toBeGreaterThan(5);
    expect(
      rows
        .filter(one => word(one.old) !== word(one.new))
        .map(one => [one.icount, word(one.old), word(one.new)]),
    ).toEqual(changes);
    expect(interrupts.length).toBeGreaterThan(5);
    const last = (await session.questions.lastWrite(address, 4)).found[0];
    expect(last.icount).toBe(rows.findLast(one => one.icount < session.machine.icount)?.icount ?? 0);
  }, 120_000);
});

/** A machine of its own on the same history, one step after the other. */
function singleSteps({ source, history }: Timeline, steps: number, address: number, code: bigint) {
  const machine = buildMachine(source.config, source.images, { serial: { write: () => {} } }, { jit: false });
  const value = () => word(machine.debug.readPhysical({ start: address, length: 4 }));
  const changes: number[][] = [];
  const interrupts: number[][] = [];
  let first: number | undefined;
  let cursor = 0;
  for (let before = value(), at = 0; at <= steps; at++) {
    while (history.log.nextIcount(cursor) === at) machine.apply(history.log.get(cursor++).event);
    const hart = machine.nextHart;
    const runs = machine.board.harts[hart].traps.interrupt() < 0;
    if (runs && at < steps && machine.debug.programCounter(hart) === code) first ??= at;
    if (at === steps) break;
    const onInterrupt = (id: number, cause: number) => interrupts.push([at, id, cause]);
    machine.run(at + 1, { idle: 'jump', onInterrupt });
    const now = value();
    if (now !== before) changes.push([at, before, now]);
    before = now;
  }
  return { changes, interrupts, first };
}
