/** What an illegal instruction is on other CPUs. */
import type { LackingInstruction } from '../machine/hart.js';
import { csrsOfExtension } from './csr-table.js';
import { EXTENSIONS, standardFor, withImplied } from './extensions.js';
import { type CompressedForms, compressedFormsOf, expandCompressed } from './isa/compressed.js';
import { isInstructionOf, type RiscvInstruction } from './isa/encoding.js';
import { PUSH_POP } from './isa/push-pop.js';
import { allInstructions } from './isa/riscv-instructions.js';
import type { HartConfig } from './privileged.js';

/** Of an instruction, 16 or 32 bits, that is illegal on this hart; undefined when none here would know it either. */
export function lackingFor(hart: HartConfig, word: number): LackingInstruction | undefined {
  const half = (word & 3) !== 3;
  const found = half
    ? compressedLacking(hart, word & 0xffff)
    : (csrLacking(hart, word) ?? instructionLacking(hart, word));
  // QEMU's name is that of the width; `max` is of either.
  return found?.model === 'rv64' ? { ...found, model: `rv${hart.xlen}` } : found;
}

function instructionLacking(hart: HartConfig, word: number): LackingInstruction | undefined {
  const found = allInstructions().filter(one => matches(one, word, hart.xlen));
  if (found.some(one => isInstructionOf(one, hart))) return undefined;
  return found.length === 0 ? undefined : lacking(found[0].name, missingOf(found[0], hart));
}

const matches = ({ mask, match, xlen }: RiscvInstruction, word: number, width: 32 | 64): boolean =>
  (word & mask) >>> 0 === match && (xlen ?? width) === width;

const missingOf = ({ extensions, beside }: RiscvInstruction, hart: HartConfig): string =>
  extensions.some(name => hart.extensions.has(name))
    ? beside.find(name => !hart.extensions.has(name))!
    : extensions[0];

/** An access to a CSR that comes with an extension. */
function csrLacking(hart: HartConfig, word: number): LackingInstruction | undefined {
  const funct3 = (word >>> 12) & 7;
  if ((word & 0x7f) !== 0x73 || (funct3 & 3) === 0) return undefined;
  for (const { name } of EXTENSIONS) {
    if (hart.extensions.has(name)) continue;
    const csr = csrsOfExtension(name, hart).find(({ number }) => number === word >>> 20);
    if (csr !== undefined) return lacking(csr.name, name);
  }
  return undefined;
}

/** Forms that an extension brings, with how they are called where that is not what they stand for. */
const FORMS: readonly (readonly [form: keyof CompressedForms, extension: string])[] = [
  ['more', 'zcb'],
  ['mayBe', 'zcmop'],
  ['floats', 'zcf'],
  ['doubles', 'zcd'],
];
const SHORT_NAMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  zcb: { andi: 'zext.b', xori: 'not', 'add.uw': 'zext.w' },
  zcmop: { addi: 'mop' },
};

function compressedLacking(hart: HartConfig, half: number): LackingInstruction | undefined {
  const forms = compressedFormsOf(hart);
  const plain = expandCompressed(half, forms);
  if (!hart.extensions.has('zca') && plain !== 0) return lacking(shortName(plain, hart, 'c'), 'c');
  if (plain !== 0) return instructionLacking(hart, plain);
  for (const [form, extension] of FORMS) {
    const expanded = expandCompressed(half, { ...forms, [form]: true });
    if (expanded !== 0) return lacking(shortName(expanded, hart, extension), extension);
  }
  const found = PUSH_POP.find(({ mask, match }) => (half & mask) === match);
  return found === undefined || hart.extensions.has('zcmp') ? undefined : lacking(found.name, 'zcmp');
}

function shortName(word: number, { xlen }: HartConfig, extension: string): string {
  const name = allInstructions().find(one => matches(one, word, xlen))?.name ?? 'instruction';
  return `c.${SHORT_NAMES[extension]?.[name] ?? name}`;
}

function lacking(name: string, extension: string): LackingInstruction {
  const model = (['rv64', 'max'] as const).find(one => withImplied(standardFor(one, 64), 64).has(extension));
  return { name, extension: extension[0].toUpperCase() + extension.slice(1), model };
}
