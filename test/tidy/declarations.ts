/**
 * What files declare: exports that somebody imports, from where they are declared, files and functions of one
 * purpose.
 */
import { posix } from 'node:path';
import { roomOf } from './checks.js';
import { MAX_FUNCTION_LINES } from './rules.js';
import { lineFinder, type Node, parseTypeScript, resolveImport, type SourceFile, visit } from './source.js';

interface Export {
  readonly path: string;
  readonly name: string;
  readonly line: number;
  /** A type stands in signatures of its file: exported, it can be named. */
  readonly isType: boolean;
  /** The file that the name comes from, when it is handed on. */
  readonly from?: string;
}

/**
 * An export nobody imports: neither a source nor a test, bench or script, as `users` (whole texts) shows; of a type,
 * one that its own file does not use either.
 */
export function checkDeadExports(
  sources: readonly SourceFile[],
  users: readonly string[],
  entries: readonly string[],
): string[] {
  const exports = sources
    .filter(({ path }) => !path.endsWith('.d.ts') && !entries.includes(path))
    .flatMap(exportsOf);
  const imported = new Set(sources.flatMap(file => importedNames(file)));
  const texts = new Map(sources.map(({ path, text }) => [path, text]));
  const isUsedAt = (path: string, name: string) =>
    (texts.get(path)?.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length > 1;
  const words = new Set(users.flatMap(text => text.match(/[A-Za-z_$][\w$]*/g) ?? []));
  return exports
    .filter(({ path, name }) => !imported.has(`${path} ${name}`) && !imported.has(`${path} *`))
    .filter(({ name }) => !words.has(name))
    .filter(({ path, name, isType }) => !(isType && isUsedAt(path, name)))
    .map(({ path, line, name }) => `src/${path}:${line}: nobody imports ${name}`);
}

/** A name is imported from the room that declares it. What users import (`entries`) gathers names of all rooms. */
export function checkReexports(sources: readonly SourceFile[], entries: readonly string[]): string[] {
  return sources
    .filter(({ path }) => !entries.includes(path))
    .flatMap(exportsOf)
    .filter(({ path, from }) => from !== undefined && roomOf(from)?.path !== roomOf(path)?.path)
    .map(({ path, line, name, from }) => `src/${path}:${line}: ${name} is handed on from src/${from}`);
}

/** Two files of one name are told apart by their folders only: no search finds the right one at once. */
export function checkFileNames(sources: readonly SourceFile[]): string[] {
  const byName = new Map<string, string[]>();
  for (const { path } of sources) {
    const name = posix.basename(path);
    byName.set(name, [...(byName.get(name) ?? []), path]);
  }
  return [...byName]
    .filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.map(path => `src/${path}`).join(' and ')}`);
}

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

export function checkFunctionLengths(sources: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const { path, text } of sources) {
    const lineOf = lineFinder(text);
    visit(parseTypeScript(path, text), undefined, '', node => {
      if (!FUNCTIONS.has(node.type)) return;
      const from = lineOf(node.start);
      const lines = lineOf(node.end as number) - from + 1;
      if (lines > MAX_FUNCTION_LINES)
        found.push(`src/${path}:${from}: a function of ${lines} lines, more than ${MAX_FUNCTION_LINES}`);
    });
  }
  return found;
}

function exportsOf({ path, text }: SourceFile): Export[] {
  const lineOf = lineFinder(text);
  const imports = new Map<string, string>();
  const found: Export[] = [];
  for (const node of (parseTypeScript(path, text).body as Node[] | undefined) ?? []) {
    const source = (node.source as { value?: string } | null | undefined)?.value;
    const from = source === undefined ? undefined : resolveImport(path, source);
    const line = lineOf(node.start);
    const specifiers = (node.specifiers ?? []) as Node[];
    if (node.type === 'ImportDeclaration' && from !== undefined)
      for (const one of specifiers) imports.set(nameOf(one.local), from);
    if (node.type === 'ExportAllDeclaration') found.push({ path, line, name: '*', isType: false, from });
    if (node.type !== 'ExportNamedDeclaration') continue;
    for (const one of specifiers)
      found.push({
        path,
        line,
        name: nameOf(one.exported),
        isType: false,
        from: from ?? imports.get(nameOf(one.local)),
      });
    const declaration = node.declaration as Node | null;
    const isType = declaration?.type.startsWith('TS') === true;
    for (const name of declaredNames(declaration)) found.push({ path, line, name, isType });
  }
  return found;
}

function declaredNames(declaration: Node | null): string[] {
  if (!declaration) return [];
  if (declaration.type === 'VariableDeclaration')
    return (declaration.declarations as Node[]).map(one => nameOf(one.id)).filter(name => name !== '');
  return [nameOf(declaration.id)];
}

/** `file name` of each import, `file *` where a whole file is imported as one value. */
function importedNames({ path, text }: SourceFile): string[] {
  const found: string[] = [];
  visit(parseTypeScript(path, text), undefined, '', node => {
    const source = node.source as { value?: string } | null | undefined;
    const from = source?.value === undefined ? undefined : resolveImport(path, source.value);
    if (from === undefined) return;
    if (node.type === 'ImportExpression' || node.type === 'TSImportType') found.push(`${from} *`);
    for (const one of (node.specifiers ?? []) as Node[]) {
      const name = one.type === 'ImportNamespaceSpecifier' ? '*' : nameOf(one.imported ?? one.local);
      found.push(`${from} ${name}`);
    }
  });
  return found;
}

const nameOf = (node: unknown): string =>
  (node as { name?: string; value?: string } | undefined)?.name ?? (node as { value?: string })?.value ?? '';
