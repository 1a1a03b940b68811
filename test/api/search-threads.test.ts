/** Searches on real threads. They run the built package: a thread's file has to stand where it is shipped. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { runScript } from '../support/script.js';
import { REPOSITORY } from '../support/sessions.js';

type Api = typeof import('../../src/api/index.js');
type Session = ReturnType<Api['boot']>;

async function builtApi(): Promise<Api> {
  const path = join(REPOSITORY, 'dist/api/index.js');
  if (!existsSync(path)) throw new Error('dist/ is missing: run npm run build, or npm test, which does');
  return import(pathToFileURL(path).href) as Promise<Api>;
}

const folders: string[] = [];
let threads = 0;
process.on('worker', () => threads++);
afterEach(() => {
  threads = 0;
  delete process.env.BACKSTUB_SEARCH_WORKERS;
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

interface Setting {
  readonly threads: number;
  readonly harts?: number;
  readonly spill?: boolean;
}

async function recorded({ threads, harts = 1, spill = false }: Setting): Promise<Session> {
  const { boot } = await builtApi();
  process.env.BACKSTUB_SEARCH_WORKERS = String(threads);
  let disk = {};
  if (spill) {
    const folder = mkdtempSync(join(tmpdir(), 'backstub-threads-'));
    folders.push(folder);
    disk = { snapshotDisk: folder, snapshotMemory: 900_000 };
  }
  const session = boot('fixtures/rv64/ticks.elf', { harts, snapshotInterval: 50_000, ...disk });
  await session.target.runToEnd({ maxIcount: 3_000_000 });
  return session;
}

async function wayBack(session: Session): Promise<string[]> {
  const stops: string[] = [];
  for (;;) {
    const stop = await session.reverseContinue();
    stops.push(`${session.icount} ${stop.kind} ${session.pc} ${session.value('ticks')}`);
    if (stop.kind === 'history') return stops;
    await session.seek(Math.max(0, session.icount - 432_101));
  }
}

describe('searching back on threads', () => {
  test.each([
    { harts: 1, spill: false },
    { harts: 3, spill: false },
    { harts: 1, spill: true },
  ])('finds what one thread finds: $harts harts, spill $spill', async setting => {
    await using alone = await recorded({ ...setting, threads: 0 });
    await using spread = await recorded({ ...setting, threads: 2 });
    for (const session of [alone, spread]) session.watch('checksum', { access: 'read' });
    const wanted = await wayBack(alone);
    expect(wanted.length).toBeGreaterThan(4);
    expect(await wayBack(spread)).toEqual(wanted);
    for (const session of [alone, spread]) {
      session.target.clearBreakpoints();
      session.watch(0x8000_7f00, { length: 8, access: 'access' });
      await session.seek('end');
    }
    // Nothing ever touches it: every interval is run.
    expect(await wayBack(spread)).toEqual(await wayBack(alone));
    expect(await spread.lastWrite('ticks')).toEqual(await alone.lastWrite('ticks'));
    // A pool of which a thread had failed would be given up.
    expect(spread.target.searchPool?.size).toBe(2);
    expect(threads).toBeGreaterThan(0);
  });

  test('is interrupted where the user was', async () => {
    await using session = await recorded({ threads: 2 });
    const { icount } = session;
    for (let i = 0; i < 20; i++) {
      session.watch(0x8000_7f00 + 8 * i, { length: 1, access: 'read' });
      const stopped = session.reverseContinue();
      // Somewhere in the middle, a little further each time.
      for (let turn = 0; turn < i; turn++) await new Promise(resolve => setImmediate(resolve));
      session.interrupt();
      const { kind } = await stopped;
      if (kind === 'history') await session.seek('end');
      else expect(kind).toBe('interrupt');
      expect(session.icount).toBe(icount);
    }
  });

  test('a script ends by itself with threads that have searched', async () => {
    const { code, stdout } = await runScript(
      `
      const session = boot('fixtures/rv64/ticks.elf', { snapshotInterval: 50_000 });
      await session.target.runToEnd({ maxIcount: 1_000_000 });
      session.watch(0x80007f00, { length: 8, access: 'read' });
      const stop = await session.reverseContinue();
      console.log(stop.kind, session.icount);`,
      { BACKSTUB_SEARCH_WORKERS: '2' },
    );
    expect([code, stdout]).toEqual([0, 'history 0\n']);
  });
});
