import { describe, expect, test } from 'vitest';
import { deviceTreeIsa, parseIsa } from '../../src/riscv/isa-text.js';

describe('ISA strings', () => {
  test.each([
    ['rv64imac_zicntr', 64, ['i', 'm', 'a', 'c', 'zicntr'], ['s', 'f']],
    ['rv32imacsu', 32, ['i', 's', 'u'], ['f']],
    ['rv64gcsu_zba', 64, ['i', 'm', 'a', 'f', 'd', 'c', 's', 'zba'], []],
  ] as const)('%s', (isa, xlen, has, hasNot) => {
    const { extensions, ...rest } = parseIsa(isa);
    expect(rest.xlen).toBe(xlen);
    for (const name of [...has, 'u', 'zicsr', 'zifencei']) expect(extensions.has(name), name).toBe(true);
    for (const name of hasNot) expect(extensions.has(name), name).toBe(false);
  });

  test.each(['rv128i', 'rv64', 'rv64imac_s', 'RV64I', 'x86'])('%s is none', isa => {
    expect(() => parseIsa(isa)).toThrow('not an ISA string');
  });

  test('device trees do not name the modes', () => {
    expect(deviceTreeIsa('rv64imafdcsu_zicntr_svinval')).toBe('rv64imafdc_zicntr_svinval');
    expect(deviceTreeIsa('rv32imac')).toBe('rv32imac');
  });
});
