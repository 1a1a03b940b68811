import { TOY_CAUSE, TOY_VECTORS } from './toy-hart.js';
import { PREDICATES, type Predicate } from './toy-isa.js';

export interface ToyPicture {
  readonly r: readonly number[];
  readonly pc: number;
  /** negative, zero, carry, overflow */
  readonly flags: readonly number[];
  readonly link: number;
  readonly cause: number;
  readonly fault: number;
  readonly handling: number;
}

const NAMES = 'mov add addi adds subs cmp mull ldr str lit push pop bl bx svc rfe wait b'.split(' ');
const PREDICATE_NAMES = Object.keys(PREDICATES) as Predicate[];
const UNPREDICATED = new Set(['bl', 'bx', 'svc', 'rfe', 'wait']);
const signed = (value: number, bits: number) => (value << (32 - bits)) >> (32 - bits);

class Fault extends Error {
  constructor(
    override readonly cause: number,
    readonly address: number,
  ) {
    super();
  }
}

/** The toy instruction set written down a second time, as plainly as it can be: what the engine is compared with. */
export class ToyReference {
  readonly r = new Int32Array(16);
  pc = 0;
  negative = false;
  zero = false;
  carry = false;
  overflow = false;
  link = 0;
  cause = 0;
  fault = 0;
  handling = 1;

  constructor(
    readonly base: number,
    readonly ram: DataView,
  ) {}

  step(): void {
    try {
      this.#execute(this.#word(this.pc, TOY_CAUSE.fetch));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.link = this.pc + 4;
      this.cause = error.cause;
      this.fault = error.address >>> 0;
      this.handling = 1;
      this.pc = TOY_VECTORS + 4 * error.cause;
    }
  }

  get picture(): ToyPicture {
    return {
      r: [...this.r].map(value => value >>> 0),
      pc: this.pc >>> 0,
      flags: [this.negative, this.zero, this.carry, this.overflow].map(Number),
      link: this.link >>> 0,
      cause: this.cause,
      fault: this.fault,
      handling: this.handling,
    };
  }

  #word(address: number, cause: number = TOY_CAUSE.data): number {
    const offset = (address >>> 0) - this.base;
    if (offset % 4 !== 0 || offset < 0 || offset + 4 > this.ram.byteLength) throw new Fault(cause, address);
    return this.ram.getInt32(offset, true);
  }

  #store(address: number, value: number): void {
    this.#word(address);
    this.ram.setInt32((address >>> 0) - this.base, value, true);
  }

  #holds(predicate: Predicate): boolean {
    switch (predicate) {
      case '':
        return true;
      case 'eq':
        return this.zero;
      case 'ne':
        return !this.zero;
      case 'lt':
        return this.negative !== this.overflow;
      case 'cs':
        return this.carry;
    }
  }

  #subtract(left: number, right: number): number {
    const result = (left - right) | 0;
    this.negative = result < 0;
    this.zero = result === 0;
    this.carry = left >>> 0 >= right >>> 0;
    this.overflow = left < 0 !== right < 0 && left < 0 !== result < 0;
    return result;
  }

  #execute(word: number): void {
    const { r } = this;
    const name = NAMES[(word >>> 24) & 31];
    const predicate = PREDICATE_NAMES[word >>> 29];
    if (name === undefined || predicate === undefined || (predicate !== '' && UNPREDICATED.has(name))) {
      throw new Fault(TOY_CAUSE.illegal, this.pc);
    }
    const [d, a, b, c] = [(word >>> 20) & 15, (word >>> 16) & 15, (word >>> 12) & 15, (word >>> 8) & 15];
    const [wide, short] = [signed(word, 20), signed(word, 12)];
    let next = (this.pc + 4) >>> 0;
    if (this.#holds(predicate)) {
      switch (name) {
        case 'mov':
          r[d] = wide;
          break;
        case 'add':
          r[d] = r[a] + r[b];
          break;
        case 'addi':
          r[d] = r[a] + short;
          break;
        case 'adds': {
          const [left, right] = [r[a], r[b]];
          const result = (left + right) | 0;
          r[d] = result;
          this.negative = result < 0;
          this.zero = result === 0;
          this.carry = result >>> 0 < left >>> 0;
          this.overflow = left < 0 === right < 0 && left < 0 !== result < 0;
          break;
        }
        case 'subs':
          r[d] = this.#subtract(r[a], r[b]);
          break;
        case 'cmp':
          this.#subtract(r[a], r[b]);
          break;
        case 'mull': {
          const product = BigInt(r[a] >>> 0) * BigInt(r[b] >>> 0);
          r[d] = Number(BigInt.asIntN(32, product));
          r[c] = Number(BigInt.asIntN(32, product >> 32n));
          break;
        }
        case 'ldr':
          r[d] = this.#word(r[a] + short);
          break;
        case 'str':
          this.#store(r[a] + short, r[b]);
          break;
        case 'lit':
          r[d] = this.#word((this.pc & -4) + wide);
          break;
        case 'push':
        case 'pop':
          this.#list(name, a, word & 0xffff);
          break;
        case 'bl':
          r[14] = next;
          next = (this.pc + wide) >>> 0;
          break;
        case 'bx':
          next = (r[a] & -4) >>> 0;
          break;
        case 'svc':
          throw new Fault(TOY_CAUSE.call, 0);
        case 'rfe':
          next = this.link;
          this.handling = 0;
          break;
        case 'b':
          next = (this.pc + short) >>> 0;
          break;
      }
    }
    this.pc = next;
  }

  #list(name: 'push' | 'pop', a: number, mask: number): void {
    const numbers = Array.from({ length: 16 }, (_, n) => n).filter(n => (mask & (1 << n)) !== 0);
    const base = name === 'push' ? (this.r[a] - 4 * numbers.length) | 0 : this.r[a];
    const places = numbers.map((_, index) => base + 4 * index);
    for (const address of places) this.#word(address);
    numbers.forEach((number, index) => {
      if (name === 'push') this.#store(places[index], this.r[number]);
      else this.r[number] = this.#word(places[index]);
    });
    this.r[a] = name === 'push' ? base : base + 4 * numbers.length;
  }
}
