import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { virtTree } from '../../src/boards/virt/virt-tree.js';
import { newSettings } from '../../src/ports/config.js';
import { CPU_NAMES, cpuOf } from '../../src/riscv/cpu-models.js';
import { EXTENSIONS, standardFor, withImplied } from '../../src/riscv/extensions.js';
import { isaText, parseIsa } from '../../src/riscv/isa-text.js';
import { Bench } from './bench.js';

const extensionsOf = (text: string, width?: 32 | 64) => parseIsa(cpuOf(text, width).isa).extensions;
const lettersOf = (text: string) => /^rv\d\d([a-z]*)/.exec(cpuOf(text, undefined).isa)?.[1];

describe('CPUs by name', () => {
  test.each([
    ['rv64gc', 64, 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs'],
    ['rv32gc', 32, 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs'],
    ['rv64gc_zkr', 64, 'rv64imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr'],
    ['rv32gc_zkr', 32, 'rv32imafdcsu_zicsr_zifencei_zba_zbb_zbs_zkr'],
    ['rv64imac', 64, 'rv64imacsu_zicsr_zifencei'],
    ['rv32imac', 32, 'rv32imacsu_zicsr_zifencei'],
  ] as const)('%s is in recordings what it always was', (name, xlen, isa) => {
    expect(cpuOf(name, undefined)).toEqual({ xlen, isa });
  });

  test.each(CPU_NAMES)('the text of %s says all that it has, and reads back', name => {
    const hart = parseIsa(cpuOf(name, undefined).isa);
    expect(parseIsa(isaText(hart))).toEqual(hart);
  });

  test('max has the width of the firmware, rv32 and rv64 have their own', () => {
    expect([32, 64, undefined].map(width => cpuOf('max', width as 32 | undefined).xlen)).toEqual([
      32, 64, 64,
    ]);
    expect([cpuOf('rv32', 64).xlen, cpuOf('rv64', 32).xlen]).toEqual([32, 64]);
  });

  test('max has what rv64 has', () => {
    for (const name of extensionsOf('rv64')) expect(extensionsOf('max').has(name), name).toBe(true);
  });
});

describe("QEMU's options", () => {
  test.each(['zba=off', 'ZBA=off', 'zba=false', 'zba=no'])('%s takes an extension away', option => {
    expect(extensionsOf('rv64').has('zba')).toBe(true);
    const without = extensionsOf(`rv64,${option}`);
    expect(without.has('zba')).toBe(false);
    expect(without.has('zbb')).toBe(true);
  });

  test('what cannot be without an extension goes with it, and nothing else does', () => {
    expect(lettersOf('rv64,c=off')).toBe('imafdsu');
    expect([...extensionsOf('rv64,c=off')].filter(name => name.startsWith('zc'))).toEqual([]);
    expect(lettersOf('rv64,f=off')).toBe('imacsu');
    expect(lettersOf('rv32,f=off')).toBe('imacsu');
    expect(lettersOf('rv64,d=off')).toBe('imafcsu');
    expect(extensionsOf('rv64,d=off').has('zca')).toBe(true);
    expect(lettersOf('rv64,s=off')).toBe('imafdcu');
    expect(lettersOf('max,zbs=off')).toBe('imafdcsu');
    expect(extensionsOf('max,zbs=off').has('zbb')).toBe(true);
  });

  test('an option goes with any text, and the last one counts', () => {
    expect(extensionsOf('rv64imac,zba=on').has('zba')).toBe(true);
    expect(extensionsOf('rv64imac_zbb,zbb=off').has('zbb')).toBe(false);
    expect(extensionsOf('rv64,zba=off,zba=on').has('zba')).toBe(true);
  });

  test('leaving out what is never here is no mistake, asking for it is', () => {
    expect(cpuOf('rv64,v=false,h=off', undefined)).toEqual(cpuOf('rv64', undefined));
    expect(() => cpuOf('rv64,v=true', undefined)).toThrow('no CPU here has v: there is i m a f d c');
    expect(() => cpuOf('rv64,zfoo=off', undefined)).toThrow('no CPU here has zfoo');
    expect(() => cpuOf('rv64,zicsr=off', undefined)).toThrow('every CPU here has zicsr');
    expect(() => cpuOf('rv64,zba', undefined)).toThrow('zba is no option of a CPU');
    expect(() => cpuOf('rv64,', undefined)).toThrow('is no option of a CPU');
  });
});

describe('CPUs by ISA string', () => {
  test.each([
    ['rv64imac_zicsr_zba', 'imacu', ['zba', 'zca', 'zaamo']],
    ['rv32im', 'imu', ['zmmul', 'zicsr']],
    ['rv64gcsu_zbb', 'imafdcsu', ['zcd']],
    ['rv64i_zmmul_zca', 'iu', ['zmmul']],
    ['rv32imab', 'imabu', ['zba', 'zbb', 'zbs']],
  ])('%s', (text, letters, others) => {
    expect(lettersOf(text)).toBe(letters);
    for (const name of others) expect(extensionsOf(text).has(name), name).toBe(true);
  });

  test.each([
    ['rv64imac_zfoo', 'no CPU here has zfoo'],
    ['rv32e', 'no CPU here has e'],
    ['rv64imafdcv', 'no CPU here has v'],
    ['rv64imaf_zcf', 'zcf is for harts of 32 bits'],
    ['rv128i', 'no CPU is called rv128i: there is rv64, rv32, max, rv64gc'],
    ['', 'no CPU is called'],
  ])('%s is refused', (text, message) => {
    expect(() => cpuOf(text, undefined)).toThrow(message);
  });
});

test('every extension has a row of its own, and implies rows', () => {
  const names = EXTENSIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { implies = [] } of EXTENSIONS)
    for (const one of implies) expect(names).toContain(typeof one === 'string' ? one : one.name);
});

test('docs/cpus.md lists every extension', () => {
  const by = { every: 'every CPU', rv64: 'rv64, rv32, max', max: 'max' } as const;
  const has = (name: string) =>
    (['rv64', 'max'] as const).find(model => withImplied(standardFor(model, 32), 32).has(name));
  const rows = EXTENSIONS.map(({ name, version, brings, since, xlen }) => {
    const model = since ?? has(name);
    const holders = xlen === 64 && model === 'rv64' ? 'rv64, max' : model && by[model];
    return `| ${name} | ${version} | ${brings} | ${holders ?? 'by name'} |`;
  });
  const table = [
    '| extension | version | what it brings | which has it |',
    '| --- | --- | --- | --- |',
    ...rows,
  ];
  const [, shown] = readFileSync('docs/cpus.md', 'utf8').split(/<!-- extensions: (?:begin|end) -->/);
  expect(shown?.trim().split('\n')).toEqual(table);
});

describe('what a guest sees of its CPU', () => {
  const tree = (isa: string) => {
    const xlen = parseIsa(isa).xlen;
    const cpus = virtTree(newSettings({ xlen, isa })).children.find(({ name }) => name === 'cpus');
    const properties = cpus?.children.find(({ name }) => name.startsWith('cpu@'))?.properties ?? {};
    const textOf = (name: string) => {
      const value = properties[name];
      return value === undefined || value === true || !('strings' in value) ? undefined : value.strings;
    };
    return [textOf('riscv,isa'), textOf('riscv,isa-base'), textOf('riscv,isa-extensions')];
  };

  test('the device tree of the first CPUs is what it was', () => {
    expect(tree(cpuOf('rv64gc', 64).isa)).toEqual([
      ['rv64imafdc_zicsr_zifencei_zba_zbb_zbs'],
      undefined,
      undefined,
    ]);
  });

  test('that of others lists each extension', () => {
    const [[isa], base, extensions] = tree(cpuOf('rv32imac_zba', 32).isa) as string[][];
    expect(isa).toMatch(/^rv32imac_zicntr_.*_zba$/);
    expect(base).toEqual(['rv32i']);
    expect(extensions).toEqual(
      expect.arrayContaining(['i', 'm', 'a', 'c', 'zicsr', 'zmmul', 'zaamo', 'zba']),
    );
    expect(extensions).not.toContain('u');
    expect(isa).toBe(
      `rv32${extensions.filter(one => one.length === 1).join('')}${extensions
        .filter(one => one.length > 1)
        .map(one => `_${one}`)
        .join('')}`,
    );
  });

  test.each([
    ['rv64imac_zba', 'imacu', 2n],
    ['rv32im', 'imu', 1n],
    ['max', 'imafdcbsu', 2n],
    ['rv64', 'imafdcsu', 2n],
  ])('misa of %s', (text, letters, mxl) => {
    const { isa, xlen } = cpuOf(text, undefined);
    const misa = new Bench(isa).get('misa');
    const bits = [...letters].reduce((sum, letter) => sum | (1n << BigInt(letter.charCodeAt(0) - 97)), 0n);
    expect(misa).toBe((mxl << BigInt(xlen - 2)) | bits);
  });

  test('without F or S their fields of mstatus stay zero', () => {
    const status = (isa: string) => {
      const bench = new Bench(isa);
      bench.set({ mstatus: 0x6000 | 0x2 | (1 << 20) });
      return bench.get('mstatus') & 0x10_6002n;
    };
    expect(status('rv64imac')).toBe(0n);
    expect(status('rv64imacsu')).toBe(0x10_0002n);
    expect(status('rv64imafc')).toBe(0x6000n);
  });
});
