import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Decoded } from '../../src/engine/instruction-set.js';
import { Operations } from '../../src/engine/operations.js';
import { cpuOf } from '../../src/riscv/cpu-models.js';
import type { RiscvInstruction } from '../../src/riscv/isa/encoding.js';
import { FAMILIES, RiscvInstructionSet } from '../../src/riscv/isa/riscv-instructions.js';
import { parseIsa } from '../../src/riscv/isa-text.js';
import { Random } from '../lockstep/random.js';

const ASSEMBLER = 'riscv64-unknown-elf-as';
const OBJDUMP = 'riscv64-unknown-elf-objdump';
const missing = [ASSEMBLER, OBJDUMP].find(
  program => spawnSync(program, ['--version'], { stdio: 'ignore' }).status !== 0,
);
const XLENS = [32, 64] as const;

const isaOf = (xlen: 32 | 64) => new RiscvInstructionSet(parseIsa(cpuOf('max', xlen).isa));
/** Binutils 2.40 does not. */
const NOT_IN_OBJDUMP = ['zabha', 'zacas', 'zicond', 'zimop', 'zfa'];
const MARCH = '_svinval_zba_zbb_zbc_zbs_zbkb_zbkx_zknd_zkne_zknh_zicbom_zicboz_zawrs_zfh';
const roundingFormats = ['R-rounding', 'R4'];

/** A word of the instruction with random operands; a reserved rounding mode becomes the dynamic one. */
function randomWord(random: Random, { mask, match, format }: RiscvInstruction): number {
  let word = (match | (random.word() & ~mask)) >>> 0;
  if (roundingFormats.includes(format) && ((word >>> 12) & 7) > 4) word |= 7 << 12;
  return word >>> 0;
}

const blank = (instruction: RiscvInstruction): Decoded => ({
  instruction,
  result: 0,
  first: 0,
  second: 0,
  third: 0,
  modifier: 0,
  immediate: 0,
  length: 0,
});

describe.each(XLENS)('instructions of RV%i', xlen => {
  const { instructions } = isaOf(xlen);

  test('no two encodings overlap', () => {
    const overlaps: string[] = [];
    for (const [i, a] of instructions.entries()) {
      for (const b of instructions.slice(i + 1)) {
        const common = a.mask & b.mask;
        // zext.h is pack with x0, where both are there: it comes first, and means the same.
        if (a.name === 'zext.h' && b.name.startsWith('pack')) continue;
        if ((a.match & common) === (b.match & common)) overlaps.push(`${a.name} and ${b.name}`);
      }
    }
    expect(overlaps).toEqual([]);
  });

  test('each decodes to itself, whatever its operands', () => {
    const random = new Random(xlen);
    const isa = isaOf(xlen);
    for (const instruction of instructions) {
      for (let i = 0; i < 50; i++) {
        const drawn = randomWord(random, instruction);
        const word = instruction.name.startsWith('pack') ? (drawn | (1 << 20)) >>> 0 : drawn;
        const decoded = blank(instructions[0]);
        expect(isa.decode(word, decoded)).toBe(true);
        expect(decoded.instruction.name).toBe(instruction.name);
        expect(decoded.length).toBe(4);
      }
    }
  });

  test('reserved rounding modes are no instructions', () => {
    const isa = isaOf(xlen);
    const rounding = instructions.filter(one => roundingFormats.includes(one.format));
    expect(rounding.length).toBeGreaterThan(20);
    for (const { match } of rounding) {
      const legal = Array.from({ length: 8 }, (_, mode) =>
        isa.decode((match | (mode << 12)) >>> 0, blank(instructions[0])),
      );
      expect(legal).toEqual([true, true, true, true, true, false, false, true]);
    }
  });

  test('what has no operation of its own has a number', () => {
    const isa = isaOf(xlen);
    const operations = new Operations(isa);
    expect(operations.shared).toBeLessThan(256);
    for (const one of isa.instructions)
      expect(operations.own.includes(one), one.name).toBe(operations.numberOf(one) === undefined);
    expect(new Set(operations.sharing.map(one => operations.numberOf(one))).size).toBe(
      operations.sharing.length,
    );
  });

  test.skipIf(missing)(
    `objdump knows each by the same name${missing ? ` (skipped: ${missing} is not installed)` : ''}`,
    () => {
      const random = new Random(xlen + 1);
      // Objdump wants zeros in the reserved fields of fences and for the rounding of exact conversions.
      const known = instructions.filter(one => !one.extensions.some(name => NOT_IN_OBJDUMP.includes(name)));
      const words = known.map(one => {
        if (one.name.startsWith('fence')) return one.match;
        if (one.name === 'aes64ks1i') return (one.match | (5 << 20)) >>> 0;
        if (one.name.startsWith('pack')) return (one.match | (5 << 20)) >>> 0;
        const word = randomWord(random, one);
        return roundingFormats.includes(one.format) ? (word & ~0x7000) >>> 0 : word;
      });
      const names = disassemble(words, xlen).map(shown => shown.replace(/\.(aq|rl|aqrl)$/, ''));
      expect(names).toEqual(known.map(one => one.name));
    },
  );
});

function disassemble(words: readonly number[], xlen: 32 | 64): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-isa-'));
  try {
    const [source, object] = ['words.s', 'words.o'].map(name => join(folder, name));
    writeFileSync(source, words.map(word => `.insn 4, 0x${word.toString(16)}\n`).join(''));
    execFileSync(ASSEMBLER, [`-march=rv${xlen}gc${MARCH}`, '-o', object, source]);
    const text = execFileSync(OBJDUMP, ['-d', '-M', 'no-aliases,numeric', object], { encoding: 'utf8' });
    return [...text.matchAll(/^ *[0-9a-f]+:\t[0-9a-f]+ +\t(\S+)/gm)].map(match => match[1]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('a family is declared for every extension that brings one of its instructions', () => {
  for (const { extensions, instructions } of FAMILIES) {
    const brought = new Set(instructions().flatMap(one => one.extensions));
    expect([...brought].sort()).toEqual([...extensions].sort());
  }
});
