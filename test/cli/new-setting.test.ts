/** CONTRIBUTING.md's example of a new setting: its one row goes into a copy of the sources, and everything follows. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { REPOSITORY, scratchFolder } from './backstub.js';

const DEMO = join(REPOSITORY, 'fixtures/rv64/demo.elf');
const TABLE_END = /^} as const;$/m;

let folder: string;
const at = (path: string) => join(folder, path);

const USES = `import { boot } from './api/index.js';
export const right = () => boot('demo.elf', { serialNumber: 'A7' });
export const wrong = () => boot('demo.elf', { serialNumber: 7 });
`;

const run = (...args: string[]) =>
  spawnSync(process.execPath, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });
const backstub = (...args: string[]) => run(at('dist/cli/main.js'), ...args);
const record = (file: string, ...options: string[]) =>
  backstub('record', DEMO, '--serial', 'null', '--max-icount', '1000', '-o', file, ...options);

function insertRow(): void {
  folder = scratchFolder();
  cpSync(join(REPOSITORY, 'src'), at('src'), { recursive: true });
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json'])
    cpSync(join(REPOSITORY, name), at(name));
  symlinkSync(join(REPOSITORY, 'node_modules'), at('node_modules'));
  const guide = readFileSync(join(REPOSITORY, 'CONTRIBUTING.md'), 'utf8');
  const row = /<!-- a new setting -->\n+```ts\n([\s\S]*?)```/.exec(guide)?.[1];
  const table = readFileSync(at('src/ports/settings.ts'), 'utf8');
  expect(table).toMatch(TABLE_END);
  writeFileSync(at('src/ports/settings.ts'), table.replace(TABLE_END, `${row}} as const;`));
  writeFileSync(at('src/uses.ts'), USES);
}

test('a row makes a field, an option, a part of recordings, and what info and diff say', () => {
  insertRow();
  // The types follow: only the use that is wrong is.
  const { stdout: errors } = run(at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json');
  expect(errors.trim().split('\n')).toEqual([
    "src/uses.ts(3,47): error TS2322: Type 'number' is not assignable to type 'string'.",
  ]);

  expect(backstub('run', '--help').stdout).toMatch(/--serial-number <text> +what /);
  expect(record('named.bst', '--serial-number', 'A7')).toMatchObject({ status: 0 });
  expect(record('other.bst', '--serial-number', 'A8')).toMatchObject({ status: 0 });
  expect(record('plain.bst')).toMatchObject({ status: 0 });
  const tooLong = record('never.bst', '--serial-number', 'x'.repeat(33));
  expect(tooLong.stderr).toMatch(/^backstub: error: "x+" cannot be: give --serial-number a text of/);
  expect(tooLong.status).toBe(2);

  expect(backstub('info', 'named.bst').stdout).toMatch(/^number {6}A7$/m);
  expect(backstub('info', 'plain.bst').stdout).not.toMatch(/^number/m);
  expect(backstub('diff', 'named.bst', 'other.bst')).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^serialNumber\n {2}named.bst: "A7"\n {2}other.bst: "A8"$/m),
  });
  expect(backstub('diff', 'named.bst', 'plain.bst').stdout).toMatch(/^serialNumber\n.*"A7"\n.*: none$/m);
  expect(backstub('verify', 'named.bst').status).toBe(0);

  // What is in a file is checked like what is given.
  expect(backstub('export', 'named.bst', 'parts').status).toBe(0);
  const config = readFileSync(at('parts/config.json'), 'utf8');
  writeFileSync(at('parts/config.json'), config.replace('"A7"', '7'));
  expect(backstub('import', 'parts', '-o', 'bad.bst').stderr).toContain('has no valid "serialNumber": 7');

  // Recordings from before it are still read.
  for (const name of ['v1.bst', 'v2.bst'])
    expect(backstub('info', join(REPOSITORY, 'fixtures/recordings', name)).status).toBe(0);

  writeFileSync(
    at('script.mjs'),
    `import { boot } from './dist/api/index.js';
boot(${JSON.stringify(DEMO)}, { serialNumber: 'B1', record: 'script.bst' }).close();
try { boot(${JSON.stringify(DEMO)}, { serialNumber: 7 }); } catch (error) { console.log(error.message); }
`,
  );
  expect(run('script.mjs').stdout).toBe('7 cannot be: set serialNumber to a text of at most 32 characters\n');
  expect(backstub('info', 'script.bst').stdout).toMatch(/^number {6}B1$/m);
  rmSync(at('node_modules'));
});
