import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LoggedEvent } from '../../src/ports/input-event.js';
import { describeEvent } from '../../src/ports/input-event.js';
import type { Checkpoint, Recording, RecordingEnd } from '../../src/replay/recording.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter, writeRecording } from '../../src/replay/recording-writer.js';
import { InputError } from '../../src/state/input-error.js';
import { actions, CONFIG, checkpointAt, digest, HEADER, MemorySink, plain, typed } from './recordings.js';

const end: fc.Arbitrary<(icount: number) => RecordingEnd> = fc.oneof(
  fc.nat(255).map(code => (icount: number) => ({ kind: 'power-off' as const, icount, code })),
  fc
    .string({ unit: 'grapheme' })
    .map(reason => (icount: number) => ({ kind: 'stopped' as const, icount, reason })),
  fc.constant((icount: number) => ({ kind: 'cut' as const, icount })),
);

const empty: Recording = { header: HEADER, events: [], checkpoints: [], end: { kind: 'cut', icount: 0 } };

function saved(recording: Recording): Uint8Array {
  const sink = new MemorySink();
  writeRecording(sink, recording);
  return sink.bytes;
}

describe('a recording read back', () => {
  test('is what was recorded, whatever came and whenever it was flushed', () => {
    fc.assert(
      fc.property(actions, end, (steps, endOf) => {
        const sink = new MemorySink();
        const writer = new LogWriter(sink, HEADER);
        const events: LoggedEvent[] = [];
        let checkpoints: Checkpoint[] = [];
        let icount = 0;
        for (const step of steps) {
          icount = Math.min(icount + step.gap, Number.MAX_SAFE_INTEGER);
          if (step.do === 'event') {
            events.push({ icount, event: step.event });
            writer.event({ icount, event: step.event });
            checkpoints = checkpoints.filter(checkpoint => checkpoint.icount !== icount);
          } else if (step.do === 'checkpoint') {
            const checkpoint = { icount, ...step.checkpoint };
            checkpoints.push(checkpoint);
            writer.checkpoint(checkpoint);
          } else if (step.do === 'progress') writer.progress(icount);
          else writer.flush();
        }
        writer.end(endOf(icount));
        const expected = { header: HEADER, events, checkpoints, end: endOf(icount) };

        expect(sink.bytes.length).toBe(writer.bytesWritten);
        const recording = readRecording(sink.bytes);
        expect(plain(recording)).toEqual(expected);
        // `history save` of what was read, read again.
        expect(plain(readRecording(saved(recording)))).toEqual(expected);
      }),
      { numRuns: 200 },
    );
  });

  test('gives the states of its checkpoints in any order', () => {
    const checkpoints = Array.from({ length: 200 }, (_, i) => checkpointAt(i * 1000, i, 300));
    const read = readRecording(saved({ ...empty, checkpoints, end: { kind: 'cut', icount: 200_000 } }));
    for (const index of [199, 0, 63, 64, 65, 64, 64, 130, 127, 128, 5]) {
      expect(read.checkpoints.at(index)?.state).toEqual(checkpoints[index].state);
    }
  });

  test('keeps icounts and times near 2^53 exact', () => {
    const events: LoggedEvent[] = [2 ** 40, 2 ** 41 + 1, 2 ** 52 + 12345, Number.MAX_SAFE_INTEGER].map(n => ({
      icount: n,
      event: { kind: 'warp', ns: n - 1 },
    }));
    const read = readRecording(
      saved({ ...empty, events, end: { kind: 'power-off', icount: Number.MAX_SAFE_INTEGER, code: 3 } }),
    );
    expect([...read.events]).toEqual(events);
    expect(read.end.icount).toBe(9007199254740991);
  });

  test('holds images larger than a chunk', () => {
    const bytes = Uint8Array.from({ length: 2_500_000 }, (_, i) => (i * i) >>> 7);
    const header = { ...HEADER, images: [...HEADER.images, { name: 'initrd', address: 0x8800_0000, bytes }] };
    const read = readRecording(saved({ ...empty, header }));
    expect(read.header.images.map(image => image.bytes.length)).toEqual([8, 0, 100, 2_500_000]);
    expect(Buffer.compare(read.header.images[3].bytes, bytes)).toBe(0);
  });

  test('does not depend on where the bytes stand in their buffer', () => {
    const bytes = saved({ ...empty, events: [typed(5, 'ab')], end: { kind: 'cut', icount: 9 } });
    const shifted = Buffer.concat([Buffer.alloc(7), bytes]).subarray(7);
    expect([...readRecording(shifted).events]).toEqual([typed(5, 'ab')]);
  });
});

describe('the recorder', () => {
  const recorder = () => {
    const sink = new MemorySink();
    return { sink, writer: new LogWriter(sink, HEADER) };
  };

  test('loses nothing that was flushed and no more than what was not', () => {
    const { sink, writer } = recorder();
    writer.event(typed(10, 'a'));
    writer.flush();
    writer.event(typed(20, 'b'));
    expect([...readRecording(sink.bytes).events]).toEqual([typed(10, 'a')]);
    expect(readRecording(sink.bytes).end).toEqual({ kind: 'cut', icount: 10 });
    writer.progress(25);
    expect([...readRecording(sink.bytes).events]).toEqual([typed(10, 'a'), typed(20, 'b')]);
    expect(readRecording(sink.bytes).end).toEqual({ kind: 'cut', icount: 25 });
  });

  test('drops a checkpoint when its icount gets another event, and keeps the following ones right', () => {
    const { sink, writer } = recorder();
    writer.checkpoint(checkpointAt(100, 1));
    writer.checkpoint(checkpointAt(200, 2));
    writer.event(typed(200, 'x'));
    writer.checkpoint(checkpointAt(300, 3));
    writer.end({ kind: 'cut', icount: 300 });
    expect(plain(readRecording(sink.bytes)).checkpoints).toEqual([
      checkpointAt(100, 1),
      checkpointAt(300, 3),
    ]);
  });

  test('refuses to go back in time, and anything after the end', () => {
    const { writer } = recorder();
    writer.event(typed(10, 'a'));
    expect(() => writer.event(typed(9, 'b'))).toThrow('icount 9 after 10');
    expect(() => writer.progress(9)).toThrow('icount 9 after 10');
    expect(() => writer.event(typed(10.5, 'b'))).toThrow('out of order');
    writer.end({ kind: 'stopped', icount: 11, reason: 'limit' });
    expect(() => writer.event(typed(12, 'c'))).toThrow('has ended');
  });

  test('refuses what the format cannot hold, and goes on', () => {
    const { sink, writer } = recorder();
    writer.event(typed(10, 'a'));
    expect(() => writer.event({ icount: 20, event: { kind: 'warp', ns: 0.5 } })).toThrow(RangeError);
    const address = '80001000';
    expect(() =>
      writer.event({
        icount: 20,
        event: { kind: 'write-memory', hart: 0, address, bytes: new Uint8Array(1) },
      }),
    ).toThrow('not an address of 16 hex digits: 80001000');
    const odd = { ...checkpointAt(20, 1), digests: { hart0: 'XYZ' } };
    expect(() => writer.checkpoint(odd)).toThrow('not a digest of 16 hex digits: XYZ');
    writer.event(typed(15, 'b'));
    writer.checkpoint(checkpointAt(15, 1));
    writer.end({ kind: 'stopped', icount: 16, reason: 'limit' });
    expect(plain(readRecording(sink.bytes))).toEqual({
      header: HEADER,
      events: [typed(10, 'a'), typed(15, 'b')],
      checkpoints: [checkpointAt(15, 1)],
      end: { kind: 'stopped', icount: 16, reason: 'limit' },
    });
  });

  test('refuses a machine that could not be read back', () => {
    const bad = { ...HEADER, config: { ...CONFIG, harts: 17 } };
    expect(() => new LogWriter(new MemorySink(), bad)).toThrow(
      new InputError('its header has no valid "harts": 17'),
    );
  });
});

describe('size', () => {
  const grown = (write: (writer: LogWriter) => void): number => {
    const writer = new LogWriter(new MemorySink(), HEADER);
    const before = writer.bytesWritten;
    write(writer);
    return writer.bytesWritten - before;
  };

  // Incompressible payloads and gaps, so that only the encoding counts.
  const noise = (i: number) => Math.imul(i + 1, 0x9e3779b1) >>> 0;
  const burst: readonly ((icount: number, i: number) => LoggedEvent)[] = [
    (icount, i) => ({ icount, event: { kind: 'console', port: 1, bytes: Uint8Array.of(noise(i)) } }),
    (icount, i) => ({
      icount,
      event: { kind: 'write-register', hart: 3, register: 4161, bytes: new Uint8Array(8).fill(noise(i)) },
    }),
    (icount, i) => ({
      icount,
      event: {
        kind: 'write-memory',
        hart: 3,
        address: `ffffffd6${noise(i).toString(16).padStart(8, '0')}`,
        bytes: new Uint8Array(8).fill(noise(i)),
      },
    }),
    icount => ({ icount, event: { kind: 'warp', ns: icount * 40 } }),
  ];

  test('an event in a burst takes at most 16 bytes and its payload', () => {
    for (const make of burst) {
      const events = Array.from({ length: 500 }, (_, i) =>
        make(2 ** 40 + i * 200_000_000 + (noise(i) & 0xffff), i),
      );
      const payload = events.reduce((sum, { event }) => sum + ('bytes' in event ? event.bytes.length : 0), 0);
      const bytes = grown(writer => {
        for (const event of events) writer.event(event);
        writer.flush();
      });
      expect(bytes).toBeLessThanOrEqual(500 * 16 + payload);
    }
  });

  test('an event alone takes less than 40', () => {
    for (const make of burst) {
      const bytes = grown(writer => {
        writer.event(make(2 ** 47, 1));
        writer.flush();
      });
      expect(bytes).toBeLessThan(40);
    }
  });

  test('a second of pure computing takes less than 200 bytes', () => {
    const seconds = 60;
    const perSecond = 300_000_000;
    const state = new Uint8Array(6000);
    const bytes = grown(writer => {
      for (let half = 1; half <= 2 * seconds; half++) {
        const icount = (half * perSecond) / 2;
        // Registers and clock change: 40 words.
        for (let i = 0; i < 40; i++) new DataView(state.buffer).setUint32(i * 8, noise(half * 40 + i));
        const digests = {
          hart0: digest(half),
          clint: digest(half + 1),
          plic: digest(1),
          uart0: digest(2),
          power: digest(3),
          ram: digest(half + 2),
        };
        if (half % 2 === 0) writer.progress(icount - 1);
        writer.checkpoint({ icount, digests, state });
      }
    });
    const changedState = 2 * 40 * 4;
    expect(bytes / seconds - changedState).toBeLessThan(200);
  });
});

test('each event reads as one line', () => {
  const lines = [
    typed(1, 'say "hi"\r\n\x03é').event,
    typed(1, 'x'.repeat(100)).event,
    { kind: 'shutdown', cause: 'host-signal' } as const,
    { kind: 'reset', cause: 'monitor' } as const,
    { kind: 'warp', ns: 1500 } as const,
    { kind: 'write-register', hart: 1, register: 32, bytes: Uint8Array.of(0x10, 0, 0, 0x80) } as const,
    {
      kind: 'write-memory',
      hart: 0,
      address: '0000000080001000',
      bytes: Uint8Array.of(1, 0xab),
    } as const,
  ].map(describeEvent);
  expect(lines).toEqual([
    'console 0 "say \\"hi\\"\\r\\n\\x03\\xc3\\xa9"',
    `console 0 "${'x'.repeat(64)}"... (100 bytes)`,
    'shutdown by host-signal',
    'reset by monitor',
    'warp to 1500 ns',
    'write-register hart 1 register 32 = 0x80000010',
    'write-memory hart 0 0x80001000 01ab',
  ]);
});
