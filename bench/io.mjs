/**
 * What recording costs a guest that is busy with devices, and what its log holds: our `run`, `record` and `verify`,
 * whole processes, interleaved; medians. Processor time is the measure on a computer that has other work, too.
 * BENCH_ROUNDS sets the number of rounds, BENCH_LOADS names loads (separated by commas), BACKSTUB_LINUX_DEVICES is a
 * folder with the kernel and initrd of test/guests/linux (default: what `npm run test:full` built).
 */
import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecording } from '../dist/replay/recording-reader.js';
import { BACKSTUB, interleaved, measureProcess, median } from './support/whole-process.mjs';

const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5);
const OPENSBI = '/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin';
/** Built into fixtures/rv64/bench-devices.elf. */
const ECHO_PORT = 27_007;
const ANSWER_PORT = 27_008;
const ANSWER_BYTES = 400_000;
const DISK_BYTES = 4 << 20;

const folder = mkdtempSync(join(tmpdir(), 'backstub-bench-'));
const disk = join(folder, 'disk.img');
const recording = join(folder, 'run.bst');
writeFileSync(disk, new Uint8Array(DISK_BYTES));

const kernelFolder = () => {
  const cache = join(homedir(), '.cache/backstub');
  const built = existsSync(cache) ? readdirSync(cache).filter(name => name.startsWith('linux-devices-')) : [];
  return process.env.BACKSTUB_LINUX_DEVICES ?? join(cache, built[0] ?? 'linux-devices');
};
const linux = name => join(kernelFolder(), name);
const COMMON = [
  '--serial',
  'null',
  '--clock',
  'virtual',
  '--entropy',
  'host',
  '--rng',
  '--virtio-console',
  'null',
];
const DEVICES = [...COMMON, '--net', 'user', '--disk', disk, '--disk-async'];
const LOADS = {
  'compute, no device': { needs: ['fixtures/rv64/compute-long.elf'], args: ['--serial', 'null'] },
  'firmware, all devices': {
    needs: ['fixtures/rv64/bench-devices.elf'],
    args: [...DEVICES, '--input', 'keyboard', '--sound', 'null', '--smp', '2'],
  },
  'Linux: disk, network, console': {
    needs: [linux('Image'), linux('initrd'), OPENSBI],
    disk: () => spawnSync('mke2fs', ['-q', '-F', disk, '4096']),
    args: [
      ...DEVICES,
      '--bios',
      OPENSBI,
      '--initrd',
      linux('initrd'),
      '--append',
      `console=ttyS0 ip=dhcp udp=${ECHO_PORT} tcp=${ANSWER_PORT} rounds=10 lines=10000`,
    ],
  },
};

const echo = createSocket('udp4');
echo.on('message', (bytes, from) => echo.send(bytes, from.port, from.address));
const answer = Uint8Array.from({ length: ANSWER_BYTES }, (_, i) => (i * 31 + (i >> 7)) & 0xff);
const server = createServer({ allowHalfOpen: true }, socket => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end(answer));
});
// Rejects when the port is taken.
await once(echo.bind(ECHO_PORT, '127.0.0.1'), 'listening');
await once(server.listen(ANSWER_PORT, '127.0.0.1'), 'listening');

const backstub = (...args) => measureProcess([BACKSTUB, args]);
const CONTENDERS = {
  run: load => backstub('run', load.needs[0], ...load.args),
  record: load => {
    rmSync(recording, { force: true });
    return backstub('record', load.needs[0], ...load.args, '-o', recording);
  },
  verify: () => backstub('verify', recording),
};

/** What is in the log, beside what it starts with. */
function describeLog() {
  const bytes = readFileSync(recording);
  const { events: log, checkpoints, end } = readRecording(new Uint8Array(bytes));
  const events = [...log];
  const payload = events.reduce((sum, { event }) => sum + (event.bytes?.length ?? 0), 0);
  const counts = {};
  for (const { event } of events) counts[event.kind] = (counts[event.kind] ?? 0) + 1;
  const kinds = Object.entries(counts).map(([kind, count]) => `${count} ${kind}`);
  return (
    `${(end.icount / 1e6).toFixed(0)} million instructions; ${events.length} events (${kinds.join(', ')}) with ` +
    `${payload} bytes, ${checkpoints.length} checkpoints; ${bytes.length} bytes of file`
  );
}

const asked = process.env.BENCH_LOADS?.split(',');
try {
  for (const [name, load] of Object.entries(LOADS)) {
    if (asked && !asked.includes(name)) continue;
    const missing = load.needs.find(file => !existsSync(file));
    if (missing !== undefined) {
      console.log(`\n${name}: skipped, there is no ${missing}`);
      continue;
    }
    load.disk?.();
    const results = await interleaved(CONTENDERS, name, load, ROUNDS);
    const of = (contender, key) => median(results[contender].map(one => one[key]));
    console.log(`\n${name}: ${describeLog()}`);
    console.log(`${`seconds, median of ${ROUNDS}`.padEnd(22)}     wall    x run      cpu    x run`);
    for (const contender of Object.keys(CONTENDERS)) {
      const columns = ['ms', 'cpuMs'].flatMap(key => [
        (of(contender, key) / 1000).toFixed(2),
        (of(contender, key) / of('run', key)).toFixed(3),
      ]);
      console.log(contender.padEnd(22) + columns.map(text => text.padStart(9)).join(''));
    }
  }
} finally {
  echo.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
}
