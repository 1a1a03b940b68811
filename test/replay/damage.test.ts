import { describe, expect, test } from 'vitest';
import { crc32, crc32ByTable, crc32c } from '../../src/replay/checksum.js';
import {
  chunkHeaderBytes,
  encodeChunk,
  FILE_HEADER_BYTES,
  parseChunkHeader,
} from '../../src/replay/format.js';
import type { Recording } from '../../src/replay/recording.js';
import { type ReadOptions, readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter } from '../../src/replay/recording-writer.js';
import { InputError } from '../../src/state/input-error.js';
import { checkpointAt, HEADER, MemorySink, plain, typed } from './recordings.js';

/** A small recording with every type of chunk, compressed and not. */
const intact = ((): Uint8Array => {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, HEADER);
  writer.event(typed(1000, 'l'));
  writer.event(typed(1010, 's\r'));
  writer.flush();
  writer.event({ icount: 2000, event: { kind: 'warp', ns: 3_000_000 } });
  writer.checkpoint(checkpointAt(2000, 1));
  writer.progress(2500);
  writer.event(typed(3000, 'x'.repeat(60)));
  writer.checkpoint(checkpointAt(4000, 2));
  writer.event({
    icount: 5000,
    event: { kind: 'write-memory', hart: 0, address: '0000000080001000', bytes: Uint8Array.of(1, 2) },
  });
  writer.end({ kind: 'power-off', icount: 6000, code: 0 });
  return sink.bytes;
})();
const whole = plain(readRecording(intact));

/** Offsets of all chunks, and of the end of the file. */
const chunkOffsets = ((): number[] => {
  const offsets = [FILE_HEADER_BYTES];
  for (let at = FILE_HEADER_BYTES; at < intact.length; offsets.push(at)) {
    const header = parseChunkHeader(intact.subarray(at));
    at += chunkHeaderBytes(header.type) + header.length;
  }
  return offsets;
})();
const FIRST_AFTER_HEADER = 3;
const chunks: Uint8Array[] = chunkOffsets.slice(0, -1).map((at, i) => intact.slice(at, chunkOffsets[i + 1]));
const join = (parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(Buffer.concat([intact.subarray(0, FILE_HEADER_BYTES), ...parts]));

const flipped = (bit: number): Uint8Array => {
  const bytes = intact.slice();
  bytes[bit >> 3] ^= 1 << (bit & 7);
  return bytes;
};

/** The recording, or the one line said about it. Anything but an InputError is a failure. */
function read(bytes: Uint8Array, options?: ReadOptions): Recording | string {
  try {
    return plain(readRecording(bytes, { name: 'a.rec', ...options }));
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    expect(error.message).toMatch(/^a\.rec: [^\n]+$/);
    return error.message;
  }
}

function expectBeginningOfWhole(part: Recording): void {
  expect(part.header).toEqual(whole.header);
  expect([...part.events]).toEqual([...whole.events].slice(0, part.events.length));
  expect(part.checkpoints).toEqual(whole.checkpoints.slice(0, part.checkpoints.length));
  expect(part.end.kind).toBe('cut');
  const last = Math.max(
    0,
    ...[...part.events].map(e => e.icount),
    ...[...part.checkpoints].map(c => c.icount),
  );
  expect(part.end.icount).toBeGreaterThanOrEqual(last);
}

describe('a damaged recording', () => {
  test('has every type of chunk in this test', () => {
    const types = new Set(chunks.map(chunk => chunk[0] & 0x3f));
    expect([...types].sort()).toEqual([1, 2, 3, 4, 5, 6]);
    expect(chunks.some(chunk => chunk[0] & 0x80)).toBe(true);
    expect(chunks.filter(chunk => (chunk[0] & 0x3f) <= 2)).toHaveLength(FIRST_AFTER_HEADER);
  });

  test('is refused for every single bit that differs, and says where', () => {
    for (let bit = 0; bit < intact.length * 8; bit++) {
      const message = read(flipped(bit));
      const offset = chunkOffsets.findLast(at => at <= bit >> 3) ?? 8;
      if (bit >> 3 < 8) expect(message).toContain('not a backstub recording');
      else expect(message).toContain(`damaged at byte ${offset}`);
    }
  });

  test('still gives what is before the damage when asked for', () => {
    for (let bit = chunkOffsets[FIRST_AFTER_HEADER] * 8; bit < intact.length * 8; bit++) {
      const part = read(flipped(bit), { tolerant: true }) as Recording;
      expectBeginningOfWhole(part);
      expect(part.end).toMatchObject({ damage: expect.stringContaining('damaged at byte') });
    }
    const middle = chunkOffsets[FIRST_AFTER_HEADER + 2];
    const part = read(flipped((middle + chunkHeaderBytes(intact[middle])) * 8), {
      tolerant: true,
    }) as Recording;
    expect([...part.events]).toEqual([...whole.events].slice(0, 3));
    expect(read(flipped((middle + chunkHeaderBytes(intact[middle])) * 8))).toBe(
      `a.rec: damaged at byte ${middle}, chunk 5: it has a wrong checksum; what is before it, up to icount 2000, is intact`,
    );
  });

  test('cannot be helped when its header is hit', () => {
    const message = read(flipped((chunkOffsets[0] + 20) * 8), { tolerant: true });
    expect(message).toBe(
      'a.rec: damaged at byte 16, chunk 0: it has a wrong checksum; nothing in it can be replayed',
    );
  });

  test('with chunks missing, doubled or swapped is refused', () => {
    for (let i = 0; i < chunks.length - 1; i++) {
      expect(read(join(chunks.toSpliced(i, 1)))).toContain(
        `chunk ${i}: chunk ${i + 1} stands in its place: chunks are missing or out of order`,
      );
      const swapped = chunks.toSpliced(i, 2, chunks[i + 1], chunks[i]);
      expect(read(join(swapped))).toContain(`chunk ${i + 1} stands in its place`);
      expect(read(join(chunks.toSpliced(i, 0, chunks[i])))).toContain(`chunk ${i} stands in its place`);
    }
  });

  test('with a chunk of another recording in it is refused at the next checkpoint or the end', () => {
    const other = encodeChunk(FIRST_AFTER_HEADER, 3, Uint8Array.of(5, 3, 1));
    expect(read(join(chunks.toSpliced(FIRST_AFTER_HEADER, 1, other)))).toContain(
      '(checkpoint): chunks before it are not those that were recorded',
    );
    const last = chunks.length - 2;
    const otherLast = encodeChunk(last, 3, Uint8Array.of(5, 3, 1));
    expect(read(join(chunks.toSpliced(last, 1, otherLast)))).toContain(
      '(end): chunks before it are not those',
    );
  });

  test('with bytes behind the end mark is refused', () => {
    for (const extra of [1, 11, 40]) {
      expect(read(join([...chunks, new Uint8Array(extra)]))).toContain(`damaged at byte ${intact.length}`);
    }
  });
});

test('a recording cut anywhere ends early, or says that nothing is left', () => {
  for (let length = 0; length < intact.length; length++) {
    const part = read(intact.slice(0, length));
    if (length === 0) expect(part).toBe('a.rec: not a backstub recording: it is empty');
    else if (length < chunkOffsets[FIRST_AFTER_HEADER]) {
      expect(part).toBe(`a.rec: cut at byte ${length}, within its header: nothing in it can be replayed`);
    } else {
      expectBeginningOfWhole(part as Recording);
      // Every chunk that is whole counts.
      const kept = chunkOffsets.filter(at => at <= length).length - 1;
      expect(read(intact.slice(0, chunkOffsets[kept]))).toEqual(part);
    }
  }
});

describe('what is no recording of ours', () => {
  const withVersion = (version: number): Uint8Array => {
    const bytes = intact.slice();
    const view = new DataView(bytes.buffer);
    view.setUint32(8, version, true);
    view.setUint32(12, crc32(bytes.subarray(0, 12)), true);
    return bytes;
  };

  test('is told apart from another version, which is named beside ours', () => {
    for (const version of [0, 4, 70000]) {
      expect(read(withVersion(version))).toBe(
        `a.rec: recording format version ${version}, but this backstub reads versions 1 to 3: use the backstub that wrote it`,
      );
    }
    for (const file of [Uint8Array.of(0x7f, 0x45, 0x4c, 0x46), new Uint8Array(4096), intact.slice(1)]) {
      expect(read(file)).toBe('a.rec: not a backstub recording: it does not start with the signature of one');
    }
  });

  test.each([
    ['an unknown chunk type', encodeChunk(3, 9, Uint8Array.of(1)), 'unknown type 9'],
    ['an unknown event kind', encodeChunk(3, 3, Uint8Array.of(5, 99)), 'event of unknown kind 99'],
    ['an unknown shutdown cause', encodeChunk(3, 3, Uint8Array.of(5, 2, 9)), 'shutdown of unknown cause 9'],
    ['an empty events chunk', encodeChunk(3, 3, new Uint8Array(0)), 'ends too early'],
    [
      'a text that is longer than its chunk',
      encodeChunk(3, 3, Uint8Array.of(5, 1, 0, 9, 1)),
      'ends too early',
    ],
    [
      'a number above 2^53',
      encodeChunk(3, 5, new Uint8Array(8).fill(0xff, 0, 7).fill(0x7f, 7)),
      'number in it is too large',
    ],
    ['an endless number', encodeChunk(3, 5, new Uint8Array(20).fill(0xff)), 'number in it is too large'],
    ['a number in a long form', encodeChunk(3, 5, Uint8Array.of(0x81, 0)), 'not in shortest form'],
    ['bytes too many', encodeChunk(3, 5, Uint8Array.of(1, 2, 3)), '2 bytes too many'],
    ['a checkpoint that refers to none', encodeChunk(3, 4, new Uint8Array(11)), 'chunks before it are not'],
    ['a header in the middle', encodeChunk(3, 1, Uint8Array.of(0x7b, 0x7d)), 'comes too late'],
    ['no zlib stream', encodeChunk(3, 0x83, Uint8Array.of(40, 1, 2, 3)), 'cannot be decompressed'],
    [
      'an impossible size',
      encodeChunk(3, 0x83, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f, 1)),
      'impossible size',
    ],
  ])('%s, rightly checksummed, is one clear line', (_what, chunk, message) => {
    expect(read(join([...chunks.slice(0, FIRST_AFTER_HEADER), chunk]))).toContain(message);
  });

  test.each([
    ['{', 'its header: not JSON'],
    ['[]', 'its header is not an object'],
    ['{"images":[],"writtenBy":""}', 'no "config"'],
    [
      JSON.stringify({ config: { ...HEADER.config, xlen: 16 }, images: [], writtenBy: '' }),
      'no valid "xlen": 16',
    ],
    [
      JSON.stringify({ config: { ...HEADER.config, turbo: 1 }, images: [], writtenBy: '' }),
      'unknown setting "turbo"',
    ],
    [JSON.stringify({ config: HEADER.config, images: [{ name: 'x' }], writtenBy: '' }), 'no valid "images"'],
    [JSON.stringify({ config: HEADER.config, images: [] }), 'no valid "writtenBy"'],
  ])('header %s is one clear line', (json, message) => {
    expect(read(join([encodeChunk(0, 1, new TextEncoder().encode(json))]))).toContain(message);
  });
});

test('checksums are the published ones', () => {
  const check = new TextEncoder().encode('123456789');
  expect(crc32(check)).toBe(0xcbf43926);
  expect(crc32ByTable(check)).toBe(0xcbf43926);
  expect(crc32ByTable(check.subarray(4), crc32ByTable(check.subarray(0, 4)))).toBe(0xcbf43926);
  expect(crc32c(check)).toBe(0xe3069283);
  expect(crc32(check.subarray(4), crc32(check.subarray(0, 4)))).toBe(0xcbf43926);
});
