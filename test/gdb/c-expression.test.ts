import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileExpression, type Names } from '../../src/agent/c-expression.js';
import { AgentEvaluator } from '../../src/agent/evaluator.js';
import { verifyAgentExpression } from '../../src/agent/expression-check.js';
import type { HartView } from '../../src/machine/hart-reader.js';

const NAMES: Names = {
  register: name => ({ a0: { number: 10, bits: 64 }, half: { number: 11, bits: 32 } })[name],
  symbol: name => ({ count: { address: 0x100n, size: 4 }, table: { address: 0x200n, size: 40 } })[name],
};

/** Every byte of its memory is 0xfe; a0 is 7, half is -2. */
const hart: HartView & { low: number; high: number } = {
  hart: 0,
  low: 0,
  work: 0,
  high: 0,
  readRegister(register) {
    this.low = register === 10 ? 7 : 0xfffffffe;
    this.high = 0;
    return true;
  },
  readMemory(_low, high, bytes) {
    this.low = bytes < 4 ? 0xfefefefe % 2 ** (8 * bytes) : 0xfefefefe;
    this.high = bytes < 8 ? 0 : 0xfefefefe;
    return high === 0;
  },
};

function evaluate(text: string): bigint | undefined {
  const code = compileExpression(text, NAMES);
  verifyAgentExpression(code, { hasRegister: () => true, purpose: 'condition' });
  const evaluator = new AgentEvaluator();
  if (!evaluator.evaluate(code, hart)) return undefined;
  return BigInt.asIntN(64, (BigInt(evaluator.high) << 32n) | BigInt(evaluator.low));
}

describe('expressions of C', () => {
  it.each([
    ['1 + 2 * 3', 7n],
    ['(1 + 2) * 3', 9n],
    ['10 - 4 - 3', 3n],
    ['7 / 2 % 2', 1n],
    ['-7 / 2', -3n],
    ['1 << 4 >> 2', 4n],
    ['6 & 3 == 3', 0n],
    ['(6 & 3) == 2', 1n],
    ['1 | 6 ^ 2', 5n],
    ['3 <= 3 && 4 >= 5', 0n],
    ['0 || 2', 1n],
    ['5 && 0 || !0', 1n],
    ['!5', 0n],
    ['~0', -1n],
    ['- - 3', 3n],
    ['0x10', 16n],
    ['$a0 > 6', 1n],
    ['$half', -2n],
    ['$a0>6&&$half<0', 1n],
    ['count', -0x1010102n],
    ['&count', 0x100n],
    ['u32(&count)', 0xfefefefen],
    ['s8(&table + 4)', -2n],
    ['u16(0x300) == 0xfefe', 1n],
    ['u64(8)', BigInt.asIntN(64, 0xfefefefefefefefen)],
    // What is not needed is not evaluated.
    ['1 || u8(1 << 40)', 1n],
    ['0 && u8(1 << 40)', 0n],
    ['u8(1 << 40)', undefined],
    ['1 / 0', undefined],
  ])('%s', (text, value) => {
    expect(evaluate(text)).toBe(value);
  });

  it('agrees with JavaScript on operators in any nesting', () => {
    const operator = fc.constantFrom(
      '|',
      '^',
      '&',
      '==',
      '!=',
      '<',
      '<=',
      '>',
      '>=',
      '+',
      '-',
      '*',
      '&&',
      '||',
    );
    const { tree } = fc.letrec<{ tree: string; leaf: string; node: string }>(tie => ({
      tree: fc.oneof({ depthSize: 'small' }, tie('leaf'), tie('node')),
      leaf: fc.nat(1000).map(String),
      node: fc.oneof(
        fc.tuple(tie('tree'), operator, tie('tree')).map(([a, op, b]) => `(${a} ${op} ${b})`),
        tie('tree').map(a => `!${a}`),
      ),
    }));
    fc.assert(
      fc.property(tree, text => {
        const steps = text.replace(/\d+/g, digits => `n(${digits})`);
        expect(evaluate(text)).toBe(BigInt.asIntN(64, reference(steps)));
      }),
    );
  });

  it.each([
    ['', 'something is missing:  >>> '],
    ['1 +', 'something is missing: 1 + >>> '],
    ['(1', 'a ) is missing: (1 >>> '],
    ['1 2', 'an operator is missing: 1  >>> 2'],
    ['a0 == 1', 'there is no symbol a0:  >>> a0 == 1'],
    ['1 + $zz', 'there is no register $zz: 1 +  >>> $zz'],
    ['table', 'table has 40 bytes: give its part as u32(&table + 4)'],
    ['&3', 'a name or number is missing: & >>> 3'],
    ['1 = 2', 'this is not understood: 1 >>>  = 2'],
    ['12abc', 'this is not understood:  >>> 12abc'],
    ['99999999999999999999', 'the number does not fit into 64 bits'],
  ])('%j is refused', (text, message) => {
    expect(() => compileExpression(text, NAMES)).toThrow(message);
  });
});

/** Evaluates fully parenthesized text by reducing its innermost parts. */
function reference(text: string): bigint {
  const flag = (truth: boolean) => (truth ? 1n : 0n);
  const operations: Record<string, (a: bigint, b: bigint) => bigint> = {
    '|': (a, b) => a | b,
    '^': (a, b) => a ^ b,
    '&': (a, b) => a & b,
    '==': (a, b) => flag(a === b),
    '!=': (a, b) => flag(a !== b),
    '<': (a, b) => flag(a < b),
    '<=': (a, b) => flag(a <= b),
    '>': (a, b) => flag(a > b),
    '>=': (a, b) => flag(a >= b),
    '+': (a, b) => a + b,
    '-': (a, b) => a - b,
    '*': (a, b) => a * b,
    '&&': (a, b) => flag(a !== 0n && b !== 0n),
    '||': (a, b) => flag(a !== 0n || b !== 0n),
  };
  for (let rest = text; ; ) {
    const value = /^n\((-?\d+)\)$/.exec(rest);
    if (value !== null) return BigInt(value[1]!);
    const reduced = rest
      .replace(/!n\((-?\d+)\)/, (_, a: string) => `n(${flag(BigInt(a) === 0n)})`)
      .replace(/\(n\((-?\d+)\) (\S+) n\((-?\d+)\)\)/, (_, a: string, op: string, b: string) => {
        return `n(${BigInt.asIntN(64, operations[op]!(BigInt(a), BigInt(b)))})`;
      });
    if (reduced === rest) throw new Error(`cannot reduce ${rest}`);
    rest = reduced;
  }
}
