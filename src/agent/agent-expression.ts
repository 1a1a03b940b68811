import { bytesToHex } from '../gdb/rsp/bytes.js';
import type { HartView } from '../machine/hart-reader.js';
import { anyOf, type Condition, type HitAction, MOST_WORK_OF_A_HIT } from '../timeline/condition.js';
import { AgentEvaluator } from './evaluator.js';
import { verifyAgentExpression } from './expression-check.js';
import { parseFormat, printValue } from './print-format.js';

/** Bytes of a string that `%s` prints at most. */
const LONGEST_STRING = 4096;

/** Characters that take as long to print as a hit. */
const CHARACTERS_A_HIT = 8;

export interface AgentTarget {
  readonly hasRegister: (register: number) => boolean;
  /** Bits of a `long`: as wide as an address. */
  readonly longBits: 32 | 64;
  /** Shows a line to the user. */
  readonly tell?: ((text: string) => void) | undefined;
}

const evaluator = new AgentEvaluator();

/**
 * The conditions of a breakpoint: any one is enough, and so is one that cannot be evaluated. Undefined for
 * none. Throws TargetError for bytecode that makes no sense.
 */
export function agentCondition(
  expressions: readonly Uint8Array[],
  { hasRegister, tell }: AgentTarget,
): Condition | undefined {
  if (expressions.length === 0) return undefined;
  for (const code of expressions) verifyAgentExpression(code, { hasRegister, purpose: 'condition' });
  return anyOf(expressions.map(code => verifiedCondition(code, tell)));
}

/** The condition that an expression is, once it was verified: in this thread or in another. */
export function verifiedCondition(code: Uint8Array, tell?: (text: string) => void): Condition {
  let told = false;
  return {
    key: bytesToHex(code),
    holds: hart => {
      if (evaluator.evaluate(code, hart)) return evaluator.low !== 0 || evaluator.high !== 0;
      if (evaluator.endless && !told) {
        told = true;
        tell?.('a condition that does not end counts as one that holds\n');
      }
      return true;
    },
    source: { code },
  };
}

/** The commands of a breakpoint, printing through `print`. Throws as `agentCondition`. */
export function agentAction(
  expressions: readonly Uint8Array[],
  { hasRegister, longBits }: AgentTarget,
  print: (text: string) => void,
): HitAction | undefined {
  if (expressions.length === 0) return undefined;
  for (const code of expressions) verifyAgentExpression(code, { hasRegister, purpose: 'command' });
  return hart => {
    const most = hart.work + MOST_WORK_OF_A_HIT;
    for (const code of expressions) {
      const done = evaluator.evaluate(code, hart, (values, format, at) => {
        const text = formatted(values, format, longBits, at);
        hart.work += text.length / CHARACTERS_A_HIT;
        print(text);
      });
      if (!done) print('(dprintf: a value cannot be read)\n');
      if (hart.work > most) {
        print('(what is left of these commands takes too long, and is left out)\n');
        return;
      }
    }
  };
}

function formatted(values: readonly bigint[], format: Uint8Array, longBits: number, hart: HartView): string {
  let used = 0;
  return parseFormat(format)
    .map(piece =>
      typeof piece === 'string'
        ? piece
        : printValue(piece, values[used++]!, longBits, (address, most) => readString(address, most, hart)),
    )
    .join('');
}

function readString(address: bigint, most: number | undefined, hart: HartView): string {
  const bytes: number[] = [];
  while (bytes.length < Math.min(most ?? LONGEST_STRING, LONGEST_STRING)) {
    const at = address + BigInt(bytes.length);
    const readable = hart.readMemory(Number(at & 0xffffffffn), Number((at >> 32n) & 0xffffffffn), 1);
    if (!readable) return bytes.length > 0 ? decode(bytes) : `<no memory at 0x${at.toString(16)}>`;
    if (hart.low === 0) break;
    bytes.push(hart.low);
  }
  return decode(bytes);
}

const decode = (bytes: readonly number[]) => new TextDecoder().decode(Uint8Array.from(bytes));
