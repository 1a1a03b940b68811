import { describe, expect, test } from 'vitest';
import { TargetError } from '../../src/timeline/debug-target.js';
import { Random } from '../lockstep/random.js';
import { digestsOf, type Live, MemoryFile, replay } from '../support/sessions.js';
import { ScriptedHost } from './scripted-host.js';
import { type DebuggedProgram, EACH_SUBJECT } from './subject.js';

const SEEDS = process.env.BACKSTUB_FULL ? 60 : 4;
interface Stop {
  readonly icount: number;
  readonly events: number;
  readonly digests: Readonly<Record<string, string>>;
}

/** What a user with a script might do, for a while. Returns every stop. */
async function debug({ session, console }: Live, subject: DebuggedProgram, random: Random): Promise<Stop[]> {
  const stops: Stop[] = [];
  const direction = () => (random.chance(60) ? 'forward' : 'backward');
  const harts = session.harts().length;
  // The host may interrupt that, too: then it stays where it was.
  const seek = (to: number | 'end') =>
    session.seek(to).catch((error: unknown) => expect(error).toBeInstanceOf(TargetError));
  session.attach();
  for (let i = 0; i < 60; i++) {
    const address = random.pick(subject.code);
    const watched = random.pick(subject.data);
    switch (random.below(8)) {
      case 0:
        session.insertBreakpoint(address);
        await session.resume({ kind: 'continue', direction: direction(), points: 'elsewhere' });
        session.removeBreakpoint(address);
        break;
      case 1:
        session.insertWatchpoint('write', watched, 8);
        if (random.chance(50)) session.insertBreakpoint(address);
        await session.resume({ kind: 'continue', direction: direction() });
        session.clearBreakpoints();
        break;
      case 2:
        for (let n = random.below(20); n > 0; n--) {
          await session.resume({ kind: 'step', direction: direction(), hart: random.below(harts) });
        }
        break;
      case 3:
        await seek(random.below(session.status().end + 1));
        break;
      case 4:
        await seek('end');
        console.type(random.bytes(1 + random.below(5)));
        break;
      case 5: {
        // An interrupt at whatever moment it comes.
        const running = session.resume({ kind: 'continue', direction: direction() });
        session.interrupt();
        await running;
        break;
      }
      case 6:
        await seek('end');
        if (session.navigator.atEnd && session.status().powerOff === undefined) {
          session.writeMemory(0, subject.data[subject.data.length - 1], random.bytes(4));
        }
        break;
      default:
        session.saveSnapshot(`stop ${i}`);
        break;
    }
    if (session.branches.list().length > 1) throw new Error('nothing was changed in the past');
    stops.push({
      icount: session.status().icount,
      events: session.navigator.cursor,
      digests: digestsOf(session),
    });
  }
  return stops;
}

describe.each(EACH_SUBJECT)(
  'on %s, every stop of a debugger is a moment of the history',
  (_, { debugged }) => {
    test.each(debugged.map(one => [one.name, one] as const))('%s', async (_name, program) => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const random = new Random(seed);
        const host = new ScriptedHost(seed, 60);
        const live = program.boot({ hostClock: host });
        // Ctrl-C now and then: not everything that is waited for comes.
        host.happens = () => live.session.interrupt();
        const file = new MemoryFile();
        live.session.record(file);
        const stops = await debug(live, program, random);
        live.session.close();
        const recording = file.read();
        const { session } = replay(recording);
        await session.verify();
        const { log } = session.history;
        for (const { icount, events, digests } of stops) {
          // What entered at this moment after the stop has changed it.
          if (log.indexAfter(icount) !== events) continue;
          await session.seek(icount);
          expect(digestsOf(session), `seed ${seed}, icount ${icount}`).toEqual(digests);
        }
      }
    });
  },
);
