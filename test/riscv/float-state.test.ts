import { describe, expect, test } from 'vitest';
import { instructionTraits } from '../../src/engine/jit/instruction-traits.js';
import { resultFile } from '../../src/engine/semantics.js';
import { F } from '../../src/riscv/isa/operands.js';
import { allInstructions } from '../../src/riscv/isa/riscv-instructions.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import { EmulatorHart } from '../lockstep/emulator-hart.js';
import { assemble } from '../lockstep/encode.js';

const CODE = 0x8000_0000;
const OFF = 0;
const INITIAL = 1 << 13;
const DIRTY = 3 << 13;
const SIGNALLING = 0x7f800001;
const ONE = 0x3f800000;
const BOX = 0xffffffff;

/** Registers of the instructions here: f1 and f2 to f3 or x7, x5 where an integer is read. */
function word(name: string, roundingMode = 7): number {
  const found = allInstructions().find(one => one.name === name);
  if (found === undefined) throw new Error(`no instruction ${name}`);
  const { format, mask, match } = found;
  const reads = instructionTraits(found).reads.some(({ file }) => file === F);
  const rounds = format === 'R-rounding' ? roundingMode << 12 : 0;
  const rd = resultFile(found.semantics) === F ? 3 : 7;
  const fields = (rd << 7) | ((reads ? 1 : 5) << 15) | (2 << 20) | rounds;
  return (match | (fields & ~mask)) >>> 0;
}

function hartWith(status: number, fcsr: number, isa = 'rv64imafd'): EmulatorHart {
  const hart = new EmulatorHart(isa);
  const { state } = hart.machine.board.harts[0]!;
  state.mstatus[0] = status;
  state.fcsr = fcsr;
  state.f.fill(0);
  for (const [register, value] of [
    [1, ONE],
    [2, SIGNALLING],
  ]) {
    state.f[2 * register!] = value!;
    state.f[2 * register! + 1] = BOX;
  }
  return hart;
}

/** Runs one instruction; what it did to the hart's state. */
function execute(hart: EmulatorHart, instruction: number) {
  hart.loadProgram(assemble([instruction]), CODE);
  hart.setRegister('pc', BigInt(CODE));
  const { state } = hart.machine.board.harts[0]!;
  state.mcause[0] = 0;
  hart.step();
  return {
    illegal: state.mcause[0] === 2,
    status: state.mstatus[0] & DIRTY,
    fcsr: state.fcsr,
    f3: BigInt(state.f[6]) | (BigInt(state.f[7]) << 32n),
    x7: hart.registers().x[7],
  };
}

describe('floating-point state', () => {
  const floats = allInstructions().filter(one => one.extensions.some(name => name === 'f' || name === 'd'));

  test('every F and D instruction is illegal while mstatus.FS is off, and changes nothing', () => {
    const hart = hartWith(OFF, 0);
    for (const { name } of floats) {
      expect({ name, ...execute(hart, word(name)) }).toEqual({
        name,
        illegal: true,
        status: OFF,
        fcsr: 0,
        f3: 0n,
        x7: 0n,
      });
    }
  });

  test('a write of an f register makes the state dirty, a read leaves it', () => {
    expect(execute(hartWith(INITIAL, 0), word('fmv.w.x')).status).toBe(DIRTY);
    expect(execute(hartWith(INITIAL, 0), word('fmv.x.w')).status).toBe(INITIAL);
  });

  test('a comparison makes the state dirty when it raises a flag that was not up', () => {
    const rise = execute(hartWith(INITIAL, 0), word('feq.s'));
    expect(rise).toMatchObject({ illegal: false, x7: 0n, fcsr: 16, status: DIRTY });
    expect(execute(hartWith(INITIAL, 16), word('feq.s'))).toMatchObject({ fcsr: 16, status: INITIAL });
  });

  test('flags accrue beside those that are up', () => {
    const hart = hartWith(INITIAL, 1);
    expect(execute(hart, word('fadd.s')).fcsr).toBe(17);
    const { state } = hart.machine.board.harts[0]!;
    state.f[4] = 0;
    expect(execute(hart, word('fdiv.s'))).toMatchObject({ fcsr: 25, f3: (0xffffffffn << 32n) | 0x7f800000n });
  });

  test.each([5, 6, 7])('dynamic rounding with the reserved mode %i in frm is illegal', mode => {
    const hart = hartWith(INITIAL, mode << 5);
    expect(execute(hart, word('fadd.s', 7))).toMatchObject({ illegal: true, f3: 0n, fcsr: mode << 5 });
    // A static mode does not look at frm, nor does what does not round.
    expect(execute(hart, word('fadd.s', 1)).illegal).toBe(false);
    expect(execute(hart, word('fmin.s')).illegal).toBe(false);
  });

  test.each([5, 6])('the reserved static rounding mode %i is illegal', mode => {
    expect(execute(hartWith(INITIAL, 0), word('fadd.s', mode))).toMatchObject({ illegal: true, f3: 0n });
  });

  test('a register that is not boxed reads as the canonical NaN, moves show its bits', () => {
    const hart = hartWith(INITIAL, 0);
    const { state } = hart.machine.board.harts[0]!;
    state.f[3] = 0xfffffffe;
    expect(execute(hart, word('fmv.x.w')).x7).toBe(BigInt(ONE));
    expect(execute(hart, word('fclass.s')).x7).toBe(1n << 9n);
    state.f[4] = ONE;
    expect(execute(hart, word('fsgnj.s')).f3).toBe((0xffffffffn << 32n) | 0x7fc00000n);
  });
});

test('D brings F with it, and g stands for both', () => {
  for (const isa of ['rv64imad', 'rv32gc']) {
    const { extensions } = parseIsa(isa);
    expect(['f', 'd'].filter(name => !extensions.has(name))).toEqual([]);
  }
  expect(parseIsa('rv64imaf').extensions.has('d')).toBe(false);
});

test('ctzw of a word of zeros is 32, whatever stands above it', () => {
  const hart = new EmulatorHart('rv64im_zbb');
  for (const value of [0n, 1n << 63n, 1n << 32n]) {
    hart.setRegister(5, value);
    expect(execute(hart, word('ctzw')).x7).toBe(32n);
  }
});
