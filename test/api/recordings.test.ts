import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { boot, continueRecording, openRecording } from '../../src/api/index.js';

const folder = mkdtempSync(join(tmpdir(), 'backstub-api-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ECHO = 'fixtures/rv64/echo.elf';

test('a script saves a part, opens it, and goes on from it with other inputs', async () => {
  const [whole, part, more] = ['whole', 'part', 'more'].map(name => join(folder, `${name}.bst`));
  using machine = boot(ECHO, { record: whole });
  machine.console.type(new TextEncoder().encode('first\r'));
  await machine.step(20_000);
  machine.saveSnapshot('typed');
  const here = machine.icount;
  machine.console.type(new TextEncoder().encode('second\r'));
  await machine.step(20_000);
  expect(machine.snapshots.filter(({ name }) => name !== undefined)).toMatchObject([
    { name: 'typed', icount: here },
  ]);
  await machine.saveHistory(part, { from: { snapshot: 'typed' } });
  await machine.seek({ snapshot: 'typed' });
  expect(machine.icount).toBe(here);
  machine.deleteSnapshot('typed');
  await expect(machine.seek({ snapshot: 'typed' })).rejects.toThrow(
    'typed is neither an icount nor a snapshot',
  );
  await expect(machine.saveHistory(join(folder, 'no/such'))).rejects.toThrow('cannot create recording');

  using recording = openRecording(part, { symbols: ECHO });
  expect(recording.history).toEqual({ begin: here, end: machine.history.end });
  await recording.seek('end');
  expect(recording.console.text).toContain('second');
  expect(recording.console.text).not.toContain('first');
  expect((await recording.reverseContinue()).kind).toBe('history');
  expect(recording.icount).toBe(here);

  {
    using live = await continueRecording(part, { at: 'start', record: more, symbols: ECHO });
    expect(live.history).toEqual({ begin: here, end: here });
    live.console.type(new TextEncoder().encode('other\r'));
    await live.step(20_000);
    expect(live.console.text).toContain('other');
    expect(live.console.text).not.toContain('second');
    await live.reverseContinue();
    expect(live.icount).toBe(here);
  }
  using again = openRecording(more);
  expect((await again.target.verify()).icount).toBe(here + 20_000);
  using end = await continueRecording(more);
  expect(end.icount).toBe(here + 20_000);
});
