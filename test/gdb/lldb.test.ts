import { execFile, spawnSync } from 'node:child_process';
import { describe, expect, it, test } from 'vitest';
import { targetXml } from '../../src/gdb/stub/target-xml.js';
import { bootFixture, fixture, Served } from '../support/sessions.js';

const LLDB = 'lldb-16';
const hasLldb = spawnSync(LLDB, ['--version']).status === 0;

const lldb = (...commands: string[]): Promise<string> =>
  new Promise(resolve => {
    const args = ['--no-use-colors', '-b', ...commands.flatMap(command => ['-o', command])];
    execFile(LLDB, args, { timeout: 50_000 }, (_, stdout) => resolve(stdout));
  });

test.each([
  ['pc', 'pc', undefined],
  ['sp', 'sp', 2],
  ['ra', 'ra', 1],
  ['fp', 'fp', 8],
  ['a0', 'arg1', 10],
  ['a7', 'arg8', 17],
  ['fa0', undefined, 42],
])('%s has its role %s and its number %s for LLDB', (name, role, number) => {
  const xml = targetXml(bootFixture(fixture('rv64', 'demo')).session.description);
  const row = new RegExp(`<reg name="${name}".*/>`).exec(xml)?.[0] ?? '';
  const attribute = (key: string) => new RegExp(` ${key}="([^"]*)"`).exec(row)?.[1];
  expect(attribute('generic')).toBe(role);
  expect(attribute('dwarf_regnum')).toBe(number?.toString());
  expect(attribute('ehframe_regnum')).toBe(number?.toString());
});

describe.skipIf(!hasLldb)(`${LLDB} (apt-get install ${LLDB}; skipped where it is absent)`, () => {
  it('knows where it is, and who called', async () => {
    await using served = await Served.boot(fixture('rv64', 'demo'));
    const output = await lldb(
      `target create ${fixture('rv64', 'demo')}`,
      `gdb-remote 127.0.0.1:${served.port}`,
      'register read pc',
      'breakpoint set -n handle',
      'continue',
      'bt',
    );
    expect(output).toMatch(/pc = 0x0*1000\b/);
    expect(output).toMatch(/frame #0: .*handle/);
    expect(output).toMatch(/frame #1: .*main/);
  });
});
