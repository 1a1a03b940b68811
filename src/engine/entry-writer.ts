import { ENTRY_SCALE_SHIFT, PSEUDO_OPERATION, REGISTER_SHIFT } from './engine-layout.js';
import type { RegisterFile } from './expressions.js';
import { type Decoded, type Instruction, type InstructionSet, nothingDecoded } from './instruction-set.js';
import type { Operations } from './operations.js';

/** Instruction words remembered with what they decode to: a power of two. */
const KNOWN_WORDS = 1 << 13;
const KNOWN_WORDS_SHIFT = 32 - Math.log2(KNOWN_WORDS);
const WORD_HASH = 0x9e3779b1;

/** Writes the 8 bytes that an instruction is decoded to. */
export class EntryWriter {
  readonly #decoded: Decoded;
  /** The word and the two halves of its entry; a first half of zero: none. */
  readonly #known = new Int32Array(3 * KNOWN_WORDS);

  constructor(
    readonly i32: Int32Array,
    readonly isa: InstructionSet,
    readonly operations: Operations,
    /** Where the result of each instruction goes. */
    readonly resultFiles: ReadonlyMap<Instruction, RegisterFile | undefined>,
  ) {
    this.#decoded = nothingDecoded(isa);
  }

  /** Writes the entry of an instruction word. */
  write(entry: number, word: number): void {
    const { i32 } = this;
    const known = this.#known;
    const at = 3 * (Math.imul(word, WORD_HASH) >>> KNOWN_WORDS_SHIFT);
    if (known[at] !== (word | 0) || known[at + 1] === 0) {
      this.#decodeWord(entry, word);
      known[at] = word;
      known[at + 1] = i32[entry >> 2];
      known[at + 2] = i32[(entry + 4) >> 2];
      return;
    }
    i32[entry >> 2] = known[at + 1];
    i32[(entry + 4) >> 2] = known[at + 2];
  }

  #decodeWord(entry: number, word: number): void {
    const { i32 } = this;
    const d = this.#decoded;
    if (!this.isa.decode(word, d)) {
      i32[entry >> 2] = PSEUDO_OPERATION.illegal | ((2 << ENTRY_SCALE_SHIFT) << 8);
      return;
    }
    const zero = this.resultFiles.get(d.instruction)?.zero;
    const result = zero !== undefined && d.result === zero.register ? zero.sink : d.result;
    const operation = this.operations.of(d.instruction);
    const step = d.length << ENTRY_SCALE_SHIFT;
    i32[entry >> 2] = operation | (step << 8) | (result << 16);
    const { operands } = d.instruction;
    if (operands === 'wide') {
      i32[(entry + 4) >> 2] = d.immediate;
      return;
    }
    const number = this.operations.numberOf(d.instruction);
    const modified = (number ?? d.third << REGISTER_SHIFT) | (d.modifier << 8);
    const rest = operands === 'modified' ? modified : (number ?? d.immediate & 0xffff);
    i32[(entry + 4) >> 2] = (d.first << REGISTER_SHIFT) | (d.second << (REGISTER_SHIFT + 8)) | (rest << 16);
  }
}
