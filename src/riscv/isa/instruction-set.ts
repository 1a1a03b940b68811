import type { Decoded, Instruction, InstructionSet } from '../../engine/instruction-set.js';
import type { PlainCsr } from '../../engine/plain-csr.js';
import { plainCsrs } from '../csr-table.js';
import type { HartConfig } from '../privileged.js';
import { ATOMIC } from './atomic.js';
import { BASE } from './base.js';
import { BITMANIP } from './bitmanip.js';
import { expandCompressed } from './compressed.js';
import { decodeOperands } from './encoding.js';
import { FLOAT } from './float.js';
import { MULTIPLY } from './multiply.js';
import { SYSTEM } from './system.js';

/** Every instruction there is; a configuration picks those of its extensions and width. */
export const ALL_INSTRUCTIONS: readonly Instruction[] = [
  ...BASE,
  ...MULTIPLY,
  ...ATOMIC,
  ...FLOAT,
  ...BITMANIP,
  ...SYSTEM,
];

const hasRoundingMode = ({ format }: Instruction) => format === 'R-rounding' || format === 'R4';
/** Modes 5 and 6 are reserved, 7 takes the one that is set (unprivileged spec table 11.1). */
const isRoundingMode = (mode: number) => mode !== 5 && mode !== 6;

/** The instructions of one hart configuration, with their decoder. */
export class RiscvInstructionSet implements InstructionSet {
  readonly instructions: readonly Instruction[];
  /** Candidates by bits 6..2 and 14..12 of the word. */
  readonly #buckets: Instruction[][] = Array.from({ length: 256 }, () => []);
  readonly #compressed: boolean;

  readonly xlen: 32 | 64;
  readonly plainCsrs: ReadonlyMap<number, PlainCsr>;

  constructor(config: HartConfig) {
    const { xlen, extensions } = config;
    this.xlen = xlen;
    this.plainCsrs = new Map(plainCsrs(config).map(csr => [csr.number, csr]));
    this.#compressed = extensions.has('c');
    this.instructions = ALL_INSTRUCTIONS.filter(
      one => extensions.has(one.extension) && (one.xlen === undefined || one.xlen === xlen),
    );
    for (const one of this.instructions) {
      // Every instruction has its major opcode, bits 6..0; not all have a minor one.
      for (let minor = 0; minor < 8; minor++) {
        if (((one.match ^ (minor << 12)) & one.mask & 0x7000) !== 0) continue;
        this.#buckets[((one.match >>> 2) & 31) | (minor << 5)].push(one);
      }
    }
  }

  lengthOf(halfword: number): 2 | 4 {
    return this.#compressed && (halfword & 3) !== 3 ? 2 : 4;
  }

  decode(word: number, out: Decoded): boolean {
    const length = this.lengthOf(word);
    const full = length === 2 ? expandCompressed(word & 0xffff, this.xlen) : word;
    if ((full & 3) !== 3) return false;
    for (const one of this.#buckets[((full >>> 2) & 31) | (((full >>> 12) & 7) << 5)]) {
      if ((full & one.mask) >>> 0 !== one.match) continue;
      out.instruction = one;
      out.length = length;
      decodeOperands(one.format, full, out);
      return !hasRoundingMode(one) || isRoundingMode(out.roundingMode);
    }
    return false;
  }
}
