/**
 * Seeks, steps and searches in random order, against a trace made by single steps: what the machine is, and
 * where it stops, has to be what brute force says.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { MemoryConsole } from '../../src/api/memory-console.js';
import { bootSession } from '../../src/assembly/session.js';
import { systemClock } from '../../src/host/clock.js';
import { parseElf } from '../../src/images/elf.js';
import { readSymbols } from '../../src/images/symbols.js';
import type { DiskContents } from '../../src/ports/config.js';
import { RISCV_ELF } from '../../src/riscv/elf-machine.js';
import { MachineDigest } from '../../src/snapshot/digest.js';
import type { Timeline } from '../../src/timeline/timeline.js';
import { NEWER_CPU, NEWER_MARKER, NEWER_WORD, newerExtensions } from '../support/small-programs.js';
import { SUPERVISOR_TICKS, supervisorTicks } from '../support/supervisor-ticks.js';
import { digestText, type Trace, traceOf } from './oracle.js';

const FULL = process.env.BACKSTUB_FULL !== undefined;
const MOVES = FULL ? 10_000 : 2_000;

/** xorshift32: the same moves for the same seed. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 1;
  return limit => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** What is run: where it stops, which word of it is watched, and how long a step takes. */
interface Guest {
  readonly fixture: string;
  /** Where it is no fixture's file: its bytes and the places in it, by name. */
  readonly raw?: { readonly bytes: Uint8Array; readonly symbols: ReadonlyMap<string, bigint> };
  readonly cpu?: string;
  readonly xlen: 32 | 64;
  readonly harts: number;
  readonly icountShift: number;
  readonly breakpoint: string;
  readonly watched: string;
  readonly steps: number;
  readonly disks?: readonly DiskContents[];
}

const ticks = {
  fixture: 'ticks',
  icountShift: 9,
  breakpoint: 'on_tick',
  watched: 'ticks',
  steps: FULL ? 120_000 : 30_000,
} as const;
/** Processes in U mode behind Sv39, switched by a timer, that sleep while a virtio disk works. */
const kernel: Omit<Guest, 'harts'> = {
  fixture: 'kernel',
  xlen: 64,
  icountShift: 6,
  breakpoint: 'switch_context',
  watched: 'switches',
  steps: FULL ? 400_000 : 150_000,
  disks: [{ name: 'disk', sectors: 64, extents: [] }],
};

/** Its harts sleep in S mode until timers of their own wake them. */
const supervisor = {
  fixture: 'supervisor-ticks',
  raw: {
    bytes: supervisorTicks(64, 200),
    symbols: new Map([
      ['handler', BigInt(SUPERVISOR_TICKS.handler)],
      ['count', BigInt(SUPERVISOR_TICKS.count)],
    ]),
  },
  cpu: 'rv64',
  xlen: 64,
  icountShift: 9,
  breakpoint: 'handler',
  watched: 'count',
  steps: 30_000,
} as const;

/** Instructions of newer extensions, among them accesses of more than eight bytes. */
const newer = {
  fixture: 'newer-extensions',
  raw: {
    bytes: newerExtensions(),
    symbols: new Map([
      ['marker', BigInt(NEWER_MARKER)],
      ['word', BigInt(NEWER_WORD)],
    ]),
  },
  cpu: NEWER_CPU,
  xlen: 64,
  icountShift: 3,
  breakpoint: 'marker',
  watched: 'word',
  steps: FULL ? 100_000 : 20_000,
} as const;

async function recordGuest({ fixture, raw, cpu, xlen, harts, icountShift, steps, disks }: Guest) {
  const name = raw ? `${fixture}.bin` : `fixtures/rv${xlen}/${fixture}.elf`;
  const bytes = raw?.bytes ?? readFileSync(name);
  const console = new MemoryConsole();
  const timeline = bootSession(
    { name, bytes },
    {
      config: { harts, icountShift, ramBytes: 2 ** 20 * 4, ...(cpu === undefined ? {} : { cpu }) },
      clock: 'virtual',
      snapshotIntervalSteps: 4_321,
      disks,
    },
    { console, clock: systemClock },
  );
  timeline.attach();
  const symbols =
    raw?.symbols ??
    new Map(readSymbols(parseElf(name, bytes, RISCV_ELF)).map(one => [one.name, one.address]));
  for (const at of [steps / 5, steps / 3, steps / 2, steps - 100]) {
    await timeline.runToEnd({ maxIcount: Math.floor(at) });
    console.type(`line ${at}\r`);
  }
  await timeline.runToEnd({ maxIcount: steps });
  return { timeline, symbols };
}

async function check(
  timeline: Timeline,
  trace: Trace,
  steps: number,
  breakpoint: bigint,
  watched: bigint,
  seed: number,
) {
  const random = randomFrom(seed);
  const { machine } = timeline;
  const digest = new MachineDigest(machine.board.memory, machine.board.plan);
  const hits = trace.pcs.flatMap((pc, i) => (pc === breakpoint && i < steps ? [i] : []));
  const { writes } = trace;
  expect(hits.length).toBeGreaterThan(5);
  expect(writes.length).toBeGreaterThan(5);
  for (let move = 0; move < MOVES; move++) {
    const from = machine.icount;
    const kind = random(8);
    let wanted = from;
    if (kind < 3) {
      wanted = random(steps + 1);
      await timeline.seek(wanted);
    } else if (kind === 3) {
      wanted = Math.min(steps, from + 1);
      if (from < steps) await timeline.resume({ kind: 'step', direction: 'forward', hart: undefined });
    } else if (kind === 4) {
      wanted = Math.max(0, from - 1);
      await timeline.resume({ kind: 'step', direction: 'backward', hart: undefined });
    } else {
      const watch = kind === 7;
      if (watch) timeline.insertWatchpoint('write', watched, 4);
      else timeline.insertBreakpoint(breakpoint);
      const forward = !watch && kind === 5 && from < hits[hits.length - 1];
      const stop = await timeline.resume({ kind: 'continue', direction: forward ? 'forward' : 'backward' });
      if (forward) wanted = hits.find(at => at >= from)!;
      else if (watch) wanted = (writes.findLast(at => at + 1 <= from) ?? -1) + 1;
      else wanted = hits.findLast(at => at < from) ?? 0;
      const none = forward ? false : watch ? writes[0] + 1 > from : hits[0] >= from;
      expect(`${move} ${stop.kind}`).toBe(
        `${move} ${none ? 'history' : watch ? 'watchpoint' : 'breakpoint'}`,
      );
      timeline.clearBreakpoints();
    }
    expect(`move ${move} kind ${kind}: ${machine.icount}`).toBe(`move ${move} kind ${kind}: ${wanted}`);
    expect(digestText(digest)).toBe(trace.digests[wanted]);
  }
}

describe.each<Guest>([
  { ...ticks, xlen: 64, harts: 1 },
  { ...ticks, xlen: 32, harts: 1 },
  { ...ticks, xlen: 64, harts: 3 },
  { ...kernel, harts: 3 },
  { ...supervisor, harts: 3 },
  { ...newer, harts: 1 },
  { ...newer, harts: 3 },
])('random moves in $fixture on RV$xlen with $harts harts', guest => {
  it(
    'end where brute force says, in the state it says',
    async () => {
      const { timeline, symbols } = await recordGuest(guest);
      const watched = symbols.get(guest.watched)!;
      const events = timeline.history.log.slice();
      expect(events.length).toBeGreaterThanOrEqual(3);
      const trace = traceOf(timeline.source, events, guest.steps, Number(watched));
      await check(
        timeline,
        trace,
        guest.steps,
        symbols.get(guest.breakpoint)!,
        watched,
        20261124 + guest.harts,
      );
    },
    FULL ? 1_200_000 : 120_000,
  );
});
