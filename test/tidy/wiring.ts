/** What parts of a machine are handed: by constructors, not later; and what those above a machine may reach of it. */
import { roomOf } from './checks.js';
import { lineFinder, type Node, parseTypeScript, type SourceFile, visit } from './source.js';

interface Assigned {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly isFunction: boolean;
}

interface Declared {
  readonly path: string;
  readonly line: number;
  readonly name: string;
  readonly kind: 'function' | 'object or undefined';
}

/**
 * A public property that holds a function, or an object or undefined, and that others set: what forgets to set it is
 * silent. Functions that are assigned to another object's property are found, too, whatever is declared.
 */
export function checkHooks(sources: readonly SourceFile[]): string[] {
  const declared: Declared[] = [];
  const assigned: Assigned[] = [];
  for (const { path, text } of sources) {
    if (path.endsWith('.d.ts')) continue;
    const lineOf = lineFinder(text);
    visit(parseTypeScript(path, text), undefined, '', node => {
      const line = lineOf(node.start);
      const property = hookOf(node);
      if (property) declared.push({ path, line, ...property });
      const target = assignmentOf(node);
      if (target) assigned.push({ path, line, ...target });
    });
  }
  const mutable = declared.filter(
    one =>
      one.kind === 'function' || assigned.some(other => other.name === one.name && other.path !== one.path),
  );
  return [
    ...mutable.map(
      ({ path, line, name }) => `src/${path}:${line}: ${name} is assigned later: hand it to the constructor`,
    ),
    ...assigned
      .filter(({ isFunction }) => isFunction)
      .map(
        ({ path, line, name }) => `src/${path}:${line}: a function is assigned to ${name} of another object`,
      ),
  ];
}

/** A public property of a class that can be changed and is a function, or an object that may be missing. */
function hookOf(node: Node): Pick<Declared, 'name' | 'kind'> | undefined {
  if (node.type === 'MethodDefinition' && node.kind === 'set') {
    const [parameter] = (node.value as { params: Node[] }).params;
    return isFunctionType(typeOf(parameter)) ? { name: nameOf(node.key), kind: 'function' } : undefined;
  }
  if (node.type !== 'PropertyDefinition' || node.readonly === true || node.accessibility === 'private')
    return undefined;
  if ((node.key as Node).type === 'PrivateIdentifier') return undefined;
  const type = typeOf(node);
  const name = nameOf(node.key);
  if (isFunctionType(type) || isFunction(node.value)) return { name, kind: 'function' };
  const parts = type?.type === 'TSUnionType' ? (type.types as Node[]) : [];
  const missing = parts.some(part => part.type === 'TSUndefinedKeyword');
  const object = parts.some(part => part.type === 'TSTypeReference');
  return missing && object ? { name, kind: 'object or undefined' } : undefined;
}

/** `x.name = value`, where x is not `this`. */
function assignmentOf(node: Node): Pick<Assigned, 'name' | 'isFunction'> | undefined {
  if (node.type !== 'AssignmentExpression' || (node.left as Node).type !== 'MemberExpression')
    return undefined;
  const left = node.left as Node;
  if ((left.object as Node).type === 'ThisExpression' || left.computed === true) return undefined;
  return { name: nameOf(left.property), isFunction: isFunction(node.right) };
}

const typeOf = (node: Node | undefined): Node | undefined =>
  (node?.typeAnnotation as { typeAnnotation?: Node } | undefined)?.typeAnnotation;

function isFunctionType(type: Node | undefined): boolean {
  if (type === undefined) return false;
  if (type.type === 'TSParenthesizedType') return isFunctionType(type.typeAnnotation as Node);
  if (type.type === 'TSUnionType') return (type.types as Node[]).some(isFunctionType);
  return type.type === 'TSFunctionType';
}

const isFunction = (value: unknown): boolean =>
  ['ArrowFunctionExpression', 'FunctionExpression'].includes((value as Node | undefined)?.type ?? '');

const nameOf = (key: unknown): string => String((key as { name?: unknown } | undefined)?.name);

/** Rooms that make up a machine: to others it is a view (`src/machine/machine-view.ts`). */
const MACHINE_ROOMS = ['machine', 'boards', 'riscv'];

/** Nothing above a machine reaches through it to its board. */
export function checkBoardAccess(sources: readonly SourceFile[]): string[] {
  return sources
    .filter(({ path }) => !MACHINE_ROOMS.includes(roomOf(path)?.path ?? ''))
    .flatMap(({ path, text }) => {
      const found: string[] = [];
      const lineOf = lineFinder(text);
      visit(parseTypeScript(path, text), undefined, '', node => {
        if (reachesBoard(node))
          found.push(`src/${path}:${lineOf(node.start)}: reaches through a machine to its board`);
      });
      return found;
    });
}

/** `machine.board` and `{ board } = machine`; the board that a configuration names is another thing. */
function reachesBoard(node: Node): boolean {
  if (node.type === 'MemberExpression')
    return nameOf(node.property) === 'board' && !isConfiguration(node.object as Node);
  if (node.type !== 'VariableDeclarator' || (node.id as Node).type !== 'ObjectPattern') return false;
  const names = ((node.id as Node).properties as Node[]).map(({ key }) => nameOf(key));
  return names.includes('board') && !isConfiguration(node.init as Node);
}

const isConfiguration = (node: Node): boolean => /^(config|settings)$/.test(nameOf(node.property ?? node));
