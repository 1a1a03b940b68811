import { TargetError } from '../timeline/debug-target.js';
import { OPCODE, type OpcodeName } from './bytecodes.js';

/** What names in an expression stand for; undefined: nothing. */
export interface Names {
  register(name: string): { readonly number: number; readonly bits: number } | undefined;
  symbol(name: string): { readonly address: bigint; readonly size: number } | undefined;
}

/** Operators by how tightly they bind, loosest first, as in C. `!`: the result is inverted; `~`: operands swap. */
const LEVELS: readonly Readonly<Record<string, readonly [OpcodeName, ('swap' | 'not')?, 'not'?]>>[] = [
  { '|': ['bit_or'] },
  { '^': ['bit_xor'] },
  { '&': ['bit_and'] },
  { '==': ['equal'], '!=': ['equal', 'not'] },
  {
    '<=': ['less_signed', 'swap', 'not'],
    '>=': ['less_signed', 'not'],
    '<': ['less_signed'],
    '>': ['less_signed', 'swap'],
  },
  { '<<': ['lsh'], '>>': ['rsh_signed'] },
  { '+': ['add'], '-': ['sub'] },
  { '*': ['mul'], '/': ['div_signed'], '%': ['rem_signed'] },
];

const LOADS: Readonly<Record<string, OpcodeName>> = { 8: 'ref8', 16: 'ref16', 32: 'ref32', 64: 'ref64' };

/** Jumps have 16 bits. */
const LONGEST_CODE = 0xffff;

const TOKEN =
  /\s*(?:(0x[0-9a-fA-F]+|\d+)(?![\w$.])|(\$[a-zA-Z_]\w*)|([A-Za-z_.][\w.$]*)|(\|\||&&|<<|>>|[<>=!]=|[-+*/%&|^~!<>()]))/y;

/**
 * Compiles an expression of C, on 64-bit signed integers, to an agent expression: numbers, `$registers`,
 * variables (signed, by their size), `&variable`, memory as `u32(ADDRESS)` (u or s, 8 to 64), and C's
 * operators except `?:` and assignments. Throws TargetError that shows where it went wrong.
 */
export function compileExpression(text: string, names: Names): Uint8Array {
  return new Compiler(text, names).compile();
}

/** Operators and parentheses around one operand. */
const DEEPEST = 100;

class Compiler {
  readonly #tokens: { readonly text: string; readonly at: number }[] = [];
  readonly #code: number[] = [];
  #depth = 0;
  #next = 0;

  constructor(
    readonly text: string,
    readonly names: Names,
  ) {
    TOKEN.lastIndex = 0;
    const end = text.trimEnd().length;
    for (let at = 0; at < end; at = TOKEN.lastIndex) {
      TOKEN.lastIndex = at;
      const match = TOKEN.exec(text);
      if (match === null) this.#fail(at, 'this is not understood');
      this.#tokens.push({ text: match[0].trim(), at: TOKEN.lastIndex - match[0].trim().length });
    }
  }

  compile(): Uint8Array {
    this.#either();
    if (this.#peek !== undefined) this.#fail(this.#place, 'an operator is missing');
    this.#emit('end');
    if (this.#code.length > LONGEST_CODE) throw new TargetError('the expression is too long');
    return Uint8Array.from(this.#code);
  }

  get #peek(): string | undefined {
    return this.#tokens[this.#next]?.text;
  }

  get #place(): number {
    return this.#tokens[this.#next]?.at ?? this.text.length;
  }

  #take(text: string): boolean {
    if (this.#peek !== text) return false;
    this.#next++;
    return true;
  }

  #either(): void {
    this.#both();
    while (this.#take('||')) this.#shortCircuit(1, () => this.#both());
  }

  #both(): void {
    this.#binary(0);
    while (this.#take('&&')) this.#shortCircuit(0, () => this.#binary(0));
  }

  /** The right side is evaluated only when the left one, on the stack, does not decide with `decided`. */
  #shortCircuit(decided: 0 | 1, right: () => void): void {
    if (decided === 0) this.#emit('log_not');
    const decides = this.#jump('if_goto');
    right();
    this.#emit('log_not');
    this.#emit('log_not');
    const done = this.#jump('goto');
    this.#land(decides);
    this.#emit('const8', decided);
    this.#land(done);
  }

  #binary(level: number): void {
    const operators = LEVELS[level];
    if (operators === undefined) {
      this.#unary();
      return;
    }
    this.#binary(level + 1);
    for (;;) {
      const token = this.#peek;
      if (token === undefined || !Object.hasOwn(operators, token)) return;
      this.#next++;
      this.#binary(level + 1);
      const [opcode, ...around] = operators[token]!;
      if (around.includes('swap')) this.#emit('swap');
      this.#emit(opcode);
      if (around.includes('not')) this.#emit('log_not');
    }
  }

  #unary(): void {
    if (++this.#depth > DEEPEST) this.#fail(this.#place, 'it is nested too deep');
    this.#operand();
    this.#depth--;
  }

  #operand(): void {
    if (this.#take('!')) {
      this.#unary();
      this.#emit('log_not');
    } else if (this.#take('~')) {
      this.#unary();
      this.#emit('bit_not');
    } else if (this.#take('-')) {
      this.#emit('const8', 0);
      this.#unary();
      this.#emit('sub');
    } else if (this.#take('+')) {
      this.#unary();
    } else if (this.#take('&')) {
      this.#constant(this.#symbol().address);
    } else if (this.#take('(')) {
      this.#parenthesized();
    } else {
      this.#primary();
    }
  }

  #parenthesized(): void {
    this.#either();
    if (!this.#take(')')) this.#fail(this.#place, 'a ) is missing');
  }

  #primary(): void {
    const at = this.#place;
    const token = this.#peek;
    if (token === undefined) this.#fail(at, 'something is missing');
    if (/^\d/.test(token)) {
      this.#next++;
      const value = BigInt(token);
      if (value >= 1n << 64n) this.#fail(at, 'the number does not fit into 64 bits');
      this.#constant(value);
      return;
    }
    if (token.startsWith('$')) {
      this.#next++;
      const register = this.names.register(token.slice(1));
      if (register === undefined) this.#fail(at, `there is no register ${token}`);
      this.#emit('reg', register.number >> 8, register.number & 0xff);
      if (register.bits < 64) this.#emit('ext', register.bits);
      return;
    }
    const memory = /^([us])(8|16|32|64)$/.exec(token);
    if (memory !== null && this.#tokens[this.#next + 1]?.text === '(') {
      this.#next += 2;
      this.#parenthesized();
      this.#load(Number(memory[2]), memory[1] === 's');
      return;
    }
    const { address, size } = this.#symbol();
    if (LOADS[8 * size] === undefined) {
      this.#fail(at, `${token} has ${size} bytes: give its part as u32(&${token} + 4)`);
    }
    this.#constant(address);
    this.#load(8 * size, true);
  }

  #symbol(): { readonly address: bigint; readonly size: number } {
    const at = this.#place;
    const token = this.#peek;
    if (token === undefined || !/^[A-Za-z_.]/.test(token)) this.#fail(at, 'a name or number is missing');
    this.#next++;
    const symbol = this.names.symbol(token);
    if (symbol === undefined) this.#fail(at, `there is no symbol ${token}`);
    return symbol;
  }

  #load(bits: number, signed: boolean): void {
    this.#emit(LOADS[bits]!);
    if (signed && bits < 64) this.#emit('ext', bits);
  }

  #constant(value: bigint): void {
    const bytes = Array.from({ length: 8 }, (_, i) => Number((value >> BigInt(56 - 8 * i)) & 0xffn));
    this.#emit('const64', ...bytes);
  }

  #emit(name: OpcodeName, ...operand: number[]): void {
    this.#code.push(OPCODE[name], ...operand);
  }

  /** Where the jump's target will be entered. */
  #jump(name: 'goto' | 'if_goto'): number {
    this.#emit(name, 0, 0);
    return this.#code.length - 2;
  }

  #land(hole: number): void {
    this.#code[hole] = this.#code.length >> 8;
    this.#code[hole + 1] = this.#code.length & 0xff;
  }

  #fail(at: number, what: string): never {
    const [before, after] = [this.text.slice(0, at), this.text.slice(at)];
    const shown = `${before.length > 60 ? '...' : ''}${before.slice(-60)} >>> ${after.slice(0, 60)}`;
    throw new TargetError(`${what}: ${shown}${after.length > 60 ? '...' : ''}`);
  }
}
