import { FIRST_INSTRUCTION, MOST_OPERATIONS } from './engine-layout.js';
import type { Instruction, InstructionSet } from './instruction-set.js';
import { nodesOf } from './semantics.js';

/** Two instructions in a row that share an operation. */
export interface PairOperation {
  readonly first: Instruction;
  readonly second: Instruction;
  /** The operation of the second alone. */
  readonly operation: number;
}

/** Room that is left for pairs where there are more instructions than operations. */
const PAIRS_KEPT = 50;
/** What tells instructions apart that share an operation is a byte, too. */
const MOST_SHARING = 256;

/**
 * The operations of the interpreter: which byte stands for an instruction, and which for a pair of them. A set of more
 * instructions than bytes has its last ones share one: a byte of the entry that they have no use for tells them apart.
 */
export class Operations {
  /** Instructions with an operation of their own, in the order of their operations. */
  readonly own: readonly Instruction[];
  /** Those that share the operation behind, by the number that tells them apart; empty: there is no such operation. */
  readonly sharing: readonly Instruction[];
  readonly shared: number;
  /** In the order of their operations, which follow those of single instructions. */
  readonly pairs: readonly PairOperation[];
  readonly #ofInstruction: ReadonlyMap<Instruction, number>;
  readonly #numbers: ReadonlyMap<Instruction, number>;
  /** By the operation of the first, shifted, and that of the second. */
  readonly #ofPair = new Uint8Array(MOST_OPERATIONS * MOST_OPERATIONS);

  constructor(isa: InstructionSet) {
    const { instructions, frequentPairs } = isa;
    this.sharing = thatShare(isa);
    this.#numbers = new Map(this.sharing.map((one, index) => [one, index]));
    this.own = instructions.filter(one => !this.#numbers.has(one));
    this.shared = FIRST_INSTRUCTION + this.own.length;
    const firstPair = this.shared + (this.sharing.length > 0 ? 1 : 0);
    if (firstPair > MOST_OPERATIONS || this.sharing.length > MOST_SHARING)
      throw new Error('too many instructions');
    this.#ofInstruction = new Map(this.own.map((one, index) => [one, FIRST_INSTRUCTION + index]));
    const pairs = frequentPairs.filter(pair => pair.every(one => this.#ofInstruction.has(one)));
    this.pairs = pairs.slice(0, MOST_OPERATIONS - firstPair).map(([first, second]) => {
      return { first, second, operation: this.of(second) };
    });
    this.pairs.forEach(({ first, operation }, index) => {
      this.#ofPair[this.of(first) * MOST_OPERATIONS + operation] = firstPair + index;
    });
  }

  of(instruction: Instruction): number {
    return this.#ofInstruction.get(instruction) ?? this.shared;
  }

  /** What tells an instruction apart from others with its operation; undefined: it has none but its own. */
  numberOf(instruction: Instruction): number | undefined {
    return this.#numbers.get(instruction);
  }

  /** The operation for two in a row, 0: there is none. */
  ofPair(first: number, second: number): number {
    return this.#ofPair[first * MOST_OPERATIONS + second];
  }
}

/** The last instructions that can, as many as there are too many. */
function thatShare({ instructions, frequentPairs }: InstructionSet): readonly Instruction[] {
  const room = MOST_OPERATIONS - FIRST_INSTRUCTION - Math.min(PAIRS_KEPT, frequentPairs.length);
  if (instructions.length <= MOST_OPERATIONS - FIRST_INSTRUCTION) return [];
  const excess = instructions.length + 1 - room;
  return instructions.filter(leavesByte).slice(-excess);
}

const WITH_IMMEDIATE: ReadonlySet<unknown> = new Set(['immediate', 'special', 'list', 'branch', 'jump']);

/** Whether it has neither immediate nor third source. */
const leavesByte = ({ operands, semantics }: Instruction): boolean =>
  operands !== 'wide' &&
  nodesOf(semantics).every(({ kind, operand }) => !WITH_IMMEDIATE.has(kind) && operand !== 'third');
