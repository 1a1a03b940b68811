/** CONTRIBUTING.md's example of a new setting: its one row goes into a copy of the sources, and everything follows. */
import { execFile } from 'node:child_process';
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

interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const run = (...args: string[]): Promise<Ran> =>
  new Promise(resolve => {
    const options = { cwd: folder, env: { ...process.env, NO_COLOR: '1' } };
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) =>
      resolve({ status: child.exitCode, stdout, stderr }),
    );
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

test('a row makes a field, an option, a part of recordings, and what info and diff say', async () => {
  insertRow();
  // The types follow: only the use that is wrong is.
  const { stdout: errors } = await run(at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json');
  expect(errors.trim().split('\n')).toEqual([
    "src/uses.ts(3,47): error TS2322: Type 'number' is not assignable to type 'string'.",
  ]);

  const [help, tooLong, ...recorded] = await Promise.all([
    backstub('run', '--help'),
    record('never.bst', '--serial-number', 'x'.repeat(33)),
    record('named.bst', '--serial-number', 'A7'),
    record('other.bst', '--serial-number', 'A8'),
    record('plain.bst'),
  ]);
  expect(help.stdout).toMatch(/--serial-number <text> +what /);
  expect(recorded.map(({ status }) => status)).toEqual([0, 0, 0]);
  expect(tooLong.stderr).toMatch(/^backstub: error: "x+" cannot be: give --serial-number a text of/);
  expect(tooLong.status).toBe(2);

  const [named, plain, both, one, verified, exported] = await Promise.all([
    backstub('info', 'named.bst'),
    backstub('info', 'plain.bst'),
    backstub('diff', 'named.bst', 'other.bst'),
    backstub('diff', 'named.bst', 'plain.bst'),
    backstub('verify', 'named.bst'),
    backstub('export', 'named.bst', 'parts'),
  ]);
  expect(named.stdout).toMatch(/^number {6}A7$/m);
  expect(plain.stdout).not.toMatch(/^number/m);
  expect(both).toMatchObject({
    status: 1,
    stdout: expect.stringMatching(/^serialNumber\n {2}named.bst: "A7"\n {2}other.bst: "A8"$/m),
  });
  expect(one.stdout).toMatch(/^serialNumber\n.*"A7"\n.*: none$/m);
  expect([verified.status, exported.status]).toEqual([0, 0]);

  const config = readFileSync(at('parts/config.json'), 'utf8');
  writeFileSync(at('parts/config.json'), config.replace('"A7"', '7'));
  writeFileSync(
    at('script.mjs'),
    `import { boot } from './dist/api/index.js';
boot(${JSON.stringify(DEMO)}, { serialNumber: 'B1', record: 'script.bst' }).close();
try { boot(${JSON.stringify(DEMO)}, { serialNumber: 7 }); } catch (error) { console.log(error.message); }
`,
  );
  const [imported, v1, v2, script] = await Promise.all([
    // What is in a file is checked like what is given.
    backstub('import', 'parts', '-o', 'bad.bst'),
    // Recordings from before it are still read.
    ...['v1.bst', 'v2.bst'].map(name => backstub('info', join(REPOSITORY, 'fixtures/recordings', name))),
    run('script.mjs'),
  ]);
  expect(imported.stderr).toContain('has no valid "serialNumber": 7');
  expect([v1.status, v2.status]).toEqual([0, 0]);
  expect(script.stdout).toBe('7 cannot be: set serialNumber to a text of at most 32 characters\n');
  expect((await backstub('info', 'script.bst')).stdout).toMatch(/^number {6}B1$/m);
  rmSync(at('node_modules'));
});
