/** Recordings that start with a machine in the middle of its work: what is in the file, and what is wrong with it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chunkHeaderBytes,
  encodeChunk,
  FILE_HEADER_BYTES,
  parseChunkHeader,
} from '../../src/replay/format.js';
import type { Recording } from '../../src/replay/recording.js';
import { compareRecordings } from '../../src/replay/recording-diff.js';
import { headerJson } from '../../src/replay/recording-header.js';
import { importParts } from '../../src/replay/recording-parts.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter, writeRecording } from '../../src/replay/recording-writer.js';
import { encodePages, encodeState } from '../../src/replay/saved-machine-codec.js';
import { InputError } from '../../src/state/input-error.js';
import type { MachineMoment } from '../../src/state/saved-state.js';
import { Random } from '../lockstep/random.js';
import { bootFixture, fixture, REPOSITORY, replay, savedPart } from '../support/sessions.js';
import { checkpointAt, HEADER, MemorySink, partsInMemory, plain, typed } from './recordings.js';

const page = (seed: number) =>
  Uint8Array.from({ length: 4096 }, (_, i) => (i % 64 === 0 ? seed + (i >> 6) : 0));

const START: MachineMoment = {
  icount: 5000,
  virtualNs: 40_000,
  snapshot: 'booted',
  components: [
    {
      name: 'machine',
      fields: [
        { name: 'currentHart', type: 'u8', bytes: Uint8Array.of(1) },
        { name: 'quantumLeft', type: 'u32', bytes: Uint8Array.of(1, 2, 3, 4) },
      ],
    },
    { name: 'empty', fields: [] },
    { name: 'time', fields: [{ name: 'icount', type: 'f64', bytes: new Uint8Array(8) }] },
  ],
  pages: [
    { area: 'ram', page: 0, bytes: page(1) },
    { area: 'ram', page: 7, bytes: page(2) },
    { area: 'rom', page: 0, bytes: page(3) },
    { area: 'disks', page: 300_000, bytes: page(4) },
  ],
};

const write = (start: MachineMoment): Uint8Array => {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, { ...HEADER, start });
  writer.event(typed(start.icount, 'l'));
  writer.checkpoint(checkpointAt(start.icount, 1));
  writer.event(typed(start.icount + 10, 's\r'));
  writer.checkpoint(checkpointAt(start.icount + 4000, 2));
  writer.end({ kind: 'power-off', icount: start.icount + 6000, code: 0 });
  return sink.bytes;
};
const intact = write(START);
const whole = plain(readRecording(intact));

const offsets = [FILE_HEADER_BYTES];
for (let at = FILE_HEADER_BYTES; at < intact.length; offsets.push(at)) {
  at += chunkHeaderBytes(intact[at]) + parseChunkHeader(intact.subarray(at)).length;
}
const chunks = offsets.slice(0, -1).map((at, i) => intact.slice(at, offsets[i + 1]));
const types = chunks.map(chunk => chunk[0] & 0x3f);
const FIRST_AFTER_START = types.lastIndexOf(8) + 1;

function read(bytes: Uint8Array): Recording | string {
  try {
    return plain(readRecording(bytes, { name: 'a.rec' }));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^a\.rec: [^\n]+$/);
    return error.message;
  }
}

const joined = (parts: readonly Uint8Array[]) =>
  Uint8Array.from(Buffer.concat([intact.subarray(0, FILE_HEADER_BYTES), ...parts]));

describe('a recording that starts with a machine at work', () => {
  test('gives back what was written', () => {
    expect(types).toEqual([1, 2, 2, 7, 8, 3, 4, 3, 4, 6]);
    expect(whole.header.start).toEqual(START);
    expect([...whole.events].map(({ icount }) => icount)).toEqual([5000, 5010]);
    expect([...whole.checkpoints].map(({ icount }) => icount)).toEqual([5000, 9000]);
    expect(whole.end).toEqual({ kind: 'power-off', icount: 11_000, code: 0 });
  });

  test('holds any pages, however many, in chunks of at most 1 MiB', () => {
    const pages = fc.uniqueArray(fc.tuple(fc.nat(2), fc.nat(2 ** 20), fc.nat(255)), {
      maxLength: 600,
      selector: ([area, number]) => area * 2 ** 32 + number,
    });
    fc.assert(
      fc.property(pages, fc.maxSafeNat(), (places, icount) => {
        const start = {
          ...START,
          icount: Math.min(icount, 2 ** 52),
          pages: places
            .sort(([a, b], [c, d]) => a - c || b - d)
            .map(([area, number, seed]) => ({
              area: (['ram', 'rom', 'disks'] as const)[area],
              page: number,
              bytes: page(seed),
            })),
        };
        const recording = readRecording(write(start));
        expect(recording.header.start?.pages.length).toBe(places.length);
        expect(recording.header.start?.icount).toBe(start.icount);
        const parts = partsInMemory(recording);
        const again = new MemorySink();
        writeRecording(
          again,
          importParts(path => parts.get(path)!),
        );
        expect(Buffer.compare(again.bytes, write(start))).toBe(0);
      }),
      { numRuns: 20 },
    );
    const many = Array.from({ length: 1000 }, (_, number) => ({
      ...{ area: 'ram' as const, page: number, bytes: page(number & 0xff) },
    }));
    for (const content of encodePages(many)) expect(content.length).toBeLessThanOrEqual(2 ** 20);
  });

  test('is refused for every single bit that differs, and says where', () => {
    for (let bit = 0; bit < intact.length * 8; bit++) {
      const bytes = intact.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      const offset = offsets.findLast(at => at <= bit >> 3) ?? 8;
      const expected = bit >> 3 < 8 ? 'not a backstub recording' : `damaged at byte ${offset}`;
      expect(read(bytes)).toContain(expected);
    }
  });

  test('cut anywhere ends early, or says that nothing is left', () => {
    for (
      let length = FILE_HEADER_BYTES;
      length < intact.length;
      length += length < offsets[FIRST_AFTER_START] - 20 ? 17 : 1
    ) {
      const part = read(intact.slice(0, length));
      if (length < offsets[FIRST_AFTER_START]) {
        expect(part).toBe(`a.rec: cut at byte ${length}, within its header: nothing in it can be replayed`);
        continue;
      }
      const { header, events, checkpoints, end } = part as Recording;
      expect(header.start?.pages).toHaveLength(START.pages.length);
      expect([...events]).toEqual([...whole.events].slice(0, events.length));
      expect(checkpoints).toEqual([...whole.checkpoints].slice(0, checkpoints.length));
      expect(end.kind).toBe('cut');
      expect(end.icount).toBeGreaterThanOrEqual(START.icount);
    }
  });

  const chunksBefore = (type: number) => chunks.slice(0, types.indexOf(type));
  const number = (type: number) => types.indexOf(type);
  const pages = (...places: (readonly [number, number])[]) =>
    Buffer.concat(places.flatMap(([area, first]) => [Uint8Array.of(area, first), page(1)]));
  test.each<[string, Uint8Array, string]>([
    ['pages before the state', encodeChunk(number(7), 8, pages([0, 1])), '(pages): it comes too early'],
    ['events before the state', encodeChunk(number(7), 3, Uint8Array.of(1)), '(events): it comes too early'],
    [
      'a state of no type',
      encodeChunk(number(7), 7, Uint8Array.of(1, 97, 1, 1, 98, 9, 0)),
      'a.b has an unknown type',
    ],
    [
      'a state that ends too early',
      encodeChunk(number(7), 7, Uint8Array.of(1, 97, 9)),
      'its content ends too early',
    ],
  ])('with %s is one clear line', (_what, chunk, message) => {
    expect(read(joined([...chunksBefore(7), chunk]))).toContain(message);
  });

  test.each<[string, Uint8Array, string]>([
    ['a second state', encodeState(START.components), '(state): it comes too early'],
    ['pages of nowhere', pages([3, 1]), 'it holds a page of nowhere'],
    ['a page twice', pages([0, 1], [0, 1]), 'its pages are out of order'],
    ['more pages than it says', pages([0, 1], [0, 2], [0, 3], [0, 4], [0, 5]), 'more pages than there are'],
    ['half a page', pages([0, 1]).subarray(0, 2000), 'its content ends too early'],
  ])('with %s is one clear line', (what, content, message) => {
    const chunk = encodeChunk(number(8), what === 'a second state' ? 7 : 8, content);
    expect(read(joined([...chunksBefore(8), chunk]))).toContain(message);
  });

  test('with a header that says nonsense about it is one clear line', () => {
    const text = headerJson({ ...HEADER, start: START });
    for (const wrong of [
      text.replace('5000', '-1'),
      text.replace('"booted"', '7'),
      text.replace('40000', '1.5'),
    ]) {
      expect(wrong).not.toBe(text);
      expect(read(joined([encodeChunk(0, 1, new TextEncoder().encode(wrong))]))).toContain(
        'its header has no valid "start"',
      );
    }
  });
});

const demo = async (): Promise<Recording> => {
  const live = bootFixture(fixture('rv64', 'demo'), { config: { ramBytes: 2 << 20 } });
  await live.session.runToEnd({ maxIcount: 20_000 });
  live.session.saveSnapshot('here');
  await live.session.runToEnd({ maxIcount: 30_000 });
  return savedPart(live, { from: { snapshot: 'here' } });
};

describe('the machine that a recording starts with', () => {
  type Change = (start: MachineMoment) => Partial<MachineMoment>;
  const changed = async (change: Change): Promise<Recording> => {
    const recording = await demo();
    const start = recording.header.start!;
    return { ...recording, header: { ...recording.header, start: { ...start, ...change(start) } } };
  };
  const field = (component: string, name: string, change: (bytes: Uint8Array) => Uint8Array): Change => {
    return ({ components }) => ({
      components: components.map(part => ({
        ...part,
        fields: part.fields.map(one =>
          part.name === component && one.name === name ? { ...one, bytes: change(one.bytes) } : one,
        ),
      })),
    });
  };
  const float = (value: number) => new Uint8Array(Float64Array.of(value).buffer);

  test.each<[string, Change, string]>([
    [
      'a component that there is not',
      ({ components }) => ({ components: [...components, { name: 'turbo', fields: [] }] }),
      'this machine has no component turbo',
    ],
    [
      'a field that there is not',
      ({ components: [first, ...others] }) => ({
        components: [
          { ...first, fields: [...first.fields, { name: 'boost', type: 'u8', bytes: Uint8Array.of(1) }] },
          ...others,
        ],
      }),
      'this machine has no field machine.boost',
    ],
    [
      'a field of another size',
      field('hart0', 'x', bytes => bytes.slice(8)),
      'hart0.x is 64 of u32, but must be 66 of u32',
    ],
    [
      'a time that is none',
      field('time', 'warpNs', () => float(-1)),
      'time.warpNs holds -1, which is no count',
    ],
    ['another icount', field('time', 'icount', () => float(7)), 'its state is of icount 7 and'],
    ['a turn of nobody', field('machine', 'currentHart', () => Uint8Array.of(9)), 'hart 9 has its turn'],
    [
      'a page outside memory',
      () => ({ pages: [{ area: 'ram', page: 512, bytes: new Uint8Array(4096) }] }),
      'this machine has no page 512 of ram',
    ],
  ])('is refused with %s, in one line', async (_what, change, message) => {
    const recording = await changed(change);
    expect(() => replay(recording)).toThrow(InputError);
    expect(() => replay(recording)).toThrow(
      `the machine that the recording starts with cannot be used: ${message}`,
    );
  });

  test('may lack what has come to be declared since: that is as after a reset', async () => {
    const older = await changed(({ components }) => ({
      components: components
        .filter(({ name }) => name !== 'rtc')
        .map(part => ({ ...part, fields: part.fields.filter(({ name }) => name !== 'scratch') })),
    }));
    const { session } = replay(older);
    expect(await session.verify()).toMatchObject({ icount: 30_000 });
  });

  test('is part of what is compared', async () => {
    const recording = await demo();
    const other = await changed(field('hart0', 'x', bytes => bytes.with(8 * 27, 0x55)));
    const { plan } = replay(recording).session.machine.board;
    const start = recording.header.start!;
    expect(compareRecordings(recording, other, () => plan).difference).toMatchObject({
      kind: 'start',
      icount: 20_000,
      differences: [{ what: 'hart0.x[27]', right: '0x55' }],
    });
    const [first, ...pages] = start.pages;
    const spoilt = { ...first, bytes: first.bytes.with(100, first.bytes[100] ^ 1) };
    const memory = await changed(() => ({ pages: [spoilt, ...pages] }));
    expect(compareRecordings(recording, memory, () => plan).difference).toMatchObject({
      differences: [{ what: `page ${first.page} of ram`, right: expect.stringMatching(/at byte 100$/) }],
    });
    const less = await changed(() => ({ pages }));
    expect(compareRecordings(less, recording, () => plan).difference).toMatchObject({
      differences: [{ what: `page ${first.page} of ram`, left: 'as built' }],
    });
    await expect(replay(memory).session.verify()).rejects.toThrow(
      /^replay diverges from the recording after icount 20000 and up to 20000, in ram/,
    );
  });

  test('has a common moment with another recording, or is told apart', async () => {
    const part = await demo();
    const early = bootFixture(fixture('rv64', 'demo'), { config: { ramBytes: 2 << 20 } });
    await early.session.runToEnd({ maxIcount: 10_000 });
    const { plan } = early.session.machine.board;
    expect(compareRecordings(part, await savedPart(early, {}), () => plan).difference).toMatchObject({
      kind: 'start',
      differences: [{ what: 'moments', left: 'icounts 20000 to 30000', right: 'icounts 0 to 10000' }],
    });
  });
});

test('v2.bst cut anywhere replays to where it ends, as the whole does', async () => {
  const bytes = new Uint8Array(readFileSync(join(REPOSITORY, 'fixtures/recordings/v2.bst')));
  const full = readRecording(bytes);
  const random = new Random(2);
  let shortest = bytes.length;
  for (let i = 0; i < 12; i++) {
    const length = Math.floor(bytes.length * (1 - (0.6 * i) / 12)) - random.below(100);
    let part: Recording;
    try {
      part = readRecording(bytes.slice(0, length));
    } catch (error) {
      expect((error as Error).message).toContain('within its header: nothing in it can be replayed');
      continue;
    }
    shortest = length;
    const { session } = replay(part);
    const { icount, checkpoints } = await session.verify();
    expect(icount).toBe(part.end.icount);
    expect(icount).toBeLessThanOrEqual(full.end.icount);
    expect(checkpoints).toBe(part.checkpoints.length);
  }
  expect(shortest).toBeLessThan(bytes.length / 2);
});
