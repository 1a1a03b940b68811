/** Conditions that are functions of a script. */

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { boot, type DebugSession } from '../../src/api/index.js';
import { fixture, REPOSITORY } from '../support/sessions.js';

let session: DebugSession;

beforeEach(() => {
  session = boot(join(REPOSITORY, fixture('rv64', 'ticks')), { snapshotInterval: 200_000 });
});
afterEach(() => session.close());

describe('when', () => {
  it('picks hits of a breakpoint, in both directions', async () => {
    session.break('work', { when: () => session.value('work_done') % 5000n === 4999n });
    const forwards: bigint[] = [];
    for (let i = 0; i < 4; i++) {
      expect((await session.continue()).kind).toBe('breakpoint');
      forwards.push(session.value('work_done'));
    }
    expect(forwards).toEqual([4999n, 9999n, 14999n, 19999n]);
    await session.reverseContinue();
    expect(session.value('work_done')).toBe(14999n);
    expect(session.describe(session.pc)).toBe('work');
  });

  it('picks accesses to watched memory, seen just before they happen', async () => {
    const seen: bigint[] = [];
    const stop = session.watch('ticks', {
      when: hart => {
        expect(hart).toBe(0);
        seen.push(BigInt(session.icount));
        return session.value('ticks') === 7n;
      },
    });
    expect(await session.continue()).toMatchObject({ kind: 'watchpoint', access: 'write', hart: 0 });
    expect(session.value('ticks')).toBe(7n);
    expect(seen.at(-1)).toBe(BigInt(session.icount));
    const at = session.icount;
    await session.continue();
    expect(session.exitCode).toBe(0);
    expect(await session.reverseContinue()).toMatchObject({ kind: 'watchpoint' });
    expect(session.icount).toBe(at);
    stop();
    await session.reverseContinue();
    expect(session.icount).toBe(0);
  });

  it('leaves no trace in the machine', async () => {
    const registers = () => ['pc', 'sp', 'mcycle', 'minstret', 'mip'].map(name => session.register(name));
    session.break('on_tick', { when: () => session.register('mcause') + session.value(0x1000_0005, 1) < 0n });
    await session.continue();
    const looked = [session.icount, ...registers()];
    session.removeBreak('on_tick');
    await session.seek('start');
    await session.continue();
    expect([session.icount, ...registers()]).toEqual(looked);
  });

  it('passes on what it throws, where it threw it', async () => {
    session.break('work', {
      when: () => {
        if (session.value('work_done') === 100n) throw new Error('found it');
        return false;
      },
    });
    await expect(session.continue()).rejects.toThrow('found it');
    expect(session.value('work_done')).toBe(100n);
    session.removeBreak('work');
    await session.step();
  });

  it('cannot run or change the machine', async () => {
    const attempts: (() => Promise<unknown> | undefined)[] = [
      () => session.step(),
      () => session.seek('start'),
      () => void session.setRegister('a0', 1n),
      () => void session.break('main'),
    ];
    for (const forbidden of attempts) {
      session.break('on_tick', {
        when: () => {
          forbidden()?.catch(() => {});
          return false;
        },
      });
      await expect(session.continue()).rejects.toThrow('a condition can look at the machine');
      expect(session.describe(session.pc)).toBe('on_tick');
    }
  });

  it('stays with a breakpoint that runUntil passes over', async () => {
    session.break('work', { when: () => session.value('work_done') === 50n });
    await session.runUntil('work');
    expect(session.value('work_done')).toBe(0n);
    await session.continue();
    expect(session.value('work_done')).toBe(50n);
  });
});
