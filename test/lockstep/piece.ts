import { instructionLength } from './encode.js';

/**
 * A run of code whose encoding may depend on where it stands. `encode` gets its own address and the address of
 * the piece `skip` pieces further on (0: the next one).
 */
export interface Piece {
  readonly length: number;
  encode(at: number, ahead: (skip: number) => number): readonly number[];
}

export const plain = (...instructions: number[]): Piece => ({
  length: instructions.reduce((sum, instruction) => sum + instructionLength(instruction), 0),
  encode: () => instructions,
});

/** Registers that pieces rely on and never write. */
export const STACK = 2;
export const BASE = 8;
export const COUNTER = 9;
