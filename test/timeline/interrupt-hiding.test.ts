/** Steps that hide interrupt handlers, against the trace of steps that do not. */

import { afterEach, describe, expect, it } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import type { DebugStop, Direction } from '../../src/timeline/debug-target.js';
import * as asm from '../lockstep/encode.js';
import { bootBytes, bootFixture, fixture, type Width } from '../support/sessions.js';

const { addi } = asm.IMMEDIATE_OPS;

const PC = 32;
const SP = 2;
const PRIVILEGE = 4161;
const { MRET } = asm;

let session: Session;

afterEach(() => session.close());

const step = (direction: Direction, hart?: number): Promise<DebugStop> =>
  session.resume({ kind: 'step', direction, hart });

const number = (register: number, hart = 0) => {
  const bytes = session.readRegister(hart, register)!;
  return Number(Buffer.from(bytes).readUIntLE(0, 4));
};
const context = (hart = 0) => [number(PC, hart), number(SP, hart), number(PRIVILEGE, hart)];
const icount = () => session.status().icount;

interface Handler {
  /** Boundary before the step that enters it, and the one after the step that leaves it. */
  readonly entry: number;
  readonly end: number;
}

/** Every interrupt of the first steps whose handler returns within them, found by single steps. */
async function handlersOf(from: number, steps: number): Promise<Handler[]> {
  const { found: interrupts } = await session.questions.interrupts();
  const found: Handler[] = [];
  for (const { icount: entry } of interrupts) {
    if (entry < from || entry > from + steps) continue;
    await session.seek(entry);
    const before = context();
    do await step('forward');
    while (context().join() !== before.join());
    found.push({ entry, end: icount() });
  }
  return found;
}

describe.each<Width>(['rv32', 'rv64'])('stepping over interrupts, %s', width => {
  const boot = async (harts = 1) => {
    session = bootFixture(fixture(width, 'ticks'), {
      config: { harts },
      snapshotIntervalSteps: 5_000,
    }).session;
    await session.runToEnd({ maxIcount: 500_000 });
  };
  const symbol = (name: string) => session.symbols.find(name)!.address;

  it('is off at first: a step enters the handler', async () => {
    await boot();
    const [first] = await handlersOf(0, 500_000);
    await session.seek(first!.entry);
    await step('forward');
    expect(icount()).toBe(first!.entry + 1);
    await session.seek(first!.end);
    await step('backward');
    expect(icount()).toBe(first!.end - 1);
  });

  it('ends a step where the interrupted context goes on, and undoes it as a whole', async () => {
    await boot();
    const handlers = await handlersOf(0, 500_000);
    expect(handlers.length).toBeGreaterThan(5);
    session.stepOverInterrupts = true;
    for (const { entry, end } of handlers) {
      await session.seek(entry);
      const before = context();
      expect(await step('forward')).toEqual({ kind: 'step', hart: 0 });
      expect(icount()).toBe(end);
      expect(context()).toEqual(before);
      expect(await step('backward')).toEqual({ kind: 'step', hart: 0 });
      expect(icount()).toBe(entry);
    }
  });

  it('takes plain steps elsewhere, in the handler too', async () => {
    await boot();
    const [, second] = await handlersOf(0, 500_000);
    session.stepOverInterrupts = true;
    for (const at of [second!.entry - 2, second!.entry + 5, second!.end + 2]) {
      await session.seek(at);
      await step('forward');
      expect(icount()).toBe(at + 1);
      await step('backward');
      expect(icount()).toBe(at);
    }
  });

  it('the return from an exception is no interrupt', async () => {
    session = bootFixture(fixture(width, 'traps'), { snapshotIntervalSteps: 5_000 }).session;
    await session.runToEnd({ maxIcount: 2_000_000 });
    const [entered] = (await session.questions.firstExecution(symbol('trap'))).found;
    session.stepOverInterrupts = true;
    await session.seek(entered!.icount);
    const atReturn = () => Buffer.from(session.readMemory(0, BigInt(number(PC)), 4)).readUInt32LE() === MRET;
    while (!atReturn()) await step('forward');
    const returning = icount();
    await step('forward');
    expect(icount()).toBe(returning + 1);
    await step('backward');
    expect(icount()).toBe(returning);
  });

  it('stops at a breakpoint in the handler, in both directions', async () => {
    await boot();
    const [, second] = await handlersOf(0, 500_000);
    session.stepOverInterrupts = true;
    const address = symbol('on_tick');
    session.insertBreakpoint(address);
    await session.seek(second!.entry);
    const stop = { kind: 'breakpoint', hart: 0, address };
    expect(await step('forward')).toEqual(stop);
    const inside = icount();
    await session.seek(second!.end);
    expect(await step('backward')).toEqual(stop);
    expect(icount()).toBe(inside);
    session.clearBreakpoints();
    // A condition that does not hold is none.
    session.insertBreakpoint(address, { condition: { key: 'never', holds: () => false } });
    await session.seek(second!.entry);
    expect((await step('forward')).kind).toBe('step');
    expect(icount()).toBe(second!.end);
    expect((await step('backward')).kind).toBe('step');
    expect(icount()).toBe(second!.entry);
  });
});

describe('a handler that runs the interrupted code itself, on a stack further down', () => {
  const [SP_START, T0, T1, COUNT, INSIDE, ONE] = [0x80000, 5, 6, 7, 8, 9];
  const MSIP = 0x2000;
  const [LOOP, HANDLER] = [9 * 4, 12 * 4];
  const start = 0x8000_0000;
  const program = asm.assemble([
    asm.lui(T0, MSIP),
    ...asm.loadAddress(T1, start + HANDLER, start + 4),
    asm.CSR_OPS.csrrw(0, 0x305, T1),
    asm.CSR_OPS_IMMEDIATE.csrrwi(0, 0x304, 8),
    asm.CSR_OPS_IMMEDIATE.csrrsi(0, 0x300, 8),
    asm.lui(SP, SP_START),
    addi(ONE, 0, 1),
    asm.STORES.sw(ONE, T0, 0),
    // LOOP: for ever, but once when it is called by the handler.
    addi(COUNT, COUNT, 1),
    asm.BRANCHES.beq(INSIDE, 0, -4),
    asm.jalr(0, 1, 0),
    // HANDLER
    asm.STORES.sw(0, T0, 0),
    addi(INSIDE, 0, 1),
    addi(SP, SP, -16),
    asm.jal(1, LOOP - HANDLER - 12),
    addi(SP, SP, 16),
    addi(INSIDE, 0, 0),
    MRET,
  ]);

  it('has not returned before the stack pointer is what it was', async () => {
    session = bootBytes('image', program, { config: { cpu: 'rv32imac', ramBytes: 1 << 22 } }).session;
    await session.runToEnd({ maxIcount: 1000 });
    const [{ icount: entry }] = (await session.questions.interrupts()).found;
    session.stepOverInterrupts = true;
    await session.seek(entry);
    const before = context();
    expect(await step('forward')).toEqual({ kind: 'step', hart: 0 });
    expect(context()).toEqual(before);
    // The handler's ten steps and its entry, all of them.
    expect(icount()).toBe(entry + 11);
    expect(await step('backward')).toEqual({ kind: 'step', hart: 0 });
    expect(icount()).toBe(entry);
  });
});

describe('a time breakpoint', () => {
  it('stops once, in the past and at the live end, and is no obstacle backwards', async () => {
    session = bootFixture(fixture('rv64', 'ticks')).session;
    session.stopAtIcount(300_000);
    expect(await session.resume({ kind: 'continue', direction: 'forward' })).toEqual({
      kind: 'moment',
      hart: 0,
      icount: 300_000,
    });
    expect(icount()).toBe(300_000);
    await session.seek(1_000);
    session.stopAtIcount(200_000);
    await session.resume({ kind: 'continue', direction: 'backward' });
    expect(icount()).toBe(0);
    expect((await session.resume({ kind: 'continue', direction: 'forward' })).kind).toBe('moment');
    expect(icount()).toBe(200_000);
    expect(() => session.stopAtIcount(200_000)).toThrow('icount 200000 is not ahead: this is icount 200000');
    expect((await session.resume({ kind: 'continue', direction: 'forward' })).kind).toBe('history');
  });

  it('is refused behind the end of a finished history', async () => {
    session = bootFixture(fixture('rv64', 'traps')).session;
    await session.runToEnd({});
    const { end } = session.status();
    await session.seek('start');
    expect(() => session.stopAtIcount(end + 1)).toThrow(`is never reached: the history ends at ${end}`);
    session.stopAtIcount(end - 10);
    await session.resume({ kind: 'continue', direction: 'forward' });
    expect(icount()).toBe(end - 10);
  });
});
