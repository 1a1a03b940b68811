import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { InputLog } from '../../src/replay/input-log.js';
import { readRecording } from '../../src/replay/recording-reader.js';
import { LogWriter } from '../../src/replay/recording-writer.js';
import { checkpointAt, HEADER, MemorySink, typed } from './recordings.js';

const icounts = fc
  .array(fc.oneof(fc.nat(20), fc.maxSafeNat()), { maxLength: 200 })
  .map(list => list.sort((a, b) => a - b));

describe('the input log', () => {
  test('finds the events of any boundary', () => {
    fc.assert(
      fc.property(icounts, fc.oneof(fc.nat(25), fc.maxSafeNat()), (list, icount) => {
        const log = new InputLog(list.map(n => typed(n, 'x')));
        expect(log.indexAt(icount)).toBe(list.filter(n => n < icount).length);
        expect(log.indexAfter(icount)).toBe(list.filter(n => n <= icount).length);
        expect(log.countAt(icount)).toBe(list.filter(n => n === icount).length);
      }),
    );
  });

  test('gives the next icount at each cursor, and any slice', () => {
    const events = [typed(1, 'a'), typed(5, 'b'), typed(5, 'c'), typed(2 ** 50, 'd')];
    const log = new InputLog(events);
    expect([0, 1, 2, 3, 4].map(cursor => log.nextIcount(cursor))).toEqual([1, 5, 5, 2 ** 50, Infinity]);
    expect(log.slice(log.indexAt(5), log.indexAfter(5))).toEqual([typed(5, 'b'), typed(5, 'c')]);
    expect(log.at(3)).toEqual(events[3]);
    expect(log.at(3)).toBe(log.at(3));
    expect(log.at(4)).toBeUndefined();
    expect(() => log.get(4)).toThrow(RangeError);
  });

  test('grows at the end only', () => {
    const log = new InputLog();
    for (let i = 0; i < 1000; i++) expect(log.append(typed(i * 3, 'x'))).toBe(i);
    expect(() => log.append(typed(2996, 'x'))).toThrow('icount 2996 after 2997');
    expect(() => log.append(typed(3000.5, 'x'))).toThrow('out of order');
    expect(log.length).toBe(1000);
    expect(log.indexAt(1500)).toBe(500);
  });

  /** Events of many sizes, so that blocks of the log end between any two of them. */
  const long = Array.from({ length: 600 }, (_, i) =>
    typed(Math.floor(i / 3) * 7, 'x'.repeat((i * 37) % 700)),
  );

  test('is the same whichever way one goes through it, across blocks', () => {
    const log = new InputLog(long);
    expect([...log]).toEqual(long);
    for (let i = long.length - 1; i >= 0; i -= 7) expect(log.at(i)).toEqual(long[i]);
    let at = 1;
    for (let i = 0; i < 500; i++) {
      at = (at * 48_271) % 2_147_483_647;
      expect(log.at(at % long.length)).toEqual(long[at % long.length]);
    }
    for (const icount of [0, 7, 700, 1393, 1400]) {
      expect(log.indexAt(icount)).toBe(long.filter(event => event.icount < icount).length);
    }
  });

  test('keeps an event that is asked for while others are appended', () => {
    const log = new InputLog();
    for (const event of long) {
      const index = log.append(event);
      if (index % 5 === 0) expect(log.at(index)).toEqual(event);
      if (index % 7 === 0) expect(log.at(index >> 1)).toEqual(long[index >> 1]);
    }
  });

  test('forks at any event, and neither changes the other', () => {
    const log = new InputLog(long);
    for (const count of [0, 1, 2, 250, 333, 599, 600]) {
      const fork = log.fork(count);
      expect([...fork]).toEqual(long.slice(0, count));
      const icount = long[count - 1]?.icount ?? 0;
      expect(fork.append(typed(icount, 'other'))).toBe(count);
      expect(fork.at(count)).toEqual(typed(icount, 'other'));
      if (icount > 0) expect(() => fork.append(typed(icount - 1, 'late'))).toThrow('out of order');
    }
    expect([...log]).toEqual(long);
  });

  test('of a file is read in blocks: events before, between and behind checkpoints', () => {
    const sink = new MemorySink();
    const writer = new LogWriter(sink, HEADER);
    for (const [i, event] of long.entries()) {
      writer.event(event);
      if (i % 3 === 2 && i % 5 === 0) writer.checkpoint(checkpointAt(event.icount, i));
      if (i % 3 === 2 && i % 7 === 0) writer.progress(event.icount + 3);
      if (i % 11 === 0) writer.flush();
    }
    writer.end({ kind: 'limit', icount: 7000, limit: 'size' });
    const { events, checkpoints } = readRecording(sink.bytes);
    expect([...events]).toEqual(long);
    for (let i = long.length - 1; i >= 0; i -= 13) expect(events.at(i)).toEqual(long[i]);
    const states = [...checkpoints].map(({ icount, digests, state }) => ({ icount, digests, state }));
    expect(states).toHaveLength(40);
    for (let i = states.length - 1; i >= 0; i -= 3) {
      const { icount, digests, state } = checkpoints.at(i)!;
      expect({ icount, digests, state }).toEqual(states[i]);
    }
    const again = InputLog.from(events);
    expect([...again.fork(456)]).toEqual(long.slice(0, 456));
  });
});
