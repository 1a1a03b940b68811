import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession, type Session } from '../../src/assembly/session.js';
import type { HostClock } from '../../src/ports/host.js';
import { bytesAsSource } from '../../src/replay/byte-source.js';
import { ChunkCursor } from '../../src/replay/chunk-reader.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { backstub, scratchFolder, start } from '../cli/backstub.js';
import * as asm from '../lockstep/encode.js';
import { Random } from '../lockstep/random.js';
import { bootBytes, bootFixture, MemoryFile, REPOSITORY, replay } from '../support/sessions.js';
import { ScriptedHost } from './scripted-host.js';

const KILLS = process.env.BACKSTUB_FULL ? 200 : 20;
/** `ticks` runs some 40 M steps; with a realtime clock it lasts for seconds. */
const TICKS = 'fixtures/rv64/ticks.elf';

test(
  'a recorder killed at any moment leaves a recording that verifies nearly to that moment',
  async () => {
    const random = new Random(20261124);
    const folder = scratchFolder();
    let longest = 0;
    let typed = 0;
    for (let i = 0; i < KILLS; i++) {
      const file = join(folder, `${i}.bst`);
      const running = start(['record', TICKS, '-o', file, '--clock', 'realtime'], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      await new Promise(resolve => running.process.stdout?.once('data', resolve));
      const chunks = random.below(6);
      for (let n = 0; n < chunks; n++) {
        running.process.stdin?.write('typed\r');
        await new Promise(resolve => setTimeout(resolve, random.below(150)));
      }
      await new Promise(resolve => setTimeout(resolve, random.below(500)));
      running.process.kill('SIGKILL');
      await running.ended;
      const recording = readRecording(new Uint8Array(readFileSync(file)), { name: file });
      expect(recording.end.kind).toBe('cut');
      const { session } = replay(recording);
      const { checkpoints, icount } = await session.verify();
      expect(checkpoints).toBeGreaterThanOrEqual(1);
      expect(icount).toBe(recording.end.icount);
      longest = Math.max(longest, icount);
      typed += [...recording.events].filter(({ event }) => event.kind === 'console').length;
    }
    // They were not all killed before anything happened.
    expect(longest).toBeGreaterThan(100_000);
    expect(typed).toBeGreaterThan(0);
    const last = join(folder, `${KILLS - 1}.bst`);
    const end = readRecording(new Uint8Array(readFileSync(last))).end.icount;
    expect((await backstub('info', last)).stdout).toMatch(
      new RegExp(`^end +cut at icount ${end}: the recorder was killed$`, 'm'),
    );
    const verified = await backstub('verify', last);
    expect(verified.stdout).toContain(`cut at icount ${end}: the recorder was killed`);
    expect(verified.stderr).toBe(`backstub: ${last} ends early: its recorder was killed\n`);
  },
  KILLS * 15_000,
);

test('what entered while a debugger looks on is in the file before the debugger hears', async () => {
  const file = new MemoryFile();
  const { session } = bootFixture(TICKS);
  session.record(file);
  session.typeConsole(new TextEncoder().encode('typed'));
  session.stopAtIcount(10_000);
  await session.resume({ kind: 'continue', direction: 'forward' });
  const kinds = () => [...file.read().events].map(({ event }) => event.kind);
  expect(kinds()).toEqual(['console']);
  session.writeRegister(0, 5, new Uint8Array(8));
  expect(kinds()).toEqual(['console', 'write-register']);
  session.writeMemory(0, 0x8010_0000n, Uint8Array.of(1));
  session.reset();
  expect(kinds()).toEqual(['console', 'write-register', 'write-memory', 'reset']);
  expect((await replay(file.read()).session.verify()).icount).toBe(10_000);
  session.close();
});

/** A host whose time passes when it is told to, and while it sleeps. */
class SetClock implements HostClock {
  ms = 0;
  asleep: () => void = () => {};
  nowMs = () => this.ms;
  async sleep(ms: number): Promise<void> {
    this.ms += Math.min(ms, 100);
    this.asleep();
    await null;
  }
}

const progressMarks = (file: MemoryFile): number => {
  const cursor = new ChunkCursor(bytesAsSource(file.bytes));
  let marks = 0;
  for (let chunk = cursor.next(); chunk; chunk = cursor.next()) if (chunk.type === 'progress') marks++;
  return marks;
};

describe('a recorder that is killed while the machine rests has lost nothing', () => {
  test('at a debugger that stops no more than once a second; else a second at most', async () => {
    const clock = new SetClock();
    const file = new MemoryFile();
    const { session } = bootFixture(TICKS, { hostClock: clock });
    session.record(file);
    const stopIn = async (steps: number, ms: number) => {
      session.stopAtIcount(session.status().icount + steps);
      clock.ms += ms;
      await session.resume({ kind: 'continue', direction: 'forward' });
      return session.status().icount;
    };
    const covered = () => file.read().end.icount;
    const first = await stopIn(7000, 100);
    expect(covered()).toBe(first);
    const second = await stopIn(7000, 100);
    expect(second).toBeGreaterThan(covered());
    clock.ms += 900;
    await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
    expect(covered()).toBe(second + 1);
    expect((await replay(file.read()).session.verify()).icount).toBe(second + 1);

    const before = { marks: progressMarks(file), ms: clock.ms };
    for (let i = 0; i < 600; i++) {
      clock.ms += 10;
      await session.resume({ kind: 'step', direction: 'forward', hart: undefined });
    }
    const seconds = (clock.ms - before.ms) / 1000;
    expect(progressMarks(file) - before.marks).toBeLessThanOrEqual(seconds + 1);
    expect(covered()).toBeGreaterThan(session.status().icount - 101);
    session.close();
  });

  test('asleep, be it for ever: what it printed before is in the recording', async () => {
    const clock = new SetClock();
    const file = new MemoryFile();
    const { session, console } = bootBytes('printer.bin', printAndSleep('some words'), {
      clock: 'realtime',
      hostClock: clock,
    });
    session.record(file);
    const killed: Uint8Array[] = [];
    clock.asleep = () => killed.push(file.bytes);
    expect(await session.runToEnd({ timeoutMs: 3000 })).toEqual({ kind: 'limit', which: 'timeout' });
    expect(killed.length).toBeGreaterThan(10);
    expect(console.text).toContain('some words');
    const cut = readRecording(killed[1]);
    expect(cut.end).toEqual({ kind: 'cut', icount: session.status().icount });
    const again = replay(cut);
    await again.session.verify();
    expect(again.console.text).toBe(console.text);
    expect(progressMarks(file)).toBeLessThanOrEqual(4);
  });
});

/** Prints a text and sleeps for ever. */
function printAndSleep(text: string): Uint8Array {
  const [T0, T1] = [5, 6];
  const { addi } = asm.IMMEDIATE_OPS;
  const print = Array.from(text, letter => [addi(T1, 0, letter.charCodeAt(0)), asm.STORES.sb(T1, T0, 0)]);
  return asm.assemble([asm.lui(T0, 0x10000), ...print.flat(), asm.WFI, asm.jal(0, -4)]);
}

test.each(['virtual', 'realtime'] as const)(
  'at every moment the file reaches to within a second of the present, with a %s clock',
  async clock => {
    const random = new Random(7);
    const file = new MemoryFile();
    const host = new ScriptedHost(11, 300);
    /** Each look of the recorder at the time: all that it appended up to then survives its death. */
    const looks: { readonly ms: number; readonly icount: number; readonly bytes: number }[] = [];
    let booted: Session | undefined;
    const watched: HostClock = {
      nowMs() {
        const ms = host.nowMs();
        looks.push({ ms, icount: booted?.status().icount ?? 0, bytes: file.length });
        return ms;
      },
      sleep: (ms, wake) => host.sleep(ms, wake),
    };
    const session = bootFixture(TICKS, { clock, hostClock: watched }).session;
    booted = session;
    looks.length = 0;
    host.happens = () => session.typeConsole(new TextEncoder().encode('typed\r'));
    session.record(file);
    await session.runToEnd({ maxIcount: 12_000_000 });
    expect(looks.at(-1)!.ms - looks[0].ms).toBeGreaterThan(5000);
    const bytes = file.bytes;
    let events = 0;
    for (let i = 0; i < 200; i++) {
      const killed = random.pick(looks.filter(look => look.bytes > 0));
      const recording = readRecording(bytes.slice(0, killed.bytes));
      const before = looks.findLast(({ ms }) => ms <= killed.ms - 1000);
      expect(recording.end.icount).toBeGreaterThanOrEqual(before?.icount ?? 0);
      expect(recording.end.icount).toBeLessThanOrEqual(session.status().icount);
      events = Math.max(events, recording.events.length);
      if (i % 20 !== 0) continue;
      const replayed = replay(recording).session;
      expect((await replayed.verify()).icount).toBe(recording.end.icount);
    }
    expect(events).toBeGreaterThan(5);
  },
);

test.each(['virtual', 'realtime'] as const)(
  'a guest that always waits for the host keeps its checkpoints, with a %s clock',
  async clock => {
    const host = new ScriptedHost(5);
    const hostClock: HostClock = {
      nowMs: () => host.nowMs(),
      // The disks' work and all else of the host is done in turns of the event loop.
      sleep: async (ms, wake) => {
        await new Promise(resolve => setImmediate(resolve));
        await host.sleep(ms, wake);
      },
    };
    const console = new MemoryConsole();
    const firmware = 'fixtures/rv64/devices.elf';
    const session = bootSession(
      { name: firmware, bytes: readFileSync(join(REPOSITORY, firmware)) },
      {
        clock,
        disks: [{ name: 'disk', sectors: 64, extents: [] }],
        config: { diskAsync: true, rng: true, entropy: 'host', ramBytes: 2 << 20 },
      },
      {
        console,
        clock: hostClock,
        random: length => new Uint8Array(length),
        blocks: { start: (_disk, _offset, _length, done) => void setImmediate(done) },
      },
    );
    const file = new MemoryFile();
    const startMs = host.nowMs();
    session.record(file);
    expect(await session.runToEnd({ maxIcount: 50_000_000 })).toEqual({ kind: 'power-off', code: 0 });
    const seconds = (host.nowMs() - startMs) / 1000;
    session.close();
    expect(seconds).toBeGreaterThan(3);
    const { checkpoints, events } = file.read();
    expect(events.length).toBeGreaterThan(300);
    // One each half second, at the most.
    expect(checkpoints.length).toBeGreaterThan(1.5 * seconds);
    await replay(file.read()).session.verify();
  },
);
