/**
 * How fast recordings grow, beside QEMU's record/replay log of the same firmware at the same --icount shift: bytes
 * behind what a recording starts with (firmware, device tree, first checkpoint), by second of the host's time and by
 * million instructions. QEMU's log has no checkpoints, and needs the firmware beside it. BENCH_ELF names other
 * programs (separated by commas).
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { readRecording } from '../dist/replay/recording-reader.js';
import { LogWriter } from '../dist/replay/recording-writer.js';
import { BACKSTUB } from './support/whole-process.mjs';

const SHIFT = 3;
const programs = process.env.BENCH_ELF?.split(',') ?? [
  'fixtures/rv64/compute-long.elf',
  'fixtures/rv64/ticks.elf',
  'fixtures/rv64/devices.elf',
];
/** Those that the firmware uses. */
const DEVICES = { 'devices.elf': ['--rng', '--entropy', 'host', '--input', 'keyboard'] };
const QEMU_DEVICES = {
  'devices.elf': ['-device', 'virtio-rng-device', '-device', 'virtio-keyboard-device'],
};
const folder = mkdtempSync(join(tmpdir(), 'backstub-log-'));

function timed(file, args) {
  const start = performance.now();
  const { status, signal, stderr, error } = spawnSync(file, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 120_000,
  });
  const seconds = (performance.now() - start) / 1000;
  if (status === 0) return seconds;
  const why = error?.code ?? signal ?? `${status}: ${stderr.trim().split('\n').at(-1)}`;
  console.log(`${basename(file)} on ${args.at(-1)} ended with ${why}`);
  return undefined;
}

/** Bytes of a recording up to its first checkpoint, which is that of the machine before its first step. */
function bytesAtStart(header, first) {
  const writer = new LogWriter({ append() {}, close() {} }, header);
  writer.checkpoint(first);
  return writer.bytesWritten;
}

const row = (name, bytes, seconds, millions, rest) =>
  console.log(
    `${name.padEnd(18)} ${String(bytes).padStart(9)} bytes ${(bytes / seconds).toFixed(0).padStart(8)} a second ` +
      `${(bytes / millions).toFixed(1).padStart(8)} a million instructions${rest}`,
  );

try {
  for (const elf of programs) {
    const ours = join(folder, 'ours.bst');
    const theirs = join(folder, 'qemu.rr');
    const shared = ['-o', ours, '--serial', 'null', '--icount', `shift=${SHIFT}`];
    const devices = DEVICES[basename(elf)] ?? [];
    const seconds = timed(BACKSTUB, ['record', ...shared, ...devices, elf]);
    if (seconds === undefined) continue;
    const bytes = readFileSync(ours);
    const { header, events, checkpoints, end } = readRecording(new Uint8Array(bytes));
    const millions = end.icount / 1e6;
    console.log(`\n${elf}: ${millions.toFixed(1)} million instructions, shift=${SHIFT}`);
    const start = bytesAtStart(header, checkpoints[0]);
    const rest = `; ${events.length} inputs, ${checkpoints.length} checkpoints, ${start} bytes to start with`;
    row('backstub', bytes.length - start, seconds, millions, rest);
    const board = ['-M', 'virt', '-bios', 'none', '-display', 'none', '-serial', 'null', '-monitor', 'none'];
    const icount = ['-no-reboot', '-icount', `shift=${SHIFT},rr=record,rrfile=${theirs}`, '-net', 'none'];
    const extra = QEMU_DEVICES[basename(elf)] ?? [];
    const arch = elf.includes('rv32') ? 32 : 64;
    const qemu = timed(`qemu-system-riscv${arch}`, [...board, ...icount, ...extra, '-kernel', elf]);
    if (qemu !== undefined) row('qemu, rr=record', statSync(theirs).size, qemu, millions, '');
    rmSync(theirs, { force: true });
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
