/** What QEMU's replay.h promises, seen from outside, where no other test shows it: see docs/replay-h.md. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type BootOptions, boot, openRecording } from '../../src/api/index.js';
import { bootFixture, digestsOf, fixture, MemoryFile, replay } from '../support/sessions.js';

const folder = mkdtempSync(join(tmpdir(), 'backstub-replay-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const disk = join(folder, 'disk.img');
writeFileSync(
  disk,
  Uint8Array.from({ length: 65_536 }, (_, i) => (i * 7) & 0xff),
);

const EVERYTHING: BootOptions = {
  rng: true,
  virtioConsole: true,
  inputs: ['keyboard'],
  sound: 'playback',
  disks: [disk],
};
const RTC = 0x10_1000;

describe('replay_can_snapshot', () => {
  test.each([{ diskAsync: false }, { diskAsync: true }])(
    'any step boundary can be gone back to, in the middle of requests too ($diskAsync)',
    async ({ diskAsync }) => {
      using session = boot(fixture('rv64', 'devices'), {
        ...EVERYTHING,
        diskAsync,
        record: join(folder, 'snap.bst'),
      });
      session.virtioConsole.type('some text');
      await session.continue();
      const end = digestsOf(session.target);
      const request = session.target.events().find(({ text }) => text.startsWith('block'))?.icount ?? 150_000;
      const first = request - 40;
      const seen: Readonly<Record<string, string>>[] = [];
      for (let icount = first; icount < first + 80; icount++) {
        await session.seek(icount);
        session.target.saveSnapshot(`at${icount}`);
        seen.push(digestsOf(session.target));
      }
      expect(new Set(seen.map(digests => JSON.stringify(digests))).size).toBe(80);
      for (let icount = first + 79; icount >= first; icount -= 13) {
        await session.target.seek({ snapshot: `at${icount}` });
        expect(digestsOf(session.target)).toEqual(seen[icount - first]);
        await session.seek('end');
        expect(digestsOf(session.target)).toEqual(end);
      }
    },
  );
});

describe('replay_mutex_lock', () => {
  test('a console that is flooded while the guest works is replayed byte for byte', async () => {
    const { session, console } = bootFixture(fixture('rv64', 'devices'), { config: { virtioConsole: true } });
    const file = new MemoryFile();
    session.record(file);
    const flood = new TextEncoder().encode('abcdefghij'.repeat(6_000));
    session.typeConsole(flood, 1);
    session.typeConsole(flood);
    await session.runToEnd({});
    expect(console.text).toMatch(/\nconsole: \d{3,}, checksum/);
    session.close();
    const replayed = replay(file.read());
    await replayed.session.verify();
    expect(replayed.console.text).toBe(console.text);
  });
});

describe('replay_save_clock and replay_read_clock', () => {
  test("the RTC shows the recording's time whenever it is replayed, and reading it is no event", async () => {
    const record = join(folder, 'rtc.bst');
    const rtcSeconds = 1_600_000_000;
    const live = boot(fixture('rv64', 'compute'), { rtcSeconds, record });
    live.target.stopAtIcount(12_345_678);
    await live.continue();
    const shown = live.memory(RTC, 4);
    live.close();
    using replayed = openRecording(record);
    await replayed.seek(12_345_678);
    expect(replayed.memory(RTC, 4)).toEqual(shown);
    await replayed.seek('start');
    await replayed.seek(12_345_678);
    expect(replayed.memory(RTC, 4)).toEqual(shown);
    expect(replayed.target.events()).toEqual([]);
    expect(replayed.target.source.config.rtcSeconds).toBe(rtcSeconds);
  });

  test('timer interrupts by the thousand leave nothing in the log', async () => {
    const { session } = bootFixture(fixture('rv64', 'ticks'));
    const file = new MemoryFile();
    session.record(file);
    await session.runToEnd({});
    session.close();
    expect([...file.read().events]).toEqual([]);
  });
});

describe('replay_shutdown_request', () => {
  test.each(['host-quit', 'host-signal', 'monitor'] as const)(
    '%s: its cause is kept, its moment replayed',
    async cause => {
      const { session } = bootFixture(fixture('rv64', 'echo'));
      const log = new MemoryFile();
      session.record(log);
      session.requestShutdown(cause);
      expect(await session.runToEnd({})).toEqual({ kind: 'power-off', code: 0 });
      session.close();
      const recording = log.read();
      expect([...recording.events].map(({ event }) => event)).toEqual([{ kind: 'shutdown', cause }]);
      expect(await replay(recording).session.verify()).toMatchObject({ end: { kind: 'power-off', code: 0 } });
    },
  );

  test('a reset keeps its cause, also in the middle of requests to all devices', async () => {
    const record = join(folder, 'reset.bst');
    const live = boot(fixture('rv64', 'devices'), { ...EVERYTHING, diskAsync: true, record });
    live.target.stopAtIcount(200_000);
    await live.continue();
    const inFlight = () => live.target.machine.inputs.diskRequests().length;
    while (inFlight() === 0) await live.step();
    live.target.reset('script');
    await live.continue();
    expect(live.console.text.match(/all started/g)).toHaveLength(2);
    live.close();
    using replayed = openRecording(record);
    expect(await replayed.target.verify()).toMatchObject({ end: { kind: 'power-off', code: 0 } });
    expect(replayed.target.events().map(({ text }) => text)).toContain('reset by script');
  });
});

describe('replay_block_event', () => {
  test('what the guest writes is undone by going back, and never reaches the image', async () => {
    const before = readFileSync(disk);
    using session = boot(fixture('rv64', 'devices'), EVERYTHING);
    await session.continue();
    const written = digestsOf(session.target);
    expect(session.console.text).toMatch(/\ndisk: 391, checksum/);
    await session.seek('start');
    await session.seek('end');
    expect(digestsOf(session.target)).toEqual(written);
    expect(readFileSync(disk)).toEqual(before);
    expect(session.target.events()).toEqual([]);
  });

  test("with --disk-async each completion is an event, and the order is the host's", async () => {
    const record = join(folder, 'order.bst');
    const live = boot(fixture('rv64', 'devices'), { ...EVERYTHING, diskAsync: true, record });
    await live.continue();
    live.close();
    using replayed = openRecording(record);
    await replayed.target.verify();
    const requests = replayed.target.events().filter(({ text }) => text.startsWith('block 0 request '));
    expect(new Set(requests.map(({ text }) => text)).size).toBe(391);
  });
});

describe('replay_bh_schedule_event', () => {
  test('deferred work of a device comes at the same step in every run', async () => {
    const run = async () => {
      using session = boot(fixture('rv64', 'devices'), { rng: true });
      await session.continue();
      return (await session.interrupts()).map(({ icount }) => icount);
    };
    const first = await run();
    expect(first.length).toBeGreaterThan(700);
    expect(await run()).toEqual(first);
    expect(await run()).toEqual(first);
  });
});
