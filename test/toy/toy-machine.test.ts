/** Another instruction set on another board: everything above a machine works with it as it does with RISC-V. */
import { describe, expect, test } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { replaySession } from '../../src/assembly/session.js';
import { systemClock } from '../../src/host/clock.js';
import { InputError } from '../../src/state/input-error.js';
import { Timeline } from '../../src/timeline/timeline.js';
import { LocalPool } from '../support/local-pool.js';
import { digestsOf, type Live, MemoryFile, replay } from '../support/sessions.js';
import { randomToy, TOY_SCRATCH, toyHello, toyTicks } from './toy-programs.js';
import { bootToy } from './toy-session.js';

const PERIOD = 1000;
const STEPS = 20_000;
const COUNTER = BigInt(TOY_SCRATCH);
const ticks = toyTicks(PERIOD);

async function ranTicks(steps = STEPS): Promise<Live> {
  const live = bootToy(ticks.bytes(), { snapshotIntervalSteps: 900 });
  live.session.attach();
  await live.session.runToEnd({ maxIcount: steps / 2 });
  live.console.type('typed');
  await live.session.runToEnd({ maxIcount: steps });
  return live;
}

const word = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => value * 256 + byte, 0);
const counter = (session: Timeline) => word(session.readMemory(0, COUNTER, 4));
const at = (label: string) => BigInt(ticks.addressOf(label));

describe('the toy machine', () => {
  test('prints, turns itself off, and its recording verifies', async () => {
    const live = bootToy(toyHello('hello, toy\n', 3).bytes());
    const file = new MemoryFile();
    live.session.record(file);
    expect(await live.session.runToEnd({ maxIcount: 10_000 })).toEqual({ kind: 'power-off', code: 3 });
    live.session.close();
    const recording = file.read();
    expect(recording.header.config).toMatchObject({ board: 'toy', isa: 'toy' });
    const again = replay(recording);
    await again.session.verify();
    expect(again.console.text).toBe('hello, toy\n');
    expect(digestsOf(again.session)).toEqual(digestsOf(live.session));
    const host = { console: new MemoryConsole(), clock: systemClock };
    expect(() => replaySession(recording, { clock: 'virtual' }, host)).toThrow(
      new InputError('this backstub has no board toy'),
    );
  });

  test.each([1, 3])('is the same compiled and interpreted, %i harts', async harts => {
    let compiled = 0;
    for (let seed = 1; seed <= 5; seed++) {
      const [a, b] = [true, false].map(jit => bootToy(randomToy(seed, 40), { harts, jit }));
      for (const maxIcount of [1000, 1001, 8000, 20_000]) {
        await a.session.runToEnd({ maxIcount });
        await b.session.runToEnd({ maxIcount });
        expect(digestsOf(a.session), `seed ${seed}, icount ${maxIcount}`).toEqual(digestsOf(b.session));
      }
      compiled += a.session.machine.board.engine.regions?.statistics.compiled ?? 0;
    }
    expect(compiled).toBeGreaterThan(0);
  });

  test('takes its timer, sleeps, and echoes what is typed', async () => {
    const { session, console } = await ranTicks();
    expect(counter(session)).toBeGreaterThan(900);
    expect(console.text).toBe('typed');
  });

  test.each(['write', 'read', 'access'] as const)('goes back to each %s of a watched word', async access => {
    const { session } = await ranTicks(4000);
    const stops = async (direction: 'forward' | 'backward') => {
      const found: number[] = [];
      for (;;) {
        const stop = await session.resume({ kind: 'continue', direction, points: 'elsewhere' });
        if (stop.kind !== 'watchpoint') return found;
        found.push(session.status().icount);
      }
    };
    session.insertWatchpoint(access, COUNTER, 4);
    const back = await stops('backward');
    await session.seek('start');
    const forward: number[] = [];
    const { end } = session.status();
    for (;;) {
      session.stopAtIcount(session.status().icount < end ? end : undefined);
      const stop = await session.resume({ kind: 'continue', direction: 'forward', points: 'elsewhere' });
      if (stop.kind !== 'watchpoint') break;
      forward.push(session.status().icount);
    }
    expect(back.toReversed()).toEqual(forward);
    expect(forward.length).toBeGreaterThan(50);
  });

  test('a register list that is stored meets watchpoints and questions about its words', async () => {
    const { session } = await ranTicks(4000);
    const stack = BigInt(TOY_SCRATCH - 0x1000 - 4);
    session.insertWatchpoint('write', stack, 4);
    const stop = await session.resume({ kind: 'continue', direction: 'backward' });
    expect(stop).toMatchObject({ kind: 'watchpoint', address: stack });
    session.clearBreakpoints();
    await session.seek('end');
    const { found } = await session.questions.lastWrite(stack, 4);
    expect(found).toHaveLength(1);
    expect(word(found[0].new)).toBe(word(session.readMemory(0, stack, 4)));
  });

  test('is searched by several machines as by one', async () => {
    const { session } = await ranTicks(1000);
    const way = async (pooled: boolean) => {
      const searchPool = pooled ? new LocalPool(session.source) : undefined;
      const budget = { memoryBytes: 2 ** 26, intervalSteps: 500, file: undefined };
      const host = { console: new MemoryConsole(), clock: systemClock };
      const timeline = new Timeline(session.source, host, { idleClock: 'virtual', budget, searchPool });
      timeline.attach();
      await timeline.runToEnd({ maxIcount: 6000 });
      timeline.insertBreakpoint(at('store'));
      const found: unknown[] = [];
      for (let i = 0; i < 30; i++) {
        const { kind } = await timeline.resume({ kind: 'continue', direction: 'backward' });
        found.push([kind, timeline.status().icount, counter(timeline)]);
        if (kind === 'history') break;
        await timeline.seek(Math.max(0, timeline.status().icount - 700));
      }
      return { found, tasks: searchPool?.tasks.length };
    };
    const [alone, spread] = [await way(false), await way(true)];
    expect(spread.found).toEqual(alone.found);
    expect(spread.tasks).toBeGreaterThan(0);
  });

  test('is asked who wrote, what ran first, which interrupts came and who printed', async () => {
    const { session } = await ranTicks();
    const { questions } = session;
    const here = digestsOf(session);
    const count = counter(session);
    const { found: last } = await questions.lastWrite(COUNTER, 4);
    expect(last).toMatchObject([{ pc: at('store'), hart: 0 }]);
    expect([word(last[0].old), word(last[0].new)]).toEqual([count - 1, count]);
    const { found: all } = await questions.writes(COUNTER, 4, { limit: 2000 });
    expect(all.slice(-count).map(one => word(one.new))).toEqual(
      Array.from({ length: count }, (_, n) => n + 1),
    );
    const { found: first } = await questions.firstExecution(at('woken'));
    expect(first).toMatchObject([{ pc: at('woken') }]);
    const { found: interrupts } = await questions.interrupts({ limit: 5 });
    expect(interrupts).toHaveLength(5);
    expect(interrupts.every(({ cause }) => cause === 0)).toBe(true);
    const { found: printed } = await questions.whoPrinted('typed');
    expect(printed).toMatchObject([{ hart: 0 }]);
    expect(printed[0].icount).toBeGreaterThan(first[0].icount);
    expect(digestsOf(session)).toEqual(here);
  });

  test('steps over interrupt handlers, both ways', async () => {
    const { session } = await ranTicks(4000);
    const pc = () => word(session.readRegister(0, session.description.pc)!);
    session.stepOverInterrupts = true;
    const places: number[] = [];
    for (let i = 0; i < 60; i++) {
      await session.resume({ kind: 'step', direction: 'backward', hart: 0 });
      places.push(pc());
    }
    // The handler stands before the program: from the first place outside of it on, it is not seen.
    const outside = places.findIndex(place => place >= ticks.addressOf('start'));
    expect(outside).toBeGreaterThanOrEqual(0);
    for (const place of places.slice(outside)) expect(place).toBeGreaterThanOrEqual(ticks.addressOf('start'));
    for (let i = 0; i < 20; i++) {
      await session.resume({ kind: 'step', direction: 'forward', hart: 0 });
      expect(pc()).toBeGreaterThanOrEqual(ticks.addressOf('start'));
    }
  });
});
