/** Searches and checksums of memory that comes in pieces, against the plain ways over the same bytes. */
import { describe, expect, it } from 'vitest';
import { boot } from '../../src/api/index.js';
import { checksumMemory, searchMemory } from '../../src/gdb/stub/memory.js';
import { PieceChecksum } from '../../src/gdb/stub/memory-checksum.js';
import { PieceSearch } from '../../src/gdb/stub/memory-search.js';

const PAGE = 4096;
const breathe = async () => true;

function randomFrom(seed: number): (limit: number) => number {
  let state = seed | 1;
  return limit => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

/** Memory cut anywhere, pieces of zeros without their bytes: few values, so that near misses abound. */
function randomPieces(random: (limit: number) => number) {
  const pieces = Array.from({ length: 1 + random(6) }, () => {
    const length = 1 + random(12);
    if (random(3) === 0) return { length, bytes: undefined };
    return { length, bytes: Uint8Array.from({ length }, () => random(2)) };
  });
  const whole = pieces.flatMap(({ length, bytes }) => [...(bytes ?? new Uint8Array(length))]);
  return { pieces, whole };
}

/** CRC-32/MPEG-2, bit by bit. */
function plainSum(bytes: readonly number[]): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80000000 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
  }
  return crc >>> 0;
}

describe('memory in pieces', () => {
  it('is searched over every border, zeros that were never written included', () => {
    const random = randomFrom(20261128);
    for (let round = 0; round < 5000; round++) {
      const { pieces, whole } = randomPieces(random);
      const pattern = Uint8Array.from({ length: 1 + random(7) }, () => random(2));
      const wanted = whole.findIndex((_, at) => pattern.every((byte, i) => whole[at + i] === byte));
      const search = new PieceSearch(pattern);
      let found = -1;
      for (const piece of pieces) if (found < 0) found = search.take(piece);
      expect([round, found]).toEqual([round, wanted]);
    }
  });

  it('is searched for long patterns, too, whatever repeats in them', () => {
    const random = randomFrom(5);
    let found = 0;
    for (let round = 0; round < 2000; round++) {
      const whole = Uint8Array.from({ length: 400 }, () => (random(12) === 0 ? 1 : 0));
      const length = 20 + random(60);
      const from = random(400 - length);
      const pattern = whole.slice(from, from + length);
      if (random(3) === 0) pattern[random(length)] ^= 1;
      const search = new PieceSearch(pattern);
      let at = -1;
      for (let start = 0; start < whole.length && at < 0; ) {
        const end = Math.min(whole.length, start + 1 + random(150));
        const bytes = whole.subarray(start, end);
        at = search.take({ length: end - start, bytes: bytes.includes(1) ? bytes : undefined });
        start = end;
      }
      expect([round, at]).toEqual([round, Buffer.from(whole).indexOf(pattern)]);
      if (at >= 0) found++;
    }
    expect(found).toBeGreaterThan(1000);
  });

  it('is searched in time that does not depend on what repeats', { timeout: 15_000 }, () => {
    const piece = { length: 2 ** 20, bytes: new Uint8Array(2 ** 20) };
    for (const length of [32, 33, 4000, 8000]) {
      const pattern = new Uint8Array(length);
      pattern[length >> 1] = 1;
      const search = new PieceSearch(pattern);
      for (let i = 0; i < 100; i++) expect(search.take(piece)).toBe(-1);
    }
  });

  it('has the checksum of its bytes', () => {
    const random = randomFrom(11);
    for (let round = 0; round < 1000; round++) {
      const { pieces, whole } = randomPieces(random);
      const sum = new PieceChecksum();
      for (const piece of pieces) sum.take(piece);
      expect([round, sum.value]).toEqual([round, plainSum(whole)]);
    }
    const sum = new PieceChecksum();
    sum.take({ length: 3 * 2 ** 20 + 5, bytes: undefined });
    expect(sum.value).toBe(plainSum(new Array(3 * 2 ** 20 + 5).fill(0)));
  });
});

describe('searching a machine', () => {
  const ram = 0x8000_0000n;

  it('finds what lies over pages, and goes through gigabytes that were never written', async () => {
    using session = boot('fixtures/rv64/demo.elf', { ramBytes: 3 * 2 ** 30 });
    const { target } = session;
    const last = ram + 3n * 2n ** 30n;
    const place = last - BigInt(PAGE) - 2n;
    const pattern = Uint8Array.of(0x78, 0x56, 0x34, 0x12);
    const everything = { hart: 0, address: ram, length: last - ram };
    expect(await searchMemory(target, everything, pattern, breathe)).toBe('absent');
    session.setMemory(place, pattern);
    expect(await searchMemory(target, everything, pattern, breathe)).toEqual({ found: place });
    const zerosAndMore = Uint8Array.of(0, 0, 0, ...pattern);
    expect(await searchMemory(target, everything, zerosAndMore, breathe)).toEqual({ found: place - 3n });
    const nearlyAll = { hart: 0, address: ram, length: place + 3n - ram };
    expect(await searchMemory(target, nearlyAll, pattern, breathe)).toBe('absent');
  });

  it('ends at a hole, unless the bytes come before it', async () => {
    using session = boot('fixtures/rv64/demo.elf', { ramBytes: 8 * 2 ** 20 });
    const { target } = session;
    const last = ram + 8n * 2n ** 20n;
    const beyond = { hart: 0, address: last - 16n, length: 2n ** 64n - 1n };
    const pattern = Uint8Array.of(0xab, 0xcd);
    expect(await searchMemory(target, beyond, pattern, breathe)).toBe('unreadable');
    expect(await checksumMemory(target, beyond, breathe)).toBeUndefined();
    session.setMemory(last - 2n, pattern);
    expect(await searchMemory(target, beyond, pattern, breathe)).toEqual({ found: last - 2n });
    expect(await checksumMemory(target, { ...beyond, length: 16n }, breathe)).toBe(
      plainSum([...new Array(14).fill(0), 0xab, 0xcd]),
    );
  });

  it('gives up when told to, as it does when the debugger is gone', async () => {
    using session = boot('fixtures/rv64/demo.elf', { ramBytes: 3 * 2 ** 30 });
    let turns = 0;
    const everything = { hart: 0, address: ram, length: 3n * 2n ** 30n };
    const end = await searchMemory(
      session.target,
      everything,
      Uint8Array.of(1, 2, 3, 99),
      async () => ++turns < 3,
    );
    expect([end, turns]).toEqual(['unreadable', 3]);
  });
});
