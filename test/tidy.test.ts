import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as check from './tidy/checks.js';
import * as declared from './tidy/declarations.js';
import { checkUnsetOptions } from './tidy/options.js';
import { checkPublicTypes } from './tidy/public-types.js';
import { entryFiles, parseSource, REPOSITORY, readSources, textFiles } from './tidy/source.js';
import { checkBoardAccess, checkHooks } from './tidy/wiring.js';

const sources = readSources();
const ENTRIES = [...entryFiles(), 'api/index.ts'];
/** Tests, benches and scripts. */
const outsideTexts = textFiles()
  .filter(path => /^(test|bench|scripts)\//.test(relative(REPOSITORY, path)))
  .map(path => readFileSync(path, 'utf8'));

describe('the tree', () => {
  test.each([
    ['every file stands in a room', check.checkRooms],
    ['imports point one way', check.checkImportDirection],
    ['packages and node modules stay in their rooms', check.checkPackages],
    ['no cycle of files', check.checkFileCycles],
    ['no cycle of rooms', check.checkRoomCycles],
    ['files stay short', check.checkLengths],
    ['comments stay narrow', check.checkCommentWidth],
    ['only host rooms use the host', check.checkHostGlobals],
    ['files of the host are opened in one room', check.checkFileOpeners],
    ['no bigint in rooms on the hot path', check.checkBigint],
    ['no options of the command line outside cli/', check.checkFlags],
    ['instruction-set words stay in their rooms', check.checkInstructionSetWords],
    ['no escape from the type checker', check.checkTypeEscapes],
    ['no hook is assigned later', checkHooks],
    ['nothing above a machine reaches through it', checkBoardAccess],
    ['no dead file', check.checkReachable(entryFiles())],
    ['an export is imported', (all: typeof sources) => declared.checkDeadExports(all, outsideTexts, ENTRIES)],
    [
      'names come from where they are declared',
      (all: typeof sources) => declared.checkReexports(all, ENTRIES),
    ],
    ['no two files of one name', declared.checkFileNames],
    ['users can name every type of the API', (all: typeof sources) => checkPublicTypes(all, 'api/index.ts')],
    ['options are not for tests alone', (all: typeof sources) => checkUnsetOptions(all, 'api/index.ts')],
    ['functions stay short', declared.checkFunctionLengths],
  ])('%s', (_name, rule) => {
    expect(rule(sources)).toEqual([]);
  });

  test('nothing names a folder outside the repository', () => {
    // Written in two parts so that this file does not name one itself.
    const outside = new RegExp(['/work/', '\\.\\./shared', '/root/'].join('|').replaceAll('/', '\\/'));
    const mayLook = /^(\.ci|scripts|test)\//;
    const found = textFiles()
      .map(path => relative(REPOSITORY, path))
      .filter(path => !mayLook.test(path))
      .flatMap(path =>
        readFileSync(`${REPOSITORY}/${path}`, 'utf8')
          .split('\n')
          .flatMap((text, i) => (outside.test(text) ? [`${path}:${i + 1}: names an outside folder`] : [])),
      );
    expect(found).toEqual([]);
  });
});

/** A rule that finds nothing proves nothing: each must find the mistake it is for. */
describe('the rules find', () => {
  test('a file that is opened elsewhere', () => {
    const files = [
      parseSource('host/files/a.ts', "import { openSync } from 'node:fs';\n"),
      parseSource('host/disk/b.ts', "import { open } from 'node:fs/promises';\n"),
    ];
    expect(
      check.checkFileOpeners(files).filter(found => !/needs no exception|exception/.test(found)),
    ).toEqual(['src/host/disk/b.ts:1: node:fs/promises: only host/files opens files of the host']);
  });

  test('an option that only tests set', () => {
    const options = parseSource(
      'ports/a.ts',
      'export interface Used {\n  one?: number;\n  two?: number;\n}\nexport interface Public {\n  three?: number;\n}\n',
    );
    const user = parseSource('ports/b.ts', 'f({ one: 1 });\nconst { two } = o;\n');
    const entry = parseSource('api/index.ts', "export type { Public } from '../ports/a.js';\n");
    expect(checkUnsetOptions([options, user, entry], 'api/index.ts')).toContain(
      'src/ports/a.ts:3: nothing in src/ sets two of Used',
    );
    expect(checkUnsetOptions([options, user, entry], 'api/index.ts').join()).not.toMatch(/sets (one|three)/);
  });

  const port = parseSource('ports/device.ts', 'export interface P {}\nexport const p = 1;\n');

  test('an export nobody imports, unless a signature of its file names it', () => {
    const file = parseSource(
      'ports/device.ts',
      'export interface Used {}\nexport interface Unused {}\nexport const p = 1;\nexport const q: Used = p;\nconst r = q;\nexport { r };\n',
    );
    const other = parseSource('ports/other.ts', "import { q } from './device.js';\n");
    expect(declared.checkDeadExports([file, other], ['a test of p'], [])).toEqual([
      'src/ports/device.ts:2: nobody imports Unused',
      'src/ports/device.ts:6: nobody imports r',
    ]);
    expect(declared.checkDeadExports([file, other], [], ['ports/device.ts'])).toEqual([]);
  });

  test('a name handed on to another room, in either way', () => {
    const board = parseSource(
      'machine/board.ts',
      "import { p } from '../ports/device.js';\nexport { p };\nexport type { P } from '../ports/device.js';\nexport { b } from './bus.js';\n",
    );
    expect(declared.checkReexports([port, board], [])).toEqual([
      'src/machine/board.ts:2: p is handed on from src/ports/device.ts',
      'src/machine/board.ts:3: P is handed on from src/ports/device.ts',
    ]);
  });

  test('a type of the API that users cannot name', () => {
    const api = parseSource(
      'api/index.ts',
      "export { f } from './f.js';\nexport type { Named } from './f.js';\n",
    );
    const f = parseSource(
      'api/f.ts',
      'export interface Named {}\ninterface Hidden {}\nclass Inner {}\nexport function f(a: Named, b: Hidden): Promise<void> {\n  const c: Inner = a;\n}\n',
    );
    expect(checkPublicTypes([api, f], 'api/index.ts')).toEqual([
      'src/api/index.ts: exports f and not Hidden, which its signature names',
    ]);
  });

  test('two files of one name', () => {
    expect(
      declared.checkFileNames([port, parseSource('host/device.ts', ''), parseSource('host/b.ts', '')]),
    ).toEqual(['device.ts: src/ports/device.ts and src/host/device.ts']);
  });

  test('a long function', () => {
    const lines = (count: number) => `export function f() {\n${'  g();\n'.repeat(count)}}\n`;
    expect(declared.checkFunctionLengths([parseSource('ports/a.ts', lines(78))])).toEqual([]);
    expect(declared.checkFunctionLengths([parseSource('ports/a.ts', lines(79))])).toEqual([
      'src/ports/a.ts:1: a function of 81 lines, more than 80',
    ]);
  });

  test('a room that reaches up, with file and line', () => {
    const board = parseSource('machine/board.ts', 'export const b = 1;\n');
    const uart = parseSource(
      'devices/uart.ts',
      "import type { P } from '../ports/device.js';\nimport { b } from '../machine/board.js';\n",
    );
    expect(check.checkImportDirection([board, port, uart])).toEqual([
      "src/devices/uart.ts:2: devices/ must not import machine (import of '../machine/board.js')",
    ]);
  });

  test('a package and a node module out of place', () => {
    const clock = parseSource(
      'replay/clock.ts',
      "import 'node:fs';\nimport 'node:zlib';\nimport 'commander';\n",
    );
    expect(check.checkPackages([clock])).toEqual([
      "src/replay/clock.ts:1: replay/ must not import 'node:fs'",
      "src/replay/clock.ts:3: replay/ must not import 'commander'",
    ]);
  });

  test('cycles, of files and of rooms', () => {
    const a = parseSource('state/a.ts', "export * from './b.js';\n");
    const b = parseSource('state/b.ts', "import { c } from '../memory/c.js';\n");
    const c = parseSource('memory/c.ts', "import { a } from '../state/a.js';\n");
    expect(check.checkFileCycles([a, b, c])).toEqual([
      'src/state/a.ts:1: import cycle of files: state/a.ts -> state/b.ts -> memory/c.ts -> state/a.ts',
    ]);
    expect(check.checkRoomCycles([a, b, c])).toEqual([
      'src/memory:1: import cycle of rooms: memory -> state -> memory',
    ]);
  });

  test('the host, below host/', () => {
    const text =
      'const t = Date.now();\nconst x = { Date: 1 }.Date;\nconst r = Math.random();\nsetTimeout(f, 1);\n';
    expect(
      check.checkHostGlobals([parseSource('timeline/t.ts', text)]).map(line => line.split(' ')[0]),
    ).toEqual(['src/timeline/t.ts:1:', 'src/timeline/t.ts:3:', 'src/timeline/t.ts:4:']);
    expect(check.checkHostGlobals([parseSource('host/t.ts', text)])).toEqual([]);
  });

  test('bigint on the hot path', () => {
    const text = 'const a = 1n;\nconst b = BigInt(2);\n';
    expect(check.checkBigint([parseSource('engine/a.ts', text)])).toHaveLength(2);
    expect(check.checkBigint([parseSource('timeline/a.ts', text)])).toEqual([]);
  });

  test('options of the command line in texts, but not in comments or code', () => {
    const text = [
      '/** give --memory more */',
      'for (let i = 3; --i > 0; ) i--;',
      "const a = 'give --memory more';",
      ['const b = `(--save-dir $', '{a})`;'].join(''),
    ].join('\n');
    const found = check.checkFlags([parseSource('boards/a.ts', text)]);
    expect(found.map(line => line.split(' ')[0])).toEqual(
      expect.arrayContaining(['src/boards/a.ts:3:', 'src/boards/a.ts:4:']),
    );
    expect(found.filter(line => line.startsWith('src/boards/'))).toHaveLength(2);
    expect(check.checkFlags([parseSource('cli/a.ts', text)]).join()).not.toContain('src/cli');
  });

  test('words of an instruction set, in names and comments', () => {
    const text = 'const csrName = 1;\n/** As mret does on RISC-V. */\nconst parts = raw.sp;\n';
    expect(check.checkInstructionSetWords([parseSource('gdb/stub/a.ts', text)])).toEqual([
      'src/gdb/stub/a.ts:1: "csr" is a word of one instruction set',
      'src/gdb/stub/a.ts:2: "mret" is a word of one instruction set',
      'src/gdb/stub/a.ts:2: "riscv" is a word of one instruction set',
    ]);
    expect(check.checkInstructionSetWords([parseSource('riscv/a.ts', text)])).toEqual([]);
  });

  test('any and suppressed errors', () => {
    const escapes = ['const a: any = 1;', `// @ts-${'ignore'}`, 'const b = a as any;'].join('\n');
    expect(check.checkTypeEscapes([parseSource('state/a.ts', escapes)])).toHaveLength(3);
  });

  test('files that nothing reaches, and long ones', () => {
    const main = parseSource('cli/main.ts', "const worker = new URL('./worker.js', import.meta.url);\n");
    const worker = parseSource('cli/worker.ts', 'export {};\n'.repeat(401));
    const dead = parseSource('cli/dead.ts', "import './worker.js';\n");
    expect(check.checkReachable(['cli/main.ts'])([main, worker, dead])).toEqual([
      'src/cli/dead.ts:1: is imported by nothing that package.json names (cli/main.ts)',
    ]);
    expect(check.checkLengths([main, worker])).toEqual([
      'src/cli/worker.ts:401: has 401 lines, more than 400',
    ]);
    const wide = parseSource('cli/wide.ts', `/** ${'x'.repeat(113)} */\n// ${'x'.repeat(118)}\n`);
    expect(check.checkCommentWidth([wide])).toEqual([
      'src/cli/wide.ts:2: has a comment of 121 columns, more than 120',
    ]);
  });

  test('what is assigned later, from outside', () => {
    const bus = parseSource(
      'machine/bus.ts',
      [
        'export class Bus {',
        '  after: () => void = () => {};',
        '  told: ((n: number) => void) | undefined;',
        '  observer: Observer | undefined;',
        '  set heard(f: () => void) { this.#f = f; }',
        '  running: Hart | undefined;',
        '  readonly fixed = () => 1;',
        '  #own: () => void = () => {};',
        '}',
      ].join('\n'),
    );
    const board = parseSource('boards/b.ts', 'bus.observer = new Observer();\nbus.later = () => 1;\n');
    expect(checkHooks([bus, board])).toEqual([
      'src/machine/bus.ts:2: after is assigned later: hand it to the constructor',
      'src/machine/bus.ts:3: told is assigned later: hand it to the constructor',
      'src/machine/bus.ts:4: observer is assigned later: hand it to the constructor',
      'src/machine/bus.ts:5: heard is assigned later: hand it to the constructor',
      'src/boards/b.ts:2: a function is assigned to later of another object',
    ]);
  });

  test('a board that is reached through a machine', () => {
    const text =
      'machine.board.plan;\nconst { board } = this.machine;\nthis.config.board;\nconst { board: b } = config;\n';
    expect(checkBoardAccess([parseSource('timeline/t.ts', text)])).toEqual([
      'src/timeline/t.ts:1: reaches through a machine to its board',
      'src/timeline/t.ts:2: reaches through a machine to its board',
    ]);
    expect(checkBoardAccess([parseSource('machine/t.ts', text)])).toEqual([]);
  });

  test('files in no room', () => {
    expect(check.checkRooms([parseSource('misc/helpers.ts', '')])).toEqual([
      'src/misc/helpers.ts:1: stands in no room of test/tidy/rules.ts',
    ]);
  });
});
