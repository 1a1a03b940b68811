/** Every `monitor` command, with arguments that make no sense: one clear line each, and the session goes on. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { boot, openRecording } from '../../src/api/index.js';
import { connect } from './wire.js';

const LONG = 'x'.repeat(30_000);
const ARGUMENTS = [
  '',
  'nonsense',
  'one two three four five',
  '-1',
  '1e400',
  '9'.repeat(400),
  '0xffffffffffffffffffffffff',
  '1.5',
  'NaN',
  '\u0663\u{1f600}',
  '\u001b[31mred\u0007\u009b\u202e',
  'a\u0000b',
  '__proto__',
  '--json',
  '../../x.bst',
  LONG,
  '9'.repeat(30_000),
  '('.repeat(30_000),
];

/** The control characters that a terminal might obey. */
const STEERS = /(?![\n\t])[\p{Cc}\u202a-\u202e]/u;

// Some arguments are names of files to write: they stay in a folder of the test's own, two deep.
const HERE = process.cwd();
const FIXTURES = join(HERE, 'fixtures');
const scratch = mkdtempSync(join(tmpdir(), 'backstub-monitor-'));
beforeAll(() => {
  mkdirSync(join(scratch, 'a/b'), { recursive: true });
  process.chdir(join(scratch, 'a/b'));
});
afterAll(() => {
  process.chdir(HERE);
  rmSync(scratch, { recursive: true, force: true });
});

describe('monitor', () => {
  it('answers every command with any argument, in short lines that steer no terminal', async () => {
    using session = boot(join(FIXTURES, 'rv64/echo.elf'), { inputs: ['keyboard', 'mouse', 'tablet'] });
    await session.step(1000);
    const { target } = session;
    const wire = await connect(target);
    const names = (await wire.monitor('help'))
      .trimEnd()
      .split('\n')
      .map(
        line =>
          /^[a-z_-]+(?: (?:save|list|delete|switch|drop|replay|registers|mtree|step-over-interrupts)\b)?/.exec(
            line,
          )![0],
      );
    expect(names.length).toBeGreaterThan(25);
    for (const name of names) {
      for (const argument of ARGUMENTS) {
        const command = `${name} ${argument}`;
        const text = await wire.monitor(command);
        const shown = `${name} ${argument.slice(0, 30)}: ${text.slice(0, 200)}`;
        expect(text, shown).toMatch(/\n$/);
        expect(text, shown).not.toMatch(STEERS);
        expect(text, shown).not.toMatch(/internal error|undefined|\[object|NaN bytes|RangeError|SyntaxError/);
        // What is wrong is told in one line. Lists are longer, and each of their lines is short.
        const longest = Math.max(...text.split('\n').map(line => line.length));
        expect(longest, shown).toBeLessThan(
          argument.length > 1000 && /^(type|snapshot|branch|who)/.test(name) ? 30_100 : 1000,
        );
      }
    }
    expect(await wire.ask('g')).toMatch(/^[0-9a-f]+$/);
  });

  it('tells the file of a recording, also of one that is replayed', async () => {
    using session = boot(join(FIXTURES, 'rv64/echo.elf'));
    const wire = await connect(session.target);
    expect(await wire.monitor('info replay')).toContain('recording: none');
    using replayed = openRecording(join(FIXTURES, 'recordings/v2.bst'));
    const other = await connect(replayed.target);
    expect(await other.monitor('info replay')).toContain(
      `recording: ${join(FIXTURES, 'recordings/v2.bst')}\n`,
    );
    expect(await other.monitor('last-write nothing')).toBe(
      'last-write: nothing is neither an address nor a symbol: no names are known here, set symbols to an ELF file\n',
    );
  });

  it.each([
    ['goto abc', 'goto: abc is neither an icount nor a snapshot\n'],
    ['goto \u001b[2J', 'goto: \\u001b[2J is neither an icount nor a snapshot\n'],
    ['goto 1e400', 'goto: icount 1e400 is too large\n'],
    ['replay_break 1.5', 'replay_break: "1.5" is no icount\n'],
  ])('%j says what is wrong', async (command, wanted) => {
    using session = boot(join(FIXTURES, 'rv64/echo.elf'));
    const wire = await connect(session.target);
    expect(await wire.monitor(command)).toBe(wanted);
  });

  it('nested too deep is said, not an internal error', async () => {
    using session = boot(join(FIXTURES, 'rv64/echo.elf'));
    const { target } = session;
    target.insertWatchpoint('write', 0x8000_2000n, 4);
    const wire = await connect(target);
    await wire.ask('Z2,80002000,4');
    for (const nested of ['('.repeat(5000), '!'.repeat(5000), '-'.repeat(5000)]) {
      expect(await wire.monitor(`watch-condition 0x80002000 ${nested}1`)).toContain('nested too deep');
    }
  });
});
