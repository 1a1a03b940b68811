import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostClock } from '../../src/ports/host.js';
import * as asm from '../lockstep/encode.js';
import { type BootOptions, bootBytes, fixture, MemoryFile, REPOSITORY } from '../support/sessions.js';

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

/** Reads the RTC for ever and adds up what it says. */
function rtcSpin(): Uint8Array {
  const [T0, T1, S0] = [5, 6, 8];
  return asm.assemble([
    asm.lui(T0, 0x101),
    asm.LOADS.lw(T1, T0, 0),
    asm.REGISTER_OPS.add(S0, S0, T1),
    asm.jal(0, -8),
  ]);
}

const elf = (name: string) => readFileSync(join(REPOSITORY, fixture('rv64', name)));
const BYTES_PER_SECOND = 200;
const LEAST_SECONDS = 70;

async function recorded(name: string, image: Uint8Array, maxIcount: number, options: BootOptions = {}) {
  const clock = new CountedClock(50);
  const { session } = bootBytes(name, image, { hostClock: clock, ...options });
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

describe('no input is logged, and next to nothing else, for a guest that', () => {
  test.each<[string, () => Uint8Array, number, BootOptions]>([
    ['computes', () => elf('compute-long'), 8_000_000, {}],
    ['takes timer interrupts', () => elf('ticks'), 39_000_000, {}],
    ['takes timer interrupts in real time', () => elf('ticks'), 39_000_000, { clock: 'realtime' }],
    ['spins on the RTC', rtcSpin, 6_000_000, {}],
  ])('%s', async (name, image, maxIcount, options) => {
    const { recording, grown, seconds } = await recorded(name, image(), maxIcount, options);
    expect([...recording.events]).toEqual([]);
    const changed = changedBytes([...recording.checkpoints].map(({ state }) => state));
    expect(seconds).toBeGreaterThan(LEAST_SECONDS);
    expect(recording.checkpoints.length).toBeGreaterThan(seconds);
    expect(recording.checkpoints.length).toBeLessThan(2 * seconds + 3);
    expect((grown - changed) / seconds).toBeLessThan(BYTES_PER_SECOND);
  });
});
