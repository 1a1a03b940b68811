import type { Destination, Expression, RegisterFile, Source } from '../expressions.js';
import type { Decoded, Instruction } from '../instruction-set.js';
import type { RuntimeFunction } from '../runtime-functions.js';
import { isPcRelative, nodesOf, type Statement } from '../semantics.js';

export interface Named<Operand> {
  readonly file: RegisterFile;
  readonly operand: Operand;
}

/** A list is the low half of an immediate. */
const MOST_LISTED = 16;

export type ListStatement = Extract<Statement, { kind: 'list' }>;

/** What a region has to know of an instruction before it emits it. */
export interface InstructionTraits {
  /** `interpret`: done outside of compiled code. */
  readonly transfer: 'next' | 'branch' | 'jump' | 'indirect' | 'interpret';
  /** The special instruction of which compiled code may hold some. */
  readonly special: string | undefined;
  /** Whether the next instruction usually follows one that is interpreted. */
  readonly continues: boolean;
  readonly reads: readonly Named<Source>[];
  readonly writes: readonly Named<Destination>[];
  readonly list: ListStatement | undefined;
  readonly multipliesHigh: boolean;
  /** Runtime functions that it calls. */
  readonly calls: readonly RuntimeFunction[];
}

const known = new WeakMap<Instruction, InstructionTraits>();

export function instructionTraits(instruction: Instruction): InstructionTraits {
  let traits = known.get(instruction);
  if (traits === undefined) {
    traits = findTraits(instruction.semantics.statements);
    known.set(instruction, traits);
  }
  return traits;
}

function findTraits(statements: readonly Statement[]): InstructionTraits {
  const nodes = nodesOf(statements) as unknown as (Statement | Expression)[];
  let transfer: InstructionTraits['transfer'] = 'next';
  let special: string | undefined;
  const reads: Named<Source>[] = [];
  const writes: Named<Destination>[] = [];
  for (const node of nodes) {
    switch (node.kind) {
      case 'register':
        reads.push({ file: node.file, operand: node.operand });
        break;
      case 'set':
        writes.push({ file: node.file, operand: node.operand });
        break;
      case 'jump':
        transfer = isPcRelative(node.target) ? 'jump' : 'indirect';
        break;
      case 'branch':
        transfer = 'branch';
        break;
      case 'special':
        special = node.special.name;
        reads.push(...node.special.reads);
        if (node.special.writes !== undefined) writes.push({ file: node.special.writes, operand: 'result' });
        break;
      case 'system':
        transfer = 'interpret';
        break;
    }
  }
  return {
    transfer,
    special,
    continues: transfer !== 'interpret',
    reads,
    writes,
    list: nodes.find(node => node.kind === 'list'),
    calls: nodes.flatMap(node => (node.kind === 'call' ? [node.function] : [])),
    multipliesHigh: nodes.some(node => node.kind === 'multiply-high'),
  };
}

/** A register by its number. */
export interface Register {
  readonly file: RegisterFile;
  readonly number: number;
}

/** Registers that a list statement loads or stores, the lowest first. */
export function listed({ file }: ListStatement, immediate: number): Register[] {
  const registers: Register[] = [];
  for (let number = 0; number < MOST_LISTED; number++) {
    if ((immediate & (1 << number)) !== 0) registers.push({ file, number });
  }
  return registers;
}

export function registersRead(one: Decoded): Register[] {
  const { reads, list } = instructionTraits(one.instruction);
  const named = reads.map(({ file, operand }) => ({ file, number: one[operand] }));
  return list?.direction === 'store' ? [...named, ...listed(list, one.immediate)] : named;
}

/** Writes to a zero register are none. */
export function registersWritten(one: Decoded): Register[] {
  const { writes, list } = instructionTraits(one.instruction);
  const named = writes.map(({ file, operand }) => ({ file, number: one[operand] }));
  const all = list?.direction === 'load' ? [...named, ...listed(list, one.immediate)] : named;
  return all.filter(({ file, number }) => number !== file.zero?.register);
}
