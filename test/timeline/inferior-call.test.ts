/** Calls and other changes of a debugger in the past: a call alone leaves no branch, and no change is ever lost. */
import { describe, expect, it } from 'vitest';
import { boot, type DebugSession } from '../../src/api/index.js';
import { Random } from '../lockstep/random.js';
import { bootBytes } from '../support/sessions.js';
import { sharedCounter } from '../support/small-programs.js';
import { call, GdbCall, registerOf, setRegister } from './gdb-call.js';

const [SP, A1, PC, FA3, CSRS] = [2, 11, 32, 46, 65];
const [MSCRATCH, MEPC, MCOUNTEREN] = [CSRS + 0x340, CSRS + 0x341, CSRS + 0x306];
/** Nothing of the firmware is there. */
const UNUSED = 0x8010_0000n;

/** Stands in the past of a firmware that has run to its end. */
async function inThePast() {
  const session = boot('fixtures/rv64/demo.elf');
  await session.runUntil('panic');
  const end = session.icount;
  await session.seek(Math.floor(end / 2));
  const { target } = session;
  const fn = session.address('checksum');
  const text = session.address('station');
  return { session, target, fn, text, here: session.icount, end };
}

const names = ({ target }: DebugSession) => target.branches.list().map(({ name }) => name);

describe('a call in the past', () => {
  it('leaves no branch, and the machine where it was', async () => {
    const { session, target, fn, text, here } = await inThePast();
    const before = session.target.checkpoint().digests;
    const result = await call(target, fn, [text, 8n]);
    expect(await call(target, fn, [text, 8n])).toBe(result);
    expect(names(session)).toEqual(['main']);
    expect(session.icount).toBe(here);
    expect(session.target.checkpoint().digests).toEqual(before);
    expect(target.takeNotices()).toEqual([]);
    session.close();
  });

  it('may be stopped in the middle, looked at, and hold other calls', async () => {
    const { session, target, fn, text, here } = await inThePast();
    target.insertBreakpoint(fn + 4n);
    const outer = new GdbCall(target, fn, [text, 8n]);
    expect(await outer.run()).toMatchObject({ kind: 'breakpoint', address: fn + 4n });
    expect(target.takeNotices()).toEqual([]);
    target.removeBreakpoint(fn + 4n);
    const inner = await call(target, fn, [text, 8n]);
    expect(target.takeNotices()).toEqual([]);
    expect(await call(target, fn, [text, 8n])).toBe(inner);
    expect(await outer.run()).toBeUndefined();
    expect(outer.result).toBe(inner);
    outer.finish();
    expect(names(session)).toEqual(['main']);
    expect(session.icount).toBe(here);
    session.close();
  });

  it('of another hart leaves no branch either', async () => {
    const { session } = bootBytes('counter.bin', sharedCounter(), { config: { harts: 3 } });
    const fn = UNUSED;
    // addi a0,a0,7; ret
    session.writeMemory(0, fn, new Uint8Array([0x13, 0x05, 0x75, 0x00, 0x67, 0x80, 0x00, 0x00]));
    setRegister(session, SP, UNUSED + 0x1000n, 2);
    await session.runToEnd({ maxIcount: 2000 });
    await session.seek(1000);
    expect(await call(session, fn, [30n], 2)).toBe(37n);
    expect(session.branches.list().map(({ name }) => name)).toEqual(['main']);
    expect(session.status().icount).toBe(1000);
    session.close();
  });

  it.each<[string, (session: DebugSession) => void, (session: DebugSession) => unknown, unknown]>([
    [
      'a CSR',
      ({ target }) => setRegister(target, MSCRATCH, 0x1234n),
      ({ target }) => registerOf(target, MSCRATCH),
      0x1234n,
    ],
    [
      'a float register',
      ({ target }) => setRegister(target, FA3, 0x4009_21fb_5444_2d18n),
      ({ target }) => registerOf(target, FA3),
      0x4009_21fb_5444_2d18n,
    ],
    ['a register', ({ target }) => setRegister(target, A1, 77n), ({ target }) => registerOf(target, A1), 77n],
    [
      'memory',
      ({ target }) => target.writeMemory(0, UNUSED, new Uint8Array([1, 2])),
      ({ target }) => [...target.readMemory(0, UNUSED, 2)],
      [1, 2],
    ],
  ])('after %s was written keeps that, on a branch that was announced', async (_, write, read, wanted) => {
    const { session, target, fn, text } = await inThePast();
    write(session);
    const told: string[] = [];
    const made = new GdbCall(target, fn, [text, 8n]);
    target.insertBreakpoint(registerOf(target, 1));
    await target.resume({ kind: 'continue', direction: 'forward' }, line => told.push(line));
    made.finish();
    expect(told).toEqual([expect.stringContaining('This is branch1 now')]);
    expect(read(session)).toEqual(wanted);
    expect(names(session)).toEqual(['main', 'branch1']);
    session.close();
  });

  it('that reads what the host types gives it back', async () => {
    using session = boot('fixtures/rv64/echo.elf');
    const { target } = session;
    await session.runUntil('console_get');
    await session.seek(session.icount - 20);
    const made = new GdbCall(target, session.address('console_get'), []);
    session.console.type('x');
    expect(await made.run()).toBeUndefined();
    expect(made.result).toBe(BigInt('x'.charCodeAt(0)));
    made.finish();
    expect(names(session)).toEqual(['main']);
    await session.seek('end');
    session.console.type('\x04');
    await session.continue();
    expect(session.console.text).toContain('x\r\necho: 1 bytes');
  });
});

describe('a change in the past', () => {
  it.each<[string, (session: DebugSession) => void]>([
    ['of a CSR', ({ target }) => setRegister(target, MEPC, 0x8000_0010n)],
    ['of a register', ({ target }) => setRegister(target, A1, 5n)],
    ['of the pc', ({ target }) => setRegister(target, PC, 0x8000_0000n)],
    ['of memory', ({ target }) => target.writeMemory(0, UNUSED, new Uint8Array([1]))],
    ['by the console', ({ target }) => target.typeConsole(new Uint8Array([65]))],
  ])('%s is announced before anything moves', async (_, change) => {
    const { session, target } = await inThePast();
    change(session);
    expect(target.takeNotices()).toEqual([expect.stringContaining('This is branch1 now: it left main')]);
    expect(target.takeNotices()).toEqual([]);
    expect(names(session)).toEqual(['main', 'branch1']);
    session.close();
  });

  it('is announced with the jump that it is', async () => {
    const { session, target, fn } = await inThePast();
    setRegister(target, PC, fn);
    const told: string[] = [];
    await target.resume({ kind: 'step', direction: 'forward', hart: 0 }, line => told.push(line));
    expect(told).toEqual([expect.stringContaining('This is branch1 now')]);
    session.close();
  });

  it('that writes what is there already is none', async () => {
    const { session, target } = await inThePast();
    for (const register of [1, PC, FA3, MSCRATCH]) {
      setRegister(target, register, registerOf(target, register));
    }
    expect(names(session)).toEqual(['main']);
    session.close();
  });
});

it.each(Array.from({ length: 12 }, (_, i) => i + 1))(
  'calls and changes in any order, seed %i',
  async seed => {
    const random = new Random(seed);
    const { session, target, fn, text, end } = await inThePast();
    const registers = new Map<number, bigint>();
    const memory = new Map<bigint, number>();
    let branches = 1;
    let changed = false;

    const writeRegister = (depth: number) => {
      // A float register that is written within a call is put back by it.
      const register = random.pick([MSCRATCH, MCOUNTEREN, depth === 0 ? FA3 : MEPC]);
      const value = BigInt(2 * random.below(2 ** 30));
      changed ||= registerOf(target, register) !== value;
      setRegister(target, register, value);
      registers.set(register, value);
    };
    const writeMemory = () => {
      const address = UNUSED + BigInt(random.below(64));
      memory.set(address, random.below(256));
      target.writeMemory(0, address, new Uint8Array([memory.get(address)!]));
      changed = true;
    };
    const callInside = async (depth: number) => {
      const made = new GdbCall(target, fn, [text, BigInt(1 + random.below(12))]);
      const stopAt = fn + 4n;
      if (random.below(2) === 0) {
        target.insertBreakpoint(stopAt);
        expect(await made.run()).toMatchObject({ kind: 'breakpoint', address: stopAt });
        target.removeBreakpoint(stopAt);
        for (let i = random.below(3); i > 0; i--) await change(depth + 1);
      }
      expect(await made.run()).toBeUndefined();
      made.finish();
    };
    const change = async (depth: number): Promise<void> => {
      const kind = random.below(6);
      if (kind === 0) writeRegister(depth);
      else if (kind === 1) writeMemory();
      else if (depth < 3) await callInside(depth);
    };

    for (let round = 0; round < 12; round++) {
      await change(0);
      const held = [...registers].every(([register, value]) => registerOf(target, register) === value);
      const kept = [...memory].every(([address, byte]) => target.readMemory(0, address, 1)[0] === byte);
      expect({ held, kept, round }).toEqual({ held: true, kept: true, round });
      expect(names(session)).toHaveLength(branches + (changed ? 1 : 0));
      if (random.below(3) !== 0) continue;
      branches += changed ? 1 : 0;
      changed = false;
      registers.clear();
      memory.clear();
      await target.branches.switchTo('main');
      await session.seek(1000 + random.below(end - 1000));
    }
    session.close();
  },
);
