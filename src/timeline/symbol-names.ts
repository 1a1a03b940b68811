import type { ElfSymbol } from '../images/symbols.js';
import { sayPlainly } from '../state/input-error.js';

/** Names for addresses and addresses for names, from a program's symbol table. */
export class SymbolNames {
  readonly #byName = new Map<string, ElfSymbol>();
  /** Ascending by address. */
  readonly #sorted: readonly ElfSymbol[];

  constructor(
    symbols: readonly ElfSymbol[],
    readonly say = sayPlainly,
  ) {
    for (const symbol of symbols) this.#byName.set(symbol.name, symbol);
    this.#sorted = [...symbols].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0));
  }

  get advice(): string {
    return this.say({ setting: 'symbols', value: 'an ELF file' });
  }

  get known(): boolean {
    return this.#sorted.length > 0;
  }

  find(name: string): ElfSymbol | undefined {
    return this.#byName.get(name);
  }

  /** `name`, `name+offset`, or undefined when no symbol holds the address. */
  describe(address: bigint): string | undefined {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#sorted[middle].address <= address) low = middle + 1;
      else high = middle;
    }
    // Several symbols may start at or before the address; the nearest that reaches over it counts.
    for (let i = low - 1; i >= 0 && i >= low - 8; i--) {
      const symbol = this.#sorted[i];
      const offset = address - symbol.address;
      if (offset >= BigInt(Math.max(symbol.size, 1))) continue;
      return offset === 0n ? symbol.name : `${symbol.name}+${offset}`;
    }
    return undefined;
  }
}
