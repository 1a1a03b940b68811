import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeComparison } from '../../src/cli/diff-text.js';
import type { Recording } from '../../src/replay/recording.js';
import { compareRecordings } from '../../src/replay/recording-diff.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { defineState, StatePlan, words } from '../../src/state/layout.js';
import { checkpointAt, digest, event, HEADER, MemorySink, typed } from './recordings.js';

const plan = new StatePlan();
plan.add('hart0', defineState('hart', { x: words(16) }));

const BASE: Recording = {
  header: HEADER,
  events: [typed(1000, 'a'), typed(2000, 'b'), typed(2000, 'c')],
  checkpoints: [checkpointAt(1500, 1), checkpointAt(2500, 2), checkpointAt(2900, 3)],
  end: { kind: 'power-off', icount: 3000, code: 0 },
};

/** As it is in a file: its parts are read when they are asked for. */
function throughFile(recording: Recording): Recording {
  const sink = new MemorySink();
  writeRecording(sink, recording);
  return readRecording(sink.bytes);
}

function said(left: Recording, right: Recording): string[] {
  const [inMemory, fromFiles] = [
    [left, right],
    [throughFile(left), throughFile(right)],
  ].map(([a, b]) =>
    describeComparison(
      { name: 'a.bst', recording: a },
      { name: 'b.bst', recording: b },
      compareRecordings(a, b, () => plan),
    ),
  );
  expect(fromFiles).toEqual(inMemory);
  return fromFiles;
}

describe('two recordings', () => {
  test('that show the same', () => {
    const other = {
      ...BASE,
      header: { ...HEADER, writtenBy: 'backstub 7' },
      checkpoints: [...BASE.checkpoints].slice(1),
    };
    expect(said(BASE, other)).toEqual([
      'a.bst and b.bst show the same: 3 inputs and 2 common checkpoints; power-off at icount 3000 with exit code 0',
    ]);
  });

  test('of other machines name every setting and image', () => {
    const [firmware, ...images] = HEADER.images;
    const patched = { ...firmware, name: 'renamed.elf', bytes: firmware.bytes.with(4, 0xff) };
    const config = { ...HEADER.config, append: 'quiet', rng: true } as const;
    expect(said(BASE, { ...BASE, header: { ...HEADER, config, images: [patched, images[0]] } })).toEqual([
      'they part before the first step: the machines do not start the same',
      'append',
      '  a.bst: ""',
      '  b.bst: "quiet"',
      'rng',
      '  a.bst: none',
      '  b.bst: true',
      'image firmware.elf',
      '  a.bst: 73001000 at 0x80000004',
      '  b.bst: ff001000 at 0x80000004',
      'image device tree',
      '  a.bst: 100 bytes at 0x87000000',
      '  b.bst: none',
    ]);
  });

  test('part at the first input that differs', () => {
    const events = [...BASE.events].with(1, typed(2000, 'x'));
    expect(said(BASE, { ...BASE, events })).toEqual([
      'they part at icount 2000, input 1, after 1 input and 1 common checkpoint that agree',
      '  a.bst: icount 2000, console 0 "b"',
      '  b.bst: icount 2000, console 0 "x"',
    ]);
  });

  test('part at an input that only one has', () => {
    expect(said({ ...BASE, events: [...BASE.events].slice(0, 1) }, BASE)).toEqual([
      'they part at icount 2000, input 1, after 1 input and 1 common checkpoint that agree',
      '  a.bst: no more inputs',
      '  b.bst: icount 2000, console 0 "b"',
    ]);
  });

  test('part where the same inputs led to other states', () => {
    const other = {
      ...checkpointAt(2500, 2),
      digests: { hart0: digest(9), uart0: digest(7), ram: digest(62) },
    };
    const state = other.state.slice();
    state[8] ^= 0xff;
    const checkpoints = [...BASE.checkpoints].with(1, { ...other, state });
    const [first, ...fields] = said(BASE, {
      ...BASE,
      checkpoints,
      events: [...BASE.events, typed(2800, '!')],
    });
    expect(first).toBe(
      'they part after icount 1500 and up to 2500, in hart0, after 3 inputs and 1 common checkpoint that agree: the same inputs led to other states',
    );
    expect(fields).toEqual(['hart0.x[2]', '  a.bst: 0xb0c0908', '  b.bst: 0xb0c09f7']);
  });

  test('part where one ends', () => {
    const end = { kind: 'stopped', icount: 1700, reason: 'time limit' } as const;
    const shorter = {
      ...BASE,
      events: [...BASE.events].slice(0, 1),
      checkpoints: [...BASE.checkpoints].slice(0, 1),
      end,
    };
    expect(said(BASE, shorter)).toEqual([
      'they part at icount 1700, where one ends, after 1 input and 1 common checkpoint that agree',
      '  a.bst: power-off at icount 3000 with exit code 0',
      '  b.bst: stopped at icount 1700: time limit',
    ]);
    const failed = { ...BASE, end: { kind: 'power-off', icount: 3000, code: 1 } } as const;
    expect(said(BASE, failed)[0]).toContain('they part at icount 3000, where one ends, after 3 inputs');
  });

  test('with one input changed part exactly there, and a recording never parts from itself', () => {
    const inputs = fc.array(fc.record({ gap: fc.nat(50), event }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(inputs, fc.nat(), (gaps, pick) => {
        let icount = 0;
        const events = gaps.map(({ gap, event }) => {
          icount += gap;
          return { icount, event };
        });
        const end = { kind: 'stopped', icount: icount + 10, reason: '' } as const;
        const recording: Recording = { header: HEADER, events, checkpoints: [], end };
        expect(
          compareRecordings(recording, structuredClone(recording), () => plan).difference,
        ).toBeUndefined();
        const at = pick % events.length;
        const changed = { icount: events[at].icount, event: { kind: 'warp', ns: 123_456_789 } } as const;
        const { difference } = compareRecordings(
          recording,
          { ...recording, events: events.with(at, changed) },
          () => plan,
        );
        expect(difference).toMatchObject({ kind: 'event', index: at, icount: changed.icount });
      }),
    );
  });
});
