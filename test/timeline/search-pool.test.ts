/** A search that is spread over several machines finds what one machine alone finds, and leaves that one alone. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentCondition } from '../../src/agent/agent-expression.js';
import { compileExpression } from '../../src/agent/c-expression.js';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { systemClock } from '../../src/host/clock.js';
import { openPageFile } from '../../src/host/files/temporary-page-file.js';
import type { PageFile } from '../../src/snapshot/page-file.js';
import type { Condition } from '../../src/timeline/condition.js';
import { Timeline } from '../../src/timeline/timeline.js';
import { LocalPool } from '../support/local-pool.js';
import { bootFixture, digestsOf, fixture } from '../support/sessions.js';

const STEPS = 400_000;

interface Setting {
  readonly firmware: 'ticks' | 'demo';
  readonly harts: number;
  readonly pool: boolean;
  readonly file?: PageFile;
}

/** A session that stands at the end of what it recorded, with console input on the way. */
async function recorded({ firmware, harts, pool, file }: Setting) {
  const { session } = bootFixture(fixture('rv64', firmware), {
    config: { harts, icountShift: 9, ramBytes: 2 ** 22 },
  });
  const { source } = session;
  const local = pool ? new LocalPool(source) : undefined;
  const console = new MemoryConsole();
  const timeline = new Timeline(
    source,
    { console, clock: systemClock },
    {
      idleClock: 'virtual',
      budget: { memoryBytes: file === undefined ? 2 ** 26 : 400_000, intervalSteps: 17_171, file },
      searchPool: local,
    },
  );
  timeline.attach();
  await timeline.runToEnd({ maxIcount: STEPS / 4 });
  console.type('some words\r');
  await timeline.runToEnd({ maxIcount: STEPS });
  return { timeline, pool: local! };
}

function condition(timeline: Timeline, text: string): Condition {
  const symbol = (name: string) => timeline.symbols.find(name);
  const code = compileExpression(text, { register: () => undefined, symbol });
  return agentCondition([code], { hasRegister: () => false, longBits: 64 })!;
}

const address = (timeline: Timeline, name: string) => timeline.symbols.find(name)!.address;

/** Goes back from the end until the beginning is reached: every stop on the way. */
async function wayBack(timeline: Timeline): Promise<string[]> {
  await timeline.seek('end');
  const stops: string[] = [];
  for (;;) {
    const stop = await timeline.resume({ kind: 'continue', direction: 'backward' });
    const text = JSON.stringify(stop, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    stops.push(`${timeline.status().icount} ${text} ${JSON.stringify(digestsOf(timeline))}`);
    if (stop.kind === 'history') return stops;
    // Every stop of some thousand would be slow; the jump makes searches begin everywhere.
    await timeline.seek(Math.max(0, timeline.status().icount - 23_456));
  }
}

const POINTS: Readonly<Record<'ticks' | 'demo', (timeline: Timeline) => void>> = {
  ticks: timeline => {
    timeline.insertBreakpoint(address(timeline, 'on_tick'), {
      condition: condition(timeline, 'ticks % 7 == 3'),
    });
    timeline.insertWatchpoint(
      'write',
      address(timeline, 'checksum'),
      4,
      condition(timeline, 'ticks % 11 == 2'),
    );
  },
  demo: timeline => {
    timeline.insertBreakpoint(address(timeline, 'main'));
    timeline.insertWatchpoint('access', address(timeline, 'station'), 4);
  },
};

describe.each([
  { firmware: 'ticks', harts: 1 },
  { firmware: 'ticks', harts: 3 },
  { firmware: 'demo', harts: 1 },
] as const)('$firmware with $harts harts', ({ firmware, harts }) => {
  test('stops where one machine alone stops, in the same state', async () => {
    const alone = await recorded({ firmware, harts, pool: false });
    const spread = await recorded({ firmware, harts, pool: true });
    for (const { timeline } of [alone, spread]) POINTS[firmware](timeline);
    const wanted = await wayBack(alone.timeline);
    expect(await wayBack(spread.timeline)).toEqual(wanted);
    expect(spread.pool.tasks.length).toBeGreaterThan(3);
    expect(spread.pool.running).toBe(0);
  });
});

describe('a search spread over machines', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'backstub-search-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('reads snapshots that are in a file', async () => {
    const file = openPageFile(folder, 2 ** 26);
    const alone = await recorded({ firmware: 'ticks', harts: 1, pool: false });
    const spread = await recorded({ firmware: 'ticks', harts: 1, pool: true, file });
    expect(spread.timeline.navigator.store.pool.fileBytes).toBeGreaterThan(0);
    for (const { timeline } of [alone, spread]) POINTS.ticks(timeline);
    const wanted = await wayBack(alone.timeline);
    expect(await wayBack(spread.timeline)).toEqual(wanted);
    expect(spread.pool.tasks.some(({ snapshot }) => snapshot.where.some(at => at < 0))).toBe(true);
    spread.timeline.close();
  });

  test('goes on in this thread when the others fail', async () => {
    const alone = await recorded({ firmware: 'ticks', harts: 1, pool: false });
    const spread = await recorded({ firmware: 'ticks', harts: 1, pool: true });
    spread.pool.behave = task => (task.start % 3 === 0 ? 'fail' : 'search');
    for (const { timeline } of [alone, spread]) POINTS.ticks(timeline);
    const wanted = await wayBack(alone.timeline);
    expect(await wayBack(spread.timeline)).toEqual(wanted);
    expect(spread.pool.tasks.some(({ start }) => start % 3 === 0)).toBe(true);
    expect(spread.pool.running).toBe(0);
  });

  test('is interrupted with the machine where the user was, and everything cancelled', async () => {
    const { timeline, pool } = await recorded({ firmware: 'ticks', harts: 1, pool: true });
    pool.behave = () => 'hang';
    timeline.insertBreakpoint(0x8000_0ffen);
    timeline.insertWatchpoint('read', 0x8000_0000n, 1);
    const before = digestsOf(timeline);
    const stopped = timeline.resume({ kind: 'continue', direction: 'backward' });
    await expect.poll(() => pool.running).toBe(2);
    expect(timeline.machine.icount).toBe(STEPS);
    timeline.interrupt();
    expect(await stopped).toMatchObject({ kind: 'interrupt' });
    expect(timeline.machine.icount).toBe(STEPS);
    expect(digestsOf(timeline)).toEqual(before);
    expect([pool.running, pool.cancelled]).toEqual([0, 2]);
  });

  test('takes the newest hit, whoever is ready first, and cancels the older ones', async () => {
    const { timeline, pool } = await recorded({ firmware: 'ticks', harts: 1, pool: true });
    const alone = (await recorded({ firmware: 'ticks', harts: 1, pool: false })).timeline;
    const points = (to: Timeline) =>
      to.insertBreakpoint(address(to, 'on_tick'), { condition: condition(to, 'ticks < 40') });
    for (const one of [timeline, alone]) points(one);
    await alone.resume({ kind: 'continue', direction: 'backward' });
    const wanted = alone.machine.icount;
    // Everything older than the interval with the hit never ends by itself.
    const { branch } = timeline.navigator;
    const { icount } = branch.lasting(branch.boundary(wanted)).at;
    pool.behave = task => (task.start < icount ? 'hang' : 'search');
    await timeline.resume({ kind: 'continue', direction: 'backward' });
    expect(timeline.machine.icount).toBe(wanted);
    expect(pool.tasks.some(({ start }) => start < icount)).toBe(true);
    expect(pool.running).toBe(0);
    expect(pool.cancelled).toBeGreaterThan(0);
  });

  test('is not used for a condition that is a function, nor for a hit close by', async () => {
    const { timeline, pool } = await recorded({ firmware: 'ticks', harts: 1, pool: true });
    timeline.insertBreakpoint(address(timeline, 'on_tick'), {
      condition: { key: 'mine', holds: () => false },
    });
    await timeline.resume({ kind: 'continue', direction: 'backward' });
    expect(timeline.machine.icount).toBe(0);
    expect(pool.tasks.length).toBe(0);
    timeline.clearBreakpoints();
    timeline.insertBreakpoint(address(timeline, 'on_tick'));
    await timeline.seek(STEPS / 2);
    await timeline.resume({ kind: 'continue', direction: 'backward' });
    const hit = timeline.machine.icount;
    await timeline.seek(hit + 1);
    pool.tasks.length = 0;
    await timeline.resume({ kind: 'continue', direction: 'backward' });
    expect(timeline.machine.icount).toBe(hit);
    expect(pool.tasks.length).toBe(0);
  });
});
