/** What instructions of Zawrs, Zicbom, Zicboz and Zacas do that no expression says. */
import type { ExecutingHart } from './executing-hart.js';
import { CBIE, CBIE_SHIFT, ENVIRONMENT, MSTATUS, PRIVILEGE } from './privileged.js';

type Operation = (hart: ExecutingHart) => number;

const registerIn = (word: number, at: 7 | 15 | 20) => (word >>> at) & 31;

/** Bits of menvcfg and senvcfg that all modes above let through (cache-block management 2.4). */
function allowed({ state, config }: ExecutingHart, bits: number): number {
  let left = bits;
  if (state.privilege < PRIVILEGE.machine) left &= state.menvcfg[0];
  if (state.privilege === PRIVILEGE.user && config.extensions.has('s')) left &= state.senvcfg[0];
  return left;
}

/** A block operation on the address in rs1. */
const onBlock = (permits: (hart: ExecutingHart) => boolean, does: 'zero' | 'manage'): Operation => {
  return hart => {
    if (!permits(hart)) return hart.illegal();
    const register = registerIn(hart.instructionBits(), 15);
    const { x } = hart.state;
    return hart.blocks[does](x[2 * register], x[2 * register + 1]);
  };
};

const managed = (hart: ExecutingHart) => allowed(hart, ENVIRONMENT.cbcfe) !== 0;
const invalidated = (hart: ExecutingHart) => allowed(hart, ENVIRONMENT.cbie) >>> CBIE_SHIFT !== CBIE.illegal;

/** Others may write the word that is waited for: they get their turn, and waiting ends. */
const wait: Operation = hart => {
  hart.yield();
  return 1;
};

/** An even register and the one behind it; with x0 both are zero. */
const wordsOfPair = (xlen: 32 | 64) => xlen / 16;

const amocasPair: Operation = hart => {
  const word = hart.instructionBits();
  const [rd, rs1, rs2] = [registerIn(word, 7), registerIn(word, 15), registerIn(word, 20)];
  // Odd ones are reserved (Zacas, chapter 2).
  if (((rd | rs2) & 1) !== 0) return hart.illegal();
  const { x } = hart.state;
  const count = wordsOfPair(hart.config.xlen);
  const [expected, swapped, found] = [0, 1, 2].map(() => new Uint32Array(count));
  readPair(x, rd, expected);
  readPair(x, rs2, swapped);
  if (hart.blocks.compareAndSwap(x[2 * rs1], x[2 * rs1 + 1], expected, swapped, found) === 0) return 0;
  if (rd !== 0) writePair(x, rd, found);
  return 1;
};

function readPair(x: Uint32Array, register: number, to: Uint32Array): void {
  if (register === 0) return;
  for (let word = 0; word < to.length; word++) to[word] = x[2 * register + wordOffset(word, to.length)];
}

function writePair(x: Uint32Array, register: number, from: Uint32Array): void {
  for (let word = 0; word < from.length; word++) x[2 * register + wordOffset(word, from.length)] = from[word];
}

/** Registers take two words each, of which those of RV32 have a value in the first. */
const wordOffset = (word: number, count: number) => (count === 2 ? 2 * word : word);

export const EXTENSION_OPERATIONS: Readonly<Record<string, Operation>> = {
  'wrs.nto': hart => {
    const { privilege, mstatus } = hart.state;
    if (privilege < PRIVILEGE.machine && (mstatus[0] & MSTATUS.tw) !== 0) return hart.illegal();
    return wait(hart);
  },
  'wrs.sto': wait,
  'cbo.inval': onBlock(invalidated, 'manage'),
  'cbo.clean': onBlock(managed, 'manage'),
  'cbo.flush': onBlock(managed, 'manage'),
  'cbo.zero': onBlock(hart => allowed(hart, ENVIRONMENT.cbze) !== 0, 'zero'),
  'amocas-pair': amocasPair,
};
