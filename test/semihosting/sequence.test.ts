/** Which ebreak is a call, and where. */
import { describe, expect, test } from 'vitest';
import * as asm from '../lockstep/encode.js';
import {
  A0,
  A1,
  BEFORE,
  BEHIND,
  bootImage,
  CALL,
  DATA,
  EBREAK,
  image,
  la,
  li,
  START,
  words64,
} from './programs.js';

const NOP = 0x13;
const C_NOP = 1;
const C_EBREAK = 0x9002;
const [T0, T1] = [5, 6];
const MTVEC = 0x305;
const HANDLER = START + 0x2000;
const WRITE0 = 4;
const EXIT = 0x18;
const LIMIT = { maxIcount: 20_000 };
const EXIT_BLOCK = [DATA + 0x100, words64(0x2_0026, 3)] as const;
const TEXT = [DATA, 'called\n\0'] as const;

/** Prints, if the instructions are a call; ends with code 3. A breakpoint exception ends with code 9. */
function program(at: number, call: readonly number[]) {
  const setUp = [
    ...la(T0, HANDLER, START),
    asm.CSR_OPS.csrrw(0, MTVEC, T0),
    ...la(A1, DATA, START + 12),
    ...li(A0, WRITE0),
    ...la(T0, at, START + 24),
    asm.jalr(0, T0, 0),
  ];
  const length = call.reduce((bytes, one) => bytes + ((one & 3) === 3 ? 4 : 2), 0);
  const end = [...la(A1, EXIT_BLOCK[0], at + length), ...li(A0, EXIT), ...CALL];
  const handler = [...la(A1, DATA + 0x200, HANDLER), ...li(A0, EXIT), ...CALL];
  return image([
    [START, setUp],
    [at, [...call, ...end]],
    [HANDLER, handler],
    [DATA + 0x200, words64(0x2_0026, 9)],
    EXIT_BLOCK,
    TEXT,
  ]);
}

const run = async (memory: Uint8Array, jit = true, semihosting: 'console' | 'off' = 'console') => {
  const live = bootImage(memory, { jit, config: { semihosting } });
  const end = await live.session.runToEnd(LIMIT);
  return { end, text: live.console.text, live };
};
const off = (code: number) => ({ kind: 'power-off', code });

describe.each([true, false])('with compiled code: %s', jit => {
  test.each([0x1000, 0x0ffc, 0x0ff8, 0x0ffa, 0x0ff6, 0x0ff4, 0x0ffe])(
    'a call at offset %i, over the end of a page or not',
    async offset => {
      const { end, text } = await run(program(START + offset, CALL), jit);
      expect(end).toEqual(off(3));
      expect(text).toBe('called\n');
    },
  );

  test.each([
    ['nothing before it', [NOP, EBREAK, BEHIND]],
    ['nothing behind it', [BEFORE, EBREAK, NOP]],
    ['another shift before it', [0x01f0_1093, EBREAK, BEHIND]],
    ['compressed', [BEFORE, C_EBREAK, C_NOP, BEHIND]],
    ['something between', [BEFORE, NOP, EBREAK, BEHIND]],
  ])('no call: %s', async (_, instructions) => {
    const { end, text } = await run(program(START + 0x1000, instructions), jit);
    expect(end).toEqual(off(9));
    expect(text).toBe('');
  });
});

test('without semihosting it is a breakpoint exception', async () => {
  const { end, text } = await run(program(START + 0x1000, CALL), true, 'off');
  // The handler's own call is one again, for ever.
  expect(end).toEqual({
    kind: 'limit',
    which: 'icount',
    trapLoop: expect.stringContaining('traps for ever at 0x80002010'),
  });
  expect(text).toBe('');
});

describe('in modes below', () => {
  const [PMPCFG0, PMPADDR0, SATP, MSTATUS, MEPC] = [0x3a0, 0x3b0, 0x180, 0x300, 0x341];
  const TABLE = START + 0x4000;
  const HIGH_CODE = START + 0x1000;
  /** Gigapages: RAM where it is, and once more at the end of the address space. */
  const PAGE = 0x8000_0000 / 4 + 0xcf;

  function below(mode: 'user' | 'supervisor') {
    const mpp = mode === 'user' ? 0 : 0x800;
    const setUp = (at: number) => [
      ...li(T0, -1),
      asm.CSR_OPS.csrrw(0, PMPADDR0, T0),
      ...li(T0, 0x1f),
      asm.CSR_OPS.csrrw(0, PMPCFG0, T0),
      ...la(T0, HANDLER, at + 16),
      asm.CSR_OPS.csrrw(0, MTVEC, T0),
      // Sv39, and the table's page.
      ...li(T0, 8),
      asm.SHIFTS.slli(T0, T0, 60),
      ...la(T1, TABLE, at + 36),
      asm.SHIFTS.srli(T1, T1, 12),
      asm.REGISTER_OPS.add(T0, T0, T1),
      asm.CSR_OPS.csrrw(0, SATP, T0),
      asm.lui(T0, 2),
      asm.CSR_OPS.csrrc(0, MSTATUS, T0),
      asm.lui(T0, 1),
      asm.CSR_OPS.csrrc(0, MSTATUS, T0),
      asm.lui(T0, mpp >> 11),
      asm.SHIFTS.srli(T0, T0, 1),
      asm.CSR_OPS.csrrs(0, MSTATUS, T0),
      // lui extends the sign: this is the mapping at the end of the address space.
      asm.lui(T0, HIGH_CODE >>> 12),
      asm.CSR_OPS.csrrw(0, MEPC, T0),
      asm.MRET,
    ];
    const there = [asm.lui(A1, DATA >>> 12), ...li(A0, WRITE0), ...CALL];
    const end = [asm.lui(A1, DATA >>> 12), asm.IMMEDIATE_OPS.addi(A1, A1, 0x100), ...li(A0, EXIT), ...CALL];
    const handler = [...la(A1, DATA + 0x200, HANDLER), ...li(A0, EXIT), ...CALL];
    const entry = mode === 'user' ? PAGE + 0x10 : PAGE;
    return image([
      [START, setUp(START)],
      [HIGH_CODE, [...there, ...end]],
      [HANDLER, handler],
      [DATA + 0x200, words64(0x2_0026, 9)],
      [TABLE + 8 * 510, words64(entry)],
      EXIT_BLOCK,
      TEXT,
    ]);
  }

  test('a supervisor makes calls, and its addresses are its own', async () => {
    const { end, text } = await run(below('supervisor'));
    expect(end).toEqual(off(3));
    expect(text).toBe('called\n');
  });

  test('a user makes none: it is a breakpoint exception', async () => {
    const { end, text } = await run(below('user'));
    expect(end).toEqual(off(9));
    expect(text).toBe('');
  });
});

test.each([0, 4, 8])(
  'a breakpoint %i bytes into the sequence stops there, both ways, and the call is made',
  async at => {
    const code = START + 0x1000;
    const live = bootImage(program(code, CALL));
    const { session } = live;
    session.attach();
    session.insertBreakpoint(BigInt(code + at));
    const hit = { kind: 'breakpoint', hart: 0, address: BigInt(code + at) };
    expect(await session.resume({ kind: 'continue', direction: 'forward' })).toEqual(hit);
    expect(live.console.text).toBe(at === 8 ? 'called\n' : '');
    await session.resume({ kind: 'step', direction: 'forward', hart: 0 });
    expect(await session.resume({ kind: 'continue', direction: 'forward' })).toMatchObject({
      kind: 'history',
      powerOff: { code: 3 },
    });
    expect(live.console.text).toBe('called\n');
    expect(await session.resume({ kind: 'continue', direction: 'backward' })).toEqual(hit);
  },
);
