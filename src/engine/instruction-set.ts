import type { PlainCsr } from './plain-csr.js';
import type { Semantics } from './semantics.js';

/**
 * Where an instruction keeps its operands. Fields are those of RISC-V's formats (unprivileged spec 2.2);
 * an ISA with other formats adds its own extractor to its instruction set.
 */
export type Format =
  | 'R'
  /** With a rounding mode in place of the minor opcode. */
  | 'R-rounding'
  /** The same with a third source. */
  | 'R4'
  | 'I'
  | 'shift'
  | 'S'
  | 'B'
  | 'U'
  | 'J'
  | 'csr'
  | 'csr-immediate'
  | 'none';

/** One instruction, said once. */
export interface Instruction {
  readonly name: string;
  /** Extension or base that brings it, e.g. `i`, `m`, `zicsr`. */
  readonly extension: string;
  /** XLEN for which this declaration holds; both when undefined. */
  readonly xlen: 32 | 64 | undefined;
  readonly format: Format;
  /** An instruction word matches when (word & mask) === match, as unsigned 32-bit numbers. */
  readonly match: number;
  readonly mask: number;
  readonly semantics: Semantics;
}

/** A decoded instruction: the engine's operation number and its operands. */
export interface Decoded {
  instruction: Instruction;
  rd: number;
  rs1: number;
  rs2: number;
  /** For format R4. */
  rs3: number;
  /** For formats R-rounding and R4: a mode's number, or 7 for the mode that is set. */
  roundingMode: number;
  immediate: number;
  /** Length in bytes: 2 or 4. */
  length: number;
}

/** What an engine is handed: it knows no ISA of its own. */
export interface InstructionSet {
  readonly xlen: 32 | 64;
  /** Every instruction of this configuration; the position is its operation number. */
  readonly instructions: readonly Instruction[];
  /** The CSRs that generated code accesses by itself, by number. */
  readonly plainCsrs: ReadonlyMap<number, PlainCsr>;
  /** Fills `out` and returns true, or returns false for an illegal encoding. `word` is 32 bits, unsigned. */
  decode(word: number, out: Decoded): boolean;
  /** Length in bytes of the instruction that starts with this halfword. */
  lengthOf(halfword: number): 2 | 4;
}
