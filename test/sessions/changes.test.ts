import { describe, expect, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import { bootFixture, digestsOf, fixture, lastHex, MemoryFile, replay, Served } from '../support/sessions.js';

const icount = async (gdb: GdbSession): Promise<number> => lastHex(await gdb.command('print/x $icount'));

/** Serves a live machine that is recorded; `recording` reads it once the session is closed. */
async function recorded(name: string) {
  const file = new MemoryFile();
  const live = bootFixture(fixture('rv64', name));
  live.session.record(file);
  const served = await Served.start(live, fixture('rv64', name));
  return {
    served,
    async recording() {
      await served[Symbol.asyncDispose]();
      return file.read();
    },
  };
}

describe.skipIf(!hasGdb)('changes by the debugger', () => {
  test('at the live end are events: reversible, recorded, replayed', async () => {
    const { served, recording } = await recorded('demo');
    {
      await using gdb = await served.gdb();
      await gdb.command('break store');
      await gdb.command('continue');
      const place = await icount(gdb);
      const before = await gdb.command('output station.packets');
      await gdb.command('set var station.packets = 1000');
      await gdb.command('set var reading = 7');
      await gdb.command('print $mscratch = 0x1234');
      expect(await gdb.command('output station.packets')).toBe('1000');
      await gdb.command('stepi');
      await gdb.command('reverse-stepi');
      // After all events of the moment, the changes are there.
      expect(await gdb.command('output station.packets')).toBe('1000');
      expect(await gdb.command('output/x $mscratch')).toBe('0x1234');
      await gdb.command('reverse-stepi');
      expect(await gdb.command('output station.packets')).toBe(before);
      await gdb.command('stepi');
      expect(await gdb.command('output station.packets')).toBe('1000');
      expect(await gdb.command('monitor events')).toMatch(new RegExp(`^${place} .*\\n(?:${place} .*\\n)*$`));
      // A jump leaves the function out.
      await gdb.command('continue');
      await gdb.command('set var $ra_before = $ra');
      await gdb.command('delete');
      await gdb.command('tbreak *$ra');
      expect(await gdb.command('jump *$ra')).toContain('handle');
      expect(await gdb.command('output $pc == $ra_before')).toBe('1');
      await gdb.command('tbreak report');
      await gdb.command('continue');
      expect(await gdb.command('output station.packets')).toMatch(/^[34]\d{3}$/);
    }
    const session = served.session;
    const digests = digestsOf(session);
    const { icount: end } = session.status();
    const file = await recording();
    expect(file.end).toMatchObject({ kind: 'stopped', icount: end });
    const again = replay(file).session;
    await again.verify();
    expect(digestsOf(again)).toEqual(digests);
  });

  test('`call` runs a function of the guest, and its result is right', async () => {
    const { served, recording } = await recorded('demo');
    {
      await using gdb = await served.gdb();
      await gdb.command('break handle');
      await gdb.command('continue');
      const place = await icount(gdb);
      const pc = await gdb.command('output/x $pc');
      // Fletcher-16 of the first 4 bytes of the name "temperature": 0x74, 0x65, 0x6d, 0x70.
      const bytes = [0x74, 0x65, 0x6d, 0x70];
      let sum = 0;
      let sumOfSums = 0;
      for (const byte of bytes) {
        sum = (sum + byte) % 255;
        sumOfSums = (sumOfSums + sum) % 255;
      }
      const result = await gdb.command('print/x checksum(station.channels[0].name, 4)');
      expect(lastHex(result)).toBe((sumOfSums << 8) | sum);
      expect(await gdb.command('output/x $pc')).toBe(pc);
      expect(await icount(gdb)).toBeGreaterThan(place);
      await gdb.command('continue');
      await gdb.command('reverse-continue');
    }
    const file = await recording();
    expect([...file.events].some(({ event }) => event.kind === 'write-register')).toBe(true);
    await replay(file).session.verify();
  });

  test('`load` writes the firmware again', async () => {
    const { served, recording } = await recorded('echo');
    {
      await using gdb = await served.gdb();
      await gdb.command('tbreak main');
      await gdb.command('continue');
      const entered = await gdb.command('output/x $sp');
      expect(await gdb.command('load')).toMatch(/Loading section \.text[\s\S]*Start address 0x0*80000000/);
      expect(await gdb.command('output/x $pc')).toBe('0x80000000');
      await gdb.command('tbreak main');
      expect(await gdb.command('continue')).toContain('main () at');
      expect(await gdb.command('output/x $sp')).toBe(entered);
      expect(await gdb.command('compare-sections')).not.toContain('MIS-MATCHED');
    }
    await replay(await recording()).session.verify();
  });

  test('in the past leave what happened as it is', async () => {
    const { served, recording } = await recorded('demo');
    {
      await using gdb = await served.gdb();
      await gdb.command('tbreak panic');
      await gdb.command('continue');
      const end = await icount(gdb);
      await gdb.command('watch station.channels[2].calibration');
      await gdb.command('reverse-continue');
      await gdb.command('delete');
      await gdb.command('tbreak keep_outlier');
      await gdb.command('reverse-continue');
      await gdb.command('set var channel->outlier_count = 3');
      await gdb.command('tbreak report');
      await gdb.command('continue');
      expect(await gdb.command('output station.channels[2].calibration')).toContain('<barometer>');
      await gdb.command('tbreak panic');
      expect(await gdb.command('continue')).toContain('panic (format=');
      expect(await icount(gdb)).toBeGreaterThan(end);
    }
    const file = await recording();
    await replay(file).session.verify();
    // The recording holds what really happened, without the change.
    expect([...file.events]).toEqual([]);
  });

  test('that cannot be made say why', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    expect(await gdb.command('set var *(char*)0x40 = 1')).toContain('Cannot access memory at address 0x40');
    expect(await gdb.command('print $icount = 5')).toMatch(/cannot be written|Could not write register/);
    await gdb.command('continue');
    expect(await gdb.command('set var $a0 = 5')).toContain('powered off');
  });
});

describe.skipIf(!hasGdb)('what is typed', () => {
  test('while recording reappears at the same icount in replay', async () => {
    const { served, recording } = await recorded('echo');
    let arrival = 0;
    {
      await using gdb = await served.gdb();
      await gdb.command('tbreak main');
      await gdb.command('continue');
      served.console.type('hello');
      expect(await gdb.command('monitor type world')).toContain('typed');
      await gdb.command('tbreak 8 if byte == 100');
      await gdb.command('continue');
      arrival = Number(/^(\d+) /.exec(await gdb.command('monitor events'))?.[1]);
    }
    const { icount: end } = served.session.status();
    expect(served.console.text).toContain('helloworl');
    const file = await recording();
    expect([...file.events].map(({ event }) => event.kind)).toContain('console');
    expect(file.events.at(0)?.icount).toBe(arrival);
    const live = replay(file);
    await using again = await Served.start(live, fixture('rv64', 'echo'));
    await using gdb = await again.gdb();
    await gdb.command(`monitor goto ${arrival}`);
    await gdb.command('maintenance flush register-cache');
    expect(again.console.text).not.toContain('hello');
    expect(await gdb.command('continue')).toContain('No more reverse-execution history.');
    expect(await icount(gdb)).toBe(end);
    expect(again.console.text).toContain('helloworl');
    again.console.type('this is not heard');
    expect(await gdb.command('continue')).toContain('No more reverse-execution history.');
    expect(await icount(gdb)).toBe(end);
  });
});
