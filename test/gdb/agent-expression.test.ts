import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentAction, agentCondition } from '../../src/agent/agent-expression.js';
import { AgentEvaluator } from '../../src/agent/evaluator.js';
import { verifyAgentExpression } from '../../src/agent/expression-check.js';
import type { HartView } from '../../src/machine/hart-reader.js';
import { TargetError } from '../../src/timeline/debug-target.js';
import { assemble, printf } from './agent-assembler.js';

const MASK = (1n << 64n) - 1n;
const MEMORY_AT = 0x1_2345_6780n;
const MEMORY = Uint8Array.from([0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x68, 0x69, 0x0a, 0x00]);
const REGISTERS = new Map([
  [5, 0xdead_beef_0000_0005n],
  [0x1068, 42n],
]);

/** A hart with a few registers and twelve bytes of memory. */
class TestHart implements HartView {
  work = 0;
  readonly hart = 0;
  low = 0;
  high = 0;

  readRegister(register: number): boolean {
    const value = REGISTERS.get(register);
    return value !== undefined && this.give(value);
  }

  readMemory(low: number, high: number, bytes: number): boolean {
    const from = Number(((BigInt(high) << 32n) | BigInt(low)) - MEMORY_AT);
    if (from < 0 || from + bytes > MEMORY.length) return false;
    return this.give(
      MEMORY.slice(from, from + bytes).reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n),
    );
  }

  private give(value: bigint): true {
    this.low = Number(value & 0xffffffffn);
    this.high = Number(value >> 32n);
    return true;
  }
}

const hart = new TestHart();
const TARGET = { hasRegister: (number: number) => number < 0x2000, longBits: 64 } as const;
const CONDITION = { ...TARGET, purpose: 'condition' } as const;

/** The value on top at the end, or undefined when it cannot be evaluated. */
function run(source: string): bigint | undefined {
  const code = assemble(source);
  verifyAgentExpression(code, CONDITION);
  const evaluator = new AgentEvaluator();
  if (!evaluator.evaluate(code, hart)) return undefined;
  return (BigInt(evaluator.high) << 32n) | BigInt(evaluator.low);
}

const signed = (value: bigint) => BigInt.asIntN(64, value);
const flag = (truth: boolean) => (truth ? 1n : 0n);
const shift = (count: bigint) => (count > 63n ? 64n : count);

const BINARY: readonly (readonly [string, (a: bigint, b: bigint) => bigint])[] = [
  ['add', (a, b) => a + b],
  ['sub', (a, b) => a - b],
  ['mul', (a, b) => a * b],
  ['div_signed', (a, b) => signed(a) / signed(b)],
  ['div_unsigned', (a, b) => a / b],
  ['rem_signed', (a, b) => signed(a) % signed(b)],
  ['rem_unsigned', (a, b) => a % b],
  ['lsh', (a, b) => a << shift(b)],
  ['rsh_signed', (a, b) => signed(a) >> shift(b)],
  ['rsh_unsigned', (a, b) => a >> shift(b)],
  ['bit_and', (a, b) => a & b],
  ['bit_or', (a, b) => a | b],
  ['bit_xor', (a, b) => a ^ b],
  ['equal', (a, b) => flag(a === b)],
  ['less_signed', (a, b) => flag(signed(a) < signed(b))],
  ['less_unsigned', (a, b) => flag(a < b)],
];

const INTERESTING = [
  0n,
  1n,
  2n,
  31n,
  32n,
  33n,
  63n,
  64n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  1n << 32n,
].flatMap(value => [value, MASK - value]);
INTERESTING.push(1n << 63n, (1n << 63n) - 1n);

const value64 = fc.oneof(
  fc.constantFrom(...INTERESTING),
  fc.bigInt({ min: 0n, max: MASK }),
  fc.bigInt({ min: 0n, max: 100n }),
);

describe('agent expressions compute as 64-bit integers', () => {
  it.each(BINARY)('%s', (name, expected) => {
    const check = (a: bigint, b: bigint) => {
      const divides = /div|rem/.test(name);
      const wanted = divides && b === 0n ? undefined : BigInt.asUintN(64, expected(a, b));
      expect(run(`const64 ${a}; const64 ${b}; ${name}; end`), `${a} ${b} ${name}`).toBe(wanted);
    };
    for (const a of INTERESTING) for (const b of INTERESTING) check(a, b);
    fc.assert(fc.property(value64, value64, check));
  });

  it('log_not and bit_not', () => {
    fc.assert(
      fc.property(value64, a => {
        expect(run(`const64 ${a}; log_not; end`)).toBe(flag(a === 0n));
        expect(run(`const64 ${a}; bit_not; end`)).toBe(MASK - a);
      }),
    );
  });

  it('ext and zero_ext', () => {
    fc.assert(
      fc.property(value64, fc.integer({ min: 1, max: 255 }), (a, bits) => {
        const kept = Math.min(bits, 64);
        expect(run(`const64 ${a}; ext ${bits}; end`)).toBe(BigInt.asUintN(64, BigInt.asIntN(kept, a)));
        expect(run(`const64 ${a}; zero_ext ${bits}; end`)).toBe(BigInt.asUintN(kept, a));
      }),
    );
  });
});

describe('agent expressions', () => {
  it.each([
    ['const8 0xff; end', 0xffn],
    ['const16 0xfffe; end', 0xfffen],
    ['const32 0xfffffffd; end', 0xfffffffdn],
    ['const64 0xfedcba9876543210; end', 0xfedcba9876543210n],
    ['reg 5; end', 0xdead_beef_0000_0005n],
    ['reg 0x1068; end', 42n],
    [`const64 ${MEMORY_AT}; ref8; end`, 0x88n],
    [`const64 ${MEMORY_AT}; ref16; end`, 0x9988n],
    [`const64 ${MEMORY_AT}; ref32; end`, 0xbbaa9988n],
    [`const64 ${MEMORY_AT}; ref64; end`, 0xffeeddccbbaa9988n],
    [`const64 ${MEMORY_AT + 1n}; ref32; ext 32; end`, 0xffffffffccbbaa99n],
    ['const8 1; const8 2; swap; sub; end', 1n],
    ['const8 7; dup; mul; end', 49n],
    ['const8 7; const8 9; pop; end', 7n],
    ['const8 1; const8 2; const8 3; pick 2; end', 1n],
    ['const8 1; const8 2; pick 0; add; end', 4n],
    // a b c becomes c a b: 3 1 2.
    ['const8 1; const8 2; const8 3; rot; const8 10; mul; add; end', 21n],
    ['const8 1; const8 2; const8 3; rot; pop; pop; end', 3n],
    ['const8 1; if_goto yes; const8 10; goto done; yes: const8 20; done: end', 20n],
    ['const8 0; if_goto yes; const8 10; goto done; yes: const8 20; done: end', 10n],
    ['const64 0x100000000; if_goto yes; const8 10; goto done; yes: const8 20; done: end', 20n],
    ['const8 9; const8 1; const8 2; trace; end', 9n],
    ['const8 9; const8 1; const8 2; tracenz; end', 9n],
    ['const8 9; trace_quick 4; trace16 400; end', 9n],
    // Sum of 1 to 100, by a loop.
    ['const8 0; const8 100; more: dup; rot; add; swap; const8 1; sub; dup; if_goto more; pop; end', 5050n],
  ])('%s', (source, expected) => {
    expect(run(source)).toBe(expected);
  });

  it.each([
    ['memory that is not there', 'const8 0; ref8; end'],
    ['memory that ends', `const64 ${MEMORY_AT + 9n}; ref32; end`],
    ['a register that cannot be read', 'reg 100; end'],
    ['a loop without end', 'again: goto again'],
  ])('cannot be evaluated with %s, which counts as true', (_what, source) => {
    expect(run(source)).toBeUndefined();
    expect(agentCondition([assemble(source)], TARGET)!.holds(hart)).toBe(true);
  });

  it('any of several conditions is enough', () => {
    const [no, yes] = ['const8 0; end', 'const64 0x100000000; end'].map(assemble) as [Uint8Array, Uint8Array];
    expect(agentCondition([no, no], TARGET)!.holds(hart)).toBe(false);
    expect(agentCondition([no, yes], TARGET)!.holds(hart)).toBe(true);
    expect(agentCondition([], TARGET)).toBeUndefined();
    expect(agentCondition([no, yes], TARGET)!.key).not.toBe(agentCondition([yes], TARGET)!.key);
  });

  it('a hundred long ones cost what one may: beyond that they count as true', () => {
    // 9000 rounds of 11 bytes, and then 0.
    const long = assemble('const16 9000; more: const8 1; sub; dup; dup; log_not; pop; if_goto more; end');
    const one = new TestHart();
    expect(agentCondition([long], TARGET)!.holds(one)).toBe(false);
    expect(one.work).toBeGreaterThan(1000);
    const many = new TestHart();
    expect(agentCondition(new Array(100).fill(long), TARGET)!.holds(many)).toBe(true);
    expect(many.work).toBeLessThan(3 * 2000);
    const endless = new TestHart();
    expect(agentCondition([assemble('again: goto again')], TARGET)!.holds(endless)).toBe(true);
    expect(endless.work).toBeGreaterThanOrEqual(2000);
    expect(endless.work).toBeLessThan(2100);
  });

  it.each([
    ['', 'byte 0: the expression goes on behind its end'],
    ['const8 1', 'byte 2: the expression goes on behind its end'],
    ['end', 'byte 0: end needs 1 values, the stack has 0'],
    ['const8 1; add; end', 'byte 2: add needs 2 values, the stack has 1'],
    ['const8 1; pick 1; end', 'byte 2: pick needs 2 values, the stack has 1'],
    ['const8 1; const8 2; rot; end', 'byte 4: rot needs 3 values, the stack has 2'],
    ['goto 9999', 'byte 9999: the expression goes on behind its end'],
    ['const8 1; ext 0; end', 'byte 2: ext of no bits'],
    ['reg 0x4000; end', 'byte 0: there is no register number 16384'],
    ['const8 1; if_goto there; const8 1; there: const8 2; end', 'the stack has'],
    ['const8 1; more: const8 1; goto more', 'the stack has'],
    ['float; end', 'byte 0: opcode 0x1 is not supported in conditions'],
    ['const8 0; ref_float; end', 'byte 2: opcode 0x1b is not supported in conditions'],
    ['getv 1; end', 'byte 0: opcode 0x2c is not supported in conditions'],
    ['const8 1; setv 1; end', 'byte 2: opcode 0x2d is not supported in conditions'],
    ['tracev 1; const8 1; end', 'byte 0: opcode 0x2e is not supported in conditions'],
    [`${'const8 1; '.repeat(101)} end`, 'more than 100 values on the stack'],
  ])('%j is refused', (source, message) => {
    expect(() => agentCondition([assemble(source)], TARGET)).toThrow(message);
  });

  it('never do worse than being refused, whatever the bytes', () => {
    const opcode = fc.oneof(fc.integer({ min: 0, max: 0x40 }), fc.integer({ min: 0, max: 255 }));
    const prepared = assemble('const64 0x123456780; reg 5; const8 3; const8 0; const64 -1');
    fc.assert(
      fc.property(fc.array(opcode, { maxLength: 40 }), fc.boolean(), (bytes, filled) => {
        const code = Uint8Array.from(filled ? [...prepared, ...bytes, 0x27] : bytes);
        try {
          agentCondition([code], TARGET)!.holds(hart);
          agentAction([code], TARGET, () => {})!(hart);
        } catch (error) {
          expect(error).toBeInstanceOf(TargetError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('commands', () => {
  /** What a dprintf prints whose values are pushed last first. */
  function printed(format: string, ...values: (bigint | number)[]): string {
    const pushes = [...values.reverse(), 0, 0].map(value => `const64 ${value}`).join(';');
    const code = Uint8Array.from([...assemble(pushes), ...printf(values.length, format), 0x27]);
    let text = '';
    agentAction([code], TARGET, more => {
      text += more;
    })!(hart);
    return text;
  }

  it.each([
    ['plain 100%%\\n', [], 'plain 100%\n'],
    ['%d %i %u', [-1n, 2n, 0xffffffffn], '-1 2 4294967295'],
    ['%ld %lu %lld', [-1n, MASK, 1n << 40n], '-1 18446744073709551615 1099511627776'],
    ['%hhd %hd %hhx', [0x1ffn, 0x18000n, 0x1abn], '-1 -32768 ab'],
    ['%x %X %#x %o %#o', [255n, 255n, 255n, 8n, 8n], 'ff FF 0xff 10 010'],
    [
      '[%5d][%-5d][%05d][%+d][% d][%.3d]',
      [42n, 42n, -42n, 42n, 42n, 7n],
      '[   42][42   ][-0042][+42][ 42][007]',
    ],
    ['%c%c %p', [0x41n, 0x42n, 0x80001234n], 'AB 0x80001234'],
    ['%s|%.1s|%5s', [MEMORY_AT + 8n, MEMORY_AT + 8n, MEMORY_AT + 10n], 'hi\n|h|    \n'],
    ['%s', [0x10n], '<no memory at 0x10>'],
    ['\\t\\"quoted\\" \\101\\\\', [], '\t"quoted" A\\'],
    ['grüße', [], 'grüße'],
  ])('dprintf %j', (format, values, expected) => {
    expect(printed(format, ...values)).toBe(expected);
  });

  it.each([
    ['%d', 2, 'the format takes 1 values, not 2'],
    ['%f', 1, 'dprintf at the target cannot print %f'],
    ['100%', 0, 'has an incomplete %'],
  ])('%j with %i values is refused', (format, count, message) => {
    const pushes = assemble('const8 0;'.repeat(count + 2));
    const code = Uint8Array.from([...pushes, ...printf(count, format), 0x27]);
    expect(() => agentAction([code], TARGET, () => {})).toThrow(message);
  });

  it('a condition cannot print', () => {
    const code = Uint8Array.from([...assemble('const8 0; const8 0'), ...printf(0, 'x'), 0x27]);
    expect(() => agentCondition([code], TARGET)).toThrow('a condition cannot print');
  });

  it('are left out where those before them took too long', () => {
    const print = Uint8Array.from([...assemble('const8 0; const8 0'), ...printf(0, 'x'), 0x27]);
    let text = '';
    const action = agentAction([print, assemble('again: goto again'), print], TARGET, more => {
      text += more;
    })!;
    action(new TestHart());
    expect(text).toMatch(/^x\(dprintf: [^\n]*\n\(what is left of these commands takes too long[^\n]*\n$/);
  });

  it('say so when a value cannot be read', () => {
    const code = Uint8Array.from([
      ...assemble('const8 0; ref8; const8 0; const8 0'),
      ...printf(1, '%d'),
      0x27,
    ]);
    let text = '';
    agentAction([code], TARGET, more => {
      text += more;
    })!(hart);
    expect(text).toBe('(dprintf: a value cannot be read)\n');
  });
});
