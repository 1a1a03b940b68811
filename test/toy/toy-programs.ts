/** Programs for the toy machine: random ones, and what they start with. */
import fc from 'fast-check';
import { TOY_MAP } from './toy-board.js';
import { CONSOLE_REGISTER, TIMER_REGISTER } from './toy-devices.js';
import { type Mnemonic, type Predicate, type ToyOperands, toy } from './toy-isa.js';

const register = fc.integer({ min: 0, max: 12 });
const predicate = fc.constantFrom<Predicate>('', '', 'eq', 'ne', 'lt', 'cs');
const words = (least: number, most: number) => fc.integer({ min: least, max: most }).map(n => 4 * n);

const one = (name: Mnemonic, operands: fc.Arbitrary<ToyOperands>) => operands.map(o => toy(name, o));
const three = fc.record({ d: register, a: register, b: register, c: register, if: predicate });

/** Instructions that mostly do something: r13 is the stack's pointer, r12 points at data, r11 into the code. */
export const toyInstruction = fc.oneof(
  one(
    'mov',
    fc.record({ d: fc.integer({ min: 0, max: 10 }), value: fc.integer({ min: -8, max: 8 }), if: predicate }),
  ),
  ...(['add', 'adds', 'subs', 'cmp', 'mull'] as const).map(name => one(name, three)),
  one(
    'addi',
    fc.record({ d: register, a: register, value: fc.integer({ min: -16, max: 16 }), if: predicate }),
  ),
  one(
    'ldr',
    fc.record({ d: register, a: fc.constantFrom(12, 12, 12, 3), value: words(-4, 4), if: predicate }),
  ),
  one(
    'str',
    fc.record({ b: register, a: fc.constantFrom(12, 12, 12, 11), value: words(-4, 4), if: predicate }),
  ),
  one('lit', fc.record({ d: register, value: words(-8, 8), if: predicate })),
  one(
    'push',
    fc.record({
      a: fc.constantFrom(13, 13, 13, 12),
      value: fc.integer({ min: 0, max: 0xffff }),
      if: predicate,
    }),
  ),
  one(
    'pop',
    fc.record({ a: fc.constantFrom(13, 13, 12), value: fc.integer({ min: 0, max: 0x87ff }), if: predicate }),
  ),
  one('b', fc.record({ value: words(-8, 8), if: predicate })),
  one('bl', fc.record({ value: words(-8, 8) })),
  one('bx', fc.record({ a: fc.constantFrom(14, 14, 11, 2) })),
  one('svc', fc.constant({})),
  fc.integer({ min: 0, max: 0xffffffff }),
);

/** Words that jump to labels or load literals, which are put behind the code. */
export class ToyAssembler {
  readonly #words: (number | ((at: number) => number))[] = [];
  readonly #labels = new Map<string, number>();
  readonly #literals: { readonly at: number; readonly d: number; readonly value: number }[] = [];

  label(name: string): this {
    this.#labels.set(name, this.#words.length);
    return this;
  }

  word(...words: readonly number[]): this {
    this.#words.push(...words);
    return this;
  }

  op(name: Mnemonic, operands: ToyOperands = {}): this {
    return this.word(toy(name, operands));
  }

  /** A jump to a label, which may come later. */
  to(name: 'b' | 'bl', label: string, predicate: Predicate = ''): this {
    this.#words.push(at => toy(name, { value: 4 * (this.#index(label) - at), if: predicate }));
    return this;
  }

  constant(d: number, value: number): this {
    this.#literals.push({ at: this.#words.length, d, value });
    return this.word(0);
  }

  addressOf(label: string): number {
    return TOY_MAP.ram + 4 * this.#index(label);
  }

  bytes(): Uint8Array {
    const words = this.#words.map((word, at) => (typeof word === 'number' ? word : word(at)));
    for (const { at, d, value } of this.#literals) {
      words[at] = toy('lit', { d, value: 4 * (words.length - at) });
      words.push(value >>> 0);
    }
    return new Uint8Array(Uint32Array.from(words).buffer);
  }

  #index(label: string): number {
    const index = this.#labels.get(label);
    if (index === undefined) throw new Error(`no label ${label}`);
    return index;
  }
}

export const TOY_SCRATCH = TOY_MAP.ram + 0x8000;
const TOY_STACK = TOY_MAP.ram + 0x7000;
const HANDLER = { device: 15, value: 10 } as const;

/** Vectors; where harts begin stands behind them. */
function vectors(): ToyAssembler {
  const program = new ToyAssembler().to('b', 'interrupt');
  for (let cause = 1; cause < 8; cause++) program.op('rfe');
  return program;
}

/** A handler that echoes one typed byte and lets the timer go on. */
function handler(program: ToyAssembler): ToyAssembler {
  const { device: a, value: b } = HANDLER;
  return program
    .label('interrupt')
    .constant(a, TOY_MAP.console)
    .op('ldr', { d: b, a, value: CONSOLE_REGISTER.data })
    .op('str', { b, a, value: CONSOLE_REGISTER.data })
    .constant(a, TOY_MAP.timer)
    .op('str', { b, a, value: TIMER_REGISTER.acknowledge })
    .label('return')
    .op('rfe');
}

/** A program with vectors, before which both devices are told to interrupt: none, when the period is 0. */
export function toyProgram(periodNs: number, code: (program: ToyAssembler) => ToyAssembler): ToyAssembler {
  const { device: a, value: b } = HANDLER;
  const program = vectors();
  if (periodNs > 0) {
    program
      .constant(a, TOY_MAP.timer)
      .constant(b, periodNs)
      .op('str', { b, a, value: TIMER_REGISTER.period })
      .constant(a, TOY_MAP.console)
      .op('mov', { d: b, value: 1 })
      .op('str', { b, a, value: CONSOLE_REGISTER.listens })
      // Interrupts are taken once a handler has returned.
      .op('svc');
  }
  program.constant(12, TOY_SCRATCH).constant(13, TOY_STACK).to('b', 'start');
  return code(handler(program).label('start'));
}

/** A random program that begins again when it comes to its end, with interrupts now and then. */
export function randomToy(seed: number, length: number): Uint8Array {
  const [words] = fc.sample(fc.array(toyInstruction, { minLength: length, maxLength: length }), {
    seed,
    numRuns: 1,
  });
  const program = toyProgram(2000 + (seed % 30_000), one =>
    one
      .constant(11, one.addressOf('start'))
      .constant(14, one.addressOf('start'))
      .word(...words)
      .to('b', 'start'),
  );
  return program.bytes();
}

/** Sleeps, and counts each time it wakes; what it counts goes over the stack. Then it computes for a while. */
export const toyTicks = (periodNs: number, rounds = 1): ToyAssembler =>
  toyProgram(periodNs, one =>
    one
      .op('wait')
      .label('woken')
      .op('ldr', { d: 2, a: 12 })
      .op('addi', { d: 2, a: 2, value: 1 })
      .label('store')
      .op('str', { b: 2, a: 12 })
      .op('push', { a: 13, value: 0b110 })
      .op('pop', { a: 13, value: 0b1_1000 })
      .op('subs', { d: 5, a: 4, b: 2 })
      .op('addi', { d: 6, a: 6, value: 1, if: 'ne' })
      .op('mov', { d: 7, value: rounds })
      .op('mov', { d: 9, value: 1 })
      .label('round')
      .op('subs', { d: 7, a: 7, b: 9 })
      .to('b', 'round', 'ne')
      .to('b', 'start'),
  );

/** Prints a prompt; then only its handler does something. */
export const toyEcho = (): ToyAssembler =>
  toyProgram(1000, one =>
    one
      .constant(7, TOY_MAP.console)
      .op('mov', { d: 1, value: '>'.charCodeAt(0) })
      .op('str', { b: 1, a: 7, value: CONSOLE_REGISTER.data })
      .label('idle')
      .op('wait')
      .to('b', 'idle'),
  );

/** Every hart adds its number plus one to a shared word for ever. */
export const toyCounter = (): ToyAssembler =>
  toyProgram(0, one =>
    one
      .op('addi', { d: 1, a: 0, value: 1 })
      .label('loop')
      .op('ldr', { d: 2, a: 12 })
      .label('add')
      .op('add', { d: 2, a: 2, b: 1 })
      .op('str', { b: 2, a: 12 })
      .op('add', { d: 8, a: 8, b: 2 })
      .to('b', 'loop'),
  );

/** Looks at the clock for ever. */
export const toyClockSpin = (): ToyAssembler =>
  toyProgram(0, one =>
    one
      .constant(15, TOY_MAP.timer)
      .label('loop')
      .op('ldr', { d: 1, a: 15, value: TIMER_REGISTER.now })
      .op('add', { d: 8, a: 8, b: 1 })
      .to('b', 'loop'),
  );

/** Sets a timer that it does not listen to, and sleeps for ever. */
export const toyDeafSleeper = (): ToyAssembler =>
  toyProgram(0, one =>
    one
      .constant(15, TOY_MAP.timer)
      .op('str', { b: 14, a: 15, value: TIMER_REGISTER.deaf })
      .op('mov', { d: 1, value: 100_000 })
      .op('str', { b: 1, a: 15, value: TIMER_REGISTER.period })
      .label('loop')
      .op('wait')
      .to('b', 'loop'),
  );

/** Prints a text by a function, and turns the machine off with this code. */
export function toyHello(text: string, code: number): ToyAssembler {
  return toyProgram(0, one => {
    one.constant(7, TOY_MAP.console);
    for (const letter of text) one.op('mov', { d: 1, value: letter.charCodeAt(0) }).to('bl', 'print');
    return one
      .op('mov', { d: 1, value: code })
      .op('str', { b: 1, a: 7, value: CONSOLE_REGISTER.power })
      .label('print')
      .op('push', { a: 13, value: 0x4002 })
      .op('str', { b: 1, a: 7, value: CONSOLE_REGISTER.data })
      .label('printed')
      .op('ldr', { d: 2, a: 12 })
      .op('addi', { d: 2, a: 2, value: 1 })
      .op('str', { b: 2, a: 12 })
      .op('pop', { a: 13, value: 0x4002 })
      .op('bx', { a: 14 });
  });
}
