import type { FunctionBody, Local } from '../wasm/function-body.js';
import type { Expression, RegisterFile, Source, Type } from './expressions.js';

/**
 * An instruction, or a part of one, that an instruction set emits by itself because its meaning depends on more than
 * operands: on a table, say, that tells what its immediate stands for.
 */
export interface Special {
  readonly name: string;
  /** What it uses of the general mechanism: registers read, and the file of its result. */
  readonly reads: readonly { readonly file: RegisterFile; readonly operand: Source }[];
  readonly writes: RegisterFile | undefined;
  emit(e: SpecialEmitter): void;
}

/** What a special instruction is emitted with. */
export interface SpecialEmitter {
  readonly f: FunctionBody;
  /** WebAssembly's type for an x. */
  readonly x: 'i32' | 'i64';
  /** Local with the address of the hart's state. */
  readonly hart: Local;
  /** The immediate of the instruction that is compiled; undefined where one text serves all. */
  readonly knownImmediate: number | undefined;
  /** Address of what `InstructionSet.table` holds. */
  readonly table: number;
  expression(node: Expression): void;
  constant(type: Type, value: number): void;
  scratch(type: 'i32' | 'i64'): Local;
  release(type: 'i32' | 'i64', local: Local): void;
  /** Pushes the low 16 bits of the immediate, unsigned. */
  immediateBits(): void;
  /** Pushes the numbers by which the host finds a source and the result again. */
  operandNumbers(): void;
  /**
   * Sets the result, a register of `file`, to the x that `inline` leaves on the stack. Where `inline` calls
   * `leaveIf`, which takes a condition from the stack, with nothing changed, the host does the instruction:
   * `EngineHost.special` with six words, which `host` pushes.
   */
  resultOf(file: RegisterFile, inline: (leaveIf: () => void) => void, host: () => void): void;
}
