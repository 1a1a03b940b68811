import { describe, expect, test } from 'vitest';
import { type GdbSession, hasGdb } from '../support/gdb.js';
import {
  bootFixture,
  fixture,
  lastHex,
  MemoryFile,
  replay,
  Served,
  type Width,
} from '../support/sessions.js';

const icount = async (gdb: GdbSession): Promise<number> => lastHex(await gdb.command('print/x $icount'));
const NO_HISTORY = 'No more reverse-execution history.';

/** Stops as `breakpoint number @ icount`, until the history ends. */
async function hits(gdb: GdbSession, command: string): Promise<string[]> {
  const found: string[] = [];
  for (;;) {
    const output = await gdb.command(command);
    if (output.includes(NO_HISTORY)) return found;
    const breakpoint =
      /^(?:Temporary b|B)reakpoint (\d+), |^Hardware (?:\w+ \(?\w+\)? ?)?watchpoint (\d+)/im.exec(output);
    if (breakpoint === null) throw new Error(`neither a hit nor the end: ${output}`);
    found.push(`${breakpoint[1] ?? breakpoint[2]} @ ${await icount(gdb)}`);
  }
}

/** The demo, recorded for some thousand steps: short enough to visit every hit. */
async function shortDemo(steps: number, width: Width = 'rv64') {
  const file = new MemoryFile();
  const { session } = bootFixture(fixture(width, 'demo'));
  session.record(file);
  await session.runToEnd({ maxIcount: steps });
  session.close();
  return file.read();
}

describe.skipIf(!hasGdb)('breakpoints', () => {
  test('backwards come in the reverse order of their hits forwards, with conditions and ignore counts', async () => {
    const elf = fixture('rv64', 'demo');
    await using served = await Served.start(
      replay(await shortDemo(16_000), { snapshotIntervalSteps: 4000 }),
      elf,
    );
    await using gdb = await served.gdb();
    await gdb.command('break handle');
    await gdb.command('break store');
    await gdb.command('break noise if $icount % 3 == 0');
    await gdb.command('break receive');
    await gdb.command('disable 4');
    const forward = await hits(gdb, 'continue');
    expect(forward.length).toBeGreaterThan(40);
    for (const number of ['1', '2', '3']) {
      expect(forward.some(hit => hit.startsWith(`${number} @`))).toBe(true);
    }
    expect(await icount(gdb)).toBe(16_000);
    const backward = await hits(gdb, 'reverse-continue');
    expect(backward).toEqual(forward.toReversed());
    expect(await icount(gdb)).toBe(0);
    expect(await hits(gdb, 'continue')).toEqual(forward);

    await gdb.command('delete');
    await gdb.command('break handle');
    const all = await hits(gdb, 'reverse-continue');
    await gdb.command('ignore 5 3');
    await gdb.command('continue');
    expect(await icount(gdb)).toBe(Number(all.toReversed()[3].split('@ ')[1]));
    await gdb.command('ignore 5 2');
    await gdb.command('continue');
    expect(await icount(gdb)).toBe(Number(all.toReversed()[6].split('@ ')[1]));
    await gdb.command('ignore 5 1');
    await gdb.command('reverse-continue');
    expect(await icount(gdb)).toBe(Number(all.toReversed()[4].split('@ ')[1]));
    await gdb.command('delete');
    await gdb.command('tbreak handle');
    await gdb.command('reverse-continue');
    expect(await gdb.command('info breakpoints')).toContain('No breakpoints or watchpoints');
    expect(await icount(gdb)).toBe(Number(all.toReversed()[3].split('@ ')[1]));
  });

  test('`run` starts the history over', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb({ target: 'extended-remote' });
    await gdb.command('break handle');
    await gdb.command('continue');
    const first = await icount(gdb);
    await gdb.command('continue');
    await gdb.command('set remote exec-file demo');
    expect(await gdb.command('run')).toContain('Breakpoint 1, handle');
    expect(await icount(gdb)).toBe(first);
  });
});

describe.skipIf(!hasGdb)('watchpoints', () => {
  test.each<Width>(['rv64', 'rv32'])('%s: writes, reads and accesses both ways', async width => {
    const elf = fixture(width, 'demo');
    await using served = await Served.start(
      replay(await shortDemo(20_000, width), { snapshotIntervalSteps: 4000 }),
      elf,
    );
    await using gdb = await served.gdb();
    for (const command of ['watch', 'rwatch', 'awatch']) {
      await gdb.command(`${command} station.packets`);
      const forward: string[] = [];
      for (;;) {
        const output = await gdb.command('continue');
        if (output.includes(NO_HISTORY)) break;
        forward.push(await change(gdb, output));
      }
      const backward: string[] = [];
      for (;;) {
        const output = await gdb.command('reverse-continue');
        if (output.includes(NO_HISTORY)) break;
        backward.push(await change(gdb, output));
      }
      expect(forward.length).toBeGreaterThan(5);
      expect(forward.every(hit => hit.includes('handle'))).toBe(true);
      expect(backward.map(mirrored)).toEqual(forward.toReversed());
      await gdb.command('delete');
    }
  });

  test('bytes beside the watched ones do not count', async () => {
    await using served = await Served.start(
      replay(await shortDemo(20_000), { snapshotIntervalSteps: 4000 }),
      fixture('rv64', 'demo'),
    );
    await using gdb = await served.gdb();
    // station.packets changes by one at a time: its third byte stays 0, and sequence lies beside the channel.
    await gdb.command('watch *((char*)&station.packets + 2)');
    expect(await gdb.command('continue')).toContain(NO_HISTORY);
    await gdb.command('delete');
    await gdb.command('rwatch *(char*)&station.packets');
    expect(await gdb.command('reverse-continue')).toMatch(/^Hardware read watchpoint/m);
  });

  test('the store that is just ahead or just behind counts', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('watch station.packets');
    await gdb.command('continue');
    await gdb.command('continue');
    const behind = await icount(gdb);
    // GDB stands behind the store: going back meets it first.
    expect(await gdb.command('reverse-continue')).toMatch(/Old value = 2\nNew value = 1\n/);
    const ahead = await icount(gdb);
    expect(ahead).toBe(behind - 1);
    expect(await gdb.command('continue')).toMatch(/Old value = 1\nNew value = 2\n/);
    expect(await icount(gdb)).toBe(behind);
    expect(await gdb.command('reverse-stepi')).toMatch(/Old value = 2\nNew value = 1\n/);
    expect(await icount(gdb)).toBe(ahead);
    expect(await gdb.command('stepi')).toMatch(/Old value = 1\nNew value = 2\n/);
    expect(await icount(gdb)).toBe(behind);
  });

  test('a store that is the very last step of the history is found, and both ends have a name', async () => {
    await using live = await Served.boot(fixture('rv64', 'demo'));
    await using finder = await live.gdb();
    await finder.command('watch radio_noise');
    await finder.command('continue');
    const store = (await icount(finder)) - 1;
    await using served = await Served.start(replay(await shortDemo(store + 1)), fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    await gdb.command('watch radio_noise');
    expect(await gdb.command('continue')).toMatch(/^Hardware watchpoint 1/m);
    expect(await icount(gdb)).toBe(store + 1);
    expect(await gdb.command('continue')).toContain(NO_HISTORY);
    expect(await gdb.command('reverse-continue')).toMatch(/^Hardware watchpoint 1/m);
    expect(await icount(gdb)).toBe(store);
    expect(await gdb.command('reverse-continue')).toContain(NO_HISTORY);
    expect(await icount(gdb)).toBe(0);
    expect(await gdb.command('reverse-continue')).toContain(NO_HISTORY);
    expect(await gdb.command('reverse-stepi')).toContain(NO_HISTORY);
    await gdb.command('stepi');
    expect(await icount(gdb)).toBe(1);
  });
});

/** What a watchpoint stop shows: values and the function. */
async function change(gdb: GdbSession, output: string): Promise<string> {
  const values = output.match(/^(?:Old value|New value|Value) = .*$/gm) ?? [];
  const symbol = /^(\w+)/.exec(await gdb.command('info symbol $pc'))?.[1];
  return `${symbol}: ${values.join(', ')}`;
}

/** Backwards, old and new are swapped. */
const mirrored = (hit: string): string =>
  hit.replace(/Old value = (.*), New value = (.*)$/, 'Old value = $2, New value = $1');
