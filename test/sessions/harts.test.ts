import { describe, expect, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { bootBytes, digestsOf, lastHex, Served } from '../support/sessions.js';
import { sharedCounter } from '../support/small-programs.js';

const icount = async (gdb: GdbSession): Promise<number> => lastHex(await gdb.command('print/x $icount'));
const pc = async (gdb: GdbSession): Promise<number> =>
  lastHex(await gdb.command('print/x (unsigned long)$pc'));

/** Three harts that count together, after some steps; there is no ELF, gdb learns all from the target description. */
async function threeHarts(steps: number) {
  const live = bootBytes('counter.bin', sharedCounter(), { config: { harts: 3 } });
  if (steps > 0) await live.session.runToEnd({ maxIcount: steps });
  return Served.start(live, 'fixtures/rv64/echo.elf');
}

describe.skipIf(!hasGdb)('three harts', () => {
  test('are threads that can be looked at and are named', async () => {
    await using served = await threeHarts(0);
    await using gdb = await served.gdb({ elf: undefined });
    const threads = await gdb.command('info threads');
    for (const hart of [0, 1, 2]) expect(threads).toMatch(new RegExp(`Thread ${hart + 1} \\(CPU#${hart} `));
    const ids = await gdb.command('thread apply all -ascending print/x (int)$mhartid');
    expect([...ids.matchAll(/= 0x(\d)/g)].map(match => match[1])).toEqual(['0', '1', '2']);
  });

  test('step one at a time, back and forth', async () => {
    await using served = await threeHarts(9000);
    await using gdb = await served.gdb({ elf: undefined });
    for (const thread of [2, 3, 1]) {
      await gdb.command(`thread ${thread}`);
      const places = [await pc(gdb)];
      const moments = [await icount(gdb)];
      for (let i = 0; i < 4; i++) {
        expect(await gdb.command('stepi')).not.toContain('SIGTRAP');
        expect(await gdb.command('thread')).toContain(`Current thread is ${thread} `);
        places.push(await pc(gdb));
        moments.push(await icount(gdb));
      }
      expect(new Set(places).size).toBeGreaterThan(2);
      const back = [places[4]];
      for (let i = 0; i < 4; i++) {
        await gdb.command('reverse-stepi');
        back.push(await pc(gdb));
        expect(await gdb.command('thread')).toContain(`Current thread is ${thread} `);
      }
      expect(back).toEqual(places.toReversed());
      expect(await icount(gdb)).toBeLessThanOrEqual(moments[1]);
    }
  });

  test('stop each at a breakpoint that all run over, in reverse order backwards', async () => {
    // Just before the turn of the next hart.
    await using served = await threeHarts(4080);
    await using gdb = await served.gdb({ elf: undefined });
    // The shared loop begins at the amoadd, 16 bytes into the program.
    await gdb.command('break *0x80000010');
    const hit = async (command: string) => {
      const output = await gdb.command(command);
      expect(output).toContain('Breakpoint 1, ');
      const thread = /Current thread is (\d)/.exec(await gdb.command('thread'))?.[1];
      return `thread ${thread} @ ${await icount(gdb)}`;
    };
    const forward: string[] = [];
    for (let i = 0; i < 12; i++) forward.push(await hit('continue'));
    expect(new Set(forward.map(text => text.split(' @')[0])).size).toBeGreaterThan(1);
    const backward: string[] = [];
    for (let i = 1; i < forward.length; i++) backward.push(await hit('reverse-continue'));
    expect(backward).toEqual(forward.slice(0, -1).toReversed());
  });

  test('run in the same order whatever the debugger does', async () => {
    const straight = bootBytes('counter.bin', sharedCounter(), { config: { harts: 3 } }).session;
    await straight.runToEnd({ maxIcount: 20_000 });
    await using served = await threeHarts(0);
    {
      await using gdb = await served.gdb({ elf: undefined });
      await gdb.command('thread 3');
      await gdb.command('stepi 3');
      await gdb.command('thread 1');
      await gdb.command('reverse-stepi 5');
      await gdb.command('break *0x80000010');
      for (let i = 0; i < 5; i++) await gdb.command('continue');
      await gdb.command('reverse-continue');
      await gdb.command('delete');
      await gdb.command('thread 2');
      await gdb.command('stepi 100');
    }
    await served.session.runToEnd({ maxIcount: 20_000 });
    expect(digestsOf(served.session)).toEqual(digestsOf(straight));
  });
});
