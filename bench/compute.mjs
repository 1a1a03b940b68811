/**
 * Integer code without devices, RV64 and RV32: our machine with and without compiled code, the command line's `run`
 * and `record`, and QEMU, plain and recording, at the same --icount shift. Whole processes, interleaved; medians.
 * BENCH_ROUNDS sets the number of rounds, BENCH_ELF names other programs (separated by commas).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BACKSTUB } from './support/whole-process.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const SHIFT = 1;
const programs = process.env.BENCH_ELF?.split(',') ?? [
  'fixtures/rv64/compute-long.elf',
  'fixtures/rv32/compute-long.elf',
];
const folder = mkdtempSync(join(tmpdir(), 'backstub-bench-'));
const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];

const node = (...args) => [process.execPath, args];
const cli = (command, ...args) => [BACKSTUB, [command, ...args, '--icount', `shift=${SHIFT}`]];
const machine = (elf, engine) => node('bench/support/run-machine.mjs', elf, String(SHIFT), engine);
const qemu = (elf, icount) => [
  `qemu-system-riscv${elf.includes('rv32') ? 32 : 64}`,
  ['-M', 'virt', '-bios', 'none', '-nographic', '-no-reboot', ...icount, '-kernel', elf],
];
const CONTENDERS = {
  'machine, compiled': elf => machine(elf, 'jit'),
  'machine, interpreted': elf => machine(elf, 'no-jit'),
  'backstub run': elf => cli('run', elf, '--serial', 'null'),
  'backstub record': elf => cli('record', elf, '--serial', 'null', '-o', join(folder, 'ours.rec')),
  'qemu, no icount': elf => qemu(elf, []),
  'qemu, icount': elf => qemu(elf, ['-icount', `shift=${SHIFT}`]),
  'qemu, rr=record': elf =>
    qemu(elf, ['-icount', `shift=${SHIFT},rr=record,rrfile=${join(folder, 'qemu.rr')}`, '-net', 'none']),
};

try {
  for (const elf of programs) {
    const times = {};
    let engine;
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, command] of Object.entries(CONTENDERS)) {
        const [file, args] = command(elf);
        rmSync(join(folder, 'ours.rec'), { force: true });
        const start = performance.now();
        const { status, signal, stdout, stderr } = spawnSync(file, args, {
          encoding: 'utf8',
          timeout: 120_000,
        });
        if (signal || status !== 0) {
          console.error(
            `${name} on ${elf} ended with ${signal ?? status}: ${stderr.trim().split('\n').at(-1)}`,
          );
          continue;
        }
        times[name] = [...(times[name] ?? []), performance.now() - start];
        if (name === 'machine, compiled') engine = JSON.parse(stdout);
      }
    }
    const plain = median(times['qemu, no icount'] ?? [Number.NaN]);
    const recording = median(times['qemu, rr=record'] ?? [Number.NaN]);
    console.log(`\n${elf}: ${(engine.icount / 1e6).toFixed(0)} million instructions, shift=${SHIFT}`);
    console.log(
      `${'seconds, median of'.padEnd(22)} ${String(ROUNDS).padStart(7)}  x plain  x record    MIPS`,
    );
    for (const [name, all] of Object.entries(times)) {
      const ms = median(all);
      const ratio = base => (ms / base).toFixed(2).padStart(8);
      const mips = (engine.icount / ms / 1000).toFixed(0).padStart(7);
      console.log(
        `${name.padEnd(22)} ${(ms / 1000).toFixed(3).padStart(7)} ${ratio(plain)} ${ratio(recording)} ${mips}`,
      );
    }
    console.log(
      `compiled: ${engine.compiled} regions, ${engine.present} kept, ${engine.instructions} instructions, ` +
        `${engine.bytes} bytes, ${engine.compileMs.toFixed(0)} ms; RSS ${engine.rssMb.toFixed(0)} MB; ` +
        `${(engine.icount / engine.runMs / 1000).toFixed(0)} MIPS without start-up`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
