// What a mutant changes: one place of one file, found in its syntax tree.
import { parseAst } from 'rolldown/parseAst';

/** Each operator with what takes its place: at the bound, and away from it. */
const BINARY = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['&'],
  '<<': ['>>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
};
const ASSIGNMENT = { '+=': '-=', '-=': '+=', '|=': '&=', '&=': '|=', '*=': '/=', '??=': '=' };
const LOGICAL = { '&&': '||', '||': '&&' };
/** Their texts are for people; which error is thrown, and when, is the condition before it. */
const UNTOUCHED = new Set(['ThrowStatement', 'ImportDeclaration', 'TSEnumDeclaration', 'TemplateLiteral']);
const TESTED = new Set(['IfStatement', 'WhileStatement', 'ConditionalExpression', 'DoWhileStatement']);

/** All mutants of a source text: `{ start, end, text }` says what is put in the place of what. */
export function mutantsOf(source) {
  const found = [];
  const put = (start, end, text) => found.push({ start, end, text });
  const visit = node => {
    if (node === null || typeof node !== 'object') return;
    if (Array.isArray(node)) {
      for (const child of node) visit(child);
      return;
    }
    if (typeof node.type !== 'string' || UNTOUCHED.has(node.type) || isType(node)) return;
    mutate(node, source, put);
    for (const [key, child] of Object.entries(node)) {
      if (key !== 'typeAnnotation' && key !== 'returnType' && child !== null && typeof child === 'object')
        visit(child);
    }
  };
  visit(parseAst(source, { lang: 'ts' }).body);
  return found;
}

/** Types are gone when code runs; expressions that only carry one are looked into. */
const CARRIERS = new Set([
  'TSAsExpression',
  'TSNonNullExpression',
  'TSSatisfiesExpression',
  'TSParameterProperty',
]);
const isType = ({ type }) => type.startsWith('TS') && !CARRIERS.has(type);

function mutate(node, source, put) {
  const between = (left, right, operator, text) => {
    const at = source.indexOf(operator, left.end);
    if (at >= 0 && at < right.start) put(at, at + operator.length, text);
  };
  if (TESTED.has(node.type)) {
    const { start, end } = node.test;
    put(start, end, 'false');
    if (node.type !== 'WhileStatement' && node.type !== 'DoWhileStatement') put(start, end, 'true');
  }
  switch (node.type) {
    case 'BinaryExpression':
      for (const text of BINARY[node.operator] ?? []) between(node.left, node.right, node.operator, text);
      break;
    case 'LogicalExpression':
      if (LOGICAL[node.operator]) between(node.left, node.right, node.operator, LOGICAL[node.operator]);
      // The fallback alone is no mutant: its left side may be needed for the type.
      else put(node.left.end, node.end, '');
      break;
    case 'AssignmentExpression':
      if (ASSIGNMENT[node.operator]) between(node.left, node.right, node.operator, ASSIGNMENT[node.operator]);
      break;
    case 'UpdateExpression': {
      const at = node.prefix ? node.start : node.end - 2;
      put(at, at + 2, node.operator === '++' ? '--' : '++');
      break;
    }
    case 'UnaryExpression':
      if (node.operator === '!' || node.operator === '-' || node.operator === '~')
        put(node.start, node.start + 1, '');
      break;
    case 'Literal':
      if (typeof node.value === 'number') put(node.start, node.end, `${node.value + 1}`);
      else if (typeof node.value === 'boolean') put(node.start, node.end, `${!node.value}`);
      break;
    case 'ExpressionStatement':
      if (node.directive === undefined && node.expression.type !== 'Literal') put(node.start, node.end, ';');
      break;
    case 'BreakStatement':
    case 'ContinueStatement':
      put(node.start, node.end, ';');
      break;
  }
}
