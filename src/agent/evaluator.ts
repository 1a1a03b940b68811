import type { HartView } from '../machine/hart-reader.js';
import { OPCODE } from './bytecodes.js';
import { STACK_DEPTH } from './expression-check.js';
import { divide, multiplyHigh } from './words.js';

/** Bytes of code, loops counted each time, after which an expression counts as endless. */
const LONGEST_RUN = 100_000;
/** Bytes of code that take as long as a hit. */
const BYTES_A_HIT = 50;

/** Called at a printf: the number of values, below the top of the stack, and where the format stands. */
export type PrintHandler = (values: readonly bigint[], format: Uint8Array, hart: HartView) => void;

/**
 * Runs verified agent expressions on a stack of 64-bit values, each in two words: evaluations come by the
 * million, and bigint would allocate for each.
 */
export class AgentEvaluator {
  /** The result, as two words. */
  low = 0;
  high = 0;
  /** Whether the last expression that could not be evaluated was one that does not end. */
  endless = false;
  readonly #low = new Int32Array(STACK_DEPTH + 1);
  readonly #high = new Int32Array(STACK_DEPTH + 1);

  /**
   * False when it cannot be evaluated now: memory or a register is unreadable, a division by zero, or it
   * does not end. Without `print`, printf prints nothing.
   */
  evaluate(code: Uint8Array, hart: HartView, print?: PrintHandler): boolean {
    const lows = this.#low;
    const highs = this.#high;
    let top = -1;
    // Bytes run before the last jump, and where it led.
    let ran = 0;
    let landed = 0;
    this.endless = false;
    for (let at = 0; ; ) {
      const opcode = code[at++]!;
      // Of literals V8 makes a jump table: twice as fast as by name.
      switch (opcode) {
        case 0x05: // div_signed
        case 0x06: // div_unsigned
        case 0x07: // rem_signed
        case 0x08: // rem_unsigned
          if (lows[top] === 0 && highs[top] === 0) return false;
          top--;
          divide(lows, highs, top, opcode);
          break;
        case 0x0d: // trace_quick
          at++;
          break;
        case 0x30: // trace16
          at += 2;
          break;
        case 0x16: // ext
        case 0x2a: // zero_ext
          this.#extend(top, code[at++]!, opcode === OPCODE.ext);
          break;
        case 0x17: // ref8
        case 0x18: // ref16
        case 0x19: // ref32
        case 0x1a: // ref64
          if (!hart.readMemory(lows[top]! >>> 0, highs[top]! >>> 0, 1 << (opcode - OPCODE.ref8)))
            return false;
          this.#set(top, hart);
          break;
        case 0x20: // if_goto
        case 0x21: // goto
          if (opcode === OPCODE.if_goto && this.#isZero(top--)) {
            at += 2;
            break;
          }
          ran += at - landed;
          landed = at = (code[at]! << 8) | code[at + 1]!;
          if (ran > LONGEST_RUN) return this.#giveUp(hart, ran);
          break;
        case 0x22: // const8
        case 0x23: // const16
        case 0x24: // const32
        case 0x25: // const64
          at = this.#literal(++top, code, at, opcode);
          break;
        case 0x26: // reg
          if (!hart.readRegister((code[at]! << 8) | code[at + 1]!)) return false;
          this.#set(++top, hart);
          at += 2;
          break;
        case 0x27: // end
          hart.work += (ran + at - landed) / BYTES_A_HIT;
          if (top >= 0) [this.low, this.high] = [lows[top]! >>> 0, highs[top]! >>> 0];
          return true;
        case 0x32: // pick
          this.#copy(top - code[at++]!, top + 1);
          top++;
          break;
        case 0x34: // printf
          // The function and the channel, which are for other targets, are on top.
          top -= 2;
          if (print !== undefined) this.#print(top, code, at, hart, print);
          top -= code[at]!;
          at += 3 + ((code[at + 1]! << 8) | code[at + 2]!);
          break;
        default:
          top = this.#operate(top, opcode);
      }
    }
  }

  /** Carries out what takes its operands from the stack only; where the top is then. */
  #operate(top: number, opcode: number): number {
    const lows = this.#low;
    const highs = this.#high;
    switch (opcode) {
      case 0x02: // add
        this.#add(top - 1, lows[top]!, highs[top]!, 0);
        return top - 1;
      case 0x03: // sub
        this.#add(top - 1, ~lows[top]!, ~highs[top]!, 1);
        return top - 1;
      case 0x04: {
        // mul
        const [aLow, bLow] = [lows[top - 1]!, lows[top]!];
        highs[top - 1] =
          multiplyHigh(aLow, bLow) + Math.imul(highs[top - 1]!, bLow) + Math.imul(aLow, highs[top]!);
        lows[top - 1] = Math.imul(aLow, bLow);
        return top - 1;
      }
      case 0x09: // lsh
      case 0x0a: // rsh_signed
      case 0x0b: {
        // rsh_unsigned
        const far = highs[top] !== 0 || lows[top]! >>> 0 > 63;
        this.#shift(top - 1, far ? 64 : lows[top]!, opcode);
        return top - 1;
      }
      case 0x0c: // trace
      case 0x2f: // tracenz
        return top - 2;
      case 0x0e: // log_not
        return this.#truth(top, this.#isZero(top));
      case 0x0f: // bit_and
        lows[top - 1]! &= lows[top]!;
        highs[top - 1]! &= highs[top]!;
        return top - 1;
      case 0x10: // bit_or
        lows[top - 1]! |= lows[top]!;
        highs[top - 1]! |= highs[top]!;
        return top - 1;
      case 0x11: // bit_xor
        lows[top - 1]! ^= lows[top]!;
        highs[top - 1]! ^= highs[top]!;
        return top - 1;
      case 0x12: // bit_not
        lows[top] = ~lows[top]!;
        highs[top] = ~highs[top]!;
        return top;
      case 0x13: // equal
        return this.#truth(top - 1, lows[top - 1] === lows[top] && highs[top - 1] === highs[top]);
      case 0x14: // less_signed
        return this.#truth(top - 1, this.#isLess(top - 1, 0));
      case 0x15: // less_unsigned
        return this.#truth(top - 1, this.#isLess(top - 1, 0x80000000));
      case 0x28: // dup
        this.#copy(top, top + 1);
        return top + 1;
      case 0x2b: // swap
        this.#copy(top, top + 1);
        this.#copy(top - 1, top);
        this.#copy(top + 1, top - 1);
        return top;
      case 0x33: // rot: a b c becomes c a b
        this.#copy(top, top + 1);
        this.#copy(top - 1, top);
        this.#copy(top - 2, top - 1);
        this.#copy(top + 1, top - 2);
        return top;
      default: // pop
        return top - 1;
    }
  }

  #add(to: number, low: number, high: number, carry: 0 | 1): void {
    const sum = (this.#low[to]! >>> 0) + (low >>> 0) + carry;
    this.#high[to] = this.#high[to]! + high + (sum > 0xffffffff ? 1 : 0);
    this.#low[to] = sum;
  }

  #set(at: number, { low, high }: HartView): void {
    this.#low[at] = low;
    this.#high[at] = high;
  }

  #isZero(at: number): boolean {
    return this.#low[at] === 0 && this.#high[at] === 0;
  }

  /** Whether the value at `at` is less than the next one; the highest bit counts as `sign` says. */
  #isLess(at: number, sign: number): boolean {
    const [a, b] = [this.#high[at]! ^ sign, this.#high[at + 1]! ^ sign];
    return a < b || (a === b && this.#low[at]! >>> 0 < this.#low[at + 1]! >>> 0);
  }

  #truth(at: number, holds: boolean): number {
    this.#low[at] = holds ? 1 : 0;
    this.#high[at] = 0;
    return at;
  }

  /** Reads a constant of 1, 2, 4 or 8 bytes; where the code goes on. */
  #literal(to: number, code: Uint8Array, at: number, opcode: number): number {
    const bytes = 1 << (opcode - OPCODE.const8);
    this.#high[to] = bytes === 8 ? word(code, at) : 0;
    if (bytes >= 4) this.#low[to] = word(code, at + bytes - 4);
    else this.#low[to] = bytes === 1 ? code[at]! : (code[at]! << 8) | code[at + 1]!;
    return at + bytes;
  }

  #print(top: number, code: Uint8Array, at: number, hart: HartView, print: PrintHandler): void {
    const count = code[at]!;
    const length = (code[at + 1]! << 8) | code[at + 2]!;
    const values = Array.from({ length: count }, (_, i) => this.#value(top - i));
    print(values, code.subarray(at + 3, at + 2 + length), hart);
  }

  #giveUp(hart: HartView, ran: number): false {
    hart.work += ran / BYTES_A_HIT;
    this.endless = true;
    return false;
  }

  #value(at: number): bigint {
    return (BigInt(this.#high[at]! >>> 0) << 32n) | BigInt(this.#low[at]! >>> 0);
  }

  #copy(from: number, to: number): void {
    this.#low[to] = this.#low[from]!;
    this.#high[to] = this.#high[from]!;
  }

  /** Shifts by 64, and that stands for more, leave nothing but the sign. */
  #shift(at: number, count: number, opcode: number): void {
    const low = this.#low[at]!;
    const high = this.#high[at]!;
    if (count === 0) return;
    if (opcode === OPCODE.lsh) {
      this.#high[at] =
        count < 32 ? (high << count) | (low >>> (32 - count)) : count < 64 ? low << (count - 32) : 0;
      this.#low[at] = count < 32 ? low << count : 0;
      return;
    }
    const fill = opcode === OPCODE.rsh_signed ? high >> 31 : 0;
    const shifted = opcode === OPCODE.rsh_signed ? high >> count : high >>> count;
    if (count < 32) {
      this.#low[at] = (low >>> count) | (high << (32 - count));
      this.#high[at] = shifted;
    } else {
      this.#low[at] =
        count === 64 ? fill : opcode === OPCODE.rsh_signed ? high >> (count - 32) : high >>> (count - 32);
      this.#high[at] = fill;
    }
  }

  #extend(at: number, bits: number, signed: boolean): void {
    if (bits >= 64) return;
    const inLow = bits <= 32;
    const words = inLow ? this.#low : this.#high;
    const unused = (inLow ? 32 : 64) - bits;
    words[at] = signed ? (words[at]! << unused) >> unused : (words[at]! << unused) >>> unused;
    if (inLow) this.#high[at] = signed ? this.#low[at]! >> 31 : 0;
  }
}

const word = (code: Uint8Array, at: number) =>
  (code[at]! << 24) | (code[at + 1]! << 16) | (code[at + 2]! << 8) | code[at + 3]!;
