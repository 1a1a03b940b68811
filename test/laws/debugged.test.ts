import { describe, expect, test } from 'vitest';
import { TargetError } from '../../src/timeline/debug-target.js';
import { Random } from '../lockstep/random.js';
import {
  bootBytes,
  bootFixture,
  digestsOf,
  fixture,
  type Live,
  MemoryFile,
  replay,
} from '../support/sessions.js';
import { sharedCounter, tokenRing } from '../support/small-programs.js';
import { ScriptedHost } from './scripted-host.js';

const SEEDS = process.env.BACKSTUB_FULL ? 60 : 4;
const RAM = 4 << 20;

/** A machine to debug, and places in its code and data worth stopping at. */
interface Subject {
  readonly code: readonly bigint[];
  readonly data: readonly bigint[];
  boot(host: ScriptedHost): Live;
}

/** `ticks`: its wfi, the instruction behind it, the handler of the timer, and the entry of all traps. */
const TICKS_CODE = [0x8000_02f8n, 0x8000_02fcn, 0x8000_02fen, 0x8000_01b0n];
/** Its `checksum`, its `ticks`, and what it never writes. */
const TICKS_DATA = [0x8000_1184n, 0x8000_1188n, 0x8000_3000n];

const firmware = (name: string, code: readonly bigint[], clock: 'virtual' | 'realtime'): Subject => ({
  code,
  data: TICKS_DATA,
  boot: hostClock =>
    bootFixture(fixture('rv64', name), {
      clock,
      hostClock,
      config: { ramBytes: RAM },
      snapshotIntervalSteps: 9000,
    }),
});

const program = (name: string, bytes: Uint8Array, code: readonly bigint[]): Subject => ({
  code,
  data: [0x8000_1000n, 0x0200_0000n, 0x0200_0004n],
  boot: hostClock =>
    bootBytes(name, bytes, { hostClock, config: { harts: 3, ramBytes: RAM }, snapshotIntervalSteps: 500 }),
});

interface Stop {
  readonly icount: number;
  readonly events: number;
  readonly digests: Readonly<Record<string, string>>;
}

/** What a user with a script might do, for a while. Returns every stop. */
async function debug({ session, console }: Live, subject: Subject, random: Random): Promise<Stop[]> {
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

describe('every stop of a debugger is a moment of the history', () => {
  test.each<[string, Subject]>([
    ['ticks, virtual clock', firmware('ticks', TICKS_CODE, 'virtual')],
    ['ticks, realtime clock', firmware('ticks', TICKS_CODE, 'realtime')],
    ['three busy harts', program('counter', sharedCounter(), [0x8000_0010n, 0x8000_0014n])],
    [
      'three harts that sleep in turns',
      program('ring', tokenRing(), [0x8000_0034n, 0x8000_0038n, 0x8000_0044n]),
    ],
  ])('%s', async (_, subject) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed);
      const host = new ScriptedHost(seed, 60);
      const live = subject.boot(host);
      // Ctrl-C now and then: not everything that is waited for comes.
      host.happens = () => live.session.interrupt();
      const file = new MemoryFile();
      live.session.record(file);
      const stops = await debug(live, subject, random);
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
});
