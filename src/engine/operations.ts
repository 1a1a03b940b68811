import { FIRST_INSTRUCTION, MOST_OPERATIONS } from './engine-layout.js';
import type { Instruction, InstructionSet } from './instruction-set.js';

/** Two instructions in a row that share an operation. */
export interface PairOperation {
  readonly first: Instruction;
  readonly second: Instruction;
  /** The operation of the second alone. */
  readonly operation: number;
}

/** The operations of the interpreter: which byte stands for an instruction, and which for a pair of them. */
export class Operations {
  /** In the order of their operations, which follow those of single instructions. */
  readonly pairs: readonly PairOperation[];
  readonly #ofInstruction: ReadonlyMap<Instruction, number>;
  /** By the operation of the first, shifted, and that of the second. */
  readonly #ofPair = new Uint8Array(MOST_OPERATIONS * MOST_OPERATIONS);

  constructor(isa: InstructionSet) {
    const { instructions, frequentPairs } = isa;
    const firstPair = FIRST_INSTRUCTION + instructions.length;
    if (firstPair > MOST_OPERATIONS) throw new Error('too many instructions');
    this.#ofInstruction = new Map(instructions.map((one, index) => [one, FIRST_INSTRUCTION + index]));
    this.pairs = frequentPairs.slice(0, MOST_OPERATIONS - firstPair).map(([first, second]) => {
      return { first, second, operation: this.of(second) };
    });
    this.pairs.forEach(({ first, operation }, index) => {
      this.#ofPair[this.of(first) * MOST_OPERATIONS + operation] = firstPair + index;
    });
  }

  of(instruction: Instruction): number {
    return this.#ofInstruction.get(instruction)!;
  }

  /** The operation for two in a row, 0: there is none. */
  ofPair(first: number, second: number): number {
    return this.#ofPair[first * MOST_OPERATIONS + second];
  }
}
