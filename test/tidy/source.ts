import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'vitest/node';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
export const SRC = join(REPOSITORY, 'src');

export interface Import {
  readonly specifier: string;
  readonly line: number;
}

/** Something in a file that a rule may forbid. */
export interface Use {
  readonly what: 'global' | 'random' | 'any' | 'bigint' | 'suppression' | 'flag';
  readonly text: string;
  readonly line: number;
}

export interface SourceFile {
  /** Path under src/ with `/`. */
  readonly path: string;
  readonly lines: number;
  readonly text: string;
  readonly imports: readonly Import[];
  readonly uses: readonly Use[];
}

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly [key: string]: unknown;
}

/** All TypeScript files under src/, parsed. */
export function readSources(): SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .map(path => path.split('\\').join('/'))
    .filter(path => path.endsWith('.ts'))
    .sort()
    .map(path => parseSource(path, readFileSync(join(SRC, path), 'utf8')));
}

/** Parses one file; `path` is under src/ and need not exist. */
export function parseSource(path: string, text: string): SourceFile {
  const imports: Import[] = [];
  const uses: Use[] = [];
  const lineOf = lineFinder(text);
  const program = parseTypeScript(path, text);
  visit(program, undefined, '', (node, parent, key) => {
    const found = importOf(node);
    if (found) imports.push({ ...found, line: lineOf(node.start) });
    const use = useOf(node, parent, key);
    if (use) uses.push({ ...use, line: lineOf(node.start) });
  });
  for (const match of text.matchAll(/@ts-(?:ignore|expect-error|nocheck)/g)) {
    uses.push({ what: 'suppression', text: match[0], line: lineOf(match.index) });
  }
  return { path, text, lines: text.split('\n').length - 1, imports, uses };
}

export const parseTypeScript = (path: string, text: string): Node =>
  parseAst(text, { lang: 'ts' }, path) as unknown as Node;

function importOf(node: Node): Omit<Import, 'line'> | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
      return { specifier: literal(node.source) };
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
      if (!node.source) return undefined;
      return { specifier: literal(node.source) };
    case 'ImportExpression':
      return { specifier: literal(node.source) };
    case 'TSImportType':
      return { specifier: literal((node.source ?? node.argument) as Node) };
    case 'NewExpression': {
      // new URL('./worker.js', import.meta.url): how a worker's file is named.
      const [file, base] = node.arguments as Node[];
      if ((node.callee as Node).name !== 'URL' || !base || file?.type !== 'Literal') return undefined;
      if ((base.object as Node | undefined)?.type !== 'MetaProperty') return undefined;
      const specifier = literal(file);
      return specifier.endsWith('.js') ? { specifier } : undefined;
    }
    default:
      return undefined;
  }
}

function literal(node: unknown): string {
  const value = (node as { value?: unknown } | undefined)?.value;
  return typeof value === 'string' ? value : '(computed)';
}

function useOf(node: Node, parent: Node | undefined, key: string): Omit<Use, 'line'> | undefined {
  const flag = FLAG.exec(textOf(node));
  if (flag) return { what: 'flag', text: flag[1] };
  if (node.type === 'TSAnyKeyword') return { what: 'any', text: 'any' };
  if (node.type === 'Literal' && typeof node.value === 'bigint') {
    return { what: 'bigint', text: `${node.value}n` };
  }
  if (node.type === 'MemberExpression' && (node.object as Node).name === 'Math') {
    return (node.property as Node).name === 'random' ? { what: 'random', text: 'Math.random' } : undefined;
  }
  if (node.type !== 'Identifier' || isMemberName(parent, key)) return undefined;
  const name = node.name as string;
  if (['BigInt', 'BigInt64Array', 'BigUint64Array'].includes(name)) return { what: 'bigint', text: name };
  return { what: 'global', text: name };
}

/** An option of the command line, in text. */
const FLAG = /(?:^|[\s('"`])(--[a-z][a-z-]*)/;

/** What a piece of text in the source says, if it is one. */
function textOf(node: Node): string {
  const value = node.type === 'TemplateElement' ? (node.value as { cooked?: unknown }).cooked : node.value;
  return (node.type === 'Literal' || node.type === 'TemplateElement') && typeof value === 'string'
    ? value
    : '';
}

/** `x.Date`, `{ Date: 1 }` and methods named `process` are not the global. */
function isMemberName(parent: Node | undefined, key: string): boolean {
  if (!parent || parent.computed) return false;
  if (parent.type === 'MemberExpression') return key === 'property';
  return key === 'key' && parent.shorthand !== true;
}

export function visit(
  node: Node,
  parent: Node | undefined,
  key: string,
  see: (node: Node, parent: Node | undefined, key: string) => void,
): void {
  see(node, parent, key);
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child && typeof child === 'object' && 'type' in child) visit(child as Node, node, name, see);
    }
  }
}

export function lineFinder(text: string): (offset: number) => number {
  const starts = [0];
  for (let i = text.indexOf('\n'); i >= 0; i = text.indexOf('\n', i + 1)) starts.push(i + 1);
  return offset => starts.findLastIndex(start => start <= offset) + 1;
}

/** Path under src/ that a relative import of `from` means, or undefined for packages. */
export function resolveImport(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}

/** Files that package.json gives to users, as paths under src/. */
export function entryFiles(): string[] {
  const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    bin: Record<string, string>;
    exports: Record<string, string | { default: string }>;
  };
  const targets = [
    ...Object.values(manifest.bin),
    ...Object.values(manifest.exports).map(target => (typeof target === 'string' ? target : target.default)),
  ];
  return targets.flatMap(target => {
    const file = /^(?:\.\/)?dist\/(.*)\.js$/.exec(target)?.[1];
    return file ? [`${file}.ts`] : [];
  });
}

/** Files under version control or about to be, without build output. */
export function textFiles(folder = REPOSITORY): string[] {
  const skipped = new Set(['node_modules', '.git', 'coverage', 'fixtures']);
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (skipped.has(entry.name) || entry.name.startsWith('dist')) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return textFiles(path);
    return /\.(ts|mjs|json|md|sh)$|^run$/.test(entry.name) ? [path] : [];
  });
}

export const exists = (pathUnderSrc: string): boolean => existsSync(join(SRC, pathUnderSrc));
export const folderOf = (path: string): string => dirname(path);
