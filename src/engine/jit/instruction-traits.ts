import type { Instruction } from '../instruction-set.js';
import type { RuntimeFunction } from '../runtime-functions.js';
import { isPcRelative } from '../semantics.js';

/** What a region has to know of an instruction before it emits it. */
export interface InstructionTraits {
  /** `interpret`: done outside of compiled code; `csr`: so are CSRs that are more than bits of the state. */
  readonly transfer: 'next' | 'branch' | 'jump' | 'indirect' | 'csr' | 'interpret';
  /** Whether the next instruction usually follows one that is interpreted. */
  readonly continues: boolean;
  readonly readsRs1: boolean;
  readonly readsRs2: boolean;
  readonly writesRd: boolean;
  readonly floatSources: readonly ('rs1' | 'rs2' | 'rs3')[];
  readonly writesFd: boolean;
  readonly multipliesHigh: boolean;
  /** Runtime functions that it calls. */
  readonly calls: readonly RuntimeFunction[];
}

const known = new WeakMap<Instruction, InstructionTraits>();

export function instructionTraits(instruction: Instruction): InstructionTraits {
  let traits = known.get(instruction);
  if (traits === undefined) {
    traits = findTraits(instruction);
    known.set(instruction, traits);
  }
  return traits;
}

function findTraits(instruction: Instruction): InstructionTraits {
  const { statements } = instruction.semantics;
  const nodes = nodesOf(statements);
  const operand = (name: string) => nodes.some(node => node.kind === 'register' && node.operand === name);
  const memory = statements.some(
    s => s.kind === 'atomic' || s.kind === 'load-reserved' || s.kind === 'store-conditional',
  );
  const csr = statements.find(s => s.kind === 'csr');
  let transfer: InstructionTraits['transfer'] = 'next';
  for (const statement of statements) {
    switch (statement.kind) {
      case 'jump':
        transfer = isPcRelative(statement.target) ? 'jump' : 'indirect';
        break;
      case 'branch':
        transfer = 'branch';
        break;
      case 'set-rd':
      case 'set-fd':
      case 'require-float':
      case 'store':
      case 'atomic':
      case 'load-reserved':
      case 'store-conditional':
      case 'nothing':
        break;
      case 'csr':
        transfer = 'csr';
        break;
      default:
        transfer = 'interpret';
    }
  }
  return {
    transfer,
    continues: !statements.some(s => s.kind === 'system'),
    readsRs1: memory || csr?.source === 'register' || operand('rs1'),
    readsRs2: statements.some(s => s.kind === 'store-conditional') || operand('rs2'),
    writesRd: memory || csr !== undefined || statements.some(s => s.kind === 'set-rd'),
    floatSources: (['rs1', 'rs2', 'rs3'] as const).filter(name =>
      nodes.some(node => node.kind === 'float-register' && node.operand === name),
    ),
    writesFd: statements.some(s => s.kind === 'set-fd'),
    calls: nodes.filter(node => node.kind === 'call').map(node => node.function as RuntimeFunction),
    multipliesHigh: nodes.some(node => node.kind === 'multiply-high'),
  };
}

type Node = Record<string, unknown>;

/** Every object in a tree of expressions and statements. */
function nodesOf(root: unknown): Node[] {
  const nodes: Node[] = [];
  const visit = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return;
    nodes.push(value as Node);
    for (const child of Object.values(value)) visit(child);
  };
  visit(root);
  return nodes;
}
