/** gdb before histories that do not begin with the machine. */
import { describe, expect, test } from 'vitest';
import { hasGdb } from '../support/gdb.js';
import { bootFixture, fixture, lastHex, replay, Served, savedPart } from '../support/sessions.js';

const DEMO = fixture('rv64', 'demo');

describe.skipIf(!hasGdb)('a part of a history, saved from gdb and opened in gdb', () => {
  test('begins at its icount, which gdb shows, and goes both ways from there', async () => {
    await using served = await Served.boot(DEMO);
    const files = served.files;
    await using first = await served.gdb();
    await first.command('break panic');
    await first.command('continue');
    const crash = lastHex(await first.command('print/x $icount'));
    await first.command('monitor goto 5000000');
    expect(await first.command('monitor snapshot save before')).toContain(
      'snapshot before saved at icount 5000000',
    );
    expect(await first.command('monitor history save part.bst from before')).toContain(
      'history saved to part.bst, from before on',
    );
    expect(await first.command('monitor history save late.bst from 6000000')).toContain(
      'history saved to late.bst, from 6000000 on',
    );
    expect(await first.command('monitor history save x.bst from nowhere')).toContain(
      'history save: nowhere is neither an icount nor a snapshot',
    );
    expect(await first.command('monitor history save x.bst from 7000000')).toContain(
      `history save: icount 7000000 is outside the history, which goes from 0 to ${crash}`,
    );
    expect(files.get('x.bst')).toBeUndefined();
    expect(files.get('late.bst')!.read().header.start).toMatchObject({ icount: 6_000_000 });

    await using again = await Served.start(replay(files.get('part.bst')!.read()), DEMO);
    await using gdb = await again.gdb();
    const icount = async () => lastHex(await gdb.command('print/x $icount'));
    expect(await icount()).toBe(5_000_000);
    expect(await gdb.command('monitor info replay')).toContain(
      [
        `icount: 5000000 of 5000000..${crash}`,
        'begins at icount 5000000, snapshot before: what came before is not here',
      ].join('\n'),
    );
    expect(await gdb.command('monitor snapshot list')).toMatch(/^icount 5000000, .*, before$/m);
    await gdb.command('break panic');
    expect(await gdb.command('continue')).toContain('panic (');
    expect(await icount()).toBe(crash);
    await gdb.command('watch station.channels[2].calibration');
    expect(await gdb.command('reverse-continue')).toContain('Old value = ');
    expect(await icount()).toBe(5_545_706);
    await gdb.command('delete');
    const begin = await gdb.command('reverse-continue');
    expect(begin).toContain('No more reverse-execution history.');
    expect(begin).toContain('the history begins at icount 5000000');
    expect(await icount()).toBe(5_000_000);
    expect(await gdb.command('reverse-stepi')).toContain('No more reverse-execution history.');
    await gdb.command('stepi');
    await gdb.command('monitor goto before');
    await gdb.command('maintenance flush register-cache');
    expect(await icount()).toBe(5_000_000);
    expect(await gdb.command('monitor goto 4999999')).toContain(
      `goto: icount 4999999 is outside the history, which goes from 5000000 to ${crash}`,
    );
    expect(await gdb.command('monitor first-exec 0x80000000')).toContain('not executed since icount 5000000');
    expect(await gdb.command('monitor irq-history')).toContain('no interrupt was taken');
  });
});

test('a change in the past begins a branch, which is saved with the beginning that it has', async () => {
  const live = bootFixture(DEMO);
  await live.session.runToEnd({ maxIcount: 40_000 });
  const { session, files } = replay(await savedPart(live, { from: 30_000 }));
  session.attach();
  await session.seek(35_000);
  session.writeRegister(0, 27, Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0));
  await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
  expect(session.status()).toMatchObject({ mode: 'live', begin: 30_000, end: 35_001 });
  await session.saveHistory('branch', {});
  await session.saveHistory('late', { from: 35_000 });
  const branch = files.get('branch')!.read();
  expect({ ...branch, events: [...branch.events] }).toMatchObject({
    header: { start: { icount: 30_000 } },
    events: [{ icount: 35_000, event: { kind: 'write-register' } }],
    end: { kind: 'stopped', icount: 35_001 },
  });
  expect(await replay(branch).session.verify()).toMatchObject({ checkpoints: 2 });
  const late = files.get('late')!.read();
  expect(late).toMatchObject({ header: { start: { icount: 35_000 } }, events: { length: 0 } });
  expect(await replay(late).session.verify()).toMatchObject({ checkpoints: 2 });
  // A snapshot of the parent's that is no moment of the branch.
  await session.branches.switchTo('main');
  await session.seek(39_000);
  session.saveSnapshot('elsewhere');
  await session.branches.switchTo('branch1');
  await expect(session.saveHistory('x', { from: { snapshot: 'elsewhere' } })).rejects.toThrow(
    'elsewhere is neither an icount nor a snapshot',
  );
});
