/** Options that only tests set: nobody has what they do, and tests of them show nothing of the product. */
import { OPTION_EXCEPTIONS } from './rules.js';
import { lineFinder, type Node, parseTypeScript, type SourceFile, visit } from './source.js';

interface Option {
  readonly path: string;
  readonly line: number;
  readonly owner: string;
  readonly name: string;
}

/**
 * An optional member of an exported interface that no file sets: neither in an object nor as a member of a class.
 * `entry` gathers what users import: what its types have, users set.
 */
export function checkUnsetOptions(sources: readonly SourceFile[], entry: string): string[] {
  const options: Option[] = [];
  const set = new Set<string>();
  const promised = new Set<string>();
  for (const { path, text } of sources) {
    if (path.endsWith('.d.ts')) continue;
    const lineOf = lineFinder(text);
    visit(parseTypeScript(path, text), undefined, '', (node, parent) => {
      if (node.type === 'TSInterfaceDeclaration' && parent?.type === 'ExportNamedDeclaration') {
        for (const member of (node.body as { body: Node[] }).body.filter(isOption))
          options.push({
            path,
            line: lineOf(member.start),
            owner: nameOf(node.id),
            name: nameOf(member.key),
          });
      }
      const name = settingOf(node, parent);
      if (name !== undefined) set.add(name);
      if (path === entry && node.type === 'ExportSpecifier') promised.add(nameOf(node.local));
    });
  }
  const unset = options.filter(({ name, owner }) => !set.has(name) && !promised.has(owner));
  const isExcused = ({ path, name }: Option) => OPTION_EXCEPTIONS[path]?.[name] !== undefined;
  // One that is set by now needs none, but shall not keep whoever sets it from landing.
  const unknown = Object.entries(OPTION_EXCEPTIONS).flatMap(([path, names]) =>
    Object.keys(names)
      .filter(name => !options.some(one => one.path === path && one.name === name))
      .map(name => `src/${path}:1: has no option ${name}, which is excused`),
  );
  return [
    ...unset
      .filter(one => !isExcused(one))
      .map(({ path, line, owner, name }) => `src/${path}:${line}: nothing in src/ sets ${name} of ${owner}`),
    ...unknown,
  ];
}

const isOption = (node: Node): boolean => node.type === 'TSPropertySignature' && node.optional === true;

/** What this sets: a member of an object that is made, of a class, or of one that is there. */
function settingOf(node: Node, parent: Node | undefined): string | undefined {
  switch (node.type) {
    case 'Property':
      return parent?.type === 'ObjectExpression' ? nameOf(node.key) : undefined;
    case 'PropertyDefinition':
    case 'MethodDefinition':
      return nameOf(node.key);
    case 'AssignmentExpression': {
      const left = node.left as Node;
      return left.type === 'MemberExpression' ? nameOf(left.property) : undefined;
    }
    case 'TSParameterProperty':
      return nameOf(node.parameter);
    default:
      return undefined;
  }
}

const nameOf = (key: unknown): string => {
  const { name, value } = (key ?? {}) as { name?: unknown; value?: unknown };
  return String(name ?? value);
};
