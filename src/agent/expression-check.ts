import { TargetError } from '../timeline/debug-target.js';
import { OPCODE_SHAPES } from './bytecodes.js';
import { parseFormat } from './print-format.js';

/** As deep as GDB's own evaluators let a stack become. */
export const STACK_DEPTH = 100;

export interface VerifyOptions {
  /** Whether there is a register of this number. */
  readonly hasRegister: (register: number) => boolean;
  /** A command may print and needs no result; a condition leaves one value. */
  readonly purpose: 'condition' | 'command';
}

/**
 * Follows every path of an agent expression once, so that evaluating it needs no checks: opcodes are known,
 * operands complete, registers exist, jumps stay inside, and each place has one height of the stack.
 * Throws TargetError.
 */
export function verifyAgentExpression(code: Uint8Array, options: VerifyOptions): void {
  const heights = new Map<number, number>();
  const pending: [place: number, height: number][] = [[0, 0]];
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [place, height] = next;
    const known = heights.get(place);
    if (known === height) continue;
    if (known !== undefined) refuse(place, `the stack has ${known} or ${height} values here`);
    if (place >= code.length) refuse(place, 'the expression goes on behind its end');
    heights.set(place, height);
    pending.push(...followers(code, place, height, options));
  }
}

/** The places that may come after the instruction at `at`, each with the stack's height there. */
function followers(
  code: Uint8Array,
  at: number,
  height: number,
  { hasRegister, purpose }: VerifyOptions,
): [number, number][] {
  const shape = OPCODE_SHAPES.get(code[at]!);
  if (shape === undefined) refuse(at, `opcode 0x${code[at]!.toString(16)} is not supported in conditions`);
  const { name, operand } = shape;
  if (at + operand >= code.length) refuse(at, `the operand of ${name} is cut off`);
  let { pops } = shape;
  let next = at + 1 + operand;
  const byte = code[at + 1]!;
  const half = (byte << 8) | code[at + 2]!;
  switch (name) {
    case 'end':
      pops = purpose === 'condition' ? 1 : 0;
      break;
    case 'ext':
    case 'zero_ext':
      if (byte === 0) refuse(at, `${name} of no bits`);
      break;
    case 'pick':
      pops = byte + 1;
      break;
    case 'reg':
      if (!hasRegister(half)) refuse(at, `there is no register number ${half}`);
      break;
    case 'printf': {
      if (purpose === 'condition') refuse(at, 'a condition cannot print');
      const length = (code[at + 2]! << 8) | code[at + 3]!;
      next += length;
      if (length === 0 || next > code.length || code[next - 1] !== 0) refuse(at, 'the format does not end');
      const wanted = parseFormat(code.subarray(next - length, next - 1)).filter(
        one => typeof one !== 'string',
      );
      if (wanted.length !== byte) refuse(at, `the format takes ${wanted.length} values, not ${byte}`);
      pops += byte;
      break;
    }
  }
  if (height < pops) refuse(at, `${name} needs ${pops} values, the stack has ${height}`);
  if (name === 'end') return [];
  const after = name === 'pick' ? height + 1 : height - pops + shape.pushes;
  if (after > STACK_DEPTH) refuse(at, `more than ${STACK_DEPTH} values on the stack`);
  if (name === 'goto') return [[half, after]];
  return name === 'if_goto'
    ? [
        [half, after],
        [next, after],
      ]
    : [[next, after]];
}

function refuse(at: number, what: string): never {
  throw new TargetError(`agent expression, byte ${at}: ${what}`);
}
