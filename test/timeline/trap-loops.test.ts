/**
 * A hart that takes the same trap for ever is noticed, at an icount that nothing else moves; whatever gets on is not.
 */
import { describe, expect, test } from 'vitest';
import type { EndOfRun } from '../../src/timeline/timeline-options.js';
import * as asm from '../lockstep/encode.js';
import { bootBytes, MemoryFile, replay } from '../support/sessions.js';
import { bootToy } from '../toy/toy-session.js';

const { addi } = asm.IMMEDIATE_OPS;
const START = 0x8000_0000;
const [RA, SP, T0, T1, S0, A0] = [1, 2, 5, 6, 8, 10];
const CSR = {
  mtvec: 0x305,
  mepc: 0x341,
  mcause: 0x342,
  mscratch: 0x340,
  mie: 0x304,
  mstatus: 0x300,
  time: 0xc01,
};
const { csrrw, csrrs } = asm.CSR_OPS;
const ILLEGAL = 0x0ec5_d533;
const MILLION = 1_000_000;

type Program = readonly number[];

/** `handler` stands at a fixed place behind `main`, and mtvec points to it. */
function machine(main: Program, handler: Program = [], options: Parameters<typeof bootBytes>[2] = {}) {
  const at = START + 0x400;
  const setUp = [...asm.loadAddress(T0, at, START), csrrw(0, CSR.mtvec, T0)];
  const code = asm.assemble([...(handler.length === 0 ? [] : setUp), ...main]);
  const image = new Uint8Array(0x1000);
  image.set(code);
  image.set(asm.assemble(handler), 0x400);
  return bootBytes('guest', image, options);
}

async function ended(main: Program, handler: Program = [], maxIcount = 1.2 * MILLION): Promise<EndOfRun> {
  const { session } = machine(main, handler);
  return session.runToEnd({ maxIcount });
}

const LIMIT = { kind: 'limit', which: 'icount' };
const skip = (bytes: number): number[] => [
  csrrs(T1, CSR.mepc, 0),
  addi(T1, T1, bytes),
  csrrw(0, CSR.mepc, T1),
  asm.MRET,
];

describe('what never ends', () => {
  const looping: readonly (readonly [string, Program, Program, string])[] = [
    [
      'no handler',
      [asm.NOP, ILLEGAL],
      [],
      'hart 0 traps for ever at 0x0 since icount 7: illegal instruction czero.eqz (Zicond, 0x0ec5d533) at 0x80000004 (this CPU lacks it; cpu needs max), mtvec is 0',
    ],
    [
      'an ecall without a handler',
      [asm.ECALL],
      [],
      'hart 0 traps for ever at 0x0 since icount 6: ecall from machine mode at 0x80000000, mtvec is 0',
    ],
    [
      'a jump to nowhere',
      [asm.jalr(0, 0, 0x10)],
      [],
      'hart 0 traps for ever at 0x0 since icount 7: instruction access fault at 0x10, mtvec is 0',
    ],
    [
      'a handler that goes back to the same place',
      [asm.LOADS.lw(T1, 0, 8)],
      [asm.MRET],
      'hart 0 traps for ever at 0x8000000c since icount 9: load access fault of 0x8 at 0x8000000c, mtvec is 0x80000400',
    ],
    [
      'a handler that traps itself',
      [ILLEGAL],
      [asm.NOP, ILLEGAL],
      'hart 0 traps for ever at 0x80000404 since icount 9: illegal instruction czero.eqz (Zicond, 0x0ec5d533) at 0x8000000c (this CPU lacks it; cpu needs max), mtvec is 0x80000400',
    ],
    [
      'a handler without a stack',
      [addi(SP, 0, 0), ILLEGAL],
      [addi(SP, SP, -256), asm.STORES.sw(RA, SP, 4)],
      'hart 0 traps for ever at 0x80000404 since icount 10: illegal instruction czero.eqz (Zicond, 0x0ec5d533) at 0x80000010 (this CPU lacks it; cpu needs max), mtvec is 0x80000400',
    ],
    [
      'an ebreak',
      [asm.EBREAK],
      [],
      'hart 0 traps for ever at 0x0 since icount 6: breakpoint (ebreak) at 0x80000000, mtvec is 0',
    ],
  ];
  test.each(looping)('%s', async (_, main, handler, text) => {
    expect(await ended(main, handler)).toEqual({ kind: 'trap-loop', text });
  });

  test('it is found at one icount, by interpreted and compiled code, in one run and in many', async () => {
    const where = async (jit: boolean, piece: number) => {
      const { session } = machine([ILLEGAL], [asm.NOP, asm.jal(0, 4), ILLEGAL], { jit });
      for (;;) {
        const end = await session.runToEnd({ maxIcount: session.status().icount + piece });
        if (end.kind === 'trap-loop') return session.status().icount;
        expect(session.status().icount).toBeLessThan(2 * MILLION);
      }
    };
    const icount = await where(true, 3 * MILLION);
    expect(icount).toBeGreaterThan(MILLION);
    expect(icount).toBeLessThan(MILLION + 20);
    expect(await where(false, 3 * MILLION)).toBe(icount);
    expect(await where(true, 77_777)).toBe(icount);
  });

  test('a hart that works does not hide another', async () => {
    const mhartid = 0xf14;
    const live = machine(
      [csrrs(T1, mhartid, 0), asm.BRANCHES.bne(T1, 0, 8), asm.jal(0, 0), ILLEGAL],
      [ILLEGAL],
      { config: { harts: 2 } },
    );
    expect(await live.session.runToEnd({ maxIcount: 5 * MILLION })).toMatchObject({
      kind: 'trap-loop',
      text: expect.stringMatching(/^hart 1 traps for ever at 0x80000400/),
    });
  });

  test('the recording says so, replays, and knows nothing of it while it does', async () => {
    const { session } = machine([ILLEGAL]);
    const file = new MemoryFile();
    session.record(file);
    const end = await session.runToEnd({});
    session.close();
    const recording = file.read();
    expect(recording.end).toMatchObject({ kind: 'trap-loop', reason: (end as { text: string }).text });
    const again = replay(recording).session;
    await again.verify();
    expect(again.status().icount).toBe(recording.end.icount);
    await again.seek('start');
    expect(await again.resume({ kind: 'continue', direction: 'forward' })).toMatchObject({
      kind: 'history',
      edge: 'end',
      recordedEnd: expect.stringContaining('hart 0 traps for ever at 0x0'),
    });
  });

  test('a debugger is stopped there, once, and may go on', async () => {
    const { session } = machine([ILLEGAL]);
    session.attach();
    const told: string[] = [];
    const go = () => session.resume({ kind: 'continue', direction: 'forward' }, line => told.push(line));
    expect(await go()).toMatchObject({ kind: 'trap-loop', hart: 0 });
    expect(told).toEqual([expect.stringMatching(/^hart 0 traps for ever at 0x0 since icount 6:/)]);
    session.stopAtIcount(2 * MILLION);
    expect(await go()).toMatchObject({ kind: 'moment', icount: 2 * MILLION });
    expect(await session.resume({ kind: 'continue', direction: 'backward' })).toMatchObject({
      edge: 'begin',
    });
  });

  test('before it is sure, an end at a limit names it', async () => {
    const { session } = machine([ILLEGAL]);
    expect(await session.runToEnd({ maxIcount: 15_000 })).toEqual({
      ...LIMIT,
      trapLoop: expect.stringMatching(/^hart 0 traps for ever at 0x0 since icount 6: illegal/),
    });
  });

  test('a hart of another instruction set', async () => {
    const { session } = bootToy(new Uint8Array(64).fill(0xff));
    expect(await session.runToEnd({ maxIcount: 1.2 * MILLION })).toEqual({
      kind: 'trap-loop',
      text: 'hart 0 traps for ever at 0x10000008 since icount 0: trap 2 at 0x10000020, its vector is 0x10000008',
    });
  });

  test('it can be turned off', async () => {
    const { session } = machine([ILLEGAL], [], { trapLoopCheck: false });
    expect(await session.runToEnd({ maxIcount: 1.2 * MILLION })).toEqual(LIMIT);
  });
});

describe('what gets on', () => {
  const spin = (body: Program): Program => [...body, asm.jal(0, -4 * body.length)];
  const working: readonly (readonly [string, Program, Program])[] = [
    ['calls of a monitor', spin([asm.ECALL]), skip(4)],
    ['calls that are repeated', spin([asm.ECALL]), [asm.MRET]],
    ['an instruction that a handler emulates', spin([ILLEGAL]), skip(4)],
    ['a misaligned access that a handler emulates', spin([asm.AMOS_W.add(T1, 0, T1)]), skip(4)],
    [
      'a probe of memory whose handler never returns',
      [addi(S0, 0, 0), asm.LOADS.lw(T1, S0, 0), asm.jal(0, -4)],
      [addi(S0, S0, 4), ...asm.loadAddress(A0, START + 0x10, START + 0x404), asm.jalr(0, A0, 0)],
    ],
    [
      'a handler that asks a device each time',
      [asm.LOADS.lw(T1, 0, 8)],
      [asm.lui(T1, 0x10000), asm.LOADS.lbu(T1, T1, 5), asm.MRET],
    ],
    ['a loop without traps', spin([addi(T1, T1, 1)]), [asm.MRET]],
  ];
  test.each(working)('%s', async (_, main, handler) => {
    expect(await ended(main, handler)).toEqual(LIMIT);
  });

  test('an interrupt among the traps', async () => {
    // The timer's interrupt comes every few thousand steps, and sets the next one.
    const mtime = asm.lui(T0, 0x200c);
    const handler = [
      csrrs(T1, CSR.mcause, 0),
      asm.BRANCHES.bge(T1, 0, 28),
      mtime,
      asm.LOADS_64.ld(T1, T0, -8),
      addi(T1, T1, 500),
      asm.lui(T0, 0x2004),
      asm.STORES_64.sd(T1, T0, 0),
      asm.MRET,
      asm.MRET,
    ];
    const main = [
      addi(T1, 0, 0x80),
      csrrw(0, CSR.mie, T1),
      csrrw(0, CSR.mstatus, T1),
      asm.LOADS.lw(T1, 0, 8),
    ];
    const { session } = machine(
      [...main.slice(0, 3), addi(T1, 0, 0x88), csrrw(0, CSR.mstatus, T1), main[3]],
      handler,
    );
    expect(await session.runToEnd({ maxIcount: 1.2 * MILLION })).toEqual(LIMIT);
  });

  test('an input counts anew from there', async () => {
    const { session } = machine([ILLEGAL]);
    await session.runToEnd({ maxIcount: 900_000 });
    session.typeConsole(Uint8Array.of(65));
    expect(await session.runToEnd({ maxIcount: 1_500_000 })).toMatchObject(LIMIT);
    expect(await session.runToEnd({})).toMatchObject({ kind: 'trap-loop' });
    expect(session.status().icount).toBeGreaterThanOrEqual(1_900_000);
  });
});
