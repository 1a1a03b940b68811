import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as e from './encode.js';

const objdump = 'riscv64-unknown-elf-objdump';
const missing = spawnSync(objdump, ['--version'], { stdio: 'ignore' }).status !== 0;

function disassemble(instructions: readonly number[], xlen: 32 | 64): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'backstub-encode-'));
  try {
    const file = join(folder, 'code.bin');
    writeFileSync(file, e.assemble(instructions));
    const args = ['-D', '-b', 'binary', '-m', `riscv:rv${xlen}`, '-M', 'no-aliases,numeric', file];
    const text = execFileSync(objdump, args, { encoding: 'utf8' });
    return [...text.matchAll(/^ +[0-9a-f]+:\t[0-9a-f]+\s+(.*)$/gm)].map(match =>
      match[1]!.replace(/\t/g, ' ').replace(/ #.*$/, '').trim(),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(missing)(`encoders against ${objdump}${missing ? ' (skipped: not installed)' : ''}`, () => {
  const both: [number, string][] = [];
  const only64: [number, string][] = [];
  for (const [name, encode] of Object.entries({ ...e.REGISTER_OPS, ...e.MULTIPLY_OPS }))
    both.push([encode(5, 17, 30), `${name} x5,x17,x30`]);
  for (const [name, encode] of Object.entries({ ...e.REGISTER_OPS_W, ...e.MULTIPLY_OPS_W }))
    only64.push([encode(5, 17, 30), `${name} x5,x17,x30`]);
  for (const [name, encode] of Object.entries(e.IMMEDIATE_OPS))
    both.push([encode(9, 20, -1365), `${name} x9,x20,-1365`]);
  for (const [name, encode] of Object.entries(e.SHIFTS)) {
    both.push([encode(9, 20, 21), `${name} x9,x20,0x15`]);
    only64.push([encode(9, 20, 53), `${name} x9,x20,0x35`]);
  }
  for (const [name, encode] of Object.entries(e.SHIFTS_W))
    only64.push([encode(9, 20, 21), `${name} x9,x20,0x15`]);
  for (const [name, encode] of Object.entries(e.LOADS))
    both.push([encode(9, 20, -91), `${name} x9,-91(x20)`]);
  for (const [name, encode] of Object.entries(e.LOADS_64))
    only64.push([encode(9, 20, -91), `${name} x9,-91(x20)`]);
  for (const [name, encode] of Object.entries(e.STORES))
    both.push([encode(9, 20, -91), `${name} x9,-91(x20)`]);
  only64.push([e.STORES_64.sd(9, 20, 1365), 'sd x9,1365(x20)']);
  for (const [name, encode] of Object.entries(e.CSR_OPS))
    both.push([encode(3, 0x340, 17), `${name} x3,mscratch,x17`]);
  for (const [name, encode] of Object.entries(e.CSR_OPS_IMMEDIATE))
    both.push([encode(3, 0x340, 17), `${name} x3,mscratch,17`]);
  for (const [name, encode] of Object.entries(e.AMOS_W))
    both.push([encode(3, 4, 5), `amo${name}.w x3,x5,(x4)`]);
  for (const [name, encode] of Object.entries(e.AMOS_D))
    only64.push([encode(3, 4, 5, 3), `amo${name}.d.aqrl x3,x5,(x4)`]);
  both.push(
    [e.lr_w(3, 4), 'lr.w x3,(x4)'],
    [e.sc_w(3, 4, 5, 1), 'sc.w.rl x3,x5,(x4)'],
    [e.lui(3, 0xabcde), 'lui x3,0xabcde'],
    [e.auipc(3, 0x12345), 'auipc x3,0x12345'],
    [e.jalr(1, 5, -2048), 'jalr x1,-2048(x5)'],
    [e.ECALL, 'ecall'],
    [e.EBREAK, 'ebreak'],
    [e.MRET, 'mret'],
    [e.WFI, 'wfi'],
    [e.FENCE_I, 'fence.i'],
    [e.fence(9, 6), 'fence iw,or'],
  );
  only64.push(
    [e.lr_d(3, 4), 'lr.d x3,(x4)'],
    [e.sc_d(3, 4, 5), 'sc.d x3,x5,(x4)'],
    [e.addiw(3, 4, -7), 'addiw x3,x4,-7'],
  );
  const c = e.COMPRESSED;
  both.push(
    [c.addi4spn(15, 980), 'c.addi4spn x15,x2,980'],
    [c.lw(9, 14, 84), 'c.lw x9,84(x14)'],
    [c.sw(9, 14, 104), 'c.sw x9,104(x14)'],
    [c.addi(21, -27), 'c.addi x21,-27'],
    [c.li(21, 21), 'c.li x21,21'],
    [c.lui(21, 21), 'c.lui x21,0x15'],
    [c.addi16sp(-336), 'c.addi16sp x2,-336'],
    [c.addi16sp(352), 'c.addi16sp x2,352'],
    [c.srli(13, 21), 'c.srli x13,0x15'],
    [c.srai(13, 10), 'c.srai x13,0xa'],
    [c.andi(13, -11), 'c.andi x13,-11'],
    [c.sub(13, 10), 'c.sub x13,x10'],
    [c.xor(13, 10), 'c.xor x13,x10'],
    [c.or(13, 10), 'c.or x13,x10'],
    [c.and(13, 10), 'c.and x13,x10'],
    [c.slli(21, 21), 'c.slli x21,0x15'],
    [c.lwsp(21, 148), 'c.lwsp x21,148(x2)'],
    [c.swsp(21, 148), 'c.swsp x21,148(x2)'],
    [c.jr(21), 'c.jr x21'],
    [c.mv(21, 10), 'c.mv x21,x10'],
    [c.jalr(21), 'c.jalr x21'],
    [c.add(21, 10), 'c.add x21,x10'],
    [e.C_EBREAK, 'c.ebreak'],
    [e.C_NOP, 'c.addi x0,0'],
  );
  only64.push(
    [c.ld(9, 14, 168), 'c.ld x9,168(x14)'],
    [c.sd(9, 14, 88), 'c.sd x9,88(x14)'],
    [c.addiw(21, -27), 'c.addiw x21,-27'],
    [c.subw(13, 10), 'c.subw x13,x10'],
    [c.addw(13, 10), 'c.addw x13,x10'],
    [c.srli(13, 53), 'c.srli x13,0x35'],
    [c.ldsp(21, 424), 'c.ldsp x21,424(x2)'],
    [c.sdsp(21, 344), 'c.sdsp x21,344(x2)'],
  );

  for (const [xlen, cases] of [
    [32, both],
    [64, [...both, ...only64]],
  ] as const) {
    test(`RV${xlen}: the disassembler reads back what was meant`, () => {
      expect(
        disassemble(
          cases.map(([word]) => word),
          xlen,
        ),
      ).toEqual(cases.map(([, text]) => text));
    });
  }

  test('branch and jump offsets of every bit', () => {
    const offsets = [-4096, -2, 2, 1364, 2730, 2048, 4094];
    const branches = Object.entries(e.BRANCHES).flatMap(([name, encode]) =>
      offsets.map((offset): [string, number, number] => [`${name} x4,x29,`, offset, encode(4, 29, offset)]),
    );
    const jumps = [-1048576, -2, 2, 349524, 699050, 2048, 1048574].map((offset): [string, number, number] => [
      'jal x1,',
      offset,
      e.jal(1, offset),
    ]);
    const short = [-256, -2, 2, 84, 170, 254].flatMap((offset): [string, number, number][] => [
      ['c.beqz x12,', offset, c.beqz(12, offset)],
      ['c.bnez x12,', offset, c.bnez(12, offset)],
    ]);
    const compressedJumps = [-2048, -2, 2, 684, 1364, 2046].flatMap((offset): [string, number, number][] => [
      ['c.j ', offset, c.j(offset)],
      ['c.jal ', offset, c.jal(offset)],
    ]);
    const cases = [...branches, ...jumps, ...short, ...compressedJumps];
    let at = 0;
    const expected = cases.map(([text, offset, word]) => {
      const target = (at + offset) >>> 0;
      at += e.instructionLength(word);
      return `${text}0x${target.toString(16)}`;
    });
    expect(
      disassemble(
        cases.map(([, , word]) => word),
        32,
      ),
    ).toEqual(expected);
  });
});
