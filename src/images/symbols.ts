import { type Elf, joinAddress, joinLength } from './elf.js';
import {
  CLASSES,
  SECTION_SYMBOLS,
  SYMBOL_FUNCTION,
  SYMBOL_LABEL,
  SYMBOL_OBJECT,
  UNDEFINED_SECTION,
} from './elf-format.js';

export type SymbolKind = 'function' | 'object' | 'label';

export interface ElfSymbol {
  readonly name: string;
  /** Virtual address. */
  readonly address: bigint;
  /** In bytes; 0 when the file does not say. */
  readonly size: number;
  readonly kind: SymbolKind;
}

const KINDS: Readonly<Record<number, SymbolKind>> = {
  [SYMBOL_LABEL]: 'label',
  [SYMBOL_OBJECT]: 'object',
  [SYMBOL_FUNCTION]: 'function',
};

/** Names the assembler makes: local labels and the psABI's mapping symbols. */
const ASSEMBLER_NAME = /^(\.L|\$[xd])/;

/** Functions, objects and labels of a file by address; empty when it is stripped or its table is damaged. */
export function readSymbols(elf: Elf): ElfSymbol[] {
  const { symbol, symbolBytes } = CLASSES[elf.bits];
  const found: ElfSymbol[] = [];
  for (const table of elf.sections) {
    const names = elf.sections[table.link];
    if (table.type !== SECTION_SYMBOLS || names === undefined) continue;
    const end = Math.min(table.offset + table.bytes, elf.bytes.length);
    const text = elf.bytes.subarray(names.offset, names.offset + names.bytes);
    for (let at = table.offset; at + symbolBytes <= end; at += symbolBytes) {
      const raw = symbol(elf.bytes.subarray(at, at + symbolBytes));
      const kind = KINDS[raw.info & 0xf];
      if (kind === undefined || raw.section === UNDEFINED_SECTION) continue;
      const name = textAt(text, raw.nameAt);
      if (name === '' || ASSEMBLER_NAME.test(name)) continue;
      found.push({
        name,
        address: joinAddress(raw.addressLow, raw.addressHigh),
        size: joinLength(raw.sizeLow, raw.sizeHigh),
        kind,
      });
    }
  }
  return found.sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
}

const decoder = new TextDecoder();

function textAt(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return decoder.decode(bytes.subarray(offset, end < 0 ? bytes.length : end));
}
