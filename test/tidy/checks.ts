import {
  BIGINT_EXCEPTIONS,
  BIGINT_FREE_ROOMS,
  FILE_EXCEPTIONS,
  FILE_ROOM,
  FLAG_EXCEPTIONS,
  HOST_GLOBALS,
  HOST_ROOMS,
  IMPORTED_BY_ALL,
  INSTRUCTION_SET_EXCEPTIONS,
  INSTRUCTION_SET_WORDS,
  LONG_FILES,
  MAX_COLUMNS,
  MAX_LINES,
  ROOMS,
  ROOMS_OF_ANY_MACHINE,
  type Room,
} from './rules.js';
import { folderOf, type Import, resolveImport, type SourceFile } from './source.js';

/** Each check returns one line for each violation: `src/file.ts:line: the rule`. */
type Check = (sources: readonly SourceFile[]) => string[];

const at = (file: SourceFile, line: number, rule: string): string => `src/${file.path}:${line}: ${rule}`;

export function roomOf(path: string): Room | undefined {
  return ROOMS.filter(room => path === `${room.path}.ts` || path.startsWith(`${room.path}/`)).sort(
    (a, b) => b.path.length - a.path.length,
  )[0];
}

const inRooms = (path: string, rooms: readonly string[]): boolean => rooms.includes(roomOf(path)?.path ?? '');

const eachImport = (sources: readonly SourceFile[], check: (file: SourceFile, found: Import) => string[]) =>
  sources.flatMap(file => file.imports.flatMap(found => check(file, found)));

export const checkRooms: Check = sources =>
  sources
    .filter(file => !roomOf(file.path))
    .map(file => at(file, 1, 'stands in no room of test/tidy/rules.ts'));

export const checkImportDirection: Check = sources => {
  const known = new Set(sources.map(file => file.path));
  return eachImport(sources, (file, found) => {
    const from = roomOf(file.path);
    const target = resolveImport(file.path, found.specifier);
    if (!from || target === undefined) return [];
    const rule = (text: string) => [at(file, found.line, `${text} (import of '${found.specifier}')`)];
    if (!known.has(target)) return rule('imports a file that does not exist');
    const to = roomOf(target);
    if (!to || to === from || from.rooms.includes('*') || IMPORTED_BY_ALL.includes(to.path)) return [];
    return from.rooms.includes(to.path) ? [] : rule(`${from.path}/ must not import ${to.path}`);
  });
};

export const checkPackages: Check = sources =>
  eachImport(sources, (file, found) => {
    const from = roomOf(file.path);
    if (!from || found.specifier.startsWith('.')) return [];
    const name = found.specifier;
    if (from.packages.includes(name)) return [];
    if (name.startsWith('node:') && from.packages.includes('node:*')) return [];
    return [at(file, found.line, `${from.path}/ must not import '${name}'`)];
  });

export const checkFileCycles: Check = sources => {
  const graph = new Map(
    sources.map(file => [
      file.path,
      file.imports.flatMap(found => resolveImport(file.path, found.specifier) ?? []),
    ]),
  );
  return cycles(graph).map(cycle => `src/${cycle[0]}:1: import cycle of files: ${cycle.join(' -> ')}`);
};

export const checkRoomCycles: Check = sources => {
  const graph = new Map<string, string[]>(ROOMS.map(room => [room.path, []]));
  eachImport(sources, (file, found) => {
    const from = roomOf(file.path)?.path;
    const to = roomOf(resolveImport(file.path, found.specifier) ?? '')?.path;
    if (from && to && from !== to) graph.get(from)?.push(to);
    return [];
  });
  return cycles(graph).map(cycle => `src/${cycle[0]}:1: import cycle of rooms: ${cycle.join(' -> ')}`);
};

/** One cycle for each way back found by a depth-first walk. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const found: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (node: string): void => {
    const start = path.indexOf(node);
    if (start >= 0) found.push([...path.slice(start), node]);
    if (start >= 0 || done.has(node)) return;
    path.push(node);
    for (const next of graph.get(node) ?? []) walk(next);
    path.pop();
    done.add(node);
  };
  for (const node of graph.keys()) walk(node);
  return found;
}

export const checkLengths: Check = sources => [
  ...sources
    .filter(file => file.lines > MAX_LINES && !LONG_FILES[file.path])
    .map(file => at(file, file.lines, `has ${file.lines} lines, more than ${MAX_LINES}`)),
  ...stale(LONG_FILES, sources, file => file.lines > MAX_LINES),
];

export const checkCommentWidth: Check = sources =>
  sources.flatMap(file =>
    file.text
      .split('\n')
      .flatMap((text, index) =>
        text.length > MAX_COLUMNS && /^\s*(\/\*|\*|\/\/)/.test(text)
          ? [at(file, index + 1, `has a comment of ${text.length} columns, more than ${MAX_COLUMNS}`)]
          : [],
      ),
  );

export const checkHostGlobals: Check = sources =>
  sources
    .filter(file => !inRooms(file.path, HOST_ROOMS))
    .flatMap(file =>
      file.uses
        .filter(use => use.what === 'random' || (use.what === 'global' && HOST_GLOBALS.includes(use.text)))
        .map(use =>
          at(file, use.line, `${use.text} is the host's: only ${HOST_ROOMS.join(', ')} may use it`),
        ),
    );

/** Everything that has a path goes through the room that knows what a command reads and writes. */
export const checkFileOpeners: Check = sources => [
  ...sources
    .filter(file => !file.path.startsWith(`${FILE_ROOM}/`) && !FILE_EXCEPTIONS[file.path])
    .flatMap(file =>
      file.imports
        .filter(isFileSystem)
        .map(({ line, specifier }) =>
          at(file, line, `${specifier}: only ${FILE_ROOM} opens files of the host`),
        ),
    ),
  ...stale(FILE_EXCEPTIONS, sources, file => file.imports.some(isFileSystem)),
];

const isFileSystem = ({ specifier }: SourceFile['imports'][number]) => /^node:fs(\/|$)/.test(specifier);

export const checkBigint: Check = sources => [
  ...sources
    .filter(file => inRooms(file.path, BIGINT_FREE_ROOMS) && !BIGINT_EXCEPTIONS[file.path])
    .flatMap(file =>
      file.uses
        .filter(use => use.what === 'bigint')
        .map(use => at(file, use.line, `bigint (${use.text}) in a room on the hot path`)),
    ),
  ...stale(BIGINT_EXCEPTIONS, sources, file => file.uses.some(use => use.what === 'bigint')),
];

/** Below the command line, who reads a message may have no options: errors name settings (`Advice`). */
export const checkFlags: Check = sources => [
  ...sources
    .filter(file => roomOf(file.path)?.path !== 'cli' && !FLAG_EXCEPTIONS[file.path])
    .flatMap(file =>
      file.uses
        .filter(use => use.what === 'flag')
        .map(use =>
          at(file, use.line, `names the option ${use.text}: only cli/ has options, name the setting`),
        ),
    ),
  ...stale(FLAG_EXCEPTIONS, sources, file => file.uses.some(use => use.what === 'flag')),
];

/** Names and comments alike, each word of a longer name for itself. */
export const checkInstructionSetWords: Check = sources => {
  const excepted = (path: string, word: string) => INSTRUCTION_SET_EXCEPTIONS[path]?.[word] !== undefined;
  const found = sources
    .filter(file => inRooms(file.path, ROOMS_OF_ANY_MACHINE))
    .flatMap(file =>
      file.text
        .split('\n')
        .flatMap((text, i) => instructionSetWords(text).map(word => ({ file, line: i + 1, word }))),
    );
  return [
    ...found
      .filter(({ file, word }) => !excepted(file.path, word))
      .map(({ file, line, word }) => at(file, line, `"${word}" is a word of one instruction set`)),
    ...Object.entries(INSTRUCTION_SET_EXCEPTIONS).flatMap(([path, words]) =>
      Object.keys(words)
        .filter(word => !found.some(one => one.file.path === path && one.word === word))
        .map(word => `src/${path}:1: exception "${word}" in test/tidy/rules.ts is no longer needed`),
    ),
  ];
};

/** RISC-V is one word; the others are what a name is put together from, and the name itself. */
function instructionSetWords(text: string): string[] {
  const names = text.replace(/RISC-V/gi, 'riscv').match(/(?<![\\0-9A-Za-z])[A-Za-z][A-Za-z0-9]*/g) ?? [];
  const words = names.flatMap(name => [name, ...name.split(/(?<=[a-z0-9])(?=[A-Z])/)]);
  return [...new Set(words.map(word => word.toLowerCase()))].filter(word => INSTRUCTION_SET_WORDS.test(word));
}

/** An exception that is no longer needed is a violation too. */
function stale(
  exceptions: Readonly<Record<string, string>>,
  sources: readonly SourceFile[],
  needed: (file: SourceFile) => boolean,
): string[] {
  return Object.keys(exceptions)
    .filter(path => !sources.some(file => file.path === path && needed(file)))
    .map(path => `src/${path}:1: exception in test/tidy/rules.ts is no longer needed`);
}

export const checkTypeEscapes: Check = sources =>
  sources.flatMap(file =>
    file.uses
      .filter(use => use.what === 'any' || use.what === 'suppression')
      .map(use => at(file, use.line, `${use.text} hides a type error`)),
  );

export const checkReachable =
  (entries: readonly string[]): Check =>
  sources => {
    const byPath = new Map(sources.map(file => [file.path, file]));
    const reached = new Set<string>();
    const queue = [...entries];
    for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
      const file = byPath.get(path);
      if (!file || reached.has(path)) continue;
      reached.add(path);
      for (const found of file.imports) queue.push(resolveImport(path, found.specifier) ?? '');
    }
    const declarations = (file: SourceFile) =>
      file.path.endsWith('.d.ts') &&
      sources.some(other => reached.has(other.path) && folderOf(other.path) === folderOf(file.path));
    return [
      ...entries
        .filter(path => !byPath.has(path))
        .map(path => `package.json:1: names src/${path}, which does not exist`),
      ...sources
        .filter(file => !reached.has(file.path) && !declarations(file))
        .map(file => at(file, 1, `is imported by nothing that package.json names (${entries.join(', ')})`)),
    ];
  };
