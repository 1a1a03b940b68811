import { describe, expect, test } from 'vitest';
import type { HostClock } from '../../src/ports/host.js';
import { MemoryFile } from '../support/sessions.js';
import { type Boot, EACH_SUBJECT } from './subject.js';

/** The host's time passes by the look, so that a run takes as long on every computer. */
class CountedClock implements HostClock {
  ms = 0;
  constructor(readonly msPerLook: number) {}

  nowMs(): number {
    this.ms += this.msPerLook;
    return this.ms;
  }

  async sleep(ms: number): Promise<void> {
    this.ms += ms;
    await null;
  }
}

const BYTES_PER_SECOND = 200;
const LEAST_SECONDS = 70;

async function recorded(boot: Boot, maxIcount: number) {
  const clock = new CountedClock(50);
  const { session } = boot({ hostClock: clock });
  const file = new MemoryFile();
  session.record(file);
  const startBytes = file.bytes.length;
  const startMs = clock.ms;
  await session.runToEnd({ maxIcount });
  const seconds = (clock.ms - startMs) / 1000;
  session.close();
  return { recording: file.read(), grown: file.bytes.length - startBytes, seconds };
}

/** Bytes of declared state that differ from one checkpoint to the next, in all. */
function changedBytes(states: readonly Uint8Array[]): number {
  let changed = 0;
  for (const [i, state] of states.slice(1).entries()) {
    for (const [at, byte] of state.entries()) if (byte !== states[i][at]) changed++;
  }
  return changed;
}

describe.each(EACH_SUBJECT)(
  'on %s, no input is logged, and next to nothing else, for a guest that',
  (_, { quiet }) => {
    test.each(quiet)('%s', async (_name, maxIcount, boot) => {
      const { recording, grown, seconds } = await recorded(boot, maxIcount);
      expect([...recording.events]).toEqual([]);
      const changed = changedBytes([...recording.checkpoints].map(({ state }) => state));
      expect(seconds).toBeGreaterThan(LEAST_SECONDS);
      expect(recording.checkpoints.length).toBeGreaterThan(seconds);
      expect(recording.checkpoints.length).toBeLessThan(2 * seconds + 3);
      expect((grown - changed) / seconds).toBeLessThan(BYTES_PER_SECOND);
    });
  },
);
