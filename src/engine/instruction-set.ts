import type { RegisterFile, StateField } from './expressions.js';
import type { Semantics } from './semantics.js';

/**
 * Where the operands stand that a predecoded instruction has beside its result: an immediate of 32 bits alone; two
 * sources and an immediate of 16 bits; or three sources and a modifier.
 */
export type OperandLayout = 'wide' | 'short' | 'modified';

/** One instruction, said once. */
export interface Instruction {
  readonly name: string;
  readonly operands: OperandLayout;
  readonly semantics: Semantics;
}

/** A decoded instruction. Registers and the modifier are numbers below 32. */
export interface Decoded {
  instruction: Instruction;
  result: number;
  first: number;
  second: number;
  third: number;
  modifier: number;
  immediate: number;
  /** Length in bytes: 2 or 4. */
  length: number;
}

/** Where exceptions of floating-point operations accrue. */
export interface FloatFlags {
  /** A `w` with exception flags in the bits of `FLOAT_FLAG`. */
  readonly field: StateField;
  /** Bits of another `w` that are set when a flag is raised that was not up. */
  readonly marks: { readonly field: StateField; readonly mask: number };
}

/** What an engine is handed: it knows no instruction set of its own. */
export interface InstructionSet {
  /** Two sets that differ in anything but the instructions' names have different ones. */
  readonly name: string;
  /** Width of addresses and of integers of type x. */
  readonly bits: 32 | 64;
  /** The register files that instructions name. */
  readonly registerFiles: readonly RegisterFile[];
  /** Where the program counter stands: an x. */
  readonly pc: StateField;
  readonly floatFlags?: FloatFlags;
  /** What special instructions look up in memory. */
  readonly table?: { readonly bytes: number; write(memory: ArrayBufferLike, address: number): void };
  /** Every instruction of this configuration; the position is its operation number. */
  readonly instructions: readonly Instruction[];
  /** Pairs that often follow each other, most often first: the interpreter has handlers of their own for them. */
  readonly frequentPairs: readonly (readonly [first: Instruction, second: Instruction])[];
  /** Whether compiled code can hold a special instruction with this immediate. */
  compilesSpecial(special: string, immediate: number): boolean;
  /** Fills `out` and returns true, or returns false for an illegal encoding. `word` is 32 bits, unsigned. */
  decode(word: number, out: Decoded): boolean;
  /** Length in bytes of the instruction that starts with this halfword. */
  lengthOf(halfword: number): 2 | 4;
}

export const nothingDecoded = (isa: InstructionSet): Decoded => ({
  instruction: isa.instructions[0],
  result: 0,
  first: 0,
  second: 0,
  third: 0,
  modifier: 0,
  immediate: 0,
  length: 4,
});
