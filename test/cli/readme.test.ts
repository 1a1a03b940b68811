import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { MACHINE_OPTIONS } from '../../src/cli/machine-options.js';
import type { OptionSpec } from '../../src/cli/option-spec.js';
import {
  ENGINE_OPTIONS,
  GDB_OPTIONS,
  HISTORY_OPTIONS,
  LIMIT_OPTIONS,
  RECORDING_OPTIONS,
  SAVE_OPTIONS,
  SIZE_LIMIT_OPTIONS,
} from '../../src/cli/options.js';
import { REPOSITORY, scratchFolder } from './backstub.js';

const README = readFileSync(join(REPOSITORY, 'README.md'), 'utf8');

const { jit: _everywhere, ...FOR_FIRMWARE } = MACHINE_OPTIONS;

const refusedFlags = (flags: string) => flags.replace(/^--(\S+).*/, '--no-$1');

const SECTIONS = [
  ['`serve`, `record`, `run`', FOR_FIRMWARE],
  ['`record`, `run`', LIMIT_OPTIONS],
  ['`record`', SIZE_LIMIT_OPTIONS],
  ['`serve`, `record`', RECORDING_OPTIONS],
  ['`serve`, `replay`', { ...SAVE_OPTIONS, ...GDB_OPTIONS, ...HISTORY_OPTIONS }],
  ['`serve`, `record`, `run`, `replay`, `verify`', ENGINE_OPTIONS],
] as const;

test('the table of options is the one the command line is made of', () => {
  const rows = SECTIONS.flatMap(([commands, options]) =>
    Object.values<OptionSpec<unknown>>(options).flatMap(({ flags, help, fallback, refusal }) => [
      `| \`${flags}\` | ${help} | ${fallback ?? ''} | ${commands} |`,
      ...(refusal === undefined ? [] : [`| \`${refusedFlags(flags)}\` | ${refusal} |  | ${commands} |`]),
    ]),
  );
  const table = ['| option | meaning | default | of |', '| --- | --- | --- | --- |', ...rows].join('\n');
  const [, shown] = README.split(/<!-- options: (?:begin|end) -->/);
  expect(shown.trim()).toBe(table);
});

test('the walk-through is the one of the fixtures', () => {
  const [, shown] = README.split(/<!-- walk-through: (?:begin|end) -->/);
  const session = /^```\n\(gdb\)[\s\S]*?^```$/m;
  expect(shown.trim()).toBe(session.exec(readFileSync(join(REPOSITORY, 'fixtures/README.md'), 'utf8'))?.[0]);
});

test('links to files of the repository lead somewhere', () => {
  const broken = ['README.md', 'CONTRIBUTING.md'].flatMap(name =>
    [...readFileSync(join(REPOSITORY, name), 'utf8').matchAll(/\]\(([\w./-]+)\)/g)]
      .map(([, path]) => path)
      .filter(path => !existsSync(join(REPOSITORY, path)))
      .map(path => `${name}: ${path}`),
  );
  expect(broken).toEqual([]);
});

test('the script does what it says', async () => {
  const [, section] = README.split(/<!-- scripting: (?:begin|end) -->/);
  const [, script, , output] = section.split(/```(?:js)?\n/);
  const inScratch = script.replaceAll("'demo.bst'", JSON.stringify(join(scratchFolder(), 'demo.bst')));
  // A module given as text finds the package that it runs in.
  const arguments_ = ['--input-type=module', '--eval', inScratch];
  const { stdout } = await promisify(execFile)(process.execPath, arguments_, { cwd: REPOSITORY });
  expect(stdout).toBe(output);
});
