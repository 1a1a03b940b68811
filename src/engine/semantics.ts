import type {
  AccessKind,
  AccessSize,
  Destination,
  Expression,
  Place,
  RegisterFile,
  StateField,
  Variable,
} from './expressions.js';
import type { Special } from './special.js';

/** What an instruction does, in this order. Faults come before effects: `semantics` refuses another order. */
export type Statement =
  | {
      readonly kind: 'set';
      readonly file: RegisterFile;
      readonly operand: Destination;
      readonly value: Expression;
    }
  | { readonly kind: 'set-field'; readonly field: StateField; readonly value: Expression }
  /** Sets bits of a field that is a `w`. */
  | { readonly kind: 'set-bits'; readonly field: StateField; readonly mask: number }
  /** Illegal unless one of these bits of a `w` field is set. */
  | { readonly kind: 'require-bits'; readonly field: StateField; readonly mask: number }
  /** Illegal unless the condition holds. */
  | { readonly kind: 'require'; readonly condition: Expression }
  /** Evaluates a variable here, for the statements behind it. */
  | { readonly kind: 'let'; readonly variable: Variable }
  | { readonly kind: 'assign'; readonly variable: Variable; readonly value: Expression }
  /** Predicated: `body` is done only when the condition holds. */
  | { readonly kind: 'when'; readonly condition: Expression; readonly body: readonly Statement[] }
  | {
      readonly kind: 'store';
      readonly size: AccessSize;
      readonly address: Expression;
      readonly value: Expression;
    }
  /** Finds where to write, or leaves; within `body` the place can be read and written. */
  | {
      readonly kind: 'at';
      readonly place: Place;
      readonly address: Expression;
      readonly access: AccessKind;
      readonly body: readonly Statement[];
    }
  | { readonly kind: 'set-place'; readonly place: Place; readonly value: Expression }
  /**
   * Loads or stores the registers of `file` that the bits of the immediate name, the lowest at `address`, each
   * in `size` bytes behind the one before. All of it is done, or nothing.
   */
  | {
      readonly kind: 'list';
      readonly direction: 'load' | 'store';
      readonly file: RegisterFile;
      readonly size: 4 | 8;
      readonly address: Expression;
    }
  | { readonly kind: 'jump'; readonly target: Expression }
  /** To pc + immediate when the condition holds. */
  | { readonly kind: 'branch'; readonly condition: Expression }
  /** What the instruction set emits by itself. */
  | { readonly kind: 'special'; readonly special: Special }
  /**
   * Where the condition holds, the instruction is that system operation, which always leaves, and else what follows.
   */
  | { readonly kind: 'system-when'; readonly condition: Expression; readonly operation: string }
  /** Done by the hart's owner in TypeScript: privileged and environment instructions. */
  | { readonly kind: 'system'; readonly operation: string };

export interface Semantics {
  readonly statements: readonly Statement[];
}

export const set = (file: RegisterFile, value: Expression, operand: Destination = 'result'): Statement => {
  if (file.zero !== undefined && operand !== 'result') throw new Error(`${operand} may be the zero register`);
  return { kind: 'set', file, operand, value };
};
export const when = (condition: Expression, ...body: readonly Statement[]): Statement => ({
  kind: 'when',
  condition,
  body,
});

/** Throws for statements of which one may leave the instruction behind another that has changed something. */
export function semantics(...statements: readonly Statement[]): Semantics {
  checkOrder(statements, false);
  return { statements };
}

/** Whether something has changed when the statements are done. */
function checkOrder(statements: readonly Statement[], changedBefore: boolean): boolean {
  let changed = changedBefore;
  for (const statement of statements) {
    if (changed && mayLeave(statement)) throw new Error(`${statement.kind} may leave behind an effect`);
    if (statement.kind === 'when' || statement.kind === 'at') changed = checkOrder(statement.body, changed);
    else if (EFFECTS.has(statement.kind)) changed = true;
  }
  return changed;
}

const EFFECTS: ReadonlySet<Statement['kind']> = new Set([
  'set',
  'set-field',
  'set-bits',
  'store',
  'set-place',
  'list',
  'special',
]);
const LEAVING: ReadonlySet<Statement['kind']> = new Set([
  'require-bits',
  'require',
  'store',
  'at',
  'list',
  'special',
  'system-when',
  'system',
]);

const mayLeave = (statement: Statement): boolean =>
  LEAVING.has(statement.kind) || nodesOf(statement).some(node => node.kind === 'load');

/** The register file of an instruction's result. */
export function resultFile({ statements }: Semantics): RegisterFile | undefined {
  for (const statement of statements) {
    if (statement.kind === 'set' && statement.operand === 'result') return statement.file;
    if (statement.kind === 'special') return statement.special.writes;
    if (statement.kind === 'when' || statement.kind === 'at') {
      const inner = resultFile({ statements: statement.body });
      if (inner !== undefined) return inner;
    }
  }
  return undefined;
}

type Node = Readonly<Record<string, unknown>>;

/** Every object in a tree of expressions and statements; what a variable stands for belongs to where it is bound. */
export function nodesOf(root: unknown): Node[] {
  const nodes: Node[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    nodes.push(value as Node);
    if ((value as Node).kind === 'variable') return;
    for (const child of Object.values(value)) visit(child);
  };
  visit(root);
  return nodes;
}

/** Whether a jump's target is pc + immediate. */
export function isPcRelative(target: Expression): boolean {
  return (
    target.kind === 'binary' &&
    target.operator === 'add' &&
    target.left.kind === 'pc' &&
    target.right.kind === 'immediate'
  );
}
