/** What an input costs in a recording, beyond what it says. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InputEvent } from '../../src/ports/input-event.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter } from '../../src/replay/recording-writer.js';
import { bootFixture, fixture, MemoryFile, replay } from '../support/sessions.js';
import { event, HEADER, MemorySink } from './recordings.js';

const MOST_OVERHEAD = 16;
/** Between two checkpoints there is half a second: at 500 million steps a second, this many steps. */
const LONGEST_GAP = 250_000_000;

const bytesOf = (value: number): number => Math.max(1, Math.ceil(Math.log2(value + 1) / 8));

/** Bytes of what an input says: its fields without its kind, a cause or number in as few bytes as hold it. */
function payload(input: InputEvent): number {
  const { kind: _, ...fields } = input;
  return Object.values(fields).reduce((sum: number, field: number | string | Uint8Array) => {
    if (field instanceof Uint8Array) return sum + field.length;
    if (typeof field === 'number') return sum + bytesOf(field < 0 ? 0xffff_ffff : field);
    return sum + (/^[0-9a-f]{16}$/.test(field) ? 8 : 1);
  }, 0);
}

/**
 * Virtual addresses are sign-extended from at most 48 bits, physical ones are smaller; errors of files have small
 * numbers.
 */
const usual = (input: InputEvent): InputEvent => {
  switch (input.kind) {
    case 'write-memory':
      return { ...input, address: (input.address[8] < '8' ? '0000' : 'ffff') + input.address.slice(4) };
    case 'semihosting':
      return { ...input, errno: input.errno % 128 };
    default:
      return input;
  }
};

describe('an input that stands alone costs at most 16 bytes beside its payload', () => {
  test('whatever its kind, written at once', () => {
    const lone = fc.record({ gap: fc.nat(LONGEST_GAP), input: event.map(usual) });
    const packet = fc
      .uint8Array({ minLength: 60, maxLength: 1514 })
      .map((bytes): InputEvent => ({ kind: 'network', port: 0, bytes: Uint8Array.from(bytes) }));
    const large = fc.record({ gap: fc.nat(LONGEST_GAP), input: packet });
    fc.assert(
      fc.property(fc.array(fc.oneof(lone, large), { minLength: 1, maxLength: 20 }), all => {
        const sink = new MemorySink();
        const writer = new LogWriter(sink, HEADER);
        let icount = 0;
        for (const { gap, input } of all) {
          icount += gap;
          const before = writer.bytesWritten;
          writer.event({ icount, event: input });
          writer.flush();
          const cost = writer.bytesWritten - before - payload(input);
          expect(cost, JSON.stringify(input)).toBeLessThanOrEqual(MOST_OVERHEAD);
        }
        expect([...readRecording(sink.bytes).events].map(logged => logged.event)).toEqual(
          all.map(({ input }) => input),
        );
      }),
    );
  });

  test("a debugger's changes and what is typed, in a live session", async () => {
    const file = new MemoryFile();
    const { session } = bootFixture(fixture('rv64', 'compute-long'));
    session.record(file);
    session.attach();
    const costs: number[] = [];
    const changes: readonly (readonly [number, () => void])[] = [
      [1 + 2 + 8, () => session.writeRegister(0, 27, new Uint8Array(8).fill(0xa5))],
      [1 + 8 + 4, () => session.writeMemory(0, 0x8010_0000n, Uint8Array.of(1, 2, 3, 4))],
      [1 + 8 + 1, () => session.writeMemory(0, 0x87ff_fff0n, Uint8Array.of(9))],
      [1, () => session.reset()],
    ];
    for (const [says, change] of changes) {
      session.stopAtIcount(session.status().icount + 3_000_000);
      await session.resume({ kind: 'continue', direction: 'forward' });
      const before = file.length;
      change();
      costs.push(file.length - before - says);
    }
    session.close();
    for (const cost of costs) expect(cost).toBeLessThanOrEqual(MOST_OVERHEAD);
    expect(Math.min(...costs)).toBeGreaterThan(0);
    expect(await replay(file.read()).session.verify()).toMatchObject({ icount: 12_000_000 });
  });
});
