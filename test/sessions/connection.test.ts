import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { bootFixture, fixture, lastHex, Served } from '../support/sessions.js';

const icount = async (gdb: GdbSession): Promise<number> => lastHex(await gdb.command('print/x $icount'));

/** Lets the session run until it is past an icount. */
async function past(session: Session, least: number): Promise<void> {
  while (session.status().icount < least) await new Promise(resolve => setImmediate(resolve));
}

/** Starts a command that runs on, interrupts it once the machine has moved, and returns its output. */
async function interrupted(gdb: GdbSession, command: string, moved: () => boolean): Promise<string> {
  const output = gdb.command(command);
  while (!moved()) await new Promise(resolve => setImmediate(resolve));
  gdb.interrupt();
  return output;
}

describe.skipIf(!hasGdb)('Ctrl-C', () => {
  test('stops a long run forward where it is, and one backward where it began', async () => {
    await using served = await Served.boot(fixture('rv64', 'compute-long'));
    const { session } = served;
    await using gdb = await served.gdb();
    const forward = await interrupted(gdb, 'continue', () => session.status().icount > 100_000_000);
    expect(forward).toContain('Program received signal SIGINT');
    const stopped = session.status().icount;
    expect(await icount(gdb)).toBe(stopped);
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(stopped + 1);

    // What is only read is not noted, so that all of the history has to be searched.
    await gdb.command('rwatch *(int*)0x87000000');
    const before = session.status().icount;
    const backward = await interrupted(gdb, 'reverse-continue', () => session.status().icount !== before);
    expect(backward).toContain('Program received signal SIGINT');
    const place = session.status().icount;
    expect(place).toBe(before);
    expect(await icount(gdb)).toBe(place);
    await gdb.command('delete');
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(place + 1);
  });

  test('wakes a machine that waits for input, and its place is replayed exactly', async () => {
    await using served = await Served.boot(fixture('rv64', 'ticks'), { clock: 'realtime' });
    const { session } = served;
    await using gdb = await served.gdb();
    const output = await interrupted(gdb, 'continue', () => session.status().icount > 2000);
    expect(output).toContain('Program received signal SIGINT');
    const place = await icount(gdb);
    const ticks = await gdb.command('print ticks');
    await gdb.command('reverse-stepi');
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(place);
    expect((await gdb.command('print ticks')).split('=')[1]).toBe(ticks.split('=')[1]);
  });
});

describe.skipIf(!hasGdb)('connections', () => {
  test.each(['detach', 'disconnect', 'kill'])(
    'after %s the next gdb finds the same moment and history',
    async farewell => {
      await using served = await Served.boot(fixture('rv64', 'demo'));
      {
        await using gdb = await served.gdb();
        await gdb.command('break handle');
        for (let i = 0; i < 5; i++) await gdb.command('continue');
        expect(await gdb.command(farewell)).not.toContain('internal-error');
      }
      const { icount: place } = served.session.status();
      await using gdb = await served.gdb();
      expect(await icount(gdb)).toBe(place);
      expect(await gdb.command('backtrace 1')).toMatch(/^#0 +handle \(/m);
      // Breakpoints of the gdb before are gone; where it has been is still there.
      expect(await gdb.command('reverse-continue')).toContain('No more reverse-execution history.');
      await gdb.command('break handle');
      for (let i = 0; i < 5; i++) await gdb.command('continue');
      expect(await icount(gdb)).toBe(place);
    },
  );

  test('a gdb that is killed while the machine runs leaves it halted for the next', async () => {
    await using served = await Served.boot(fixture('rv64', 'compute-long'));
    const { session } = served;
    const first = await served.gdb();
    const running = first.command('continue').catch((error: Error) => error.message);
    await past(session, 5_000_000);
    await first.kill();
    expect(await running).toContain('gdb ended');
    await using gdb = await served.gdb();
    const place = await icount(gdb);
    expect(place).toBeGreaterThanOrEqual(5_000_000);
    expect(await gdb.command('info threads')).toContain('machine mode');
    expect(await icount(gdb)).toBe(place);
  });

  test('a second gdb is told who is there, and the first is not disturbed', async () => {
    await using served = await Served.start(bootFixture(fixture('rv64', 'demo')), fixture('rv64', 'demo'), {
      graceMs: 1,
    });
    await using first = await served.gdb();
    await first.command('break handle');
    await first.command('continue');
    await using second = await served.gdb({ port: undefined });
    const refused = await second.command(`target remote 127.0.0.1:${served.port}`);
    expect(refused).toMatch(/another debugger is connected|Remote connection closed|Connection reset|closed/);
    expect(await first.command('continue')).toContain('Breakpoint 1, handle');
  });
});

describe.skipIf(!hasGdb)('power-off', () => {
  test('ends the history and not the session', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    const end = await gdb.command('continue');
    expect(end).toContain('The guest powered off with code 1.');
    expect(end).toContain('No more reverse-execution history.');
    const last = await icount(gdb);
    expect(await gdb.command('continue')).toContain('No more reverse-execution history.');
    expect(await gdb.command('stepi')).toContain('No more reverse-execution history.');
    expect(await icount(gdb)).toBe(last);
    await gdb.command('break panic');
    expect(await gdb.command('reverse-continue')).toContain('Breakpoint 1, panic');
    expect(await gdb.command('monitor info replay')).toContain(`of 0..${last}`);
    await gdb.command('delete');
    expect(await gdb.command('continue')).toContain('No more reverse-execution history.');
    expect(served.console.text).toMatch(/panic/);
    expect(served.console.text.match(/weather station/g)).toHaveLength(1);
  });
});

describe.skipIf(!hasGdb)('monitor', () => {
  test('goes to moments, names them, lists events', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('tbreak keep_outlier');
    await gdb.command('continue');
    const place = await icount(gdb);
    expect(await gdb.command('monitor snapshot save outlier')).toBe(
      `snapshot outlier saved at icount ${place}\n`,
    );
    expect(await gdb.command('monitor snapshot save again')).toContain('saved');
    expect(await gdb.command('monitor snapshot save 42')).toContain('cannot be a name');
    expect(await gdb.command('monitor goto 1000')).toContain('at icount 1000\n');
    await gdb.command('maintenance flush register-cache');
    expect(await icount(gdb)).toBe(1000);
    expect(await gdb.command('monitor goto outlier')).toContain(`at icount ${place}\n`);
    await gdb.command('maintenance flush register-cache');
    expect(await gdb.command('backtrace 1')).toContain('keep_outlier');
    expect(await gdb.command('monitor snapshot list')).toMatch(
      new RegExp(`icount ${place}, .*, outlier\\n.*icount ${place}, .*, again`),
    );
    expect(await gdb.command('monitor snapshot delete outlier')).toContain('deleted');
    expect(await gdb.command('monitor goto outlier')).toContain(
      'outlier is neither an icount nor a snapshot',
    );
    expect(await gdb.command('monitor goto again')).toContain(`at icount ${place}\n`);
    expect(await gdb.command('monitor goto 999999999999')).toContain(`which goes from 0 to ${place}`);
    expect(await gdb.command('monitor events')).toBe('no events\n');
    expect(await gdb.command('monitor goto start')).toContain('at icount 0\n');
    expect(await gdb.command('monitor goto end')).toContain(`at icount ${place}\n`);
  });

  test('reset starts the firmware again, as an event that is replayed', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('break handle');
    await gdb.command('continue');
    await gdb.command('continue 20');
    const place = await icount(gdb);
    expect(await gdb.command('monitor reset')).toContain('the board is reset');
    await gdb.command('maintenance flush register-cache');
    await gdb.command('maintenance flush dcache');
    expect(lastHex(await gdb.command('print/x $pc'))).toBe(0x1000);
    await gdb.command('continue');
    expect(await gdb.command('print station.packets')).toContain('= 0');
    expect(await gdb.command('monitor events')).toBe(`${place} reset by monitor\n`);
    await gdb.command('reverse-continue');
    expect(await icount(gdb)).toBeLessThan(place);
    expect(await gdb.command('print station.packets')).not.toContain('= 0');
    await gdb.command('continue');
    expect(await gdb.command('print station.packets')).toContain('= 0');
  });
});
