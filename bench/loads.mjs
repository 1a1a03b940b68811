/**
 * Each kind of load, whole processes: our `run`, `record`, `verify`, a replay with gdb attached and a breakpoint that
 * is not reached, and QEMU, plain and recording, at the same --icount shift. Interleaved, medians, ratios.
 * BENCH_ROUNDS sets the number of rounds, BENCH_LOADS names loads (separated by commas), BACKSTUB_LINUX is a folder
 * with Linux's Image.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { argumentsFor, LOADS } from './support/guest-loads.mjs';
import { BACKSTUB, interleaved, measureProcess, median, replayWithGdb } from './support/whole-process.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const folder = mkdtempSync(join(tmpdir(), 'backstub-bench-'));
const recording = join(folder, 'ours.rec');

const ours = (command, load, ...more) => [BACKSTUB, argumentsFor(command, load, ...more)];
const qemu = (load, icount) => {
  const args = '-M virt -display none -serial null -monitor none -no-reboot -net none'.split(' ');
  args.push('-kernel', load.file);
  if (load.harts > 1) args.push('-smp', String(load.harts));
  args.push('-bios', load.bios ?? 'none', ...icount);
  if (load.append) args.push('-append', load.append);
  return ['qemu-system-riscv64', args];
};
const CONTENDERS = {
  'qemu, no icount': load => measureProcess(qemu(load, [])),
  'qemu, rr=record': load =>
    measureProcess(
      qemu(load, ['-icount', `shift=${load.shift},rr=record,rrfile=${join(folder, 'qemu.rr')}`]),
    ),
  run: load => measureProcess(ours('run', load)),
  'run, no JIT': load => measureProcess(ours('run', load, '--no-jit')),
  record: load => {
    rmSync(recording, { force: true });
    return measureProcess(ours('record', load, '-o', recording));
  },
  verify: () => measureProcess([BACKSTUB, ['verify', recording]]),
  'replay in gdb': () => replayWithGdb(recording),
};

/** Instructions, as the recording has them. */
async function instructions() {
  const { stdout } = await measureProcess([BACKSTUB, ['info', recording]]);
  return Number(/^length\s+(\d+) steps/m.exec(stdout)[1]);
}

const asked = process.env.BENCH_LOADS?.split(',');
try {
  for (const [name, load] of Object.entries(LOADS)) {
    if (asked && !asked.includes(name)) continue;
    const missing = [load.file, load.bios].find(file => file !== undefined && !existsSync(file));
    if (missing !== undefined) {
      console.log(`\n${name}: skipped, there is no ${missing}`);
      continue;
    }
    const results = await interleaved(CONTENDERS, name, load, ROUNDS);
    const count = await instructions();
    const time = contender => median((results[contender] ?? []).map(({ ms }) => ms));
    const [plain, recorded] = [time('qemu, no icount'), time('qemu, rr=record')];
    console.log(`\n${name}: ${(count / 1e6).toFixed(0)} million instructions, shift=${load.shift}`);
    console.log(`${`seconds, median of ${ROUNDS}`.padEnd(22)}          x plain  x record    MIPS  RSS MB`);
    for (const [contender, all] of Object.entries(results)) {
      const ms = time(contender);
      const rss = median(all.map(one => one.rssMb));
      const columns = [(ms / 1000).toFixed(3), (ms / plain).toFixed(2), (ms / recorded).toFixed(2)];
      columns.push((count / ms / 1000).toFixed(0), rss === undefined ? '-' : rss.toFixed(0));
      console.log(contender.padEnd(22) + columns.map(text => text.padStart(9)).join(''));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
