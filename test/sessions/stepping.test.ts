import { describe, expect, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { fixture, lastHex, Served, type Width } from '../support/sessions.js';

const pc = async (gdb: GdbSession): Promise<number> =>
  lastHex(await gdb.command('print/x (unsigned long)$pc'));
const icount = async (gdb: GdbSession): Promise<number> => lastHex(await gdb.command('print/x $icount'));

/** Places visited by `count` times a command, the one before the first included. */
async function places(gdb: GdbSession, command: string, count: number): Promise<number[]> {
  const visited = [await pc(gdb)];
  for (let i = 0; i < count; i++) {
    await gdb.command(command);
    visited.push(await pc(gdb));
  }
  return visited;
}

describe.skipIf(!hasGdb)('single steps', () => {
  describe.each<Width>(['rv64', 'rv32'])('%s', width => {
    test.each([
      ['vCont;s, as the target description asks for', [], 'vCont;s'],
      ['software steps, as a GNU/Linux gdb takes them', ['set osabi GNU/Linux'], '$Z0'],
    ])('10 stepi and 10 reverse-stepi visit the same places: %s', async (_, settings, packet) => {
      await using served = await Served.boot(fixture(width, 'demo'));
      await using gdb = await served.gdb();
      for (const setting of settings) await gdb.command(setting);
      for (const start of ['*$pc', 'keep_outlier', 'trap']) {
        if (start !== '*$pc') await gdb.command(`tbreak ${start}`).then(() => gdb.command('continue'));
        const from = await icount(gdb);
        const forward = await places(gdb, 'stepi', 10);
        expect(await icount(gdb)).toBe(from + 10);
        const backward = await places(gdb, 'reverse-stepi', 10);
        expect(backward).toEqual([...forward].reverse());
        expect(await icount(gdb)).toBe(from);
        expect(new Set(forward).size).toBeGreaterThan(5);
        await gdb.command('stepi 10');
        expect(await pc(gdb)).toBe(forward[10]);
        await gdb.command('reverse-stepi 10');
        expect(await pc(gdb)).toBe(forward[0]);
      }
      await gdb.command('set debug remote 1');
      expect(await gdb.command('stepi')).toContain(packet);
    });
  });

  test('step and next use vCont;r, and finish, until and advance go forward', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('tbreak main');
    await gdb.command('continue');
    expect(await gdb.command('advance handle')).toMatch(/^handle \(packet=/m);
    expect(await gdb.command('finish')).toMatch(/Run till exit.*\n(?:.*in )?main \(\)/);
    await gdb.command('advance handle');
    expect(await gdb.command('until 127')).toMatch(/127\t/);
    await gdb.command('set debug remote 1');
    const next = await gdb.command('next');
    await gdb.command('set debug remote 0');
    expect(next).toMatch(/Sending packet: \$vCont;r[0-9a-f]+,[0-9a-f]+:1/);
    await gdb.command('advance is_outlier');
    expect(await gdb.command('finish')).toContain('Value returned is');
  });

  test('a breakpoint inside the range ends a range step there', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('tbreak keep_outlier');
    await gdb.command('continue');
    await gdb.command('next');
    await gdb.command('stepi');
    const inside = await pc(gdb);
    await gdb.command('reverse-stepi');
    await gdb.command(`break *${inside}`);
    expect(await gdb.command('next')).toContain('Breakpoint 2, ');
    expect(await pc(gdb)).toBe(inside);
  });

  test('through the entry of an interrupt and its return, both ways', async () => {
    await using served = await Served.boot(fixture('rv64', 'ticks'));
    await using gdb = await served.gdb();
    await gdb.command('break on_tick');
    for (let i = 0; i < 3; i++) await gdb.command('continue');
    await gdb.command('delete');
    await gdb.command('tbreak trap_entry');
    await gdb.command('reverse-continue');
    expect(await gdb.command('info symbol $pc')).toContain('trap_entry in section');
    const entered = await icount(gdb);
    const mepc = lastHex(await gdb.command('print/x (unsigned long)$mepc'));
    // The entry itself is one step: before it the machine stands at the interrupted instruction.
    await gdb.command('reverse-stepi');
    expect(await icount(gdb)).toBe(entered - 1);
    expect(await pc(gdb)).toBe(mepc);
    const mie = 8;
    expect(lastHex(await gdb.command('print/x $mstatus & 8'))).toBe(mie);
    await gdb.command('stepi');
    expect(await gdb.command('info symbol $pc')).toContain('trap_entry in section');
    expect(lastHex(await gdb.command('print/x $mstatus & 8'))).toBe(0);
    // Out of the handler by its mret, and back into it.
    await gdb.command('tbreak *$mepc');
    await gdb.command('continue');
    expect(await pc(gdb)).toBe(mepc);
    await gdb.command('reverse-stepi');
    expect(await gdb.command('x/i $pc')).toContain('mret');
    await gdb.command('stepi');
    expect(await pc(gdb)).toBe(mepc);
  });
});
