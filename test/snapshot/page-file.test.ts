/** Snapshots whose pages went to a file have to be as good as those in memory. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openPageFile } from '../../src/host/files/temporary-page-file.js';
import { GuestMemory } from '../../src/memory/guest-memory.js';
import { PAGE_BYTES, planMemory } from '../../src/memory/memory-plan.js';
import type { PageFile } from '../../src/snapshot/page-file.js';
import { SnapshotReceiver } from '../../src/snapshot/shared-snapshot.js';
import { type Snapshot, SnapshotStore } from '../../src/snapshot/snapshot-store.js';
import { InputError } from '../../src/state/input-error.js';
import { connect } from '../gdb/wire.js';
import { bootFixture, digestsOf, fixture } from '../support/sessions.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'backstub-pages-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const PAGES = 24;
/** Too little for the snapshots of the session below. */
const LITTLE = 1_300_000;

const smallMemory = () =>
  new GuestMemory(
    planMemory({
      stateBytes: 64,
      tlbBytes: 64,
      decodePages: 1,
      regionEntryBytes: 64,
      selectorTableBytes: 0,
      isaTableBytes: 0,
      regionNoteBytes: 64,
      ramBytes: PAGES * PAGE_BYTES,
      romBytes: 0,
      backingBytes: 0,
    }),
  );

/** One machine's memory with its snapshots, to do things to. */
class Kept {
  readonly memory = smallMemory();
  readonly store: SnapshotStore;
  readonly snapshots: Snapshot[] = [];

  constructor(
    file: PageFile | undefined,
    readonly limit: number,
  ) {
    this.store = new SnapshotStore(this.memory, file);
  }

  write(page: number, byte: number): void {
    const host = this.memory.hostAddressOfPage(page);
    this.memory.beforeWrite(host, PAGE_BYTES);
    this.memory.u8.fill(byte, host, host + PAGE_BYTES);
    this.memory.stateBytes[0] = byte;
  }

  take(): boolean {
    this.snapshots.push(this.store.take());
    return this.store.fitsInto(this.limit);
  }

  restore(index: number): void {
    if (this.snapshots.length > 0) this.store.restore(this.snapshots[index % this.snapshots.length]);
  }

  release(index: number): void {
    if (this.snapshots.length === 0) return;
    const [gone] = this.snapshots.splice(index % this.snapshots.length, 1);
    this.store.release(gone);
  }

  /** First byte of each page, and of the state: pages are filled with one byte. */
  get contents(): number[] {
    const { memory } = this;
    const whole = Array.from({ length: PAGES }, (_, page) => {
      const bytes = memory.pageBytes(page);
      return [1_777, PAGE_BYTES - 1].every(at => bytes[at] === bytes[0]) ? bytes[0] : -1;
    });
    return [...whole, memory.stateBytes[0]];
  }
}

const moves = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('write'), fc.nat(PAGES - 1), fc.nat(255)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('take'), fc.nat(0), fc.nat(0)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('restore'), fc.nat(99), fc.nat(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('release'), fc.nat(99), fc.nat(0)) },
  ),
  { minLength: 20, maxLength: 200 },
);

function perform(kept: Kept, [move, a, b]: [string, number, number]): void {
  if (move === 'write') kept.write(a, b);
  else if (move === 'take') kept.take();
  else if (move === 'restore') kept.restore(a);
  else kept.release(a);
}

/**
 * A file in memory with room for so many pages, which fails from the nth write on. Reads fail too, but the next
 * attempt at a restore gets through.
 */
function fakeFile(capacity: number, failFrom: number): PageFile {
  let readsToFailure = 0;
  const places = new Map<number, Uint8Array>();
  let writes = 0;
  return {
    capacity,
    handle: -1,
    write(first, pages) {
      if (++writes >= failFrom) return false;
      for (const [i, page] of pages.entries()) {
        expect(first + i).toBeLessThan(capacity);
        places.set(first + i, page.slice());
      }
      return true;
    },
    read: (place, into) => {
      if (readsToFailure-- === 0) {
        readsToFailure = capacity;
        throw new InputError('the disk is broken');
      }
      into.set(places.get(place)!);
    },
    close: () => {},
  };
}

describe('snapshots with a file', () => {
  test('hold what snapshots in memory hold, whatever is taken, restored and released', () => {
    fc.assert(
      fc.property(moves, fc.integer({ min: 0, max: 12 }), (list, pagesInMemory) => {
        const file = openPageFile(folder, 10_000 * PAGE_BYTES);
        const plain = new Kept(undefined, Number.POSITIVE_INFINITY);
        const spilling = new Kept(file, pagesInMemory * PAGE_BYTES + 20_000);
        for (const move of list) {
          perform(plain, move);
          perform(spilling, move);
          expect(spilling.contents).toEqual(plain.contents);
        }
        const { pool } = spilling.store;
        expect(pool.memoryBytes + pool.fileBytes).toBe(plain.store.pool.memoryBytes);
        for (let i = 0; i < plain.snapshots.length; i++) {
          plain.restore(i);
          spilling.restore(i);
          expect(spilling.contents).toEqual(plain.contents);
        }
        spilling.store.close();
      }),
      { numRuns: 60 },
    );
  });

  test('go into places that others have left, wherever these are', () => {
    const file = openPageFile(folder, 10_000 * PAGE_BYTES);
    const plain = new Kept(undefined, Number.POSITIVE_INFINITY);
    const spilling = new Kept(file, 20_000);
    const both = [plain, spilling];
    let byte = 1;
    const round = (pages: number) => {
      for (let page = 0; page < pages; page++, byte = (byte % 255) + 1)
        for (const kept of both) kept.write(page, byte);
      for (const kept of both) kept.take();
    };
    for (let i = 0; i < 20; i++) round(1);
    expect(spilling.store.pool.fileBytes).toBeGreaterThan(10 * PAGE_BYTES);
    // Every second one goes: their places lie between others.
    for (let i = 18; i > 0; i -= 2) for (const kept of both) kept.release(i);
    // Room for all of the next ones, until there is little again: many pages then go at once.
    spilling.store.fitsInto(100 * PAGE_BYTES + 20_000);
    for (let i = 0; i < 4; i++) {
      for (let page = 0; page < 8; page++, byte = (byte % 255) + 1)
        for (const kept of both) kept.write(page, byte);
      for (const kept of both) kept.snapshots.push(kept.store.take());
    }
    spilling.store.fitsInto(20_000);
    for (let i = 0; i < plain.snapshots.length; i++) {
      for (const kept of both) kept.restore(i);
      expect([i, ...spilling.contents]).toEqual([i, ...plain.contents]);
    }
    spilling.store.close();
  });

  test('share one segment of memory while they fit it, and a receiver stops when told to', () => {
    const kept = new Kept(undefined, Number.POSITIVE_INFINITY);
    for (let page = 0; page < PAGES; page++) kept.write(page, page + 1);
    kept.take();
    const shared = kept.store.share(kept.snapshots[0]);
    expect(shared.segments).toHaveLength(1);
    const memory = smallMemory();
    const receiver = new SnapshotReceiver(memory, () => {
      throw new Error('there is no file');
    });
    expect(receiver.restore(shared, () => true)).toBe(false);
    let asked = 0;
    expect(receiver.restore(shared, () => ++asked > 1)).toBe(true);
    expect(asked).toBe(1);
    expect(memory.pageBytes(PAGES - 1)[7]).toBe(PAGES);
  });

  test('stay whole when the file fills up, or fails and the user tries again', () => {
    let failures = 0;
    fc.assert(
      fc.property(moves, fc.nat(8), fc.integer({ min: 1, max: 8 }), (list, capacity, failFrom) => {
        const plain = new Kept(undefined, Number.POSITIVE_INFINITY);
        const spilling = new Kept(fakeFile(capacity, failFrom), 20_000);
        for (const move of list) {
          perform(plain, move);
          for (let done = false; !done; ) {
            try {
              perform(spilling, move);
              done = true;
            } catch (error) {
              expect(error).toBeInstanceOf(InputError);
              failures++;
            }
          }
          expect(spilling.contents).toEqual(plain.contents);
        }
      }),
    );
    expect(failures).toBeGreaterThan(0);
  });

  test('take no more memory than they may, and say where they are', () => {
    const limit = 100 * PAGE_BYTES;
    const kept = new Kept(openPageFile(folder, 10_000 * PAGE_BYTES), limit);
    for (let i = 0; i < 40; i++) {
      for (let page = 0; page < PAGES; page++) kept.write(page, i + 1);
      expect(kept.take()).toBe(true);
      expect(kept.store.memoryBytes).toBeLessThanOrEqual(limit);
    }
    const places = kept.snapshots.map((one, i) => kept.store.placesOf(one, kept.snapshots[i - 1]));
    expect(places[0]).toEqual({ memoryBytes: 64, fileBytes: PAGES * PAGE_BYTES });
    expect(places.at(-1)).toEqual({ memoryBytes: 64 + PAGES * PAGE_BYTES, fileBytes: 0 });
    kept.store.close();
  });
});

test('the file has no name, so nothing is left behind however the process ends', () => {
  const file = openPageFile(folder, 100 * PAGE_BYTES);
  expect(file.write(3, [new Uint8Array(PAGE_BYTES).fill(7), new Uint8Array(PAGE_BYTES).fill(8)])).toBe(true);
  expect(readdirSync(folder)).toEqual([]);
  const page = new Uint8Array(PAGE_BYTES);
  file.read(4, page);
  expect(page.every(byte => byte === 8)).toBe(true);
  file.close();
  file.close();
});

test('a folder that is not there is one clear line', () => {
  expect(() => openPageFile(join(folder, 'missing'), PAGE_BYTES)).toThrow(
    `cannot create a snapshot file in ${folder}/missing: no such file or folder`,
  );
});

test('a session with a file keeps every snapshot, and goes back to where it was', async () => {
  const options = { snapshotIntervalSteps: 20_000, config: { ramBytes: 2 ** 22, icountShift: 9 } };
  const plain = bootFixture(fixture('rv64', 'ticks'), options).session;
  const spilling = bootFixture(fixture('rv64', 'ticks'), {
    ...options,
    snapshotMemoryBytes: LITTLE,
    snapshotDisk: folder,
  }).session;
  const dropping = bootFixture(fixture('rv64', 'ticks'), {
    ...options,
    snapshotMemoryBytes: LITTLE,
  }).session;
  for (const session of [plain, spilling, dropping]) {
    session.attach();
    await session.runToEnd({ maxIcount: 2_000_000 });
  }
  expect(spilling.snapshots().length).toBe(plain.snapshots().length);
  expect(dropping.snapshots().length).toBeLessThan(plain.snapshots().length);
  expect(spilling.snapshots().some(one => one.diskBytes > 0)).toBe(true);
  const list = await (await connect(spilling)).monitor('snapshot list');
  expect(list).toMatch(/^icount 0, \d+ pages, \d+ bytes in memory, \d+ bytes on disk\n/);
  expect(list).toMatch(/\ntogether: \d+ bytes in memory, \d+ bytes on disk\n$/);
  expect(await (await connect(plain)).monitor('snapshot list')).not.toContain('disk');
  expect(spilling.navigator.store.memoryBytes).toBeLessThanOrEqual(LITTLE);
  for (const icount of [1_999_990, 1_000_001, 3, 77_777, 500_000]) {
    await plain.seek(icount);
    await spilling.seek(icount);
    expect(digestsOf(spilling)).toEqual(digestsOf(plain));
  }
  for (const session of [plain, spilling, dropping]) session.close();
});
