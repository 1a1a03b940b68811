/** What users import is whole: every type that a public signature names can be imported, too. */
import { type Node, parseTypeScript, resolveImport, type SourceFile, visit } from './source.js';

/** `DebugSession.target` is what the interface does not cover, and no promise. */
const NO_PROMISE: readonly string[] = ['Timeline'];

interface Declaration {
  readonly file: SourceFile;
  readonly node: Node;
}

/** Types that signatures reachable from `entry` name, and that `entry` does not export, each with who names it. */
export function checkPublicTypes(sources: readonly SourceFile[], entry: string): string[] {
  const files = new Map(sources.map(file => [file.path, file]));
  const exported = exportedNames(files.get(entry)!, files);
  const found = new Map<string, string>();
  for (const [name, declaration] of exported) {
    if (declaration === undefined) continue;
    for (const type of namedIn(declaration.node)) {
      // What is declared nowhere in the sources is TypeScript's or a library's.
      const known = declarationOf(type, declaration.file, files);
      if (known !== undefined && !exported.has(type) && !NO_PROMISE.includes(type)) found.set(type, name);
    }
  }
  return [...found].map(
    ([type, by]) => `src/${entry}: exports ${by} and not ${type}, which its signature names`,
  );
}

function exportedNames(
  entry: SourceFile,
  files: ReadonlyMap<string, SourceFile>,
): Map<string, Declaration | undefined> {
  const names = new Map<string, Declaration | undefined>();
  for (const node of bodyOf(entry)) {
    if (node.type !== 'ExportNamedDeclaration') continue;
    const source = (node.source as { value?: string } | null)?.value;
    const from = source === undefined ? undefined : files.get(resolveImport(entry.path, source) ?? '');
    for (const one of (node.specifiers ?? []) as Node[]) {
      const local = nameOf(one.local);
      names.set(nameOf(one.exported), from && declarationOf(local, from, files));
    }
    const own = node.declaration as Node | null;
    if (own) names.set(nameOf(own.id), { file: entry, node: own });
  }
  return names;
}

/** Where a name that is used in a file is declared: there, or in the file it is imported from. */
function declarationOf(
  name: string,
  file: SourceFile,
  files: ReadonlyMap<string, SourceFile>,
): Declaration | undefined {
  for (const node of bodyOf(file)) {
    const declared = node.type === 'ExportNamedDeclaration' ? (node.declaration as Node | null) : node;
    if (declared && nameOf(declared.id) === name) return { file, node: declared };
    const source = (node.source as { value?: string } | null | undefined)?.value;
    if (source === undefined) continue;
    const specifier = ((node.specifiers ?? []) as Node[]).find(one => nameOf(one.local) === name);
    const from = files.get(resolveImport(file.path, source) ?? '');
    if (specifier && from) return declarationOf(nameOf(specifier.imported ?? specifier.local), from, files);
  }
  return undefined;
}

/** The types that a declaration names where users see it: not in bodies, not in private members. */
function namedIn(declaration: Node): string[] {
  const names: string[] = [];
  // A type that is computed has its members in itself.
  if (declaration.type === 'TSTypeAliasDeclaration' && isComputed(declaration.typeAnnotation as Node))
    return [];
  const hidden = new Set<Node>();
  visit(declaration, undefined, '', (node, parent, key) => {
    const isHidden =
      (parent !== undefined && hidden.has(parent)) ||
      node.type === 'BlockStatement' ||
      node.accessibility === 'private' ||
      (node.key as Node | undefined)?.type === 'PrivateIdentifier' ||
      (key === 'value' && parent?.type === 'PropertyDefinition');
    if (isHidden) hidden.add(node);
    else if (node.type === 'TSTypeReference') names.push(nameOf(node.typeName));
    else if (node.type === 'TSInterfaceHeritage') names.push(nameOf(node.expression));
    else if (key === 'superClass') names.push(nameOf(node));
  });
  return names.filter(name => name !== '');
}

const isComputed = ({ type, typeName }: Node): boolean =>
  ['TSMappedType', 'TSIndexedAccessType', 'TSConditionalType'].includes(type) || nameOf(typeName) === 'Omit';

const bodyOf = ({ path, text }: SourceFile): Node[] => parseTypeScript(path, text).body as Node[];
const nameOf = (node: unknown): string => (node as { name?: string } | null | undefined)?.name ?? '';
