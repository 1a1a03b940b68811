/** Zcmp on a hart: see isa/push-pop.ts. */
import type { ExecutingHart } from './executing-hart.js';
import { EXIT } from './hart-exit.js';
import { movedRegisters, stackList } from './isa/push-pop.js';
import { codeAlignmentMask } from './privileged.js';

type Operation = (hart: ExecutingHart) => number;

const [RA, SP, A0, A1] = [1, 2, 10, 11];

function move(x: Uint32Array, to: number, from: number): void {
  x[2 * to] = x[2 * from];
  x[2 * to + 1] = x[2 * from + 1];
}

/** Two words of an address moved by less than 2^31 either way. */
function moved(x: Uint32Array, by: number, xlen: 32 | 64): readonly [number, number] {
  const low = x[2 * SP] + by;
  const carry = low < 0 ? -1 : low >= 2 ** 32 ? 1 : 0;
  return [low >>> 0, xlen === 32 ? 0 : (x[2 * SP + 1] + carry) >>> 0];
}

const push: Operation = hart => {
  const { x } = hart.state;
  const { xlen } = hart.config;
  const list = stackList(hart.instructionBits(), xlen);
  if (list === undefined) return hart.illegal();
  const words = wordsOf(x, list.registers, xlen);
  const [low, high] = moved(x, -words.byteLength, xlen);
  if (hart.blocks.storeList(low, high, words) === 0) return 0;
  x.set(moved(x, -list.adjustment, xlen), 2 * SP);
  return 1;
};

function wordsOf(x: Uint32Array, registers: readonly number[], xlen: 32 | 64): Uint32Array {
  const each = xlen / 32;
  return Uint32Array.from(
    registers.flatMap(register => Array.from(x.subarray(2 * register, 2 * register + each))),
  );
}

const pop =
  (then: (hart: ExecutingHart) => number): Operation =>
  hart => {
    const { x } = hart.state;
    const { xlen } = hart.config;
    const list = stackList(hart.instructionBits(), xlen);
    if (list === undefined) return hart.illegal();
    const each = xlen / 32;
    const words = new Uint32Array(list.registers.length * each);
    const [low, high] = moved(x, list.adjustment - words.byteLength, xlen);
    if (hart.blocks.loadList(low, high, words) === 0) return 0;
    list.registers.forEach((register, index) => {
      for (let word = 0; word < each; word++) x[2 * register + word] = words[index * each + word];
    });
    x.set(moved(x, list.adjustment, xlen), 2 * SP);
    return then(hart);
  };

const goOn: Operation = () => 1;

const goBack: Operation = hart => {
  const { x, pc } = hart.state;
  pc[0] = (x[2 * RA] & ~codeAlignmentMask(hart.config)) >>> 0;
  pc[1] = x[2 * RA + 1];
  hart.exit = EXIT.retired;
  return 0;
};

export const PUSH_POP_OPERATIONS: Readonly<Record<string, Operation>> = {
  'cm.push': push,
  'cm.pop': pop(goOn),
  'cm.popret': pop(goBack),
  'cm.popretz': pop(hart => {
    hart.state.x.fill(0, 2 * A0, 2 * A0 + 2);
    return goBack(hart);
  }),
  'cm.mvsa01': hart => {
    const [first, second] = movedRegisters(hart.instructionBits());
    if (first === second) return hart.illegal();
    move(hart.state.x, first, A0);
    move(hart.state.x, second, A1);
    return 1;
  },
  'cm.mva01s': hart => {
    const [first, second] = movedRegisters(hart.instructionBits());
    move(hart.state.x, A0, first);
    move(hart.state.x, A1, second);
    return 1;
  },
};
