/** Calls by semihosting under gdb: back over them, and what they print in gdb itself. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasGdb } from '../support/gdb.js';
import { bootFixture, Served } from '../support/sessions.js';
import { bootCaller } from './caller.js';

const ELF = 'fixtures/rv64/semihosting.elf';

describe.skipIf(!hasGdb)('gdb', () => {
  test('goes back over calls that read files, and forward again to the same', async () => {
    const { live, path } = bootCaller('f');
    writeFileSync(join(path, 'input.txt'), 'line of input\n');
    await using served = await Served.start(live, ELF);
    await using gdb = await served.gdb();
    await gdb.command('break read_back');
    for (let hit = 0; hit < 7; hit++) await gdb.command('continue');
    // The last of them reads input.txt.
    expect(await gdb.command('print (char *) what')).toContain('"input"');
    await gdb.command('finish');
    const text = live.console.text;
    expect(text).toContain('input: left 16');
    writeFileSync(join(path, 'input.txt'), 'something else\n');
    await gdb.command('reverse-finish');
    expect(await gdb.command('info registers pc')).toContain('read_back');
    await gdb.command('reverse-continue');
    await gdb.command('delete');
    await gdb.command('continue');
    expect(live.console.text.match(/input: left 16 "line of input\n"/g)).toHaveLength(1);
    expect(await gdb.command('info registers pc')).not.toContain('read_back');
  });

  test('shows what calls print when it is asked to, as long as it is there', async () => {
    const { live } = bootCaller('c');
    await using served = await Served.start(live, ELF);
    await using gdb = await served.gdb();
    expect(await gdb.command('monitor set semihosting-output maybe')).toContain(
      'is neither on nor off; it is off',
    );
    await gdb.command('break plain_calls');
    expect(await gdb.command('continue')).not.toContain('mode c');
    expect(await gdb.command('monitor set semihosting-output on')).toContain('semihosting-output is on');
    const shown = await gdb.command('continue');
    expect(shown).toContain('write to nowhere: 4 errno 9');
    expect(live.console.text).toContain('mode c\n');
    expect(live.console.text).toContain('write to nowhere: 4 errno 9');
    await gdb.command('reverse-continue');
    // It was shown before.
    expect(await gdb.command('continue')).not.toContain('write to nowhere');
  });

  test('is told where there is none', async () => {
    await using served = await Served.start(bootFixture('fixtures/rv64/echo.elf'), 'fixtures/rv64/echo.elf');
    await using gdb = await served.gdb();
    expect(await gdb.command('monitor set semihosting-output on')).toContain(
      'answers no calls by semihosting',
    );
  });
});
