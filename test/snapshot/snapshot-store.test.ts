import { describe, expect, test } from 'vitest';
import { MachineDigest } from '../../src/snapshot/digest.js';
import { SnapshotStore } from '../../src/snapshot/snapshot-store.js';
import { testMachine } from '../lockstep/emulator-hart.js';

const PAGE = 4096;

/** Guest memory with a store of snapshots; pages are written as a device would. */
function store() {
  const { board } = testMachine('rv64imac', { ramBytes: 1 << 20 });
  const { memory, plan } = board;
  const snapshots = new SnapshotStore(memory);
  const first = snapshots.take();
  const write = (page: number, byte: number, at = 0) => {
    memory.beforeWrite(memory.hostAddressOfPage(page) + at, 1);
    memory.pageBytes(page)[at] = byte;
  };
  const bytes = (page: number, at = 0) => memory.pageBytes(page)[at];
  return { snapshots, memory, plan, first, write, bytes };
}

describe('a snapshot', () => {
  test('brings back every byte of the first and the last page, whatever came between', () => {
    const { snapshots, memory, first, write, bytes } = store();
    const last = memory.pageCount - 1;
    const old = bytes(last, PAGE - 1);
    write(0, 1);
    write(last, old ^ 0xff, PAGE - 1);
    const second = snapshots.take();
    write(0, 2);
    write(200, 3);
    snapshots.restore(second);
    expect([bytes(0), bytes(last, PAGE - 1), bytes(200)]).toEqual([1, old ^ 0xff, 0]);
    snapshots.restore(first);
    expect([bytes(0), bytes(last, PAGE - 1)]).toEqual([0, old]);
    snapshots.restore(second);
    expect([bytes(0), bytes(last, PAGE - 1), bytes(200)]).toEqual([1, old ^ 0xff, 0]);
    snapshots.check([first, second]);
  });

  test('copies the pages that were written since the one before, and gives them back when it goes', () => {
    const { snapshots, first, write } = store();
    const before = snapshots.memoryBytes;
    for (let page = 10; page < 15; page++) write(page, 9);
    const second = snapshots.take();
    expect(second.copiedPages).toBe(5);
    expect(snapshots.memoryBytes - before).toBeGreaterThanOrEqual(5 * PAGE);
    for (let page = 10; page < 15; page++) write(page, 0);
    const third = snapshots.take();
    // Pages of zeros take no room.
    expect(third.copiedPages).toBe(5);
    snapshots.release(second);
    snapshots.release(third);
    expect(snapshots.memoryBytes).toBe(before);
    snapshots.check([first]);
  });

  test('says how many of its bytes no other one holds; the first holds all of its own', () => {
    const { snapshots, memory, first, write } = store();
    const inUse = Array.from({ length: memory.pageCount }, (_, page) => page).filter(
      page => !memory.isZeroPage(page),
    );
    const state = first.state.length;
    expect(snapshots.placesOf(first, undefined)).toEqual({
      memoryBytes: state + inUse.length * PAGE,
      fileBytes: 0,
    });
    write(127, 1);
    write(128, 1);
    const second = snapshots.take();
    expect(snapshots.placesOf(second, first)).toEqual({ memoryBytes: state + 2 * PAGE, fileBytes: 0 });
  });

  test('keeps its pages when there are more of them than storage was made for at first', () => {
    const { snapshots, memory, write, bytes, first } = store();
    const taken = Array.from({ length: 10 }, (_, round) => {
      for (let page = 0; page < 250; page++) write(page, round + 1, page);
      return snapshots.take();
    });
    expect(memory.pageCount).toBeGreaterThan(250);
    snapshots.check([first, ...taken]);
    for (const [round, snapshot] of taken.entries()) {
      snapshots.restore(snapshot);
      for (const page of [0, 1, 127, 128, 249]) expect(bytes(page, page)).toBe(round + 1);
    }
  });
});

describe('a digest of memory', () => {
  test('is the same however it was come to: all at once, or page by page, there and back', () => {
    const { memory, plan, write } = store();
    const kept = new MachineDigest(memory, plan);
    const start = kept.compute();
    const seen = new Set([start.ram]);
    for (const [page, at] of [
      [0, 0],
      [0, PAGE - 1],
      [1, 0],
      [memory.pageCount - 1, PAGE - 1],
    ]) {
      const old = memory.pageBytes(page)[at];
      write(page, old ^ 0x80, at);
      const changed = kept.compute().ram;
      expect(seen.has(changed), `byte ${at} of page ${page} counts`).toBe(false);
      seen.add(changed);
      write(page, old, at);
      expect(kept.compute().ram).toBe(start.ram);
    }
  });

  test('tells pages that changed places, and a component from its neighbour', () => {
    const { memory, plan, write } = store();
    const digest = new MachineDigest(memory, plan);
    write(20, 1);
    const one = digest.compute();
    write(20, 0);
    write(21, 1);
    const other = digest.compute();
    expect(other.ram).not.toBe(one.ram);
    const { ram: _, ...components } = one;
    memory.stateBytes[plan.components[0].offset] ^= 1;
    const { ram: __, ...changed } = digest.compute();
    const names = Object.keys(components).filter(name => components[name] !== changed[name]);
    expect(names).toEqual([plan.components[0].name]);
  });
});
