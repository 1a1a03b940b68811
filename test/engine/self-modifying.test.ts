import { describe, expect, test } from 'vitest';
import { IMAC_ISA } from '../lockstep/emulator-hart.js';
import * as asm from '../lockstep/encode.js';
import { difference, makeTwins, pictureOf, twinConfig } from './twins.js';

const CODE = 0x8000_0000;
const [A0, A1, A2, A3, A4] = [10, 11, 12, 13, 14];
const { addi } = asm.IMMEDIATE_OPS;

/**
 * A loop that changes one of its instructions in each round, `padding` bytes and a little before that runs, with
 * fence.i between them or not.
 */
function selfModifying(padding: number, fence: boolean): Uint8Array {
  const [one, two] = [addi(A0, A0, 1), addi(A0, A0, 2)];
  const setup = [...asm.loadConstant(A1, one), ...asm.loadConstant(A2, one ^ two)];
  const address = CODE + setup.length * 4;
  const rest = [
    asm.STORES.sw(A1, A3, 0),
    fence ? asm.FENCE_I : asm.NOP,
    asm.REGISTER_OPS.xor(A1, A1, A2),
    ...Array<number>(padding / 4).fill(asm.NOP),
    one,
    addi(A4, A4, 1),
  ];
  const target = address + 8 + (rest.length - 2) * 4;
  const loop = [...asm.loadAddress(A3, target, address), ...rest];
  const back = asm.jal(0, -4 * (loop.length - 2));
  return asm.assemble([...setup, ...loop, back]);
}

describe.each([64, 32] as const)('code that changes itself, RV%i', xlen => {
  test.each([
    { padding: 0, fence: false },
    { padding: 0, fence: true },
    { padding: 256, fence: false },
    { padding: 8192, fence: true },
  ])('$padding bytes ahead, fence.i $fence: the change is seen at once', program => {
    const bytes = selfModifying(program.padding, program.fence);
    const twins = makeTwins(twinConfig(IMAC_ISA[xlen]), [{ name: 'code', address: CODE, bytes }]);
    const { interpreted, compiled } = twins;
    for (const machine of [interpreted, compiled]) machine.board.harts[0].state.pc[0] = CODE;
    for (let until = 700; until < 60_000; until += 997) {
      interpreted.run(until, { idle: 'jump' });
      compiled.run(until, { idle: 'jump' });
      expect(difference(compiled, pictureOf(compiled), pictureOf(interpreted))).toBe('');
    }
    const { x } = interpreted.board.harts[0].state;
    expect(x[2 * A0]).toBeGreaterThanOrEqual(Math.floor(x[2 * A4] * 1.5));
    expect(x[2 * A4]).toBeGreaterThan(20);
    expect(compiled.board.engine.regions!.statistics.compiled).toBeGreaterThan(0);
  });
});
