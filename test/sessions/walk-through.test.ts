import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasGdb } from '../support/gdb.js';
import { fixture, REPOSITORY, Served } from '../support/sessions.js';

interface Exchange {
  readonly command: string;
  readonly lines: readonly string[];
}

/** The session that README shows: commands, and the lines gdb answers with. */
function walkThrough(): Exchange[] {
  const [, section] = readFileSync(join(REPOSITORY, 'README.md'), 'utf8').split(
    /<!-- walk-through: (?:begin|end) -->/,
  );
  const [, session] = section.split('```');
  return session
    .split(/^\(gdb\) /m)
    .slice(1)
    .map(text => {
      const [command, ...lines] = text.trimEnd().split('\n');
      return { command, lines: lines.map(withoutRemark) };
    });
}

/** Remarks stand at the right: `<- ...` or `(...)` behind at least five spaces. */
const withoutRemark = (line: string): string => line.replace(/ {5,}(?:<- .*|\(.*\))$/, '');

/** `(...)` stands for any arguments. */
function expectation(line: string): RegExp {
  const pattern = line.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\\(\\.\\.\\.\\)', '\\(.*\\)');
  return new RegExp(`^${pattern}$`);
}

/** Where code lies depends on its width, and so does whether a line's address is worth showing to gdb. */
const withoutAddresses = (line: string): string =>
  line
    .replace(/^(#\d+ +)?0x[0-9a-f]+(?: in |\t)/gm, '$1')
    .replace(/0x8[0-9a-f]+/g, '0x...')
    .replace(/\+\d+>/g, '>');

/** The lines of `shown` come in this order; others, such as empty ones, may stand between them. */
function expectLines(output: string, shown: readonly string[]): void {
  const lines = output.split('\n');
  let at = 0;
  for (const line of shown) {
    const wanted = expectation(line);
    const found = lines.findIndex((candidate, i) => i >= at && wanted.test(candidate));
    expect(found, `"${line}" in:\n${output}`).toBeGreaterThanOrEqual(at);
    at = found + 1;
  }
}

describe.skipIf(!hasGdb)('the walk-through of README', () => {
  const exchanges = walkThrough();

  test('has the moves that it is to show', () => {
    const commands = exchanges.map(({ command }) => command.split(' ')[0]);
    for (const move of ['watch', 'reverse-continue', 'reverse-step', 'reverse-next', 'reverse-finish']) {
      expect(commands).toContain(move);
    }
    expect(exchanges.flatMap(({ lines }) => lines).length).toBeGreaterThan(30);
  });

  test('is what gdb shows on rv64, word for word', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    await using gdb = await served.gdb();
    for (const { command, lines } of exchanges) expectLines(await gdb.command(command), lines);
  });

  test('is the same on rv32 but for addresses and the last steps', async () => {
    await using served = await Served.boot(fixture('rv32', 'demo'));
    await using gdb = await served.gdb();
    const lastSteps = exchanges.length - 4;
    for (const [i, { command, lines }] of exchanges.entries()) {
      const output = await gdb.command(command);
      if (i === lastSteps) expect(output).toContain('86\t}');
      else if (i === lastSteps + 1) expect(output).toContain('80\t}');
      else expectLines(withoutAddresses(output), lines.map(withoutAddresses));
    }
  });
});
