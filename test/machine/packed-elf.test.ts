import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { loadElf } from '../../src/boards/virt/loader.js';
import { InputError } from '../../src/state/input-error.js';
import { hasQemu } from '../devices/qtest.js';
import { QtestMachine } from '../devices/qtest-machine.js';
import { Random } from '../lockstep/random.js';
import { buildElf, type ElfParts } from './elf-builder.js';

const RAM = 0x8000_0000n;
const WINDOW = 0x400;
const folder = mkdtempSync(join(tmpdir(), 'packed-elf-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (parts: ElfParts) => loadElf('fw.elf', buildElf(parts), { xlen: 64, ramBytes: 2 ** 20 });

/** What stands in the window after the file was loaded into memory of zeros. */
function memoryAfter(parts: ElfParts): Uint8Array {
  const memory = new Uint8Array(WINDOW);
  for (const { address, bytes } of load(parts).images) memory.set(bytes, address - Number(RAM));
  return memory;
}

const text = { physical: RAM, bytes: [1, 2, 3, 4] };

describe('segments whose load addresses overlap where one brings no bytes', () => {
  test('.bss at the load address of .data, before it and behind it', () => {
    const bss = { physical: RAM + 4n, virtual: 0x8010_0000n, bytes: [], memoryBytes: 64 };
    const data = { physical: RAM + 4n, virtual: 0x8010_1000n, bytes: [0x44, 0x61] };
    for (const segments of [
      [text, bss, data],
      [text, data, bss],
    ]) {
      const { images, end } = load({ segments });
      expect(images.map(({ address, bytes }) => [address, [...bytes]])).toEqual([
        [0x8000_0000, [1, 2, 3, 4]],
        [0x8000_0004, [0x44, 0x61]],
      ]);
      expect(end).toBe(0x8000_0006);
    }
  });

  test('the zeros of a segment reach over the next one', () => {
    const data = { physical: RAM + 4n, bytes: [5, 6], memoryBytes: 32 };
    const more = { physical: RAM + 16n, bytes: [7] };
    expect([...memoryAfter({ segments: [text, data, more] })].slice(0, 18)).toEqual([
      ...[1, 2, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      ...[7, 0],
    ]);
  });

  test('.bss that would reach beyond RAM, where only start-up code clears it', () => {
    const bss = { physical: RAM, virtual: 0x9000_0000n, bytes: [], memoryBytes: 2 ** 30 };
    expect(load({ segments: [text, bss] }).end).toBe(0x8000_0004);
  });

  test('bytes over bytes are refused, whatever --memory', () => {
    const other = { physical: RAM + 3n, bytes: [9] };
    expect(() => load({ segments: [text, other] })).toThrow(
      new InputError(
        'fw.elf: segment 0 at 0x80000000 to 0x80000004 and segment 1 at 0x80000003 to 0x80000004 overlap: link them apart',
      ),
    );
  });
});

function randomParts(random: Random): ElfParts {
  const segments = Array.from({ length: 2 + random.below(4) }, () => {
    const bytes = Array.from(
      { length: random.below(4) === 0 ? 0 : random.below(24) },
      () => 1 + random.below(255),
    );
    return {
      physical: RAM + BigInt(4 * random.below(64)),
      bytes,
      memoryBytes: bytes.length + (random.below(2) === 0 ? 0 : random.below(128)),
    };
  });
  return { segments };
}

describe.skipIf(!hasQemu())('memory is as QEMU has it, or both refuse', () => {
  test('of 16 random files', async () => {
    const random = new Random(12);
    const seen = { loaded: 0, refused: 0 };
    for (let round = 0; round < 16; round++) {
      const parts = randomParts(random);
      const file = join(folder, `${round}.elf`);
      writeFileSync(file, buildElf(parts));
      await using qemu = new QtestMachine(['-kernel', file]);
      const theirs = await qemu.readMemory(Number(RAM), WINDOW).catch((error: unknown) => String(error));
      if (typeof theirs === 'string') {
        expect(() => load(parts), theirs).toThrow(InputError);
        seen.refused++;
      } else {
        expect(
          memoryAfter(parts),
          JSON.stringify(parts, (_, value: unknown) => String(value)),
        ).toEqual(theirs);
        seen.loaded++;
      }
    }
    expect(seen.loaded).toBeGreaterThan(2);
    expect(seen.refused).toBeGreaterThan(2);
  }, 60_000);
});
