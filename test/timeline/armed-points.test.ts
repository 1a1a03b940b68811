/** What a debugger's points stop must not be seen by whatever else goes over the history. */
import { describe, expect, it } from 'vitest';
import { boot, type DebugSession } from '../../src/api/index.js';

/** Stands behind a continue whose points are still inserted, as gdb leaves them. */
async function stoppedWithPoints(): Promise<DebugSession> {
  const session = boot('fixtures/rv64/ticks.elf');
  const { target } = session;
  await session.continue();
  await session.seek('start');
  target.insertBreakpoint(session.address('on_tick'));
  target.insertWatchpoint('write', session.address('ticks') + 0x1000n, 4);
  await target.resume({ kind: 'continue', direction: 'forward' });
  return session;
}

const withoutPoints = async <T>(ask: (session: DebugSession) => Promise<T>): Promise<T> => {
  using session = boot('fixtures/rv64/ticks.elf');
  await session.continue();
  return ask(session);
};

describe('inserted breakpoints and watchpoints', () => {
  it.each<[string, (session: DebugSession) => Promise<unknown>]>([
    ['irq-history', session => session.interrupts()],
    ['first-exec', session => session.firstExecution('on_tick')],
    ['writes', session => session.writes('ticks')],
  ])('change no answer of %s', async (_, ask) => {
    using session = await stoppedWithPoints();
    expect(await ask(session)).toEqual(await withoutPoints(ask));
  });

  it('do not stop a question on its way there and back', async () => {
    using session = await stoppedWithPoints();
    const here = session.icount;
    expect(await session.whoPrinted('\n')).toEqual(await withoutPoints(s => whoPrintedBefore(s, here)));
    expect(session.icount).toBe(here);
    await session.seek('end');
    expect(session.icount).toBe(session.history.end);
  });
});

async function whoPrintedBefore(session: DebugSession, icount: number) {
  await session.seek(icount);
  return session.whoPrinted('\n');
}
