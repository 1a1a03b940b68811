import type { RegisterFile } from '../../engine/expressions.js';
import type { Decoded, FloatFlags, InstructionSet } from '../../engine/instruction-set.js';
import type { BitCsr } from '../csr-bits.js';
import { plainCsrs } from '../csr-table.js';
import { type HartConfig, MSTATUS } from '../privileged.js';
import { AES_TABLE_BYTES, aes, writeAesTable } from './aes.js';
import { withAlignedTargets } from './alignment.js';
import { ATOMIC, moreAtomics } from './atomic.js';
import { BASE } from './base.js';
import { BITMANIP } from './bitmanip.js';
import { type CompressedForms, compressedFormsOf, expandCompressed } from './compressed.js';
import { CONDITIONAL } from './conditional.js';
import { CSR_TABLE_BYTES, writeCsrTable } from './csr-instructions.js';
import { decodeOperands, isInstructionOf, type RiscvInstruction } from './encoding.js';
import { FLOAT } from './float.js';
import { floatAdditions } from './float-additions.js';
import { halves } from './half.js';
import { MULTIPLY } from './multiply.js';
import { F, FCSR, PC, STATUS, X } from './operands.js';
import { FREQUENT_PAIRS } from './pairs.js';
import { PUSH_POP } from './push-pop.js';
import { scalarCrypto } from './scalar-crypto.js';
import { csrInstructions, PRIVILEGED, WAITING_AND_BLOCKS } from './system.js';

/** Instructions that come with some extensions only. */
interface Family {
  /** All that bring one of them. */
  readonly extensions: readonly string[];
  instructions(): readonly RiscvInstruction[];
}

const family = (extensions: readonly string[], declare: Family['instructions']): Family => {
  let declared: readonly RiscvInstruction[] | undefined;
  return {
    extensions,
    instructions() {
      declared ??= declare();
      return declared;
    },
  };
};

/** Declared for the first machine that has them: most have none, and are to start at once. */
export const FAMILIES: readonly Family[] = [
  family(['zabha', 'zacas'], moreAtomics),
  family(['zicond', 'zimop'], () => CONDITIONAL),
  family(['zawrs', 'zicbom', 'zicboz'], () => WAITING_AND_BLOCKS),
  family(['zbkb', 'zbkx', 'zknh'], scalarCrypto),
  family(['zkne', 'zknd'], aes),
  family(['zfh', 'zfhmin'], halves),
  family(['zfa'], floatAdditions),
  family(['zcmp'], () => PUSH_POP),
];

/** In the order of their numbers: new ones come last. A configuration picks those of its extensions and width. */
const instructionsWith = (
  plain: ReadonlyMap<number, BitCsr>,
  isThere: (extension: string) => boolean,
): readonly RiscvInstruction[] => [
  ...BASE,
  ...MULTIPLY,
  ...ATOMIC,
  ...FLOAT,
  ...BITMANIP,
  ...csrInstructions(plain),
  ...PRIVILEGED,
  ...FAMILIES.filter(({ extensions }) => extensions.some(isThere)).flatMap(each => each.instructions()),
];

/** Every instruction there is, of both widths. */
export const allInstructions = (): readonly RiscvInstruction[] => instructionsWith(new Map(), () => true);

const hasRoundingMode = ({ format }: RiscvInstruction) => format === 'R-rounding' || format === 'R4';
/** Modes 5 and 6 are reserved, 7 takes the one that is set (unprivileged spec table 11.1). */
const isRoundingMode = (mode: number) => mode !== 5 && mode !== 6;

/** The instructions of one hart configuration, with their decoder. */
export class RiscvInstructionSet implements InstructionSet {
  readonly name: string;
  readonly registerFiles: readonly RegisterFile[] = [X, F];
  readonly pc = PC;
  readonly floatFlags: FloatFlags = { field: FCSR, marks: { field: STATUS, mask: MSTATUS.fs } };
  readonly instructions: readonly RiscvInstruction[];
  /** Candidates by bits 6..2 and 14..12 of the word. */
  readonly #buckets: RiscvInstruction[][] = Array.from({ length: 256 }, () => []);
  readonly #short: readonly RiscvInstruction[];
  /** Undefined: no instruction has 16 bits. */
  readonly #compressed: CompressedForms | undefined;

  readonly bits: 32 | 64;
  readonly frequentPairs: readonly (readonly [RiscvInstruction, RiscvInstruction])[];
  readonly table: InstructionSet['table'];
  readonly #plainCsrs: ReadonlyMap<number, BitCsr>;

  constructor(config: HartConfig) {
    const { xlen, extensions } = config;
    this.bits = xlen;
    this.name = extensions.has('zca') ? 'riscv' : 'riscv, targets aligned';
    const plain = plainCsrs(config);
    this.#plainCsrs = new Map(plain.map(csr => [csr.number, csr]));
    const looksUp = extensions.has('zkne') || extensions.has('zknd');
    this.table = {
      bytes: CSR_TABLE_BYTES + (looksUp ? AES_TABLE_BYTES : 0),
      write: (memory, address) => {
        writeCsrTable(memory, address, plain);
        if (looksUp) writeAesTable(memory, address);
      },
    };
    this.#compressed = extensions.has('zca') ? compressedFormsOf(config) : undefined;
    const declared = instructionsWith(this.#plainCsrs, extension => extensions.has(extension));
    const instructions = declared.filter(one => isInstructionOf(one, config));
    this.instructions = extensions.has('zca') ? instructions : withAlignedTargets(instructions);
    const named = new Map(this.instructions.map(one => [one.name, one]));
    this.frequentPairs = FREQUENT_PAIRS.flatMap(([first, second]) => {
      const [a, b] = [named.get(first), named.get(second)];
      return a === undefined || b === undefined ? [] : [[a, b] as const];
    });
    this.#short = this.instructions.filter(({ match }) => (match & 3) !== 3);
    for (const one of this.instructions) {
      // Every instruction has its major opcode, bits 6..0; not all have a minor one.
      for (let minor = 0; minor < 8; minor++) {
        if (((one.match ^ (minor << 12)) & one.mask & 0x7000) !== 0) continue;
        this.#buckets[((one.match >>> 2) & 31) | (minor << 5)].push(one);
      }
    }
  }

  lengthOf(halfword: number): 2 | 4 {
    return this.#compressed !== undefined && (halfword & 3) !== 3 ? 2 : 4;
  }

  /** CSR instructions are the special ones: the CSR's number is their immediate. */
  compilesSpecial(_: string, immediate: number): boolean {
    return this.#plainCsrs.has(immediate);
  }

  decode(word: number, out: Decoded): boolean {
    const short = (word & 3) !== 3 ? this.#compressed : undefined;
    const full = short === undefined ? word : expandCompressed(word & 0xffff, short);
    const length = short === undefined ? 4 : 2;
    if ((full & 3) !== 3) return this.#decodeShort(word & 0xffff, out);
    for (const one of this.#buckets[((full >>> 2) & 31) | (((full >>> 12) & 7) << 5)]) {
      if ((full & one.mask) >>> 0 !== one.match) continue;
      out.instruction = one;
      out.length = length;
      decodeOperands(one.format, full, out);
      return !hasRoundingMode(one) || isRoundingMode(out.modifier);
    }
    return false;
  }

  /** What stands for no instruction of 32 bits. */
  #decodeShort(half: number, out: Decoded): boolean {
    const found = this.#short.find(({ mask, match }) => (half & mask) === match);
    if (found === undefined) return false;
    out.instruction = found;
    out.length = 2;
    decodeOperands(found.format, 0, out);
    return true;
  }
}
