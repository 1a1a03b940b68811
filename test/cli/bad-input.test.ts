import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { backstub, REPOSITORY, scratchFolder } from './backstub.js';

const DEMO = readFileSync(join(REPOSITORY, 'fixtures/rv64/demo.elf'));

const changed = (bytes: Buffer, change: (copy: Buffer) => void): Buffer => {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
};

/** ELF64: e_machine at 18, e_phoff at 32, p_paddr at 24 of a program header of 56 bytes. */
const moveSegments = (elf: Buffer) => {
  const headers = Number(elf.readBigUInt64LE(32));
  for (let i = 0; i < elf.readUInt16LE(56); i++) {
    if (elf.readUInt32LE(headers + 56 * i) === 1) elf.writeBigUInt64LE(0x1000_0000n, headers + 56 * i + 24);
  }
};

async function expectOneLine(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await backstub(...args);
  expect(stderr).toMatch(/^backstub: error: [^\n]*\n$/);
  expect(stderr).toMatch(message);
  expect(stderr).not.toContain('internal error');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
}

describe('firmware that cannot run is one line and exit code 2', () => {
  test.each<[string, Buffer, RegExp]>([
    ['for another machine', changed(DEMO, elf => elf.writeUInt16LE(62, 18)), /for x86-64, not for RISC-V/],
    ['cut short', DEMO.subarray(0, 500), /is truncated/],
    ['outside of RAM', changed(DEMO, moveSegments), /outside RAM/],
  ])('%s', async (_, bytes, message) => {
    const path = join(scratchFolder(), 'firmware.elf');
    writeFileSync(path, bytes);
    await expectOneLine(['run', path], message);
    await expectOneLine(['serve', path, '--gdb', '127.0.0.1:0'], message);
    await expectOneLine(['record', path, '-o', join(scratchFolder(), 'x.bst')], message);
  });

  test('too little and too much memory', async () => {
    const demo = 'fixtures/rv64/demo.elf';
    await expectOneLine(['run', demo, '--memory', '16K'], /outside RAM.*: give --memory 1M\n$/);
    await expectOneLine(
      ['run', demo, '--memory', '900G'],
      /must be at most 3G: a machine lives in one WebAssembly memory/,
    );
    await expectOneLine(['run', demo, '--memory', '1000001'], /a multiple of 4096 bytes/);
  });
});

test('recordings that cannot be replayed are one line and exit code 2', async () => {
  const folder = scratchFolder();
  const whole = join(folder, 'whole.bst');
  await backstub('record', 'fixtures/rv64/demo.elf', '-o', whole, '--serial', 'null', '--max-icount', '5000');
  const bytes = readFileSync(whole);
  for (const [name, damaged, message] of [
    ['cut', bytes.subarray(0, 3000), /cut at byte 3000/],
    ['garbled', changed(bytes, copy => copy.fill(0x55, 1000, 1010)), /damaged at byte \d+/],
    ['strange', Buffer.from('something else altogether'), /not a backstub recording/],
  ] as const) {
    const path = join(folder, `${name}.bst`);
    writeFileSync(path, damaged);
    await expectOneLine(['verify', path], message);
    await expectOneLine(['info', path], message);
    await expectOneLine(['replay', path, '--gdb', '127.0.0.1:0'], message);
  }
});
