/** Bounds of what a header may say, each at its edge, and states of any place in memory. */
import { describe, expect, test } from 'vitest';
import { SECTOR_BYTES } from '../../src/ports/settings.js';
import { json } from '../../src/replay/json-parts.js';
import { headerJson, parseHeaderJson } from '../../src/replay/recording-header.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { writeRecording } from '../../src/replay/recording-writer.js';
import { CONFIG, HEADER, MemorySink } from './recordings.js';

/** ROM, flash and tables, beside RAM. */
const OTHER_MEMORY_BYTES = 64 * 1024;
const config = { ...CONFIG, disks: [8, 16] };
const withImages = (...images: object[]) =>
  JSON.stringify({ ...JSON.parse(headerJson({ ...HEADER, config, images: [] })), images });
const image = { name: 'a', address: 0x8000_0000, length: 16 };

describe('an image of a header', () => {
  test.each([
    ['in memory', image],
    ['of nothing', { ...image, length: 0 }],
    ['on the first disk', { ...image, disk: 0, address: 0, length: 8 * SECTOR_BYTES }],
    ['at the end of the last', { ...image, disk: 1, address: 15 * SECTOR_BYTES, length: SECTOR_BYTES }],
    ['as large as memory', { ...image, length: CONFIG.ramBytes + OTHER_MEMORY_BYTES }],
  ])('%s is one', (_, one) => {
    expect(parseHeaderJson(withImages(one)).images).toEqual([one]);
  });

  test.each([
    ['that is a number', 5],
    ['that is nothing', null],
    ['without a name', { ...image, name: 5 }],
    ['on a disk too many', { ...image, disk: 2 }],
    ['on a disk before the first', { ...image, disk: -1 }],
    ['on half a disk', { ...image, disk: 0.5 }],
    ['before memory', { ...image, address: -1 }],
    ['at no address', { name: 'a', length: 16 }],
    ['of no length', { name: 'a', address: 0x8000_0000 }],
    ['shorter than nothing', { ...image, length: -1 }],
  ])('%s is none', (_, one) => {
    expect(() => parseHeaderJson(withImages(image, one as object))).toThrow('no valid "images"');
  });

  test('is within what holds it, and all together are', () => {
    const half = { ...image, length: (CONFIG.ramBytes + OTHER_MEMORY_BYTES) / 2 };
    expect(parseHeaderJson(withImages(half, half)).images).toHaveLength(2);
    expect(() => parseHeaderJson(withImages(half, half, { ...image, length: 1 }))).toThrow(
      'more bytes of images than fit memory',
    );
    const sector = { name: 'd', disk: 1, address: 0, length: SECTOR_BYTES };
    const sectors = Array.from({ length: 16 }, () => sector);
    expect(parseHeaderJson(withImages(...sectors)).images).toHaveLength(16);
    expect(() => parseHeaderJson(withImages(...sectors, sector))).toThrow('than fit disk 1');
    expect(() => parseHeaderJson(withImages({ ...sector, address: 16 * SECTOR_BYTES - 511 }))).toThrow(
      'beyond the end of disk 1',
    );
  });
});

test('lists and objects stand eight deep within each other at most, and as many as you like beside', () => {
  const nested = (open: string, close: string, depth: number) => open.repeat(depth) + close.repeat(depth);
  const objects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  expect(json('x', nested('[', ']', 8))).toEqual([[[[[[[[]]]]]]]]);
  expect(json('x', objects(8))).toBeTypeOf('object');
  expect(json('x', `[${'[],{},'.repeat(1000)}1]`)).toHaveLength(2001);
  expect(json('x', `["${'[{'.repeat(100)}", "\\"[[[[[[[[["]`)).toHaveLength(2);
  for (const deep of [nested('[', ']', 9), objects(9), '['.repeat(9)])
    expect(() => json('x', deep)).toThrow('lists within lists');
  expect(() => json('x', '[1')).toThrow('x: not JSON');
});

test.each([0, 1, 2, 3, 4, 5])('states come back from %i bytes into their memory', offset => {
  const bytes = (seed: number) =>
    Uint8Array.from({ length: 103 }, (_, i) => (i % 9 === seed ? i + seed : i % 3)).subarray(offset, 101);
  const states = [bytes(1), bytes(1), bytes(2), bytes(7)];
  const digests = { ram: '0123456789abcdef' };
  const sink = new MemorySink();
  const checkpoints = states.map((state, i) => ({ icount: 10 * i, digests, state }));
  writeRecording(sink, {
    header: HEADER,
    events: [],
    checkpoints,
    end: { kind: 'power-off', icount: 100, code: 0 },
  });
  const again = [...readRecording(sink.bytes).checkpoints];
  expect(again.map(({ state }) => [...state])).toEqual(states.map(state => [...state]));
});
