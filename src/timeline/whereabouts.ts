import type { LackingInstruction } from '../machine/hart.js';
import type { Machine } from '../machine/machine.js';
import type { TrapLoop } from '../machine/trap-loop.js';
import type { SymbolNames } from './symbol-names.js';

/** Where a machine's harts are, in words. */
export class Whereabouts {
  constructor(
    readonly machine: Machine,
    readonly symbols: SymbolNames,
  ) {}

  /** One line a hart: `hart 0 at main+8 (0x80000008), machine mode`. */
  harts(): readonly string[] {
    return this.machine
      .contexts()
      .map(
        ({ hart, pcLow, pcHigh }) =>
          `hart ${hart} at ${this.#place(pcLow, pcHigh)}, ${this.machine.debug.describe(hart).replace(/^CPU#\d+ /, '')}`,
      );
  }

  /** One line: which hart, where, since when, and the trap that it began with. */
  trapLoop({ hart, first, repeated }: TrapLoop): string {
    const { what, handler, lacking } = this.machine.describeTrap(hart, first);
    const place = this.#place(first.pcLow, first.pcHigh);
    return `hart ${hart} traps for ever at ${address(repeated.pcLow, repeated.pcHigh)} since icount ${first.icount}: ${what} at ${place}${this.#advice(lacking)}, ${handler}`;
  }

  /** A hart that seems to trap for ever, where nobody has looked for one long enough to be sure. */
  suspected(): string | undefined {
    const loop = this.machine.suspectedTrapLoop;
    return loop && this.trapLoop(loop);
  }

  #advice(lacking: LackingInstruction | undefined): string {
    if (lacking === undefined) return '';
    const { model, extension } = lacking;
    const value = model ?? `a name with ${extension}`;
    return ` (this CPU lacks it; ${this.symbols.say({ setting: 'cpu', value })})`;
  }

  #place(low: number, high: number): string {
    const name = this.symbols.describe((BigInt(high) << 32n) | BigInt(low));
    return name === undefined ? address(low, high) : `${name} (${address(low, high)})`;
  }
}

const address = (low: number, high: number): string =>
  `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16)}`;
