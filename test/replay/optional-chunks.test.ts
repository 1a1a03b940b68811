/** Chunks that a recording carries beside its history: a reader may pass over them, what copies it keeps them. */
import { describe, expect, test } from 'vitest';
import { ByteWriter } from '../../src/replay/byte-codec.js';
import { ChunkWriter } from '../../src/replay/chunk-writer.js';
import {
  encodeChunk,
  OPTIONAL_CHUNKS,
  OPTIONAL_PIECE_BYTES,
  parseChunkHeader,
} from '../../src/replay/format.js';
import type { RecordedExtra, Recording } from '../../src/replay/recording.js';
import { importParts } from '../../src/replay/recording-parts.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter, writeRecording } from '../../src/replay/recording-writer.js';
import { checkpointAt, HEADER, MemorySink, partsInMemory, plain, typed } from './recordings.js';

const extra = (type: number, length: number): RecordedExtra => ({
  type,
  content: Uint8Array.from({ length }, (_, i) => i * type),
});
const NAMED = extra(OPTIONAL_CHUNKS.sources, 300);
const UNKNOWN = extra(47, 20);
const OF_MOMENTS = extra(63, 70_000);

/** With chunks before, between and, where `last`, behind the others. */
function recorded(extras: readonly RecordedExtra[], last?: RecordedExtra): Uint8Array {
  const sink = new MemorySink();
  const writer = new LogWriter(sink, HEADER);
  const [first, ...others] = extras;
  if (first) writer.extra(first);
  writer.event(typed(100, 'a'));
  for (const other of others) writer.extra(other);
  writer.event(typed(200, 'b'));
  writer.checkpoint(checkpointAt(250, 1));
  writer.end({ kind: 'signal', icount: 300, signal: 2 });
  if (last) writer.extra(last);
  return sink.bytes;
}

const withoutExtras = ({ extras: _, ...recording }: Recording) => plain(recording);

describe('optional chunks', () => {
  test('may stand anywhere, behind the end also, known or not, and make no difference to the history', () => {
    const recording = readRecording(recorded([NAMED, UNKNOWN], OF_MOMENTS));
    expect(plain(recording).extras).toEqual([NAMED, UNKNOWN, OF_MOMENTS]);
    expect(withoutExtras(recording)).toEqual(plain(readRecording(recorded([]))));
  });

  test('are kept by a copy, and by export and import', () => {
    const recording = readRecording(recorded([NAMED, UNKNOWN], OF_MOMENTS));
    const copy = new MemorySink();
    writeRecording(copy, recording);
    expect(plain(readRecording(copy.bytes))).toEqual(plain(recording));
    const parts = partsInMemory(recording);
    expect([...parts.keys()].filter(path => path.startsWith('extras/'))).toEqual([
      'extras/00-34.bin',
      'extras/01-47.bin',
      'extras/02-63.bin',
    ]);
    expect(plain(importParts(path => parts.get(path) ?? new Uint8Array(0)))).toEqual(plain(recording));
  });

  test('do not hide damage: a chunk that must be known and is not is refused', () => {
    const sink = new MemorySink();
    const writer = new LogWriter(sink, HEADER);
    writer.end({ kind: 'signal', icount: 300, signal: 2 });
    const { bytes } = sink;
    let number = 0;
    for (let at = 16; at < bytes.length; number++) {
      const short = (bytes[at] & 0x40) !== 0;
      at += (short ? 9 : 11) + parseChunkHeader(bytes.subarray(at, at + 11)).length;
    }
    const withChunk = (type: number) =>
      Buffer.concat([bytes, encodeChunk(number, type, Uint8Array.of(1, 2))]);
    expect(readRecording(withChunk(40)).extras).toEqual([{ type: 40, content: Uint8Array.of(1, 2) }]);
    expect(() => readRecording(withChunk(31))).toThrow('it has the unknown type 31');
    expect(() => readRecording(withChunk(9))).toThrow('it has the unknown type 9');
  });

  test('hold at most 16 MiB each, and no other type', () => {
    const writer = new ChunkWriter(new MemorySink());
    expect(() => writer.writeOptional(40, new Uint8Array(OPTIONAL_PIECE_BYTES + 1))).toThrow(RangeError);
    for (const type of [0, 6, 31, 64, 0.5]) {
      expect(() => writer.writeOptional(type, new ByteWriter().take())).toThrow(RangeError);
    }
  });
});
