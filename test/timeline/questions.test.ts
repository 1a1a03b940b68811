import { describe, expect, it } from 'vitest';
import { boot } from '../../src/api/index.js';

const DEMO = 'fixtures/rv64/demo.elf';
describe('questions about the history', () => {
  it('name the last writer of a variable, with old and new value, and leave the machine where it was', async () => {
    using session = boot('fixtures/rv64/ticks.elf');
    await session.continue();
    const end = session.icount;
    const found = await session.lastWrite('ticks');
    expect(session.icount).toBe(end);
    expect(found).toBeDefined();
    expect(session.describe(found!.pc)).toMatch(/^on_tick/);
    expect([found!.old[0] | (found!.old[1] << 8), found!.new[0] | (found!.new[1] << 8)]).toEqual([999, 1000]);
    await session.seek(found!.icount);
    expect(session.pc).toBe(found!.pc);
    expect(session.value('ticks')).toBe(999n);
    await session.step();
    expect(session.value('ticks')).toBe(1000n);
  });

  it('list every write in order', async () => {
    using session = boot('fixtures/rv64/ticks.elf');
    await session.continue();
    const writes = await session.writes('ticks');
    const values = writes.map(one => one.new[0] | (one.new[1] << 8));
    expect(values.slice(-1000)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
    expect(writes.every((one, i) => i === 0 || one.icount > writes[i - 1].icount)).toBe(true);
  });

  it('find the first execution and every interrupt', async () => {
    using session = boot('fixtures/rv64/ticks.elf');
    await session.continue();
    const first = await session.firstExecution('on_tick');
    const interrupts = await session.interrupts();
    const timer = interrupts.filter(one => one.cause === 7);
    expect(timer).toHaveLength(1000);
    expect(first!.icount).toBeGreaterThan(timer[0].icount);
    expect(first!.icount - timer[0].icount).toBeLessThan(200);
    expect(await session.firstExecution(0x8000_7000n)).toBeUndefined();
  });

  it('tell who printed a text', async () => {
    using session = boot(DEMO);
    await session.continue();
    const end = session.icount;
    const found = await session.whoPrinted('panic: load access fault');
    expect(session.icount).toBe(end);
    await session.seek(found!.icount);
    const byte = session.register('a0') & 0xffn;
    // The step stores the text's last character to the UART.
    expect([byte, session.register('a5') & 0xffn, session.register('a4') & 0xffn]).toContain(
      BigInt('t'.charCodeAt(0)),
    );
    expect(await session.whoPrinted('never said')).toBeUndefined();
  });
});

describe('a change in the past', () => {
  it('runs on a branch of its own and leaves the history as it was', async () => {
    using session = boot('fixtures/rv64/compute.elf');
    await session.runUntil('main');
    const main = session.icount;
    await session.continue();
    const { end } = session.history;
    const printed = session.console.text;
    await session.seek(main);
    session.setMemory('iterations', Uint8Array.of(1, 0, 0, 0));
    await session.continue();
    expect(session.exitCode).toBe(0);
    expect(session.icount).toBeLessThan(end);
    expect(session.console.text.slice(printed.length)).toContain('compute: 1 iteration');
    const { branches } = session.target;
    expect(branches.list().map(({ name, current }) => [name, current])).toEqual([
      ['main', false],
      ['branch1', true],
    ]);
    // Back before the change, on the branch; and then on what really happened.
    await session.seek(main - 5);
    await session.seek('end');
    expect(session.icount).toBeLessThan(end);
    await branches.switchTo('main');
    expect(session.icount).toBe(end);
    expect(session.history.end).toBe(end);
    branches.drop('branch1');
    expect(branches.list()).toHaveLength(1);
  });

  it('stays when every register is put back: only a call leaves no trace', async () => {
    using session = boot(DEMO);
    await session.continue();
    await session.seek(1_000_000);
    const names =
      'ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6 pc';
    const before = names.split(' ').map(name => [name, session.register(name)] as const);
    const sp = session.register('sp');
    session.setRegister('sp', sp - 64n);
    session.setMemory(sp - 32n, Uint8Array.of(1, 2, 3, 4));
    session.setRegister('pc', session.address('main'));
    await session.step(3);
    expect(session.icount).toBe(1_000_003);
    for (const [name, value] of before) session.setRegister(name, value);
    expect(session.icount).toBe(1_000_003);
    expect(session.value(sp - 32n, 4)).toBe(0x0403_0201n);
    expect(session.target.branches.list()).toHaveLength(2);
  });

  it('cannot be made where the machine is powered off', async () => {
    using session = boot(DEMO);
    await session.continue();
    expect(() => session.setRegister('a0', 1n)).toThrow(/powered off/);
  });
});
