import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import type { HostClock } from '../../src/ports/host.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { Random } from '../lockstep/random.js';
import { digestsOf, MemoryFile, replay } from '../support/sessions.js';
import { type Digests, disturb, someMoments, straightRun } from './moments.js';
import { ScriptedHost } from './scripted-host.js';
import { EACH_SUBJECT } from './subject.js';

const RUNS = process.env.BACKSTUB_FULL ? 400 : 25;

/** Whatever way leads to a moment, the machine is the same there. */
async function expectSameEverywhere(
  session: Session,
  expected: ReadonlyMap<number, Digests>,
  random: Random,
): Promise<void> {
  const moments = [...expected.keys()];
  for (let i = 0; i < 2 * moments.length; i++) {
    const moment = random.pick(moments);
    await session.seek(moment);
    expect(digestsOf(session), `icount ${moment}`).toEqual(expected.get(moment));
  }
}

describe.each(EACH_SUBJECT)('of %s, a recording is replayed exactly', (_, subject) => {
  test('random programs on 1 to 4 harts, with a debugger and typed input in between', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          seed: fc.nat(),
          harts: fc.integer({ min: 1, max: 4 }),
          quietly: fc.boolean(),
        }),
        async ({ seed, harts, quietly }) => {
          const random = new Random(seed);
          const file = new MemoryFile();
          const live = subject.random(seed, {
            harts,
            hostClock: new ScriptedHost(seed),
            snapshotIntervalSteps: 1 + random.below(400),
          });
          live.session.record(file);
          if (!quietly) {
            live.session.attach();
            await disturb(live, random, subject);
          }
          await live.session.runToEnd({ maxIcount: live.session.status().icount + 3000 });
          const end = live.session.status().icount;
          const moments = someMoments(random, end, 12);
          const recording = file.read();
          const verifier = replay(recording).session;
          await verifier.verify();
          expect(digestsOf(verifier)).toEqual(digestsOf(live.session));
          expect(verifier.status().icount).toBe(end);
          const expected = await straightRun(replay(recording), moments);
          expect(expected.get(end)).toEqual(digestsOf(live.session));

          const other = replay(recording, { snapshotIntervalSteps: 1 + random.below(300) });
          other.session.attach();
          await expectSameEverywhere(other.session, expected, random);
          live.session.attach();
          await expectSameEverywhere(live.session, expected, random);
        },
      ),
      { numRuns: Math.ceil(RUNS * subject.share) },
    );
  });

  test.each(subject.typedAt)('%s with a %s clock, typed at when the host pleases', async (...guest) => {
    const [, clock, boot, takesInput] = guest;
    const { steps, everyMs } = subject.typing;
    for (const seed of [1, 2, 3]) {
      const text = ['a', 'some words\r', 'q', '\r', 'quit\r', '\x04', 'x'.repeat(300)];
      const host = new ScriptedHost(seed, everyMs);
      const live = boot({ clock, hostClock: host });
      host.happens = chance => live.console.type(chance.pick(text));
      const file = new MemoryFile();
      live.session.record(file);
      await live.session.runToEnd({ maxIcount: steps });
      live.session.close();
      const recording = file.read();
      const { session, console } = replay(recording);
      const { checkpoints } = await session.verify();
      expect(checkpoints).toBe(recording.checkpoints.length);
      expect(digestsOf(session)).toEqual(digestsOf(live.session));
      expect(console.text).toBe(live.console.text);
      if (takesInput) expect(recording.events.length).toBeGreaterThan(0);
      if (clock === 'realtime')
        expect([...recording.events].some(({ event }) => event.kind === 'warp')).toBe(true);

      const random = new Random(seed);
      const expected = await straightRun(replay(recording), someMoments(random, recording.end.icount, 4));
      live.session.attach();
      await expectSameEverywhere(live.session, expected, random);
    }
  });
});

describe.each(EACH_SUBJECT)('on %s, a timer that wakes nobody', (_, { deafSleeper }) => {
  test.each(['virtual', 'realtime'] as const)('is replayed, %s clock', async clock => {
    const file = new MemoryFile();
    let killed: Uint8Array = new Uint8Array();
    // At each look at this clock a checkpoint is due.
    let ms = 0;
    const hostClock: HostClock = {
      nowMs: () => (ms += 600),
      sleep: async () => {
        killed = file.bytes;
      },
    };
    const { session } = deafSleeper({ clock, hostClock });
    session.record(file);
    expect(await session.runToEnd({ timeoutMs: 20_000 })).toEqual({ kind: 'limit', which: 'timeout' });
    expect(session.status().virtualNs).toBeGreaterThanOrEqual(1000 * 100);
    const again = replay(file.read()).session;
    await again.verify();
    expect(digestsOf(again)).toEqual(digestsOf(session));
    // What is in the file while everything sleeps is right as well.
    const cut = readRecording(killed, { name: 'cut' });
    expect(cut.end.kind).toBe('cut');
    expect([...cut.events].map(({ event }) => event.kind)).toContain('warp');
    expect((await replay(cut).session.verify()).icount).toBe(session.status().icount);
  });
});

describe.each(EACH_SUBJECT)('on %s, the length of a run leaves no trace', (_, subject) => {
  test.each([1, 3])('%i harts', async harts => {
    const boot = () => subject.random(77, { harts });
    const whole = boot().session;
    await whole.runToEnd({ maxIcount: 9001 });
    const { session: parts } = boot();
    const random = new Random(harts);
    for (let at = 0; at < 9001; ) {
      at = Math.min(9001, at + 1 + random.below(40));
      await parts.runToEnd({ maxIcount: at });
    }
    expect(digestsOf(parts)).toEqual(digestsOf(whole));
  });
});
