/** Ends of recordings of every kind are gone to, gone back from and come back to, by any way the same. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { Session } from '../../src/assembly/session.js';
import type { Recording } from '../../src/replay/recording.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import * as asm from '../lockstep/encode.js';
import {
  bootBytes,
  bootFixture,
  digestsOf,
  fixture,
  MemoryFile,
  replay,
  savedPart,
} from '../support/sessions.js';
import { sharedCounter } from '../support/small-programs.js';

const folder = mkdtempSync(join(tmpdir(), 'backstub-ends-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const opened: Session[] = [];
afterEach(() => {
  for (const session of opened.splice(0)) session.close();
});

const ECHO = fixture('rv64', 'echo');
const RAM = { ramBytes: 1 << 23 };
const typed = (text: string) => new TextEncoder().encode(text);

/** Types, runs, and types once more at the end: its events enter behind the last step, in the guest's idle time. */
async function typedAtTheEnd(): Promise<{ live: ReturnType<typeof bootFixture>; file: MemoryFile }> {
  const live = bootFixture(ECHO, { config: RAM });
  const file = new MemoryFile();
  const { session } = live;
  session.record(file);
  session.typeConsole(typed('some words\r'));
  session.stopAtIcount(60_000);
  await session.resume({ kind: 'continue', direction: 'forward' });
  for (const text of ['a', 'b']) {
    session.typeConsole(typed(text));
    await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
  }
  session.writeMemory(0, 0x8070_0000n, typed('1'));
  session.writeMemory(0, 0x8070_0001n, typed('2'));
  return { live, file };
}

/** Works for some thousand steps, sleeps until the timer wakes it 10 ms later, and so on. */
const SLEEPER = (() => {
  const [T0, T1, T2, S0] = [5, 6, 7, 8];
  const MIE = 0x304;
  const [MTIMECMP, MTIME] = [0x0200_4000, 0x0200_bff8];
  const program = [
    ...asm.loadConstant(T0, 0x80),
    asm.CSR_OPS.csrrs(0, MIE, T0),
    ...asm.loadConstant(T2, MTIME),
    ...asm.loadConstant(T0, MTIMECMP),
    asm.LOADS.lw(T1, T2, 0),
    ...asm.loadConstant(S0, 100_000),
    asm.REGISTER_OPS.add(T1, T1, S0),
    asm.STORES.sw(T1, T0, 0),
    asm.STORES.sw(0, T0, 4),
    ...asm.loadConstant(S0, 3000),
    asm.IMMEDIATE_OPS.addi(S0, S0, -1),
    asm.BRANCHES.bne(S0, 0, -4),
    asm.WFI,
  ];
  return asm.assemble([...program, asm.jal(0, -4 * program.length)]);
})();

const recordings: Record<string, () => Promise<Recording>> = {
  async 'with several events at the end'() {
    const { live, file } = await typedAtTheEnd();
    live.session.close();
    const recording = file.read();
    const last = [...recording.events].filter(({ icount }) => icount === recording.end.icount);
    expect(last.length).toBeGreaterThan(1);
    return recording;
  },
  async 'that starts in the middle'() {
    const { live } = await typedAtTheEnd();
    const recording = await savedPart(live, { from: 30_000 });
    live.session.close();
    return recording;
  },
  async 'of no steps'() {
    const { live } = await typedAtTheEnd();
    const recording = await savedPart(live, { from: 'end' });
    live.session.close();
    return recording;
  },
  async 'that is cut'() {
    const { live, file } = await typedAtTheEnd();
    live.session.close();
    const { bytes } = file;
    const recording = readRecording(bytes.subarray(0, bytes.length - 20), { name: 'cut' });
    expect(recording.end.kind).toBe('cut');
    return recording;
  },
  async 'that ends while the guest sleeps'() {
    const { session } = bootBytes('image', SLEEPER, { config: RAM });
    const file = new MemoryFile();
    session.record(file);
    session.stopAtIcount(20_000);
    await session.resume({ kind: 'continue', direction: 'forward' });
    while (!session.machine.asleep)
      await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
    session.writeMemory(0, 0x8070_0000n, typed('1'));
    session.close();
    return file.read();
  },
  async 'of four harts'() {
    const { session } = bootBytes('image', sharedCounter(), { config: { ...RAM, harts: 4 } });
    const file = new MemoryFile();
    session.record(file);
    await session.runToEnd({ maxIcount: 100_000 });
    session.close();
    return file.read();
  },
};

const waysToKeep = {
  'with memory for all snapshots': {},
  'with memory for few': { snapshotMemoryBytes: 600_000 },
  'with snapshots on disk': { snapshotMemoryBytes: 600_000, snapshotDisk: folder },
};

for (const [what, made] of Object.entries(recordings)) {
  test.each(Object.entries(waysToKeep))(`a recording ${what}, %s`, async (_how, keep) => {
    const recording = await made();
    const reopened = () => {
      const { session } = replay(recording, { snapshotIntervalSteps: 2000, ...keep });
      opened.push(session);
      return session;
    };
    // Straight there, as nobody has been before.
    const straight = reopened();
    await straight.seek('end');
    const { begin, end } = straight.status();
    const atEnd = digestsOf(straight);
    await straight.seek('end');
    expect(digestsOf(straight)).toEqual(atEnd);

    // Attached at the end, back by steps, on again; and the ends themselves.
    straight.attach();
    for (let i = 0; i < 3; i++)
      await straight.resume({ kind: 'step', direction: 'backward', hart: undefined });
    expect(straight.status().icount).toBe(Math.max(begin, end - 3));
    const before = digestsOf(straight);
    await straight.resume({ kind: 'continue', direction: 'forward' });
    expect([straight.status().icount, digestsOf(straight)]).toEqual([end, atEnd]);
    await straight.resume({ kind: 'continue', direction: 'backward' });
    expect(straight.status().icount).toBe(begin);
    await straight.seek('end');
    expect(digestsOf(straight)).toEqual(atEnd);

    // By other ways.
    const other = reopened();
    other.attach();
    for (const moment of [Math.floor((begin + end) / 2), begin, end, Math.max(begin, end - 3)])
      await other.seek(moment);
    expect(digestsOf(other)).toEqual(before);
    await other.resume({ kind: 'continue', direction: 'forward' });
    expect(digestsOf(other)).toEqual(atEnd);
  });
}
