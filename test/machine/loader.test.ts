import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkApart, loadElf, loadRaw, xlenOf } from '../../src/boards/virt/loader.js';
import { sayOption } from '../../src/cli/machine-options.js';
import { parseElf } from '../../src/images/elf.js';
import { readSymbols } from '../../src/images/symbols.js';
import { RISCV_ELF } from '../../src/riscv/elf-machine.js';
import { InputError, inWordsOf } from '../../src/state/input-error.js';
import { buildElf, type ElfParts } from './elf-builder.js';

const MIB = 2 ** 20;
const segments = [{ physical: 0x8000_0000n, bytes: [1, 2, 3, 4] }];
/** Settings have the names that this reader knows. */
const saidOnTheCommandLine = (work: () => unknown) => () => inWordsOf(sayOption, work);
const load = (bytes: Uint8Array, xlen: 32 | 64 = 64, ramBytes = MIB) =>
  loadElf('fw.elf', bytes, { xlen, ramBytes });
const fixture = (path: string) =>
  new Uint8Array(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url)));

describe('a program is loaded', () => {
  test.each([32, 64] as const)('%i-bit, at physical addresses, zero-filled', xlen => {
    const bytes = buildElf({
      xlen,
      entry: 0x8000_0004n,
      segments: [
        { physical: 0x8000_0000n, bytes: [1, 2, 3, 4, 5, 6, 7, 8] },
        { type: 0x7000_0003, physical: 0n, bytes: [9] },
        { physical: 0x8000_1000n, virtual: 0x4000n, bytes: [7], memoryBytes: 4 },
        { physical: 0x8000_2000n, bytes: [], memoryBytes: 3 },
      ],
    });
    expect(xlenOf('fw.elf', bytes)).toBe(xlen);
    expect(load(bytes, xlen)).toEqual({
      xlen,
      entry: 0x8000_0004,
      end: 0x8000_2003,
      images: [
        { name: 'fw.elf', address: 0x8000_0000, bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) },
        { name: 'fw.elf', address: 0x8000_1000, bytes: Uint8Array.of(7, 0, 0, 0) },
        { name: 'fw.elf', address: 0x8000_2000, bytes: Uint8Array.of(0, 0, 0) },
      ],
    });
  });

  test('a kernel linked high starts at the physical place of its entry', () => {
    const bytes = buildElf({
      entry: 0xffff_ffff_8000_0002n,
      segments: [{ physical: 0x8002_0000n, virtual: 0xffff_ffff_8000_0000n, bytes: [1, 2, 3, 4] }],
    });
    expect(load(bytes).entry).toBe(0x8002_0002);
  });

  /** As ld does with -Ttext=0x80000000: the first segment starts at the file's beginning, which is below RAM. */
  const withHeaders = (change: (bytes: Uint8Array) => void = () => {}) => {
    const bytes = buildElf({ entry: 0x8000_0000n, segments: [{ physical: 0x8000_0000n, bytes: [1, 2] }] });
    const header = new DataView(bytes.buffer, bytes.byteOffset + 64, 56);
    const before = header.getBigUint64(8, true);
    header.setBigUint64(8, 0n, true);
    for (const address of [16, 24]) header.setBigUint64(address, 0x8000_0000n - before, true);
    for (const length of [32, 40]) header.setBigUint64(length, before + 2n, true);
    change(bytes);
    return bytes;
  };

  test('without the headers of the file, where they would lie below RAM', () => {
    const images = [{ name: 'fw.elf', address: 0x8000_0000, bytes: Uint8Array.of(1, 2) }];
    expect(load(withHeaders())).toMatchObject({ entry: 0x8000_0000, images, end: 0x8000_0002 });
  });

  test('but nothing of the program is left out', () => {
    const oneByteLower = (bytes: Uint8Array) => {
      const first = new DataView(bytes.buffer, bytes.byteOffset + 64, 56);
      first.setBigUint64(24, first.getBigUint64(24, true) - 1n, true);
    };
    expect(() => load(withHeaders(oneByteLower))).toThrow(/outside RAM/);
  });

  test('a raw image, at the address given', () => {
    const bytes = Uint8Array.of(1, 2);
    expect(loadRaw('Image', bytes, 0x8020_0000, 4 * MIB)).toEqual({
      name: 'Image',
      address: 0x8020_0000,
      bytes,
    });
  });
});

describe('what cannot be loaded is told in one line', () => {
  const rejects: readonly (readonly [string, ElfParts, string])[] = [
    ['another machine', { machine: 62 }, 'fw.elf is a program for x86-64, not for RISC-V'],
    ['an unknown machine', { machine: 9999 }, 'fw.elf is a program for ELF machine 9999, not for RISC-V'],
    [
      'another machine, big-endian',
      { machine: 8, bigEndian: true },
      'fw.elf is a program for MIPS, not for RISC-V',
    ],
    [
      'big-endian',
      { bigEndian: true },
      'fw.elf is big-endian; backstub runs little-endian RISC-V programs only',
    ],
    [
      'an object file',
      { type: 1, segments },
      'fw.elf is not executable: it is a relocatable object that is not linked yet',
    ],
    [
      'a 32-bit program on 64-bit harts',
      { xlen: 32, segments },
      'fw.elf is a 32-bit program, but the machine has 64-bit harts: give --cpu rv32..., or nothing',
    ],
    [
      'a program for Linux',
      { segments: [...segments, { type: 3, physical: 0n, bytes: [0x2f, 0] }] },
      'fw.elf is a program for an operating system (it asks for a dynamic linker); backstub runs bare-metal programs',
    ],
    ['nothing to load', {}, 'fw.elf has nothing to load: no PT_LOAD segment'],
    [
      'a segment below RAM',
      { segments: [{ physical: 0x1_0000n, bytes: [1, 2] }] },
      'fw.elf: segment 0 at 0x10000 to 0x10002 is outside RAM, 0x80000000 to 0x80100000: link it for RAM, which always starts there',
    ],
    [
      'a segment past the end of RAM',
      { segments: [...segments, { physical: 0x800f_ffffn, bytes: [1], memoryBytes: 3 * MIB }] },
      'fw.elf: segment 1 at 0x800fffff to 0x803fffff is outside RAM, 0x80000000 to 0x80100000: give --memory 4M',
    ],
  ];
  test.each(rejects)('%s', (_what, parts, message) => {
    expect(saidOnTheCommandLine(() => load(buildElf(parts)))).toThrow(new InputError(message));
  });

  test('a 64-bit program on 32-bit harts', () => {
    expect(saidOnTheCommandLine(() => load(buildElf({ segments }), 32))).toThrow(
      'fw.elf is a 64-bit program, but the machine has 32-bit harts: give --cpu rv64..., or nothing',
    );
  });

  test('no ELF file', () => {
    expect(() => load(new TextEncoder().encode('#!/bin/sh\n'))).toThrow(
      'fw.elf is not an ELF file; a raw image needs an address to be loaded at',
    );
    expect(() => load(new Uint8Array())).toThrow(InputError);
  });

  test('a raw image that does not fit', () => {
    expect(saidOnTheCommandLine(() => loadRaw('Image', new Uint8Array(8), 0x800f_fffc, MIB))).toThrow(
      'Image: the image at 0x800ffffc to 0x80100004 is outside RAM, 0x80000000 to 0x80100000: give --memory 2M',
    );
    expect(() => loadRaw('Image', new Uint8Array(), 0x8000_0000, MIB)).toThrow('Image is empty');
  });

  test('images that overlap', () => {
    const image = (name: string, address: number, length: number) => ({
      name,
      address,
      bytes: new Uint8Array(length),
    });
    const program = image('fw.elf', 0x8000_0000, 0x1000);
    expect(() => checkApart([image('device tree', 0x8000_1000, 16), program])).not.toThrow();
    expect(saidOnTheCommandLine(() => checkApart([image('device tree', 0x8000_0ff0, 32), program]))).toThrow(
      'fw.elf at 0x80000000 to 0x80001000 and device tree at 0x80000ff0 to 0x80001010 overlap in memory: give --memory more, or load one of them elsewhere',
    );
  });

  test('a file cut anywhere is truncated', () => {
    const whole = fixture('rv64/demo.elf');
    for (const end of [4, 20, 63, 64, 100, Math.floor(whole.length / 2), whole.length - 1]) {
      expect(() => load(whole.slice(0, end), 64, 128 * MIB), `cut at ${end}`).toThrow(
        /^fw\.elf is truncated: .* ends at byte \d+, the file at \d+$/,
      );
    }
    expect(() => load(buildElf({ segments }).slice(0, -1))).toThrow(
      'fw.elf is truncated: segment 0 ends at byte 124, the file at 123',
    );
  });

  test('damaged bytes end in InputError or load', () => {
    const whole = buildElf({ segments });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        changes => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          try {
            expect(load(bytes).images.length).toBeGreaterThan(0);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('symbols', () => {
  const NM = 'riscv64-unknown-elf-nm';
  const missing = spawnSync(NM, ['--version'], { stdio: 'ignore' }).status !== 0;

  test.each(['rv32/demo.elf', 'rv64/demo.elf'])('%s: functions with address and size', path => {
    const symbols = readSymbols(parseElf(path, fixture(path), RISCV_ELF));
    const main = symbols.find(({ name }) => name === 'main');
    expect(main).toMatchObject({ kind: 'function' });
    expect(main?.size).toBeGreaterThan(0);
    expect(main?.address).toBeGreaterThanOrEqual(0x8000_0000n);
  });

  test.skipIf(missing)(
    `are those of nm (${missing ? `skipped: ${NM} is not installed` : 'compared'})`,
    () => {
      const path = 'rv64/demo.elf';
      const { stdout } = spawnSync(NM, [new URL(`../../fixtures/${path}`, import.meta.url).pathname]);
      const theirs = stdout
        .toString()
        .split('\n')
        .filter(line => /^[0-9a-f]/.test(line))
        .map(line => line.split(' '))
        .filter(([, , name]) => !/^(\.L|\$)/.test(name) && !name.endsWith('.c'))
        .map(([address, , name]) => `${address} ${name}`);
      const ours = readSymbols(parseElf(path, fixture(path), RISCV_ELF)).map(
        ({ name, address }) => `${address.toString(16).padStart(16, '0')} ${name}`,
      );
      expect(ours.sort()).toEqual(theirs.sort());
      expect(ours.length).toBeGreaterThan(20);
    },
  );

  test('a file without sections has none', () => {
    expect(readSymbols(parseElf('fw.elf', buildElf({ segments }), RISCV_ELF))).toEqual([]);
  });
});
