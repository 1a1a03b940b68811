import { describe, expect, test } from 'vitest';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import { isInstructionOf } from '../../src/riscv/isa/encoding.js';
import { allInstructions } from '../../src/riscv/isa/riscv-instructions.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import { lackingFor } from '../../src/riscv/lacking.js';
import { CSR_OPS, CSR_OPS_IMMEDIATE } from '../lockstep/encode.js';

const hart = (text: string) => parseIsa(cpuOf(text, undefined).isa);
const { csrrs, csrrw } = CSR_OPS;

describe('what an illegal instruction is on another CPU', () => {
  test.each([
    ['rv64gc', 0x0ec5d533, { name: 'czero.eqz', extension: 'Zicond', model: 'max' }],
    ['rv64gc', 0x0ac59533, { name: 'clmul', extension: 'Zbc', model: 'rv64' }],
    ['rv64im', 0x00c5a52f, { name: 'amoadd.w', extension: 'A', model: 'rv64' }],
    ['rv64imac', 0x02c5f553, { name: 'fadd.d', extension: 'D', model: 'rv64' }],
    ['max,zacas=off', 0x28c5852f, { name: 'amocas.b', extension: 'Zacas', model: 'max' }],
    ['rv64gc', 0x8000, { name: 'c.lbu', extension: 'Zcb', model: 'max' }],
    ['rv64gc', 0x9d61, { name: 'c.zext.b', extension: 'Zcb', model: 'max' }],
    ['rv64gc', 0x6081, { name: 'c.mop', extension: 'Zcmop', model: 'max' }],
    ['rv64imac', 0x2000, { name: 'c.fld', extension: 'Zcd', model: 'rv64' }],
    ['rv64im', 0x0505, { name: 'c.addi', extension: 'C', model: 'rv64' }],
    ['rv64gc', csrrs(10, 0x015, 0), { name: 'seed', extension: 'Zkr', model: 'max' }],
    ['rv64imac', CSR_OPS_IMMEDIATE.csrrwi(0, 0x003, 1), { name: 'fcsr', extension: 'F', model: 'rv64' }],
    ['rv32imac,s=off', csrrw(0, 0x180, 5), { name: 'satp', extension: 'S', model: 'rv32' }],
  ] as const)('%s, 0x%x', (cpu, word, lacking) => {
    expect(lackingFor(hart(cpu), word)).toEqual(lacking);
  });

  test.each([
    ['no instruction at all', 0xffffffff],
    ['one that this CPU has', 0x00b50533],
    ['a CSR that no CPU has', csrrs(10, 0x5c0, 0)],
    ['16 zeros', 0],
  ])('nothing is said of %s', (_, word) => {
    expect(lackingFor(hart('rv64gc'), word)).toBeUndefined();
  });

  test('every instruction that max has is named to the smallest CPU, or is its own', () => {
    const [small, max] = [hart('rv64i'), hart('max')];
    for (const one of allInstructions().filter(one => isInstructionOf(one, max))) {
      // No access to a CSR that comes with an extension, and a register that the operation allows.
      if (one.extensions.includes('zicsr')) continue;
      const found = lackingFor(small, one.match);
      expect(found?.name ?? one.name, one.name).toBe(
        isInstructionOf(one, small) ? one.name : (found?.name ?? 'nothing'),
      );
    }
  });
});
